//! Times what is asked many times: one reader after the other question, or several at once. Owns the arithmetic of percentiles.

use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt};
use std::time::{Duration, Instant};

/// Rounds before those that count: connections are made, statements prepared, pages read.
const WARM_UP_ROUNDS: u64 = 5;

/// Rounds that are asked whatever they take.
const ROUNDS_MIN: u64 = 3;

/// What a question answered: how many rows.
pub type Asked<'a> = BoxFuture<'a, anyhow::Result<u64>>;

/// The times of one question, in rising order, and the rows of its answers.
#[derive(Debug, Clone, Default)]
pub struct Times {
    sorted: Vec<Duration>,
    rows: u64,
}

impl Times {
    pub fn new(mut times: Vec<Duration>, rows: u64) -> Self {
        times.sort_unstable();
        Self { sorted: times, rows }
    }

    pub fn rounds(&self) -> usize {
        self.sorted.len()
    }

    /// The time that at least this share of the rounds did not exceed: the nearest rank, and no value between two.
    pub fn percentile(&self, percent: f64) -> Duration {
        let rank = (percent / 100.0 * self.sorted.len() as f64).ceil() as usize;
        let place = rank.clamp(1, self.sorted.len().max(1)) - 1;
        self.sorted.get(place).copied().unwrap_or_default()
    }

    /// The longest.
    pub fn longest(&self) -> Duration {
        self.sorted.last().copied().unwrap_or_default()
    }

    /// Rows of an answer on average.
    pub fn rows_mean(&self) -> f64 {
        self.rows as f64 / self.sorted.len().max(1) as f64
    }
}

/// How often to ask, how many at once, and for how long: a question that takes seconds is asked less often.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    pub rounds: u32,
    pub readers: u32,
    /// After this no round begins, but for the first three.
    pub time_max: Duration,
}

/// Asks as often as `effort` says. Each round gets its number, to ask another thing each time.
pub async fn measure<'a>(effort: Effort, ask: impl Fn(u64) -> Asked<'a>) -> anyhow::Result<Times> {
    let (rounds, began) = (u64::from(effort.rounds), Instant::now());
    for round in 0..WARM_UP_ROUNDS.min(rounds) {
        if round == 0 || began.elapsed() < effort.time_max / 4 {
            ask(rounds + round).await?;
        }
    }
    let began = Instant::now();
    let timed = |round| {
        // Made before the clock starts and not as it is first polled.
        let asked = ask(round);
        async move {
            let started = Instant::now();
            let rows = asked.await?;
            anyhow::Ok((started.elapsed(), rows))
        }
    };
    let answers: Vec<(Duration, u64)> = futures::stream::iter(
        (0..rounds).take_while(|round| *round < ROUNDS_MIN || began.elapsed() < effort.time_max),
    )
    .map(timed)
    .buffer_unordered(effort.readers.max(1) as usize)
    .try_collect()
    .await?;
    let rows = answers.iter().map(|(_, rows)| rows).sum();
    Ok(Times::new(
        answers.into_iter().map(|(time, _)| time).collect(),
        rows,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(milliseconds: impl IntoIterator<Item = u64>) -> Times {
        Times::new(milliseconds.into_iter().map(Duration::from_millis).collect(), 0)
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        // 1 to 200 in no order.
        let times = times((0..200).map(|place| place * 77 % 200 + 1));
        let percentile = |percent| times.percentile(percent).as_millis();
        assert_eq!(
            (percentile(50.0), percentile(99.0), percentile(100.0)),
            (100, 198, 200)
        );
        assert_eq!((percentile(0.0), percentile(0.4)), (1, 1));
        assert_eq!((times.longest().as_millis(), times.rounds()), (200, 200));
    }

    #[test]
    fn few_rounds_have_percentiles_too() {
        assert_eq!(times([7]).percentile(99.0).as_millis(), 7);
        assert_eq!(times([1, 9]).percentile(50.0).as_millis(), 1);
        assert_eq!(times([1, 9]).percentile(99.0).as_millis(), 9);
        assert_eq!(times([]).percentile(99.0), Duration::ZERO);
    }

    fn effort(rounds: u32, readers: u32, seconds: u64) -> Effort {
        Effort {
            rounds,
            readers,
            time_max: Duration::from_secs(seconds),
        }
    }

    #[tokio::test]
    async fn a_question_that_takes_too_long_is_asked_less_often() {
        let times = measure(effort(1_000, 1, 0), |_| Box::pin(async { Ok(1) }))
            .await
            .unwrap();
        assert_eq!(times.rounds() as u64, ROUNDS_MIN);
    }

    #[tokio::test]
    async fn each_round_is_asked_once_and_rows_are_averaged() {
        let asked = std::sync::Mutex::new(Vec::new());
        let times = measure(effort(20, 4, 60), |round| {
            asked.lock().unwrap().push(round);
            Box::pin(async move { Ok(round % 2) })
        })
        .await
        .unwrap();
        let mut asked = asked.into_inner().unwrap();
        asked.sort_unstable();
        assert_eq!(asked, (0..25).collect::<Vec<u64>>());
        assert_eq!((times.rounds(), times.rows_mean()), (20, 0.5));
    }
}
