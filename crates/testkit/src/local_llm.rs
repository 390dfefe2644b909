//! A real language model on a free loopback port: llama.cpp's server with SmolLM2-135M, as `tools/local-llm.py` runs it.

use crate::{Program, free_port, wait_for};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Loading takes half a second on an idle machine; tests run side by side on busy ones.
const LOADING_LIMIT: Duration = Duration::from_secs(180);

/// The running server. Killed on drop, and by the kernel when this process ends.
#[derive(Debug)]
pub struct LocalLlm {
    program: Program,
    port: u16,
}

impl LocalLlm {
    /// The name that the server gives its model.
    pub const MODEL: &str = "smollm2-135m-instruct";
    /// Tokens that fit into its context, question and answer together.
    pub const CONTEXT_TOKENS: u32 = 2_048;

    /// Starts it and waits until it answers.
    pub async fn start() -> anyhow::Result<Self> {
        let mut server = Self::start_loading().await?;
        server.wait_until_loaded().await?;
        Ok(server)
    }

    /// Starts it and returns as soon as it accepts connections, which is while it still loads the model.
    pub async fn start_loading() -> anyhow::Result<Self> {
        let root = workspace_root();
        let python = root.join(".tools/llm/bin/python");
        anyhow::ensure!(
            python.is_file(),
            "{} is not there; `make test` makes it, or tools/ensure-venv.sh alone",
            python.display()
        );
        let port = free_port()?;
        let program = Program::new(python)
            .arg(root.join("tools/local-llm.py"))
            .args(["--port", &port.to_string()])
            .args(["--context", &Self::CONTEXT_TOKENS.to_string()])
            .spawn()?;
        let mut server = Self { program, port };
        server.wait_for_health("HTTP/1.1 ").await?;
        Ok(server)
    }

    /// Waits until the model is loaded.
    pub async fn wait_until_loaded(&mut self) -> anyhow::Result<()> {
        self.wait_for_health("HTTP/1.1 200").await
    }

    /// The base URL of its API.
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Kills it on the spot.
    pub fn kill9(&mut self) -> anyhow::Result<()> {
        self.program.kill9()
    }

    async fn wait_for_health(&mut self, wanted: &str) -> anyhow::Result<()> {
        let port = self.port;
        let waiting = wait_for(LOADING_LIMIT, || async move {
            let answer = health(port).await?;
            anyhow::ensure!(answer.starts_with(wanted), "it answers {answer:?}");
            Ok(())
        });
        let waited = tokio::select! {
            waited = waiting => waited,
            () = ended(&mut self.program) => Err(anyhow::anyhow!("it ended")),
        };
        waited.with_context(|| format!("wait for the local LLM\n{}", self.program.transcript()))
    }
}

/// Ready only when the program has ended.
async fn ended(program: &mut Program) {
    while program.is_running() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn health(port: u16) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream
        .write_all(b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

fn workspace_root() -> PathBuf {
    let testkit = Path::new(env!("CARGO_MANIFEST_DIR"));
    testkit.ancestors().nth(2).unwrap_or(testkit).to_owned()
}
