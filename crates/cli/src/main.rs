//! The `turnstone` command: parses arguments, runs one command, turns its outcome into an exit code.

mod arguments;
mod commands;
mod connection;
mod output;

use arguments::{Arguments, Bench, Command};
use clap::Parser;
use commands::eval::LabelledFileError;
use std::process::ExitCode;
use std::time::Duration;

/// Exit code of a command that failed.
const EXIT_FAILURE: u8 = 1;
/// Exit code of wrong arguments, a refused configuration or labelled lines that are none, as clap's own.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if runs_a_model(&arguments.command) {
        turnstone_service::threads::let_idle_threads_sleep();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("start the async runtime: {error}"), EXIT_FAILURE),
    };
    let outcome = runtime.block_on(run(arguments));
    // A thread that still waits for standard input must not hold the process.
    runtime.shutdown_timeout(Duration::from_millis(500));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads our output went away (`turnstone … | head`): they have what they wanted.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let usage = error.is::<turnstone_service::ConfigError>() || error.is::<LabelledFileError>();
            let code = if usage { EXIT_USAGE } else { EXIT_FAILURE };
            // Line by line: a message may have several, and any of them may quote what others wrote.
            let lines: Vec<String> = format!("{error:#}")
                .lines()
                .map(output::escape_controls)
                .collect();
            fail(&lines.join("\n"), code)
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let shared = arguments.shared;
    match arguments.command {
        Command::Up(command) => commands::up::run(shared, command).await,
        Command::Scan(command) => commands::scan::run(shared, command).await,
        Command::Classify(command) => commands::classify::run(shared, command).await,
        Command::Eval(command) => commands::eval::run(shared, command).await,
        Command::Score(command) => commands::score::run(shared, command).await,
        Command::Detections(command) => commands::detections::run(shared, command).await,
        Command::Verdicts(command) => commands::verdicts::run(shared, command).await,
        Command::Search(command) => commands::search::run(shared, command).await,
        Command::Explain(command) => commands::explain::explain(shared, command).await,
        Command::Diagnose(command) => commands::explain::diagnose(shared, command).await,
        Command::Why(command) => commands::why::run(shared, command).await,
        Command::Stats(command) => commands::stats::run(shared, command).await,
        Command::Model(command) => commands::model::run(shared, command).await,
        Command::Db(command) => commands::db::run(shared, command).await,
        Command::Bus(command) => Box::pin(commands::bus::run(shared, command)).await,
        Command::Bench(command) => commands::bench::run(shared, command).await,
    }
}

fn runs_a_model(command: &Command) -> bool {
    if let Command::Why(why) = command {
        return why.text.is_some() || why.target.db.is_some();
    }
    matches!(
        command,
        Command::Up(_)
            | Command::Scan(_)
            | Command::Classify(_)
            | Command::Eval(_)
            | Command::Score(_)
            | Command::Model(_)
            | Command::Bench(Bench::Classify(_))
    )
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

#[allow(clippy::print_stderr)] // The one place where the command says why it failed.
fn fail(message: &str, code: u8) -> ExitCode {
    eprintln!("turnstone: {message}");
    ExitCode::from(code)
}
