//! `turnstone search` and `turnstone stats`.

use super::{Format, Target};
use clap::Args;
use turnstone_types::{Severity, Timestamp};

#[derive(Args)]
pub struct Search {
    /// Words, "phrases", prefix*, -not; every entry without one
    #[arg(default_value = "", value_name = "QUERY", allow_hyphen_values = true)]
    pub query: String,
    /// Only this source
    #[arg(long, value_name = "SOURCE_ID")]
    pub source: Option<String>,
    /// Only lines that state this severity themselves
    #[arg(long, value_name = "SEVERITY", value_parser = clap::value_parser!(Severity))]
    pub severity: Option<Severity>,
    /// Only this label
    #[arg(long, value_name = "LABEL")]
    pub label: Option<String>,
    /// Only lines whose label has this score or more
    #[arg(long, value_name = "0..1")]
    pub score_min: Option<f64>,
    /// Only lines whose label has this score or less
    #[arg(long, value_name = "0..1")]
    pub score_max: Option<f64>,
    /// Time at or after, as RFC 3339
    #[arg(long, value_name = "TIME")]
    pub from: Option<Timestamp>,
    /// Time before, as RFC 3339
    #[arg(long, value_name = "TIME")]
    pub until: Option<Timestamp>,
    /// Best matches first, among the newest 1,000, instead of the newest first
    #[arg(long)]
    pub relevance: bool,
    /// Most rows to print
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub limit: u32,
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    #[command(flatten)]
    pub target: Target,
}

#[derive(Args)]
pub struct Stats {
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    #[command(flatten)]
    pub target: Target,
}
