//! A child process under test: the real binary, its output collected, killed on drop and with the test process.

use crate::{spawner, wait_for};
use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a child has written so far to one of its outputs.
#[derive(Debug, Clone, Default)]
struct Collected(Arc<Mutex<Vec<u8>>>);

impl Collected {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Reads to the end on a thread of its own, so that a child never blocks on a full pipe.
    fn collect_from(&self, reader: impl Read + Send + 'static) -> JoinHandle<()> {
        let collected = self.0.clone();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(reader);
            loop {
                let Ok(bytes) = reader.fill_buf() else { return };
                if bytes.is_empty() {
                    return;
                }
                collected
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend_from_slice(bytes);
                let length = bytes.len();
                reader.consume(length);
            }
        })
    }
}

/// What to start. The child inherits this process' environment except variables named `TURNSTONE_…`, which would let a
/// developer's shell decide what is tested.
#[derive(Debug)]
pub struct ProgramBuilder {
    name: String,
    command: Command,
    stdin: Option<Vec<u8>>,
}

impl ProgramBuilder {
    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets the working folder.
    pub fn current_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Writes `bytes` to its standard input and closes it. Without this its standard input is empty.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Starts it.
    pub fn spawn(mut self) -> anyhow::Result<Program> {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command.stdin(if self.stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        });
        let mut child = spawner::spawn(self.command, Signal::KILL)
            .with_context(|| format!("start the program {}", self.name))?;
        let (stdout, stderr) = (Collected::default(), Collected::default());
        let mut readers = Vec::new();
        readers.extend(child.stdout.take().map(|pipe| stdout.collect_from(pipe)));
        readers.extend(child.stderr.take().map(|pipe| stderr.collect_from(pipe)));
        if let (Some(pipe), Some(bytes)) = (child.stdin.take(), self.stdin) {
            feed(pipe, bytes);
        }
        Ok(Program {
            name: self.name,
            child,
            stdout,
            stderr,
            readers,
        })
    }

    /// Starts it and waits for its end; an error, with its output, when it takes longer than `limit`.
    pub async fn run(self, limit: Duration) -> anyhow::Result<(ExitStatus, String, String)> {
        let mut program = self.spawn()?;
        let status = program.wait(limit).await?;
        Ok((status, program.stdout(), program.stderr()))
    }
}

/// A running child process. Killed on drop, and by the kernel when this process ends.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    stdout: Collected,
    stderr: Collected,
    readers: Vec<JoinHandle<()>>,
}

impl Program {
    /// Begins the description of a child: `Program::new(env!("CARGO_BIN_EXE_…")).arg(…).spawn()`.
    #[expect(
        clippy::new_ret_no_self,
        reason = "reads like std's Command; a program exists only once it is spawned"
    )]
    pub fn new(path: impl AsRef<Path>) -> ProgramBuilder {
        let path = path.as_ref();
        let mut command = Command::new(path);
        for (variable, _) in std::env::vars_os().filter(|(name, _)| is_ours(name)) {
            command.env_remove(variable);
        }
        let name = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned();
        ProgramBuilder {
            name,
            command,
            stdin: None,
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to its standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has written to its standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until `find` sees what it looks for in one complete line of either output, and returns what it made of it.
    /// Fails, with the output, when the program ends or the limit passes before.
    pub async fn wait_for_line<T>(
        &mut self,
        limit: Duration,
        mut find: impl FnMut(&str) -> Option<T>,
    ) -> anyhow::Result<T> {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            // Asked before the outputs are read: what an ended program wrote last is then read below.
            let ended = !self.is_running();
            if ended {
                self.join_readers();
            }
            for text in [self.stdout(), self.stderr()] {
                let complete = if ended {
                    text.len()
                } else {
                    text.rfind('\n').map_or(0, |at| at + 1)
                };
                if let Some(found) = text[..complete].lines().find_map(&mut find) {
                    return Ok(found);
                }
            }
            anyhow::ensure!(
                !ended,
                "{} ended without the line that was waited for\n{}",
                self.name,
                self.transcript()
            );
            anyhow::ensure!(
                tokio::time::Instant::now() < deadline,
                "{} did not write the line that was waited for within {limit:?}\n{}",
                self.name,
                self.transcript()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends it a signal. Succeeds where it has ended already.
    pub fn signal(&mut self, signal: Signal) -> anyhow::Result<()> {
        // Its id is its own until it is reaped, which only this value does: no stranger can be hit.
        if self.is_running() {
            kill_process(Pid::from_child(&self.child), signal)
                .with_context(|| format!("signal {}", self.name))?;
        }
        Ok(())
    }

    /// Asks it to stop (SIGTERM).
    pub fn terminate(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)
    }

    /// Interrupts it as Ctrl-C does (SIGINT).
    pub fn interrupt(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::INT)
    }

    /// Kills it on the spot (SIGKILL) and reaps it.
    pub fn kill9(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::KILL)?;
        self.child.wait().with_context(|| format!("reap {}", self.name))?;
        self.join_readers();
        Ok(())
    }

    /// Waits for its end; an error, with its output, when it takes longer than `limit`.
    pub async fn wait(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        let child = Mutex::new(&mut self.child);
        let waiting = wait_for(limit, || async {
            let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
            child.try_wait()?.ok_or_else(|| anyhow::anyhow!("still running"))
        });
        match waiting.await {
            Ok(status) => {
                self.join_readers();
                Ok(status)
            }
            Err(error) => Err(error.context(format!(
                "wait for the end of {}\n{}",
                self.name,
                self.transcript()
            ))),
        }
    }

    /// Both outputs, headed, for a failing test's message.
    pub fn transcript(&self) -> String {
        format!(
            "--- stdout of {}\n{}--- stderr of {}\n{}",
            self.name,
            self.stdout(),
            self.name,
            self.stderr()
        )
    }

    /// Waits for the outputs' ends, so that nothing an ended child wrote is missing. A grandchild that keeps a pipe open
    /// must not hang the test, so the wait is bounded.
    fn join_readers(&mut self) {
        let deadline = std::time::Instant::now() + Duration::from_secs(2);
        while self.readers.iter().any(|reader| !reader.is_finished()) && std::time::Instant::now() < deadline
        {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        self.readers.retain(|reader| !reader.is_finished());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Nothing to be done about a failure here; the kernel kills it when this process ends.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_ours(name: &OsString) -> bool {
    name.to_string_lossy().starts_with("TURNSTONE_")
}

fn feed(mut pipe: ChildStdin, bytes: Vec<u8>) {
    // On a thread of its own: the child may read slowly, or never. A closed pipe is the child's choice, not an error.
    std::thread::spawn(move || pipe.write_all(&bytes));
}
