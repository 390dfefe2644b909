//! The command line: every command, flag and example that `--help` shows; those of larger commands are in files of their own.

mod bench;
mod detections;
mod eval;
mod explain;
mod search;
mod verdicts;
mod why;

pub use bench::{Bench, BenchClassify, BenchQuery, ReportFormat};
pub use detections::{
    AckDetections, DetectionFilter, Detections, GroupName, ListDetections, ListSuppressions, Moment,
    Suppress, Suppressions, SuppressionsAction, UnackDetections, UndoDetections, WatchDetections,
};
pub use eval::Eval;
pub use explain::{AnswerFormat, Diagnose, Explain};
pub use search::{Search, Stats};
pub use verdicts::{ExportFormat, ExportVerdicts, Verdicts};
pub use why::Why;

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use turnstone_service::Secret;

const EXIT_CODES: &str =
    "Exit codes: 0 done, 1 failed (the reason is on standard error), 2 wrong arguments or configuration.";

/// Finds the log lines that matter.
#[derive(Parser)]
#[command(name = "turnstone", version, after_help = EXIT_CODES, max_term_width = 110)]
pub struct Arguments {
    #[command(flatten)]
    pub shared: Shared,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Args)]
pub struct Shared {
    /// Configuration file (TOML); each of its keys can also be set by a TURNSTONE_… variable
    #[arg(long, env = "TURNSTONE_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Tenant to act for; the shared tenant unless given
    #[arg(long, value_name = "NAME", global = true)]
    pub tenant: Option<String>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run everything in one process: glean, score, serve
    #[command(
        after_help = "Examples:\n  turnstone up\n  turnstone up --config turnstone.toml --listen 127.0.0.1:7400 --data-dir ~/turnstone\n\nStops on Ctrl-C or SIGTERM; a second one ends at once."
    )]
    Up(Up),
    /// Glean files, score them and print the detections: no server, no queue, nothing kept
    #[command(
        after_help = "Examples:\n  turnstone scan /var/log/auth.log\n  journalctl -o short-iso | turnstone scan --format jsonl -\n  turnstone scan --explain-parsing /var/log/syslog"
    )]
    Scan(Scan),
    /// Classify each line of a file: one JSON object a line, in input order, no database
    #[command(
        after_help = "Example:\n  turnstone classify --model models/turnstone-mini app.log | jq .label"
    )]
    Classify(Classify),
    /// Measure how right a model is about labelled lines
    #[command(
        after_help = "Examples:\n  turnstone eval --model models/turnstone-mini labelled.jsonl\n  turnstone eval --against keywords --errors 20 labelled.jsonl\n  turnstone eval --json - < labelled.jsonl | jq .all.macro_f1\n\nA labelled line is {\"text\": …, \"label\": …}, with \"source\": \"group/system\" and \"also_ok\": [labels that count as right too] where wanted. Labels: NORMAL, SECURITY_ANOMALY, SYSTEM_FAILURE, PERFORMANCE_ISSUE, NETWORK_ANOMALY, CONFIG_ERROR, HARDWARE_ISSUE, and what the model's own map to. Any other line ends the command with exit code 2."
    )]
    Eval(Eval),
    /// Score what is unscored in a database, without a queue; safe to run again and beside workers
    #[command(
        after_help = "Example:\n  TURNSTONE_ANOMALY_MODEL=models/turnstone-mini turnstone score --db sqlite:///var/lib/turnstone/turnstone.db\n\nWithout a model nothing is scored and the answer says \"skipped\"."
    )]
    Score(Score),
    /// List, acknowledge, suppress and watch detections
    #[command(subcommand)]
    Detections(Detections),
    /// What people have said of detections
    #[command(subcommand)]
    Verdicts(Verdicts),
    /// Search entries by their text, newest first or by relevance
    #[command(
        after_help = "Query: words, \"a phrase\", prefix*, -not\n\nExamples:\n  turnstone search 'disk -smartd'\n  turnstone search 'disk error' --relevance --limit 10\n  turnstone search '\"connection refused\"' --source web --score-min 0.9 --format jsonl"
    )]
    Search(Search),
    /// Explain an entry from the lines around it
    #[command(
        after_help = "Examples:\n  turnstone explain 0199a…\n  turnstone explain 0199a… --refresh --format jsonl | jq -r '.token.text // empty'\n\nWithout a language model ([llm] in the configuration) it is a summary of the evidence. Exits with 1, and the reason, where the answer failed."
    )]
    Explain(Explain),
    /// Ask what is going wrong, or anything else, about the lines of a time
    #[command(
        after_help = "Examples:\n  turnstone diagnose\n  turnstone diagnose 'why do logins fail?' --last 6h --source ssh --source bastion\n\nWithout a language model ([llm] in the configuration) the lines that were found are listed. Exits with 1, and the reason, where the answer failed."
    )]
    Diagnose(Diagnose),
    /// Say which words of a line made its label
    #[command(
        after_help = "Examples:\n  turnstone why 0199a…\n  turnstone why --text 'sshd: Failed password for invalid user oracle from 203.0.113.9'\n  turnstone why 0199a… --db sqlite:///var/lib/turnstone/turnstone.db --format jsonl\n\nA weight is what the label's probability loses when the word goes, as the mean over what else of the line is there. A server asks one of its scorers; with --db or --text the command loads the model itself, the configured one or the bundled one."
    )]
    Why(Why),
    /// Counts of entries, backlog and detections, and the health of the sources
    Stats(Stats),
    /// Look at a model
    #[command(subcommand)]
    Model(Model),
    /// Set up a database, or bring in one of the original pipeline
    #[command(subcommand)]
    Db(Db),
    /// Look at the queue
    #[command(subcommand)]
    Bus(Bus),
    /// Measure this machine
    #[command(subcommand)]
    Bench(Bench),
}

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people; coloured on a terminal
    Table,
    /// One JSON object a line
    Jsonl,
}

/// Where the stored data is.
#[derive(Args, Clone)]
pub struct Target {
    /// Ask the query service at this address (gRPC); http://127.0.0.1:7400 unless given
    #[arg(long, env = "TURNSTONE_SERVER", value_name = "URL", conflicts_with = "db")]
    pub server: Option<String>,
    /// Read straight from this database: sqlite:///path or postgres://…
    #[arg(long, env = "TURNSTONE_DB", value_name = "URL", value_parser = secret, hide_env_values = true)]
    pub db: Option<Secret>,
}

/// A database of one's own.
#[derive(Args, Clone)]
pub struct Database {
    /// The database: sqlite:///path or postgres://…; the configured one unless given
    #[arg(long, env = "TURNSTONE_DB", value_name = "URL", value_parser = secret, hide_env_values = true)]
    pub db: Option<Secret>,
}

/// Which model, and how it runs.
#[derive(Args, Clone)]
pub struct ModelChoice {
    /// Folder of a text-classification model in HuggingFace layout, or turnstone-mini for the bundled one
    #[arg(long, value_name = "DIR")]
    pub model: Option<String>,
    /// Where to run it: cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Precision: f32, bf16, f16, or auto for the fastest that the device computes in itself
    #[arg(long, value_name = "DTYPE")]
    pub dtype: Option<String>,
    /// Probability from which an anomalous label is a detection
    #[arg(long, value_name = "0..1")]
    pub threshold: Option<f64>,
}

#[derive(Args)]
pub struct Up {
    /// Address of the one port for gRPC, gRPC-web and HTTP
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Folder of the embedded database and queue
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    #[command(flatten)]
    pub model: ModelChoice,
}

#[derive(Args)]
pub struct Scan {
    /// Files, globs or folders; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<String>,
    /// How to print the detections
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// Only say how the lines are read: formats, times, severities; score nothing
    #[arg(long)]
    pub explain_parsing: bool,
    #[command(flatten)]
    pub model: ModelChoice,
}

#[derive(Args)]
pub struct Classify {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: String,
    /// What is done to a line before the model sees it: raw, or template (what varies is masked); what the model was trained
    /// for unless given
    #[arg(long, value_name = "RULE")]
    pub normalise: Option<turnstone_classifier::Normalise>,
    /// Put every line through the model, also where the same one was answered before
    #[arg(long)]
    pub no_cache: bool,
    #[command(flatten)]
    pub model: ModelChoice,
}

#[derive(Args)]
pub struct Score {
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub model: ModelChoice,
}

#[derive(Subcommand)]
pub enum Model {
    /// Load a model and say what it is and what each of its labels means; exit 1 with the reason where it cannot be served
    Check {
        /// Folder of the model, or turnstone-mini
        #[arg(value_name = "DIR")]
        model: String,
        /// Where to run it: cpu, cuda or cuda:N
        #[arg(long, value_name = "DEVICE")]
        device: Option<String>,
        /// Precision: f32, bf16 or f16
        #[arg(long, value_name = "DTYPE")]
        dtype: Option<String>,
    },
}

#[derive(Subcommand)]
pub enum Db {
    /// Bring the schema of a database up to this version
    Migrate {
        #[command(flatten)]
        database: Database,
    },
    /// Bring in an SQLite database of the original pipeline: entries, scores, detections, notes; safe to run twice
    #[command(
        after_help = "Example:\n  turnstone db import old.db --db sqlite:///var/lib/turnstone/turnstone.db"
    )]
    Import {
        /// The SQLite file of the original; it is only read
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        database: Database,
    },
}

#[derive(Subcommand)]
pub enum Bus {
    /// Batches that could never be scored
    #[command(subcommand)]
    Dead(Dead),
}

/// Where the queue is.
#[derive(Args, Clone)]
pub struct Queue {
    /// The queue: nats://host:4222; the configured one unless given
    #[arg(long, value_name = "URL", value_parser = secret)]
    pub nats: Option<Secret>,
    /// Data folder of a running `turnstone up`, where no queue is named
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    #[command(flatten)]
    pub database: Database,
}

#[derive(Subcommand)]
pub enum Dead {
    /// List the dead letters with their reasons
    List {
        /// Most rows to print
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: usize,
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
        #[command(flatten)]
        queue: Queue,
    },
    /// Put dead letters back on the queue
    Replay {
        /// Sequence numbers from the list
        #[arg(value_name = "SEQUENCE", required_unless_present = "all")]
        sequences: Vec<u64>,
        /// All of them
        #[arg(long, conflicts_with = "sequences")]
        all: bool,
        #[command(flatten)]
        queue: Queue,
    },
}

// Clap wants the error type; taking a secret cannot fail.
#[allow(clippy::unnecessary_wraps)]
fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
