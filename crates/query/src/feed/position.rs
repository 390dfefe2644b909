//! How far the detection feed has been followed: the highest sequence and the gaps below it that may still fill.
//! Pure bookkeeping; asking the store is the poller's part.

use std::fmt;
use std::str::FromStr;

/// Gaps that the text form spells out; more than these are joined, which can only repeat detections, never lose one.
const WRITTEN_GAPS_MAX: usize = 32;

/// A run of sequences that were not visible when a higher one was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    /// Lowest missing sequence.
    pub first: i64,
    /// Highest missing sequence.
    pub last: i64,
}

/// Everything up to `highest` has been taken, except what lies in `gaps`.
///
/// Its text form is the highest sequence, followed by the gaps where there are any: `105` or `105:90-92,103-103`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FeedPosition {
    highest: i64,
    /// Ascending, disjoint, all below `highest`.
    gaps: Vec<Gap>,
}

impl FeedPosition {
    /// A position without gaps.
    pub fn at(highest: i64) -> Self {
        Self {
            highest: highest.max(0),
            gaps: Vec::new(),
        }
    }

    /// The highest sequence taken.
    pub fn highest(&self) -> i64 {
        self.highest
    }

    /// The gaps, lowest first.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// The sequence after which a follower must ask to miss nothing.
    pub fn low_water(&self) -> i64 {
        self.gaps.first().map_or(self.highest, |gap| gap.first - 1)
    }

    /// Whether the sequence has been taken (or given up).
    pub fn contains(&self, sequence: i64) -> bool {
        sequence <= self.highest && self.gap_index(sequence).is_none()
    }

    /// Takes one sequence; false where it had been taken before. What it leaps over becomes a gap.
    pub fn take(&mut self, sequence: i64) -> bool {
        if sequence > self.highest {
            if sequence > self.highest + 1 {
                self.gaps.push(Gap {
                    first: self.highest + 1,
                    last: sequence - 1,
                });
            }
            self.highest = sequence;
            return true;
        }
        let Some(index) = self.gap_index(sequence) else {
            return false;
        };
        let gap = self.gaps[index];
        let below = Gap {
            first: gap.first,
            last: sequence - 1,
        };
        let above = Gap {
            first: sequence + 1,
            last: gap.last,
        };
        let left_over = [below, above].into_iter().filter(|part| part.first <= part.last);
        self.gaps.splice(index..=index, left_over);
        true
    }

    /// Gives up all that is missing up to and including `sequence`: it counts as taken from now on.
    pub fn give_up_through(&mut self, sequence: i64) {
        self.gaps.retain_mut(|gap| {
            gap.first = gap.first.max(sequence + 1);
            gap.first <= gap.last
        });
    }

    /// The position of a client at `self` that has since been handed everything up to `sequence` which `server` had taken:
    /// what the server itself still misses there stays missing.
    pub fn caught_up_to(&self, sequence: i64, server: &Self) -> Self {
        let highest = sequence.max(self.highest);
        let missing_at_server = server.gaps.iter().filter(|gap| gap.first <= sequence);
        let mut gaps: Vec<Gap> = missing_at_server
            .map(|gap| Gap {
                first: gap.first,
                last: gap.last.min(sequence),
            })
            .filter(|gap| !self.took_all(*gap))
            .collect();
        gaps.extend(self.gaps.iter().filter(|gap| gap.last > sequence).map(|gap| Gap {
            first: gap.first.max(sequence + 1),
            last: gap.last,
        }));
        Self { highest, gaps }
    }

    fn took_all(&self, gap: Gap) -> bool {
        gap.last <= self.highest
            && !self
                .gaps
                .iter()
                .any(|own| own.first <= gap.last && gap.first <= own.last)
    }

    fn gap_index(&self, sequence: i64) -> Option<usize> {
        let index = self.gaps.partition_point(|gap| gap.last < sequence);
        self.gaps
            .get(index)
            .filter(|gap| gap.first <= sequence)
            .map(|_| index)
    }
}

impl fmt::Display for FeedPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.highest)?;
        let joined_count = self.gaps.len().saturating_sub(WRITTEN_GAPS_MAX - 1);
        let (joined, kept) = if self.gaps.len() > WRITTEN_GAPS_MAX {
            self.gaps.split_at(joined_count)
        } else {
            self.gaps.split_at(0)
        };
        let join = joined.first().zip(joined.last()).map(|(first, last)| Gap {
            first: first.first,
            last: last.last,
        });
        for (index, gap) in join.iter().chain(kept).enumerate() {
            let separator = if index == 0 { ':' } else { ',' };
            write!(f, "{separator}{}-{}", gap.first, gap.last)?;
        }
        Ok(())
    }
}

/// A text that is no feed position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no position in the detection feed; send back the id of an event of this stream, or none")]
pub(crate) struct PositionError(String);

impl FromStr for FeedPosition {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        parse_position(text).ok_or_else(|| PositionError(text.chars().take(40).collect()))
    }
}

fn parse_position(text: &str) -> Option<FeedPosition> {
    // i64::MAX itself is refused so that the arithmetic on sequences cannot overflow.
    let sequence = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits
            .parse::<i64>()
            .ok()
            .filter(|value| plain && *value < i64::MAX)
    };
    let (highest, gaps_text) = match text.split_once(':') {
        Some((highest, gaps)) => (sequence(highest)?, Some(gaps)),
        None => (sequence(text)?, None),
    };
    let mut gaps: Vec<Gap> = Vec::new();
    for gap_text in gaps_text.iter().flat_map(|gaps| gaps.split(',')) {
        let (first, last) = gap_text.split_once('-')?;
        let gap = Gap {
            first: sequence(first)?,
            last: sequence(last)?,
        };
        let lowest_allowed = gaps.last().map_or(1, |before| before.last + 1);
        if gap.first < lowest_allowed
            || gap.last < gap.first
            || gap.last >= highest
            || gaps.len() == WRITTEN_GAPS_MAX
        {
            return None;
        }
        gaps.push(gap);
    }
    Some(FeedPosition { highest, gaps })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(text: &str) -> FeedPosition {
        text.parse().expect("valid")
    }

    #[test]
    fn each_sequence_is_taken_once_in_any_order() {
        let mut followed = FeedPosition::at(10);
        let taken: Vec<bool> = [11, 15, 13, 13, 12, 14, 15, 9]
            .into_iter()
            .map(|sequence| followed.take(sequence))
            .collect();
        assert_eq!(taken, [true, true, true, false, true, true, false, false]);
        assert_eq!(followed, FeedPosition::at(15));
    }

    #[test]
    fn gaps_split_and_are_given_up() {
        let mut followed = FeedPosition::at(0);
        assert!(followed.take(10) && followed.take(5));
        assert_eq!(followed.to_string(), "10:1-4,6-9");
        assert_eq!(followed.low_water(), 0);
        assert!(followed.contains(5) && !followed.contains(6) && !followed.contains(11));
        followed.give_up_through(7);
        assert_eq!(followed.to_string(), "10:8-9");
        assert!(!followed.take(4), "given up for good");
    }

    #[test]
    fn the_text_form_round_trips_and_refuses_nonsense() {
        for text in ["0", "105", "105:90-92,103-103"] {
            assert_eq!(position(text).to_string(), text);
        }
        let nonsense = [
            "",
            "-1",
            "+5",
            "x",
            "5:",
            "5:9-9",
            "5:3-2",
            "9:4-5,5-6",
            "9:0-1",
            "9223372036854775807",
            "5:1-2,",
            "5 ",
        ];
        for text in nonsense {
            assert!(text.parse::<FeedPosition>().is_err(), "{text:?} must be refused");
        }
    }

    #[test]
    fn many_gaps_are_joined_without_losing_one() {
        let mut followed = FeedPosition::at(0);
        for sequence in 1..=100 {
            followed.take(sequence * 2);
        }
        let read_back = position(&followed.to_string());
        assert_eq!(read_back.gaps().len(), WRITTEN_GAPS_MAX);
        assert!((1..=200).all(|sequence| followed.contains(sequence) || !read_back.contains(sequence)));
    }

    #[test]
    fn catching_up_keeps_what_neither_side_has() {
        let client = position("20:5-6,12-14");
        let server = position("40:12-12,30-31");
        assert_eq!(client.caught_up_to(4, &server).to_string(), "20:5-6,12-14");
        assert_eq!(client.caught_up_to(13, &server).to_string(), "20:12-12,14-14");
        assert_eq!(client.caught_up_to(40, &server).to_string(), "40:12-12,30-31");
        // What the server misses and the client has must not be asked for again.
        assert_eq!(position("35").caught_up_to(40, &server).to_string(), "40");
    }
}
