//! Real throwaway servers and programs for tests: a Postgres cluster, a small language model, child processes, free ports,
//! temporary folders, waits; and a server that follows a script, for what real ones do only when they fail.
//! Nothing started here outlives the test process, however it ends. Only tests and benches may depend on this crate.

mod local_llm;
mod postgres;
mod program;
mod scripted;
mod spawner;
mod wait;

pub use local_llm::LocalLlm;
pub use postgres::{PostgresCluster, PostgresOptions};
pub use program::{Program, ProgramBuilder};
pub use scripted::{ScriptedServer, Step};
pub use wait::{wait_for, wait_until};

use anyhow::Context;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Mutex;

static PORTS_GIVEN_OUT: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// Returns a free TCP port of the loopback interface that this process has not been given before.
///
/// Another process may take it before it is used: prefer port 0 wherever the program under test can say what it got.
pub fn free_port() -> anyhow::Result<u16> {
    let mut given_out = PORTS_GIVEN_OUT
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    for _ in 0..100 {
        let port = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.local_addr())
            .context("bind a loopback port")?
            .port();
        if given_out.insert(port) {
            return Ok(port);
        }
    }
    anyhow::bail!("the system keeps offering ports that were given out before");
}

/// Makes a temporary folder that is removed on drop.
pub fn temp_dir() -> anyhow::Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix("turnstone-test-")
        .tempdir()
        .context("make a temporary folder")
}
