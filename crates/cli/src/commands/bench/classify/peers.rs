//! The Python side of the bench: runs `tools/bench-peers/peers.py`, one pass at a time, so that both sides take turns on a
//! machine whose speed changes while they work. What the peers do and how is the script's business.

use super::measure::Settings;
use anyhow::Context;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Carried in the program, so that the bench works wherever the program is.
const SCRIPT: &str = include_str!("../../../../../../tools/bench-peers/peers.py");

/// The running script. It ends when this is dropped.
pub struct Peers {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    hello: Hello,
    /// Script and lines; the script reads them once, but the folder must outlive its start.
    _files: tempfile::TempDir,
}

/// What the script says of itself once it is ready.
#[derive(Debug, Deserialize)]
struct Hello {
    lines: usize,
    tokens: u64,
    labels: Vec<String>,
    versions: BTreeMap<String, String>,
    peers: Vec<Peer>,
    left_out: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Peer {
    name: String,
    settings: serde_json::Value,
}

/// The winner of every line, by class index.
#[derive(Debug, Deserialize)]
pub struct Answers {
    pub classes: Vec<usize>,
}

/// What PyTorch answers in f32.
#[derive(Debug, Deserialize)]
pub struct Reference {
    pub classes: Vec<usize>,
    pub scores: Vec<f64>,
    /// By how much the winner's probability is over the second's.
    pub gaps: Vec<f64>,
}

#[derive(Deserialize)]
struct PeerPass {
    seconds: f64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Reply<T> {
    Refused { error: String },
    Answered(T),
}

impl Peers {
    /// Starts the script on these lines and waits until every peer is loaded and tuned: a minute or several.
    pub async fn start(
        python: &Path,
        settings: &Settings,
        lines: &[&str],
        peers: Option<&str>,
    ) -> anyhow::Result<Self> {
        let files = tempfile::tempdir().context("make a temporary folder")?;
        let (script, line_file) = (files.path().join("peers.py"), files.path().join("lines.txt"));
        std::fs::write(&script, SCRIPT).with_context(|| format!("write {}", script.display()))?;
        let write_lines = || -> std::io::Result<()> {
            let mut out = std::io::BufWriter::new(std::fs::File::create(&line_file)?);
            for line in lines {
                out.write_all(line.as_bytes())?;
                out.write_all(b"\n")?;
            }
            out.flush()
        };
        write_lines().with_context(|| format!("write {}", line_file.display()))?;

        let mut command = Command::new(python);
        command.arg(&script).arg("--serve");
        command.arg("--model").arg(&settings.folder);
        command.arg("--lines").arg(&line_file);
        command.args(["--threads", &settings.threads.to_string()]);
        command.args(["--device", &settings.load.device.to_string()]);
        if let Some(peers) = peers {
            command.args(["--peers", peers]);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .with_context(|| format!("start {}", python.display()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            anyhow::bail!("the script has no standard input or output");
        };
        let mut output = BufReader::new(output);
        let hello: Hello = read_reply(&mut child, &mut output).await?;
        Ok(Self {
            child,
            input,
            output,
            hello,
            _files: files,
        })
    }

    /// The peers that run, in the order asked for.
    pub fn names(&self) -> Vec<String> {
        self.hello.peers.iter().map(|peer| peer.name.clone()).collect()
    }

    /// Lines in a pass.
    pub fn lines(&self) -> usize {
        self.hello.lines
    }

    /// Tokens in a pass, without padding.
    pub fn tokens(&self) -> u64 {
        self.hello.tokens
    }

    /// The model's labels by class index, as transformers reads them.
    pub fn labels(&self) -> &[String] {
        &self.hello.labels
    }

    /// Versions of what they run on.
    pub fn versions(&self) -> &BTreeMap<String, String> {
        &self.hello.versions
    }

    /// What was chosen for a peer: batch size, token budget, graph.
    pub fn settings(&self, name: &str) -> serde_json::Value {
        let peer = self.hello.peers.iter().find(|peer| peer.name == name);
        peer.map(|peer| peer.settings.clone()).unwrap_or_default()
    }

    /// The peers that cannot run this model here, with their reasons.
    pub fn left_out(&self) -> &BTreeMap<String, String> {
        &self.hello.left_out
    }

    /// Has a peer classify all lines once: seconds.
    pub async fn pass(&mut self, name: &str) -> anyhow::Result<f64> {
        let pass: PeerPass = self.ask(&format!("pass {name}")).await?;
        Ok(pass.seconds)
    }

    /// What a peer answered in its last pass.
    pub async fn answers(&mut self, name: &str) -> anyhow::Result<Answers> {
        self.ask(&format!("answers {name}")).await
    }

    /// What PyTorch answers in f32, whether or not it is one of the peers.
    pub async fn reference(&mut self) -> anyhow::Result<Reference> {
        self.ask("reference").await
    }

    /// Lets the script end by itself, which removes its exported models.
    pub async fn end(mut self) {
        drop(self.input);
        // Nothing is left to be had of it, however it ends.
        let _ = self.child.wait().await;
    }

    async fn ask<T: DeserializeOwned>(&mut self, command: &str) -> anyhow::Result<T> {
        let written = self.input.write_all(format!("{command}\n").as_bytes()).await;
        // A script that has died says so when its answer is read, with its exit code.
        let _ = written;
        read_reply(&mut self.child, &mut self.output).await
    }
}

async fn read_reply<T: DeserializeOwned>(
    child: &mut Child,
    output: &mut BufReader<ChildStdout>,
) -> anyhow::Result<T> {
    let mut line = String::new();
    output
        .read_line(&mut line)
        .await
        .context("read the answer of the Python programs")?;
    if line.is_empty() {
        let status = child.wait().await?;
        anyhow::bail!("the Python programs ended early ({status}); their own message is above");
    }
    match serde_json::from_str(&line).context("read the answer of the Python programs")? {
        Reply::Answered(answer) => Ok(answer),
        Reply::Refused { error } => anyhow::bail!("the Python programs cannot run: {error}"),
    }
}
