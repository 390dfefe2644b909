//! One file for each command.

pub mod bench;
pub mod bus;
pub mod classify;
pub mod db;
pub mod detections;
pub mod eval;
pub mod explain;
pub mod model;
pub mod scan;
pub mod score;
pub mod search;
pub mod stats;
pub mod up;
pub mod verdicts;
pub mod why;

use crate::arguments::ModelChoice;
use crate::output::escape_controls;
use anyhow::Context;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;
use turnstone_service::Config;

/// The data folder: the flag, else the configuration, else the user's own.
pub fn data_dir(flag: Option<&Path>, config: &Config) -> anyhow::Result<PathBuf> {
    if let Some(folder) = flag {
        return Ok(folder.to_owned());
    }
    if !config.data_dir.is_empty() {
        return Ok(PathBuf::from(&config.data_dir));
    }
    // The XDG base directory specification: data of a user, in $XDG_DATA_HOME or ~/.local/share.
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|folder| folder.join("turnstone"))
        .context("no data folder is named and HOME is not set; give --data-dir DIR")
}

/// Lays the model flags over the configuration.
pub fn apply_model_choice(config: &mut Config, choice: &ModelChoice) -> anyhow::Result<()> {
    if let Some(model) = &choice.model {
        config.anomaly.model = Some(model.clone());
    }
    if let Some(device) = &choice.device {
        config.anomaly.device = device.clone();
    }
    if let Some(dtype) = &choice.dtype {
        config.anomaly.dtype = dtype.clone();
    }
    if let Some(threshold) = choice.threshold {
        anyhow::ensure!(
            (0.0..=1.0).contains(&threshold),
            "--threshold {threshold} is no probability; use 0 to 1"
        );
        config.anomaly.threshold = threshold;
    }
    Ok(())
}

/// A token that Ctrl-C and SIGTERM cancel; a second one ends the process at once.
pub fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    Ok(turnstone_service::Shutdown::listen()
        .context("watch for signals")?
        .token())
}

/// Logs of a command that people run: warnings and errors, on standard error.
pub fn quiet_logs(config: &Config) -> anyhow::Result<turnstone_service::telemetry::Telemetry> {
    turnstone_service::telemetry::Telemetry::install(&config.telemetry, "turnstone", "warn")
}

/// Turns a refusal of the service into an error for people, with the fields that it names.
pub fn refused(status: &tonic::Status) -> anyhow::Error {
    anyhow::anyhow!("{}", escape_controls(status.message()))
}

/// Prints a line for people on standard error.
#[allow(clippy::print_stderr)]
pub fn note(line: &str) {
    eprintln!("{line}");
}
