//! One of the separate programs of a fleet: started, watched through its health, stopped.

use crate::{STEP_LIMIT, http_get};
use anyhow::Context;
use std::process::ExitStatus;
use turnstone_testkit::{Program, wait_for};

/// Lines of the log that a failure shows.
const LOG_LINES_SHOWN: usize = 40;

/// A running program of a fleet.
pub struct Service {
    name: &'static str,
    program: Program,
    address: String,
}

impl Service {
    /// Waits until the program says where it answers; it need not be ready then.
    pub(crate) async fn started(name: &'static str, mut program: Program) -> anyhow::Result<Self> {
        let address = program.wait_for_line(STEP_LIMIT, |line| {
            let event: serde_json::Value = serde_json::from_str(line).ok()?;
            event["address"].as_str().map(str::to_owned)
        });
        let address = address.await.with_context(|| format!("start {name}"))?;
        Ok(Self {
            name,
            program,
            address,
        })
    }

    /// `host:port` of its own port (query) or of its health (the others).
    pub fn address(&self) -> &str {
        &self.address
    }

    /// `http://host:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The child.
    pub fn program(&mut self) -> &mut Program {
        &mut self.program
    }

    /// Waits until it says that it is ready.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let waiting = wait_for(STEP_LIMIT, || async {
            let (status, answer) = http_get(&self.address, "/readyz").await?;
            anyhow::ensure!(status == 200, "not ready: {answer}");
            Ok(())
        });
        waiting.await.with_context(|| self.log())?;
        self.still_running()
    }

    /// Fails, with the end of its log, when it has ended.
    pub fn still_running(&mut self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.program.is_running(),
            "{} has ended\n{}",
            self.name,
            self.log()
        );
        Ok(())
    }

    /// Asks it to stop and waits for its end.
    pub async fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        self.program.terminate()?;
        self.program.wait(STEP_LIMIT).await
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        let log = self.program.stderr();
        let lines: Vec<&str> = log.lines().collect();
        let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
        format!("--- log of {}\n{}", self.name, shown.join("\n"))
    }
}
