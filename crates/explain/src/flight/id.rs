//! What a frame is called across connections: the value of `Last-Event-ID`.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::str::FromStr;

/// A frame of one generation. Written as `1f3a.17`: the generation in hexadecimal, the number of the frame from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameId {
    /// Which generation.
    pub flight: u64,
    /// Which of its frames, from 1; 0 stands before the first.
    pub number: u64,
}

/// The text is no id of a frame. Whoever sent it reads from the first frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no id of a frame: it reads like 1f3a.17")]
pub struct UnknownFrameId;

impl fmt::Display for FrameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}", self.flight, self.number)
    }
}

impl FromStr for FrameId {
    type Err = UnknownFrameId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (flight, number) = text.split_once('.').ok_or(UnknownFrameId)?;
        Ok(Self {
            flight: u64::from_str_radix(flight, 16).map_err(|_| UnknownFrameId)?,
            number: number.parse().map_err(|_| UnknownFrameId)?,
        })
    }
}

/// Some number that another run of this program does not have; it need not be secret.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
