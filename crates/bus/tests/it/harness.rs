//! A nats-server of its own for each test, batches to publish, and waiting with a limit.

use anyhow::{Context, Result, bail};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use turnstone_bus::embedded::{EmbeddedOptions, NatsServer};
use turnstone_bus::{Bus, BusOptions, Delivery, ScoreQueue, ScoreQueueOptions};
use turnstone_types::{BatchId, CycleId, EntryId, ScoreBatch, TenantId};

/// Longest that any test waits for anything.
pub const LIMIT: Duration = Duration::from_secs(20);

pub fn nats_program() -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.tools/nats/bin/nats-server");
    assert!(
        path.is_file(),
        "no nats-server at {}: run `make setup`",
        path.display()
    );
    path
}

pub fn embedded_options(folder: &TempDir) -> EmbeddedOptions {
    EmbeddedOptions {
        program: Some(nats_program()),
        ..EmbeddedOptions::new(folder.path().join("nats"))
    }
}

/// A server, a connection with streams, and the folder, in the order in which they end.
pub struct Rig {
    pub bus: Bus,
    pub server: NatsServer,
    _folder: TempDir,
}

impl Rig {
    pub async fn start() -> Result<Self> {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(adapt: impl FnOnce(&mut BusOptions)) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let server = NatsServer::start(embedded_options(&folder)).await?;
        let mut options = server.bus_options();
        adapt(&mut options);
        let bus = Bus::connect(&options).await?;
        bus.ensure_streams().await?;
        Ok(Self {
            bus,
            server,
            _folder: folder,
        })
    }

    /// Publishes `count` batches with their own message ids.
    pub async fn publish(&self, count: usize) -> Result<Vec<ScoreBatch>> {
        let batches: Vec<ScoreBatch> = (0..count).map(|_| batch("acme")).collect();
        for batch in &batches {
            self.bus.publish_batch(batch, batch.id.as_str(), None).await?;
        }
        Ok(batches)
    }

    /// Speaks to the server without the bus, for what the bus would never do.
    pub async fn raw(&self) -> Result<async_nats::jetstream::Context> {
        use secrecy::ExposeSecret;
        let token = self.server.token().expose_secret().to_owned();
        let client = async_nats::ConnectOptions::with_token(token)
            .connect(self.server.address())
            .await?;
        Ok(async_nats::jetstream::new(client))
    }
}

pub fn batch(tenant: &str) -> ScoreBatch {
    ScoreBatch {
        id: BatchId::generate(),
        tenant: TenantId::new(tenant).unwrap(),
        cycle_id: CycleId::generate(),
        first_entry_id: EntryId::generate(),
        last_entry_id: EntryId::generate(),
        entry_count: 7,
    }
}

pub fn queue_options(ack_wait: Duration) -> ScoreQueueOptions {
    ScoreQueueOptions {
        ack_wait,
        ..ScoreQueueOptions::default()
    }
}

/// Pulls until there are `count`, passing over retryable errors as a worker does.
pub async fn pull_count(queue: &ScoreQueue, count: usize) -> Result<Vec<Delivery>> {
    let deadline = Instant::now() + LIMIT;
    let mut deliveries = Vec::new();
    while deliveries.len() < count {
        if Instant::now() > deadline {
            bail!("{} of {count} deliveries within {LIMIT:?}", deliveries.len());
        }
        match queue
            .pull(count - deliveries.len(), Duration::from_millis(500))
            .await
        {
            Ok(more) => deliveries.extend(more),
            Err(error) if error.is_retryable() => sleep(Duration::from_millis(20)).await,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(deliveries)
}

pub async fn pull_one(queue: &ScoreQueue) -> Result<Delivery> {
    pull_count(queue, 1).await?.pop().context("one delivery")
}

/// Whether nothing comes within `window`.
pub async fn stays_empty(queue: &ScoreQueue, window: Duration) -> Result<bool> {
    Ok(queue.pull(1, window).await?.is_empty())
}

/// Repeats `check` until it is true, with a limit.
pub async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !check().await {
        assert!(Instant::now() < deadline, "not within {LIMIT:?}: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A nats-server that can be killed, robbed of its data and started again on its port, as happens to other people's servers.
pub struct FragileServer {
    port: u16,
    folder: TempDir,
    child: Option<Child>,
}

impl FragileServer {
    pub async fn start() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut server = Self {
            port,
            folder: tempfile::tempdir()?,
            child: None,
        };
        server.start_again().await?;
        Ok(server)
    }

    pub fn options(&self) -> BusOptions {
        BusOptions {
            publish_timeout: Duration::from_secs(2),
            ..BusOptions::new(format!("nats://127.0.0.1:{}", self.port))
        }
    }

    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    pub fn lose_everything(&self) -> Result<()> {
        std::fs::remove_dir_all(self.folder.path().join("jetstream"))?;
        Ok(())
    }

    pub async fn start_again(&mut self) -> Result<()> {
        let mut command = Command::new(nats_program());
        command
            .args(["-a", "127.0.0.1", "-p", &self.port.to_string(), "-js", "-sd"])
            .arg(self.folder.path());
        self.child = Some(
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?,
        );
        let port = self.port;
        eventually("the server listens", async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await;
        Ok(())
    }
}

impl Drop for FragileServer {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Whether the process runs; one that has ended and waits to be reaped does not.
pub fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with('Z'))
}
