//! A real nats-server with JetStream as a child of the test, which can be killed and started again on the same store and port.

use crate::{STEP_LIMIT, workspace_root};
use anyhow::Context;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use turnstone_testkit::{Program, wait_for};

/// A running nats-server.
pub struct Nats {
    folder: PathBuf,
    port: u16,
    child: Program,
}

impl Nats {
    /// Starts a server on a free loopback port with its data in `folder`.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let child = spawn(folder, -1)?;
        let ports_file = folder.join(format!("nats-server_{}.ports", child.id()));
        let port = wait_for(STEP_LIMIT, || async {
            let ports: serde_json::Value = serde_json::from_slice(&std::fs::read(&ports_file)?)?;
            let url = ports["nats"][0]
                .as_str()
                .context("no address in the ports file")?;
            Ok(url.rsplit(':').next().unwrap_or_default().parse::<u16>()?)
        });
        let port = port
            .await
            .with_context(|| format!("start nats-server\n{}", child.transcript()))?;
        let server = Self {
            folder: folder.to_owned(),
            port,
            child,
        };
        server.wait_until_it_answers().await?;
        Ok(server)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Kills it on the spot.
    pub fn kill9(&mut self) -> anyhow::Result<()> {
        self.child.kill9()
    }

    /// Kills it on the spot and starts it again with the same data on the same port.
    pub async fn kill9_and_start_again(&mut self) -> anyhow::Result<()> {
        self.child.kill9()?;
        self.child = spawn(&self.folder, i32::from(self.port))?;
        self.wait_until_it_answers().await
    }

    /// Kills it on the spot and starts it again on the same port with an empty disk.
    pub async fn kill9_lose_all_and_start_again(&mut self) -> anyhow::Result<()> {
        self.child.kill9()?;
        std::fs::remove_dir_all(self.folder.join("jetstream")).context("lose the streams")?;
        self.child = spawn(&self.folder, i32::from(self.port))?;
        self.wait_until_it_answers().await
    }

    /// Publishes bytes on a subject, as any client of the server could.
    pub async fn publish(&self, subject: &str, body: &[u8]) -> anyhow::Result<()> {
        let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", self.port)).await?);
        let command = format!(
            "CONNECT {{\"verbose\":false}}\r\nPUB {subject} {}\r\n",
            body.len()
        );
        stream
            .write_all(&[command.as_bytes(), body, b"\r\nPING\r\n"].concat())
            .await?;
        // The answer to the ping comes after the server has taken what came before it.
        let mut line = String::new();
        while line.trim_end() != "PONG" {
            line.clear();
            anyhow::ensure!(
                stream.read_line(&mut line).await? > 0,
                "nats-server closed the connection"
            );
            anyhow::ensure!(!line.starts_with("-ERR"), "nats-server refuses: {line}");
        }
        Ok(())
    }

    async fn wait_until_it_answers(&self) -> anyhow::Result<()> {
        let answered = wait_for(STEP_LIMIT, || async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            let mut greeting = [0_u8; 4];
            stream.read_exact(&mut greeting).await?;
            anyhow::ensure!(&greeting == b"INFO", "port {} is somebody else's", self.port);
            Ok(())
        });
        answered
            .await
            .with_context(|| format!("wait for nats-server\n{}", self.child.transcript()))
    }
}

fn spawn(folder: &Path, port: i32) -> anyhow::Result<Program> {
    let shown = folder.display();
    // As in production, see deploy/: without syncing, a server killed on the spot may forget what it has acknowledged.
    let text = format!(
        "host: 127.0.0.1\nport: {port}\nports_file_dir: \"{shown}\"\njetstream {{\n  store_dir: \"{shown}\"\n  sync_interval: always\n}}\n"
    );
    let config = folder.join("nats-server.conf");
    std::fs::write(&config, text).context("write the configuration of nats-server")?;
    let program = workspace_root().join(".tools/nats/bin/nats-server");
    anyhow::ensure!(
        program.is_file(),
        "{} is not there; `make setup` fetches it",
        program.display()
    );
    Program::new(program).arg("-c").arg(config).spawn()
}
