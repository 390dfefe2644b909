//! How long a batch that failed for a passing reason rests before it is tried again.

use rand::Rng;
use std::time::Duration;

const DELAY_FIRST: Duration = Duration::from_secs(1);
const DELAY_MAX: Duration = Duration::from_secs(120);

/// The delay to give to [`crate::Delivery::retry_after`] when attempt `attempt` (1-based) has failed: about 1 s, 2 s, 4 s …
/// up to 2 minutes, each spread by a quarter either way so that batches that failed together do not come back together.
pub fn redelivery_delay(attempt: u64) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1))
        .unwrap_or(u32::MAX)
        .min(16);
    let delay = (DELAY_FIRST * 2_u32.pow(doublings)).min(DELAY_MAX);
    delay.mul_f64(rand::rng().random_range(0.75..=1.25))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_are_spread_and_stay_bounded() {
        for (attempt, centre_seconds) in [
            (0, 1.0),
            (1, 1.0),
            (2, 2.0),
            (3, 4.0),
            (7, 64.0),
            (8, 120.0),
            (u64::MAX, 120.0),
        ] {
            let delays: Vec<f64> = (0..200)
                .map(|_| redelivery_delay(attempt).as_secs_f64())
                .collect();
            assert!(
                delays
                    .iter()
                    .all(|d| (0.75 * centre_seconds..=1.25 * centre_seconds).contains(d)),
                "{attempt}"
            );
            assert!(delays.iter().any(|d| *d < centre_seconds) && delays.iter().any(|d| *d > centre_seconds));
        }
    }
}
