//! A finished `turnstone` command: its exit code and what it printed.

use crate::{WORK_LIMIT, turnstone};
use anyhow::Context;
use serde_json::Value;
use std::ffi::OsStr;
use turnstone_testkit::ProgramBuilder;

/// What a command did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Outcome {
    /// Runs a program to its end.
    pub async fn of(program: ProgramBuilder) -> anyhow::Result<Self> {
        let (status, stdout, stderr) = program.run(WORK_LIMIT).await?;
        Ok(Self {
            code: status.code(),
            stdout,
            stderr,
        })
    }

    /// Runs a `turnstone` command that must succeed; returns its standard output.
    pub async fn success<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> anyhow::Result<String> {
        let outcome = Self::of(turnstone(arguments)?).await?;
        anyhow::ensure!(outcome.code == Some(0), "the command failed: {outcome:?}");
        Ok(outcome.stdout)
    }

    /// Runs a `turnstone` command that may fail.
    pub async fn any<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> anyhow::Result<Self> {
        Self::of(turnstone(arguments)?).await
    }

    /// Runs a `turnstone` command that must print JSON lines; returns them.
    pub async fn json<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> anyhow::Result<Vec<Value>> {
        json_lines(&Self::success(arguments).await?)
    }
}

/// Reads text as one JSON value a line.
pub fn json_lines(text: &str) -> anyhow::Result<Vec<Value>> {
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("no JSON: {line:?}")))
        .collect()
}
