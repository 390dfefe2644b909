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
    /// How long lists, groups, searches, statistics and acknowledging take on a database of a given size
    #[command(
        after_help = "Examples:\n  turnstone bench query --db sqlite:///tmp/bench.db\n  turnstone bench query --db postgres://localhost/bench --entries 10000000 --detections 1000000\n  turnstone bench query --db postgres://localhost/bench --no-fill --only list\n  turnstone bench query --db postgres://localhost/bench --no-fill --explain\n\nAn empty database is filled with a made-up log, and can be measured again and again; one that holds anything else is refused.\nIt must belong to the bench alone. Build with --release before believing a figure."
    )]
    Query(BenchQuery),
    /// Lines and tokens a second of a model on the lines of a file, beside Python programs in the same run
    #[command(
        after_help = "Examples:\n  turnstone bench classify --model models/turnstone-mini app.log\n  turnstone bench classify --model DIR --no-cache --against-python .venv/bin/python --peers pipeline,ort-f32 app.log\n  turnstone bench classify --model DIR --sweep app.log\n\nThe peers run the same lines in turn with ours, with the same number of threads; PYTHON needs the packages of\ntools/bench-peers/requirements.txt. Build with --release before believing a figure."
    )]
    Classify(BenchClassify),
}

/// What `bench query` fills and asks.
#[derive(Args)]
pub struct BenchQuery {
    /// The database to fill and to measure
    #[arg(long, value_name = "URL", value_parser = secret)]
    pub db: Secret,
    /// Lines to fill it with; 1,000,000 unless given
    #[arg(long, value_name = "N")]
    pub entries: Option<u64>,
    /// Detections among them; a tenth of the lines unless given
    #[arg(long, value_name = "N")]
    pub detections: Option<u64>,
    /// Times that each question is asked, each time with another value; at most 10 times where something changes
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Seconds that one question is asked for at most, and three times at least
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub seconds_max: u64,
    /// Ask once more with so many readers at a time
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub readers: u32,
    /// Ask only the questions with this text in their kind or name
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Fail where the database is not filled yet
    #[arg(long, conflicts_with = "fill_only")]
    pub no_fill: bool,
    /// Fill it and ask nothing
    #[arg(long)]
    pub fill_only: bool,
    /// Print the database's plan of every statement instead; fail where one reads all entries or all detections
    #[arg(long, conflicts_with_all = ["fill_only", "format"])]
    pub explain: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value = "table")]
    pub format: ReportFormat,
}

impl BenchQuery {
    /// Whether a question is to be asked.
    pub fn wants(&self, kind: &str, name: &str) -> bool {
        let question = format!("{kind}: {name}");
        self.only
            .as_ref()
            .is_none_or(|text| question.contains(text.as_str()))
    }
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
