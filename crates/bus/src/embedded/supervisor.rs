//! The thread that owns the child: starts it, notices its death, starts it again on the same port, and ends it.
//!
//! It is a thread of its own, and not a task or a blocking job of the runtime, because of what `PR_SET_PDEATHSIG` means: the
//! kernel signals the child when the *thread* that forked it ends, not the process. A thread of the runtime may end at any
//! time and would take the server with it. This one lives exactly as long as the child may.

use super::{EmbeddedError, ServerStatus, config};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

const STDERR_FILE: &str = "nats-server.stderr";
const LOG_LINES_SHOWN: usize = 20;
/// A child that lived this long was well; its death does not slow the next start down.
const UPTIME_WELL: Duration = Duration::from_secs(60);
const RESTART_DELAY_MAX: Duration = Duration::from_secs(10);

/// Everything that stays the same over restarts.
pub(super) struct Setup {
    pub(super) program: PathBuf,
    pub(super) store_dir: PathBuf,
    pub(super) token: String,
    pub(super) start_timeout: Duration,
    pub(super) stop_timeout: Duration,
    pub(super) lock: File,
}

/// What the thread is told.
pub(super) enum Order {
    /// A child ended; older generations are over already.
    Exited { generation: u32 },
    /// End the child in order, then say so.
    Stop { done: oneshot::Sender<()> },
    /// Kill the child.
    Kill,
}

/// What the caller learns when the server runs.
pub(super) struct Started {
    pub(super) port: u16,
    pub(super) status: watch::Receiver<ServerStatus>,
}

struct Supervisor<'a> {
    setup: &'a Setup,
    sender: &'a mpsc::Sender<Order>,
    orders: &'a mpsc::Receiver<Order>,
    generation: u32,
}

/// A child that has been started. Killed and reaped when dropped, whatever way this thread ends.
struct Running {
    child: Child,
    port: u16,
    since: Instant,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Why a start or a pause ended without a running child.
enum Interrupted {
    Failed(EmbeddedError),
    Told(Order),
}

impl From<EmbeddedError> for Interrupted {
    fn from(error: EmbeddedError) -> Self {
        Self::Failed(error)
    }
}

/// The body of the thread.
pub(super) fn run(
    setup: &Setup,
    sender: &mpsc::Sender<Order>,
    orders: &mpsc::Receiver<Order>,
    started: oneshot::Sender<Result<Started, EmbeddedError>>,
) {
    let mut supervisor = Supervisor {
        setup,
        sender,
        orders,
        generation: 0,
    };
    let running = match supervisor.launch(None) {
        Ok(running) => running,
        Err(Interrupted::Failed(error)) => {
            // A caller that no longer waits needs no answer.
            let _ = started.send(Err(error));
            return;
        }
        Err(Interrupted::Told(_)) => return,
    };
    let status = watch::Sender::new(ServerStatus::Running {
        pid: running.child.id(),
        restarts: 0,
    });
    tracing::info!(port = running.port, pid = running.child.id(), folder = %setup.store_dir.display(), "nats server started");
    if started
        .send(Ok(Started {
            port: running.port,
            status: status.subscribe(),
        }))
        .is_err()
    {
        return;
    }
    let told = supervisor.watch(running, &status);
    status.send_replace(ServerStatus::Stopped);
    if let Order::Stop { done } = told {
        let _ = done.send(());
    }
}

impl Supervisor<'_> {
    /// Keeps a child running until told to stop; on return there is none.
    fn watch(&mut self, mut running: Running, status: &watch::Sender<ServerStatus>) -> Order {
        let mut restarts = 0;
        let mut failures = 0;
        loop {
            let told = self.next_order(None);
            let exit = match told {
                // Nothing arrives without a time limit only if every sender is gone, and this thread holds one.
                None => continue,
                Some(Order::Exited { .. }) => running.child.wait(),
                Some(Order::Stop { done }) => {
                    self.terminate(&mut running);
                    return Order::Stop { done };
                }
                Some(Order::Kill) => return Order::Kill,
            };
            let port = running.port;
            failures = if running.since.elapsed() >= UPTIME_WELL {
                0
            } else {
                failures + 1
            };
            let mut reason = describe_exit(&exit);
            running = loop {
                tracing::error!(reason, restarts, "the nats server died, starting it again");
                metrics::counter!("turnstone_bus_embedded_restart_total").increment(1);
                restarts += 1;
                status.send_replace(ServerStatus::Restarting { restarts, reason });
                if let Some(told) = self.next_order(Some(restart_delay(failures))) {
                    return told;
                }
                match self.launch(Some(port)) {
                    Ok(running) => break running,
                    Err(Interrupted::Told(told)) => return told,
                    Err(Interrupted::Failed(error)) => reason = error.to_string(),
                }
                failures += 1;
            };
            tracing::info!(
                port,
                pid = running.child.id(),
                restarts,
                "nats server started again"
            );
            status.send_replace(ServerStatus::Running {
                pid: running.child.id(),
                restarts,
            });
        }
    }

    /// Waits for the next order that concerns the present child; `None` when the time is over.
    fn next_order(&self, patience: Option<Duration>) -> Option<Order> {
        let deadline = patience.map(|patience| Instant::now() + patience);
        loop {
            let order = match deadline {
                None => self.orders.recv().ok()?,
                Some(deadline) => {
                    match self
                        .orders
                        .recv_timeout(deadline.saturating_duration_since(Instant::now()))
                    {
                        Ok(order) => order,
                        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
                    }
                }
            };
            if !matches!(order, Order::Exited { generation } if generation != self.generation) {
                return Some(order);
            }
        }
    }

    /// Starts a child and waits until it listens.
    fn launch(&mut self, port: Option<u16>) -> Result<Running, Interrupted> {
        let store_dir = &self.setup.store_dir;
        let failed = |what: &str| {
            let what = format!("{what} in {}", store_dir.display());
            move |source| EmbeddedError::Io { what, source }
        };
        let config = config::write(store_dir, port, &self.setup.token)
            .map_err(failed("write the configuration of nats-server"))?;
        remove_ports_files(store_dir).map_err(failed("remove old ports files"))?;
        let log_start =
            std::fs::metadata(store_dir.join(config::LOG_FILE)).map_or(0, |metadata| metadata.len());
        self.generation += 1;
        let child = self.spawn(&config).map_err(|source| EmbeddedError::Io {
            what: format!("run {}", self.setup.program.display()),
            source,
        })?;
        let mut running = Running {
            child,
            port: 0,
            since: Instant::now(),
        };
        self.report_exit(&running.child)
            .map_err(failed("watch the child"))?;

        let deadline = running.since + self.setup.start_timeout;
        loop {
            match read_port(store_dir, running.child.id()) {
                Some(port) => {
                    running.port = port;
                    return Ok(running);
                }
                None if Instant::now() >= deadline => {
                    let reason = format!("it does not listen after {:?}", self.setup.start_timeout);
                    return Err(self.start_error(reason, log_start).into());
                }
                None => {}
            }
            match self.next_order(Some(Duration::from_millis(5))) {
                None => {}
                Some(Order::Exited { .. }) => {
                    let reason = describe_exit(&running.child.wait());
                    return Err(self.start_error(reason, log_start).into());
                }
                Some(told) => return Err(Interrupted::Told(told)),
            }
        }
    }

    fn spawn(&self, config: &Path) -> io::Result<Child> {
        let stderr = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.setup.store_dir.join(STDERR_FILE))?;
        let lock = self.setup.lock.try_clone()?;
        let parent = rustix::process::getpid();
        let mut command = Command::new(&self.setup.program);
        command
            .arg("-c")
            .arg(config)
            .current_dir(&self.setup.store_dir)
            // Our environment may hold secrets, and the server needs nothing of it.
            .env_clear()
            .stdin(Stdio::null())
            .stdout(stderr.try_clone()?)
            .stderr(stderr)
            // A terminal sends Ctrl-C to the whole foreground group: in a group of its own the server keeps running until we
            // have drained and stop it.
            .process_group(0);
        // SAFETY: between fork and exec only async-signal-safe calls are allowed. The closure makes three system calls through
        // rustix, which does not allocate or lock for them, and an io::Error from a code does not allocate either.
        unsafe {
            command.pre_exec(move || {
                #[cfg(target_os = "linux")]
                rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
                // Had the parent died before the line above, no signal would ever come.
                if rustix::process::getppid() != Some(parent) {
                    return Err(rustix::io::Errno::SRCH.into());
                }
                // The child keeps the lock of the folder for as long as it lives, also past our own end.
                rustix::io::fcntl_setfd(&lock, rustix::io::FdFlags::empty())?;
                Ok(())
            });
        }
        command.spawn()
    }

    /// Lets a thread wait for the end of the child and say so. It does not reap: until this thread does, the process id stays
    /// taken, so that a signal sent from here can never hit a stranger.
    fn report_exit(&self, child: &Child) -> io::Result<()> {
        let pid = Pid::from_child(child);
        let (sender, generation) = (self.sender.clone(), self.generation);
        std::thread::Builder::new()
            .name("nats-wait".to_owned())
            .spawn(move || {
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                while matches!(waitid(WaitId::Pid(pid), options), Err(rustix::io::Errno::INTR)) {}
                // Nobody listens any more when the supervisor has ended.
                let _ = sender.send(Order::Exited { generation });
            })?;
        Ok(())
    }

    fn terminate(&self, running: &mut Running) {
        // Fails only where the child has ended already.
        let _ = kill_process(Pid::from_child(&running.child), Signal::TERM);
        let deadline = Instant::now() + self.setup.stop_timeout;
        loop {
            match self.next_order(Some(deadline.saturating_duration_since(Instant::now()))) {
                Some(Order::Exited { .. }) => {
                    tracing::info!("nats server stopped");
                    return;
                }
                // Told to stop once more while stopping.
                Some(Order::Stop { .. }) => {}
                Some(Order::Kill) | None => {
                    tracing::warn!("the nats server does not stop, killing it");
                    return;
                }
            }
        }
    }

    fn start_error(&self, reason: String, log_start: u64) -> EmbeddedError {
        let mut log = read_tail(&self.setup.store_dir.join(config::LOG_FILE), log_start);
        log.push_str(&read_tail(&self.setup.store_dir.join(STDERR_FILE), 0));
        let lines: Vec<&str> = log.lines().collect();
        let log = lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n");
        EmbeddedError::Start { reason, log }
    }
}

fn restart_delay(failures: u32) -> Duration {
    (Duration::from_millis(100) * 2_u32.pow(failures.saturating_sub(1).min(10))).min(RESTART_DELAY_MAX)
}

fn describe_exit(exit: &io::Result<ExitStatus>) -> String {
    match exit {
        Ok(status) => format!("it ended with {status}"),
        Err(error) => format!("it ended, and how cannot be told: {error}"),
    }
}

/// The server writes where it listens into `<program>_<pid>.ports` once it does.
fn read_port(store_dir: &Path, pid: u32) -> Option<u16> {
    #[derive(serde::Deserialize)]
    struct Ports {
        nats: Vec<String>,
    }
    let path = ports_files(store_dir).ok()?.into_iter().find(|path| {
        path.file_stem()
            .and_then(|stem| stem.to_str())
            .is_some_and(|stem| stem.ends_with(&format!("_{pid}")))
    })?;
    // Read in the middle of being written it does not parse, and is read again.
    let ports: Ports = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    ports.nats.first()?.rsplit_once(':')?.1.parse().ok()
}

fn remove_ports_files(store_dir: &Path) -> io::Result<()> {
    ports_files(store_dir)?
        .into_iter()
        .try_for_each(std::fs::remove_file)
}

fn ports_files(store_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(store_dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "ports") {
            paths.push(path);
        }
    }
    Ok(paths)
}

/// The last few kilobytes of a file from `start` on, safe to show on a terminal; empty where it cannot be read.
fn read_tail(path: &Path, start: u64) -> String {
    const BYTES_MAX: u64 = 8 * 1024;
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        // A log that has become shorter was begun anew.
        let start = if start > length { 0 } else { start };
        file.seek(SeekFrom::Start(start.max(length.saturating_sub(BYTES_MAX))))?;
        let mut bytes = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = String::from_utf8_lossy(&read().unwrap_or_default()).into_owned();
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}
