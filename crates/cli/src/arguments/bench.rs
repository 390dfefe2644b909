//! The command line of `turnstone bench`.

use super::{ModelChoice, secret};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use turnstone_service::Secret;

#[derive(Subcommand)]
pub enum Bench {
    /// Rows a second into a database and scores a second written, beside the raw limit in the same run
    #[command(
        after_help = "Examples:\n  turnstone bench store --db sqlite:///tmp/bench.db\n  turnstone bench store --db postgres://localhost/bench --rows 500000\n\nThe database is filled with rows of its own making; give an empty one. The raw limit is psql's \\copy or sqlite3's .import of the\nsame rows into tables of the same shape, where that program is installed."
    )]
    Store {
        /// The database to fill
        #[arg(long, value_name = "URL", value_parser = secret)]
        db: Secret,
        /// Entries to write
        #[arg(long, default_value_t = 200_000, value_name = "N")]
        rows: u32,
        /// Lines to write instead of made-up ones
        #[arg(long, value_name = "FILE")]
        lines: Option<PathBuf>,
    },
    /// Lines and tokens a second of a model on the lines of a file, beside Python programs in the same run
    #[command(
        after_help = "Examples:\n  turnstone bench classify --model models/turnstone-mini app.log\n  turnstone bench classify --model DIR --no-cache --against-python .venv/bin/python --peers pipeline,ort-f32 app.log\n  turnstone bench classify --model DIR --sweep app.log\n\nThe peers run the same lines in turn with ours, with the same number of threads; PYTHON needs the packages of\ntools/bench-peers/requirements.txt. Build with --release before believing a figure."
    )]
    Classify(BenchClassify),
}

/// What `bench classify` measures, and against whom.
#[derive(Args)]
pub struct BenchClassify {
    /// The file of log lines
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub model: ModelChoice,
    /// What is done to a line before the model sees it: raw, or template; what the model was trained for unless given
    #[arg(long, value_name = "RULE")]
    pub normalise: Option<turnstone_classifier::Normalise>,
    /// Keep no answers; with the cache, every pass begins with an empty one
    #[arg(long)]
    pub no_cache: bool,
    /// Tokens, padding included, that go through the model at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub batch_tokens: Option<u32>,
    /// Threads of both sides; the configured number, or one for each core. Ours each take a batch of their own
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub threads: Option<u32>,
    /// Times to go over the file; the median counts
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub passes: u32,
    /// Only this many lines, spread evenly over the file
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Lines given to the engine in one call
    #[arg(long, default_value_t = 1_024, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub call_lines: u32,
    /// Measure Python programs too, with this interpreter
    #[arg(long, value_name = "PYTHON")]
    pub against_python: Option<PathBuf>,
    /// Which: pipeline, pipeline-batched, eager-f32, eager-bf16, ort-f32, ort-int8; on a GPU pipeline, pipeline-f16-batched,
    /// eager-f32, eager-f16, eager-bf16
    #[arg(long, value_name = "LIST", requires = "against_python")]
    pub peers: Option<String>,
    /// Only this many of the lines for the peers, spread evenly, where they would take hours
    #[arg(long, value_name = "N", requires = "against_python", value_parser = clap::value_parser!(u32).range(1..))]
    pub peer_lines: Option<u32>,
    /// Print lines a second against length, batch budget, threads and hit rate instead, as Markdown
    #[arg(long, conflicts_with_all = ["against_python", "peers", "peer_lines", "format"])]
    pub sweep: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value = "table")]
    pub format: ReportFormat,
}

/// How a report is printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people
    Table,
    /// One JSON object
    Json,
}
