//! Arguments of `turnstone explain` and `turnstone diagnose`.

use super::Target;
use clap::{Args, ValueEnum};
use std::time::Duration;
use turnstone_types::Timestamp;

/// How an answer is printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// For people: the text as it is written, then the lines that it names
    Text,
    /// One frame a line, by the field names of the gRPC interface
    Jsonl,
}

#[derive(Args)]
pub struct Explain {
    /// The entry; `turnstone search --format jsonl` and `turnstone detections list` show ids
    #[arg(value_name = "ENTRY_ID")]
    pub entry_id: String,
    /// Ask the model anew, also where an answer is kept
    #[arg(long)]
    pub refresh: bool,
    #[arg(long, value_enum, default_value = "text")]
    pub format: AnswerFormat,
    #[command(flatten)]
    pub target: Target,
}

#[derive(Args)]
pub struct Diagnose {
    /// What you want to know; what is going wrong, unless given
    #[arg(default_value = "", value_name = "QUESTION", allow_hyphen_values = true)]
    pub question: String,
    /// Lines at or after this time, as RFC 3339; an hour before the end unless given
    #[arg(long, value_name = "TIME", conflicts_with = "last")]
    pub from: Option<Timestamp>,
    /// Lines before this time, as RFC 3339; now unless given
    #[arg(long, value_name = "TIME")]
    pub until: Option<Timestamp>,
    /// So long before the end, for example 90s, 15m, 6h or 7d
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub last: Option<Duration>,
    /// Only this source; may be given several times
    #[arg(long = "source", value_name = "SOURCE_ID")]
    pub sources: Vec<String>,
    #[arg(long, value_enum, default_value = "text")]
    pub format: AnswerFormat,
    #[command(flatten)]
    pub target: Target,
}

/// Reads a whole number with a unit.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let malformed = || "write a whole number and a unit, for example 90s, 15m, 6h or 7d".to_owned();
    let (digits, unit) = text
        .char_indices()
        .next_back()
        .map(|(place, _)| text.split_at(place))
        .ok_or_else(malformed)?;
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(malformed()),
    };
    let number: u64 = digits.parse().map_err(|_| malformed())?;
    match number.checked_mul(seconds) {
        Some(seconds @ 1..) => Ok(Duration::from_secs(seconds)),
        _ => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_unit() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("6h", 21_600), ("7d", 604_800)] {
            assert_eq!(span(text), Ok(Duration::from_secs(seconds)));
        }
        for wrong in [
            "",
            "h",
            "1",
            "1w",
            "-1h",
            "1.5h",
            "0h",
            "1é",
            "99999999999999999999d",
            "999999999999999999d",
        ] {
            assert!(span(wrong).is_err(), "{wrong:?}");
        }
    }
}
