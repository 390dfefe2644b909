//! `turnstone verdicts`.

use super::Target;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum Verdicts {
    /// Write the detections that people have judged as labelled lines, the newest first
    #[command(
        long_about = "Write the detections that people have judged as labelled lines, the newest first.\n\nOne JSON object a line: \"text\", and as \"label\" the label that the model gave where the verdict is true_positive or expected, and NORMAL where it is false_positive; with \"source\" and \"verdict\". `turnstone eval` reads the file, and so does the tuning of turnstone-mini. What a suppression acknowledged is no verdict of a person and left out.",
        after_help = "Examples:\n  turnstone verdicts export --out verdicts.jsonl\n  turnstone verdicts export | turnstone eval -\n\nThe file is readable by its owner only: log lines hold what programs were told in confidence."
    )]
    Export(ExportVerdicts),
}

#[derive(Args)]
pub struct ExportVerdicts {
    /// File to write, as a whole or not at all; standard output unless given
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long, requires = "out")]
    pub force: bool,
    #[arg(long, value_enum, default_value = "jsonl")]
    pub format: ExportFormat,
    #[command(flatten)]
    pub target: Target,
}

/// How labelled lines are written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One JSON object a line
    Jsonl,
}
