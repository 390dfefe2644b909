//! The command line of `turnstone eval`.

use super::ModelChoice;
use clap::{Args, ValueEnum};

/// What `eval` measures, beside what, and how it is printed.
#[derive(Args)]
pub struct Eval {
    /// The labelled lines, a JSON object each: text, label, and optionally source and also_ok; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: String,
    /// Judge something simpler on the same lines, beside the model
    #[arg(long, value_enum, value_name = "WHAT")]
    pub against: Option<Against>,
    /// Print the N worst wrong lines of each group, one for each template
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub errors: Option<u32>,
    /// Print one JSON object with all figures, as docs/evaluation.md describes it
    #[arg(long)]
    pub json: bool,
    /// What is done to a line before the model sees it: raw, or template (what varies is masked); what the model was trained
    /// for unless given
    #[arg(long, value_name = "RULE")]
    pub normalise: Option<turnstone_classifier::Normalise>,
    /// Put every line through the model, also where the same one was answered before
    #[arg(long)]
    pub no_cache: bool,
    /// Batches that the model works on at once, each on a core of its own; the configured number, or one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub threads: Option<u32>,
    #[command(flatten)]
    pub model: ModelChoice,
}

/// What a model can be measured against.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Against {
    /// A plain search for words such as error, fail, denied or timeout, in any case
    Keywords,
}
