//! A throwaway Postgres cluster on a free loopback port, and the faults that tests inflict on it.

use crate::{free_port, spawner};
use anyhow::Context;
use rustix::process::{Pid, Signal, geteuid, kill_process};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longest wait for the server to come up or to go down.
const LIFECYCLE_LIMIT: Duration = Duration::from_secs(30);
const POLL_EVERY: Duration = Duration::from_millis(5);

/// How a cluster is run.
#[derive(Debug, Clone, Default)]
pub struct PostgresOptions {
    /// Whether commits reach the disk (`fsync`, `full_page_writes`), as in production. Off, a commit survives a kill of the
    /// server but not a loss of power, and tests are several times faster.
    pub durable: bool,
    /// Further settings of postgresql.conf, for example `("max_connections", "10")`; they win over ours.
    pub settings: Vec<(String, String)>,
}

/// A running Postgres cluster of its own. Stopped and removed on drop, and when this process ends in whatever way.
#[derive(Debug)]
pub struct PostgresCluster {
    programs: Programs,
    options: PostgresOptions,
    port: u16,
    server: Mutex<Option<Child>>,
    databases: AtomicU32,
    // Dropped last: the folder goes after the server, and the guard, which removes it too, after the folder.
    folder: tempfile::TempDir,
    guard: Option<Child>,
}

impl PostgresCluster {
    /// Starts a cluster for tests: not durable, otherwise with Postgres' defaults.
    pub fn start() -> anyhow::Result<Self> {
        Self::start_with(PostgresOptions::default())
    }

    /// Starts a cluster. Blocks for about a second.
    pub fn start_with(options: PostgresOptions) -> anyhow::Result<Self> {
        let programs = Programs::find()?;
        let folder = tempfile::Builder::new()
            .prefix("turnstone-test-pg-")
            .tempdir()
            .context("make a folder for a Postgres cluster")?;
        programs.give_away(folder.path())?;
        let guard = Some(spawn_guard(folder.path())?);
        programs.initialise(&folder.path().join("data"))?;
        let cluster = Self {
            programs,
            options,
            port: free_port()?,
            server: Mutex::new(None),
            databases: AtomicU32::new(0),
            folder,
            guard,
        };
        cluster.start_again()?;
        Ok(cluster)
    }

    /// The port it listens on, on 127.0.0.1; the same after a restart.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the Unix socket, for `psql -h`.
    pub fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// The URL of a database of this cluster.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes a database of its own for one test and returns its URL.
    pub async fn fresh_database(&self) -> anyhow::Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute("postgres", &format!("CREATE DATABASE {name}"))
            .await?;
        Ok(self.url(&name))
    }

    /// Executes statements on a connection of their own, as superuser.
    pub async fn execute(&self, database: &str, statements: &str) -> anyhow::Result<()> {
        let (client, connection) = tokio_postgres::connect(&self.url(database), tokio_postgres::NoTls)
            .await
            .with_context(|| format!("connect to the test database {database}"))?;
        let driver = tokio::spawn(connection);
        let executed = client
            .batch_execute(statements)
            .await
            .with_context(|| format!("execute {statements:?}"));
        drop(client);
        // An error of the connection shows in the statement's own result.
        let _ = driver.await;
        executed
    }

    /// Stops the server as an administrator does (fast shutdown: connections are cut, transactions rolled back).
    pub fn stop(&self) -> anyhow::Result<()> {
        self.end_with(Signal::INT)
    }

    /// Kills the server on the spot, with all its processes; it recovers from its log when started again.
    pub fn kill9(&self) -> anyhow::Result<()> {
        self.end_with(Signal::KILL)
    }

    /// Starts the server after `stop` or `kill9`, on the same port with the same data. Does nothing while it runs.
    pub fn start_again(&self) -> anyhow::Result<()> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        if server.is_some() {
            return Ok(());
        }
        // After a kill -9 the backends need a moment to notice; a new server refuses to start beside them.
        let deadline = Instant::now() + LIFECYCLE_LIMIT;
        loop {
            let mut child = self.spawn_server()?;
            match self.wait_until_ready(&mut child) {
                Ok(()) => {
                    *server = Some(child);
                    return Ok(());
                }
                Err(error) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    if Instant::now() > deadline {
                        return Err(error);
                    }
                    pause(Duration::from_millis(100));
                }
            }
        }
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        std::fs::read(self.log_path())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    fn spawn_server(&self) -> anyhow::Result<Child> {
        let data = self.folder.path().join("data");
        let durable = if self.options.durable { "on" } else { "off" };
        let mut settings: Vec<(String, String)> = [
            ("listen_addresses", "127.0.0.1".to_owned()),
            ("port", self.port.to_string()),
            (
                "unix_socket_directories",
                self.folder.path().display().to_string(),
            ),
            ("max_connections", "200".to_owned()),
            ("fsync", durable.to_owned()),
            ("full_page_writes", durable.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
        settings.extend(self.options.settings.iter().cloned());

        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .context("open the server's log")?;
        let mut command = self.programs.command("postgres");
        command
            .arg("-D")
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        for (name, value) in settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        // SIGQUIT: immediate shutdown, which takes the backends along.
        spawner::spawn(command, Signal::QUIT).context("start the postgres program")
    }

    /// Waits until the server says in its lock file that it accepts connections, as pg_ctl does.
    fn wait_until_ready(&self, child: &mut Child) -> anyhow::Result<()> {
        let lock_file = self.folder.path().join("data/postmaster.pid");
        let deadline = Instant::now() + LIFECYCLE_LIMIT;
        loop {
            if let Some(status) = child.try_wait()? {
                anyhow::bail!(
                    "the postgres program ended at once ({status}); its log:\n{}",
                    self.log()
                );
            }
            let written = std::fs::read_to_string(&lock_file).unwrap_or_default();
            let mut lines = written.lines();
            let is_this_server = lines.next() == Some(child.id().to_string().as_str());
            if is_this_server && lines.nth(6).is_some_and(|status| status.trim() == "ready") {
                return Ok(());
            }
            anyhow::ensure!(
                Instant::now() < deadline,
                "Postgres was not ready after {LIFECYCLE_LIMIT:?}; its log:\n{}",
                self.log()
            );
            pause(POLL_EVERY);
        }
    }

    fn end_with(&self, signal: Signal) -> anyhow::Result<()> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut child) = server.take() else {
            return Ok(());
        };
        end_child(&mut child, signal)
    }
}

impl Drop for PostgresCluster {
    fn drop(&mut self) {
        if let Some(mut child) = self
            .server
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            // Nobody needs the data: immediate shutdown. The guard removes the folder if this fails.
            let _ = end_child(&mut child, Signal::QUIT);
        }
        let _ = std::fs::remove_dir_all(self.folder.path());
        if let Some(mut guard) = self.guard.take() {
            // Closing its standard input tells the guard to end.
            drop(guard.stdin.take());
            let _ = guard.wait();
        }
    }
}

fn end_child(child: &mut Child, signal: Signal) -> anyhow::Result<()> {
    if child.try_wait()?.is_none() {
        kill_process(Pid::from_child(child), signal).context("signal the Postgres server")?;
    }
    let deadline = Instant::now() + LIFECYCLE_LIMIT;
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            anyhow::bail!("Postgres did not stop within {LIFECYCLE_LIMIT:?} and was killed");
        }
        pause(POLL_EVERY);
    }
    Ok(())
}

/// A shell that waits for this process' end, be it by a kill -9, and then removes the folder.
fn spawn_guard(folder: &Path) -> anyhow::Result<Child> {
    const SCRIPT: &str = "trap '' INT TERM HUP; read -r _; n=0; \
        while [ -e \"$1\" ] && [ $n -lt 100 ]; do rm -rf -- \"$1\" 2>/dev/null; n=$((n+1)); [ -e \"$1\" ] && sleep 0.1; done";
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, "sh"]).arg(folder);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    command
        .spawn()
        .context("start the shell that guards a test cluster's folder")
}

/// The Postgres programs of this machine and the user they run as.
#[derive(Debug, Clone)]
struct Programs {
    folder: PathBuf,
    /// User and group to run as, where this process is root: Postgres refuses to.
    user: Option<(u32, u32)>,
}

impl Programs {
    fn find() -> anyhow::Result<Self> {
        let named = std::env::var_os("TURNSTONE_POSTGRES_BIN").map(PathBuf::from);
        if let Some(folder) = &named {
            anyhow::ensure!(
                has_programs(folder),
                "TURNSTONE_POSTGRES_BIN is {}, which does not hold the programs initdb and postgres",
                folder.display()
            );
        }
        let folder = named
            .or_else(find_newest_packaged)
            .or_else(|| find_in_path(&std::env::var_os("PATH").unwrap_or_default()));
        let folder = folder.context(
            "the Postgres programs initdb and postgres are missing; `make test` installs them on Debian when run as root, \
             otherwise run `apt-get install postgresql` or set TURNSTONE_POSTGRES_BIN to their folder",
        )?;
        let user = if geteuid().is_root() {
            Some(find_unprivileged_user()?)
        } else {
            None
        };
        Ok(Self { folder, user })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.folder.join(program));
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        // The messages' language and the clients' defaults must not depend on who runs the tests.
        for (variable, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG"))
        {
            command.env_remove(variable);
        }
        command.env("LC_ALL", "C").current_dir("/");
        command
    }

    fn give_away(&self, path: &Path) -> anyhow::Result<()> {
        match self.user {
            Some((user, group)) => chown(path, Some(user), Some(group))
                .with_context(|| format!("give {} to another user", path.display())),
            None => Ok(()),
        }
    }

    /// Fills `data` with a new cluster: a copy of one that this process makes once and never starts.
    fn initialise(&self, data: &Path) -> anyhow::Result<()> {
        static TEMPLATE: Mutex<Option<Template>> = Mutex::new(None);
        let mut template = TEMPLATE.lock().unwrap_or_else(PoisonError::into_inner);
        let made = match &*template {
            Some(made) => made,
            None => template.insert(self.make_template()?),
        };
        let mut command = Command::new("cp");
        command.arg("-a").arg(made.folder.join("data")).arg(data);
        run_to_end(command, "copy the template of a Postgres cluster")
    }

    fn make_template(&self) -> anyhow::Result<Template> {
        let made = tempfile::Builder::new()
            .prefix("turnstone-test-pg-")
            .tempdir()
            .context("make a folder for a Postgres template")?;
        self.give_away(made.path())?;
        let guard = spawn_guard(made.path())?;
        let mut command = self.command("initdb");
        command.arg("-D").arg(made.path().join("data")).args([
            "-N",
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
        ]);
        run_to_end(command, "make a Postgres cluster with initdb")?;
        // From here on the guard alone removes it, when this process ends: statics are never dropped.
        Ok(Template {
            folder: made.keep(),
            _guard: guard,
        })
    }
}

/// A new cluster to be copied.
#[derive(Debug)]
struct Template {
    folder: PathBuf,
    _guard: Child,
}

fn run_to_end(mut command: Command, what: &str) -> anyhow::Result<()> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = spawner::spawn(command, Signal::KILL).with_context(|| what.to_owned())?;
    let mut errors = String::new();
    if let Some(mut pipe) = child.stderr.take() {
        let _ = pipe.read_to_string(&mut errors);
    }
    let status = child.wait().with_context(|| what.to_owned())?;
    anyhow::ensure!(status.success(), "{what}: {status}\n{errors}");
    Ok(())
}

fn has_programs(folder: &Path) -> bool {
    ["initdb", "postgres"]
        .iter()
        .all(|program| folder.join(program).is_file())
}

/// Debian's layout, one folder for each major version; the newest wins.
fn find_newest_packaged() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<(u32, PathBuf)> = versions
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, folder)| has_programs(folder))
        .collect();
    found.sort();
    found.pop().map(|(_, folder)| folder)
}

fn find_in_path(path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path)
        .find(|folder| has_programs(folder))
        // Programs in the path may be links; Postgres looks for its libraries beside the real ones.
        .and_then(|folder| Some(folder.join("postgres").canonicalize().ok()?.parent()?.to_owned()))
}

fn find_unprivileged_user() -> anyhow::Result<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd")
        .context("read /etc/passwd to find a user to run Postgres as")?;
    let ids_of = |wanted: &str| {
        users.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            (fields.first() == Some(&wanted))
                .then(|| Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?)))?
        })
    };
    ["postgres", "nobody"]
        .into_iter()
        .find_map(ids_of)
        .context("Postgres refuses to run as root, and this machine has neither a user postgres nor nobody to run it as")
}

#[expect(
    clippy::disallowed_methods,
    reason = "starting and stopping a server is blocking by design and polls with a limit"
)]
fn pause(duration: Duration) {
    std::thread::sleep(duration);
}
