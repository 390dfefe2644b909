//! The NATS server that Turnstone starts itself where no other is named: one child process with JetStream on a loopback port
//! that it chose, its data in one folder, started again when it dies, and never left behind.
//!
//! This module owns what callers see; `supervisor` owns the child, `config` its configuration file, `program` the search.

mod config;
mod error;
mod lock;
mod probe;
mod program;
mod supervisor;

pub use error::EmbeddedError;
pub use program::program_candidates;

use crate::{BusOptions, Credentials};
use rand::RngCore;
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;
use supervisor::{Order, Setup};
use tokio::sync::{oneshot, watch};

/// The oldest server with everything that the bus uses.
const VERSION_MIN: (u32, u32) = (2, 10);

/// How to start the server.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// The nats-server program; `None` takes the first of `program_candidates` that is there.
    pub program: Option<PathBuf>,
    /// Where to look, in order. A library reads no environment, so the caller says; see [`program_candidates`].
    pub program_candidates: Vec<PathBuf>,
    /// Folder for the streams, the configuration and the log. Made where it is missing, for this user alone.
    pub store_dir: PathBuf,
    /// How long the server may take until it answers. Reading back large streams after a hard stop takes most of it.
    pub start_timeout: Duration,
    /// How long the server may take to end before it is killed; what it acknowledged is on disk either way.
    pub stop_timeout: Duration,
}

impl EmbeddedOptions {
    /// The defaults with this folder.
    pub fn new(store_dir: impl Into<PathBuf>) -> Self {
        Self {
            program: None,
            program_candidates: Vec::new(),
            store_dir: store_dir.into(),
            start_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(5),
        }
    }
}

/// What the child is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerStatus {
    /// It answers.
    Running {
        /// Its process id.
        pid: u32,
        /// How often it has been started again.
        restarts: u32,
    },
    /// It died and is being started again.
    Restarting {
        /// How often it has been started again.
        restarts: u32,
        /// How it ended, or why the last start failed.
        reason: String,
    },
    /// It was stopped.
    Stopped,
}

/// A running server. Dropping it kills the child; [`NatsServer::stop`] lets it end in order.
#[derive(Debug)]
pub struct NatsServer {
    address: String,
    token: SecretString,
    store_dir: PathBuf,
    status: watch::Receiver<ServerStatus>,
    orders: mpsc::Sender<Order>,
    supervisor: Option<std::thread::JoinHandle<()>>,
}

impl NatsServer {
    /// Starts the server and waits until it answers, usually a few tens of milliseconds.
    ///
    /// Only one server may use a folder: a second one is refused with [`EmbeddedError::InUse`].
    pub async fn start(options: EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let program = program::find(options.program.as_deref(), &options.program_candidates)?;
        let store_dir = lock::make_private_folder(&options.store_dir)?;
        let lock = lock::acquire(&store_dir).await?;
        // Other users of this machine can reach a loopback port as well; without the token they can do nothing there.
        let mut token_bytes = [0_u8; 32];
        rand::rng().fill_bytes(&mut token_bytes);
        let token: String = token_bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let setup = Setup {
            program,
            store_dir: store_dir.clone(),
            token: token.clone(),
            start_timeout: options.start_timeout,
            stop_timeout: options.stop_timeout,
            lock,
        };
        let (orders, order_receiver) = mpsc::channel();
        let (started_sender, started) = oneshot::channel();
        let supervisor_orders = orders.clone();
        let supervisor = std::thread::Builder::new()
            .name("nats-supervisor".to_owned())
            .spawn(move || supervisor::run(&setup, &supervisor_orders, &order_receiver, started_sender))
            .map_err(|source| EmbeddedError::Io {
                what: "start the supervisor thread".to_owned(),
                source,
            })?;
        let ended = |_| EmbeddedError::Start {
            reason: "the supervisor thread ended".to_owned(),
            log: String::new(),
        };
        // From here on a caller that gives up waiting must not leave a child behind: this value stops it when dropped.
        let mut server = Self {
            address: String::new(),
            token: token.into(),
            store_dir,
            status: watch::channel(ServerStatus::Stopped).1,
            orders,
            supervisor: Some(supervisor),
        };
        let started = started.await.map_err(ended)??;
        server.address = format!("nats://127.0.0.1:{}", started.port);
        server.status = started.status;
        server.check_version().await?;
        Ok(server)
    }

    /// A program that is too old would refuse our streams later, with a message that helps nobody.
    async fn check_version(&self) -> Result<(), EmbeddedError> {
        let greeting = self.greeting().await?;
        let mut numbers = greeting
            .version
            .split('.')
            .map(|number| number.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if version < VERSION_MIN || !greeting.jetstream {
            let (major, minor) = VERSION_MIN;
            let reason = format!(
                "the program is version {}, and {major}.{minor} with JetStream is needed",
                greeting.version
            );
            return Err(EmbeddedError::Start {
                reason,
                log: String::new(),
            });
        }
        Ok(())
    }

    async fn greeting(&self) -> Result<probe::Greeting, EmbeddedError> {
        probe::greeting(self.address.trim_start_matches("nats://"), Duration::from_secs(2)).await
    }

    /// Where it listens, `nats://127.0.0.1:port`. Stays the same when the child is started again.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The token that it asks for.
    pub fn token(&self) -> &SecretString {
        &self.token
    }

    /// The folder that it keeps its data in.
    pub fn store_dir(&self) -> &Path {
        &self.store_dir
    }

    /// The default options of a bus, with this server's address and token.
    pub fn bus_options(&self) -> BusOptions {
        BusOptions {
            credentials: Some(Credentials::Token(self.token.clone())),
            ..BusOptions::new(self.address.clone())
        }
    }

    /// What the child is doing, and every change of it.
    pub fn status(&self) -> watch::Receiver<ServerStatus> {
        self.status.clone()
    }

    /// Asks the server for a sign of life.
    pub async fn health(&self) -> Result<(), EmbeddedError> {
        let status = self.status.borrow().clone();
        match status {
            ServerStatus::Running { .. } => self.greeting().await.map(|_| ()),
            ServerStatus::Restarting { reason, .. } => Err(EmbeddedError::Unhealthy {
                reason: format!("it is being started again: {reason}"),
            }),
            ServerStatus::Stopped => Err(EmbeddedError::Unhealthy {
                reason: "it was stopped".to_owned(),
            }),
        }
    }

    /// Asks the server to end, waits `stop_timeout`, then kills it. Returns when it is gone.
    pub async fn stop(mut self) {
        let (done_sender, done) = oneshot::channel();
        if self.orders.send(Order::Stop { done: done_sender }).is_ok() {
            // The supervisor itself bounds the wait; the sender is dropped with it in any case.
            let _ = done.await;
        }
        self.join();
    }

    fn join(&mut self) {
        if let Some(supervisor) = self.supervisor.take()
            && supervisor.join().is_err()
        {
            tracing::error!("the supervisor of the nats server panicked");
        }
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        // A killed child is gone within milliseconds, so waiting here is short even on an executor thread.
        let _ = self.orders.send(Order::Kill);
        self.join();
    }
}
