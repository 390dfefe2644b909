//! `turnstone detections`.

use super::explain::span;
use super::{Format, Target};
use clap::{Args, Subcommand};
use std::str::FromStr;
use std::time::Duration;
use turnstone_types::{Fingerprint, NotAFingerprint, Severity, Timestamp, Verdict};

#[derive(Subcommand)]
pub enum Detections {
    /// List detections, newest first, or with --group those of one message as one row
    #[command(
        after_help = "Examples:\n  turnstone detections list --unacknowledged --label SECURITY_ANOMALY --limit 20\n  turnstone detections list --group --unacknowledged\n  turnstone detections list --text '\"connection refused\" -test' --suppressed=false"
    )]
    List(ListDetections),
    /// Mark detections as seen, by ids, by group or by filter, and say what they were
    #[command(
        after_help = "Examples:\n  turnstone detections ack 0199a… --verdict false_positive --notes 'known scanner'\n  turnstone detections ack --group ssh/SECURITY_ANOMALY/eaa91a93d0c1f6c9 --by ada\n  turnstone detections ack --label NETWORK_ANOMALY --source web --dry-run\n  turnstone detections ack --all"
    )]
    Ack(AckDetections),
    /// Undo an acknowledgement as a whole
    #[command(
        after_help = "What it acknowledged gets its state from before back, but for what something else has changed since."
    )]
    Undo(UndoDetections),
    /// Open acknowledged detections again
    Unack(UnackDetections),
    /// Let detections of a message come acknowledged until a moment
    #[command(
        after_help = "Example:\n  turnstone detections suppress eaa91a93d0c1f6c9 --source ssh --for 7d --reason 'penetration test'\n\n`turnstone detections list --group` shows fingerprints."
    )]
    Suppress(Suppress),
    /// List suppressions, or remove one
    Suppressions(Suppressions),
    /// Print new detections as they are made, until Ctrl-C
    Watch(WatchDetections),
}

/// Which detections.
#[derive(Args, Clone, Default)]
pub struct DetectionFilter {
    /// Only this label, in any case
    #[arg(long, value_name = "LABEL")]
    pub label: Option<String>,
    /// Only detections that nobody has acknowledged
    #[arg(long)]
    pub unacknowledged: bool,
    /// Only those of this scorer, in any case
    #[arg(long, value_name = "NAME")]
    pub scorer: Option<String>,
    /// Only this severity
    #[arg(long, value_name = "SEVERITY", value_parser = clap::value_parser!(Severity))]
    pub severity: Option<Severity>,
    /// Only this source
    #[arg(long, value_name = "SOURCE_ID")]
    pub source: Option<String>,
    /// Only messages with this fingerprint: the same words, whatever their numbers, addresses and ids
    #[arg(long, value_name = "FINGERPRINT", value_parser = fingerprint)]
    pub fingerprint: Option<Fingerprint>,
    /// Only those that a suppression acknowledged; with =false only the others
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub suppressed: Option<bool>,
    /// Only lines with these words, "phrases", prefix*, -not
    #[arg(long, value_name = "QUERY", allow_hyphen_values = true)]
    pub text: Option<String>,
}

/// What was said of them.
#[derive(Args, Clone, Default)]
pub struct JudgedAs {
    /// Only those with this verdict: true_positive, false_positive or expected
    #[arg(long, value_name = "VERDICT", value_parser = verdict)]
    pub verdict: Option<Verdict>,
}

#[derive(Args)]
pub struct ListDetections {
    /// Most rows to print
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub limit: u32,
    /// One row for each message of a source and label; filters but source, label and severity are about its newest detection
    #[arg(long)]
    pub group: bool,
    #[command(flatten)]
    pub filter: DetectionFilter,
    #[command(flatten)]
    pub judged_as: JudgedAs,
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    #[command(flatten)]
    pub target: Target,
}

#[derive(Args)]
pub struct AckDetections {
    /// Ids of detections; none acknowledges all that match the filter
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// A group, as `detections list --group` shows it; may be given more than once
    #[arg(
        long = "group",
        value_name = "SOURCE/LABEL/FINGERPRINT",
        conflicts_with = "ids"
    )]
    pub groups: Vec<GroupName>,
    /// With --group: detections made at this moment or before, as RFC 3339; those that are there now unless given
    #[arg(long, value_name = "TIME", requires = "groups", conflicts_with = "ids")]
    pub until: Option<Timestamp>,
    /// What they were: true_positive (right, and it matters), false_positive (wrong), expected (right, but known)
    #[arg(long, value_name = "VERDICT", value_parser = verdict)]
    pub verdict: Option<Verdict>,
    /// Note to keep with them
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub notes: String,
    /// Who says so
    #[arg(long, default_value = "", value_name = "NAME")]
    pub by: String,
    /// Only say how many
    #[arg(long)]
    pub dry_run: bool,
    /// Every detection, where no filter is given
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub filter: DetectionFilter,
    #[command(flatten)]
    pub target: Target,
}

#[derive(Args)]
pub struct UndoDetections {
    /// The operation, as `detections ack` named it
    #[arg(value_name = "OPERATION_ID")]
    pub operation_id: String,
    #[command(flatten)]
    pub target: Target,
}

#[derive(Args)]
pub struct UnackDetections {
    /// Ids of detections; none opens all that match the filter
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// Every detection, where no filter is given
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub filter: DetectionFilter,
    #[command(flatten)]
    pub judged_as: JudgedAs,
    #[command(flatten)]
    pub target: Target,
}

#[derive(Args)]
pub struct Suppress {
    /// The message: 16 hexadecimal digits
    #[arg(value_name = "FINGERPRINT", value_parser = fingerprint)]
    pub fingerprint: Fingerprint,
    /// Only of this source
    #[arg(long, value_name = "SOURCE_ID")]
    pub source: Option<String>,
    /// Only of this label
    #[arg(long, value_name = "LABEL")]
    pub label: Option<String>,
    #[command(flatten)]
    pub moment: Moment,
    /// Why; becomes the note of the detections
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who says so
    #[arg(long, default_value = "", value_name = "NAME")]
    pub by: String,
    #[command(flatten)]
    pub target: Target,
}

/// When a suppression ends.
#[derive(Args, Clone)]
#[group(required = true, multiple = false)]
pub struct Moment {
    /// For so long from now, for example 90s, 15m, 6h or 7d
    #[arg(long = "for", value_name = "SPAN", value_parser = span)]
    pub span: Option<Duration>,
    /// Until this moment, as RFC 3339
    #[arg(long, value_name = "TIME")]
    pub until: Option<Timestamp>,
}

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Suppressions {
    #[command(subcommand)]
    pub action: Option<SuppressionsAction>,
    #[command(flatten)]
    pub list: ListSuppressions,
}

#[derive(Subcommand)]
pub enum SuppressionsAction {
    /// List them, newest first, expired ones included
    List(ListSuppressions),
    /// Remove one; what it acknowledged stays acknowledged
    Remove {
        /// Its id
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        target: Target,
    },
}

#[derive(Args)]
pub struct ListSuppressions {
    /// Most rows to print
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub limit: u32,
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    #[command(flatten)]
    pub target: Target,
}

#[derive(Args)]
pub struct WatchDetections {
    #[command(flatten)]
    pub filter: DetectionFilter,
    #[command(flatten)]
    pub judged_as: JudgedAs,
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    #[command(flatten)]
    pub target: Target,
}

/// A group as tables name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupName {
    pub source_id: String,
    pub label: String,
    pub fingerprint: Fingerprint,
}

impl FromStr for GroupName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        // A source may be a path, so the name is read from its end.
        let mut parts = text.rsplitn(3, '/');
        let (Some(fingerprint), Some(label), Some(source_id)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(
                "write SOURCE/LABEL/FINGERPRINT, as `turnstone detections list --group` shows it".into(),
            );
        };
        if source_id.is_empty() || label.is_empty() {
            return Err("source or label is empty".into());
        }
        Ok(Self {
            source_id: source_id.to_owned(),
            label: label.to_owned(),
            fingerprint: Fingerprint::new(fingerprint).map_err(|error| error.to_string())?,
        })
    }
}

fn fingerprint(text: &str) -> Result<Fingerprint, NotAFingerprint> {
    Fingerprint::new(text)
}

/// A verdict in any case, with - or _.
fn verdict(text: &str) -> Result<Verdict, String> {
    text.to_lowercase()
        .replace('-', "_")
        .parse()
        .map_err(|error: turnstone_types::UnknownVerdict| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_read_from_their_end() {
        let group: GroupName = "/var/log/a.log/ERROR/0123456789abcdef".parse().expect("a group");
        assert_eq!(
            (group.source_id.as_str(), group.label.as_str()),
            ("/var/log/a.log", "ERROR")
        );
        for text in [
            "",
            "a/b",
            "a/ERROR/xyz",
            "/ERROR/0123456789abcdef",
            "a//0123456789abcdef",
        ] {
            assert!(text.parse::<GroupName>().is_err(), "{text}");
        }
    }

    #[test]
    fn verdicts_are_read_in_any_spelling() {
        assert_eq!(verdict("False-Positive"), Ok(Verdict::FalsePositive));
        assert!(verdict("maybe").is_err_and(|error| error.contains("false_positive")));
    }
}
