//! A server with its store, rows to put into it, and plain clients.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use turnstone_explain::generate::Explainer;
use turnstone_proto::v1::detection_service_client::DetectionServiceClient;
use turnstone_proto::v1::entry_service_client::EntryServiceClient;
use turnstone_proto::v1::explanation_service_client::ExplanationServiceClient;
use turnstone_proto::v1::stats_service_client::StatsServiceClient;
use turnstone_query::{QueryOptions, QueryParts, QueryService, ServeError};
use turnstone_service::Config;
use turnstone_store::{
    ConnectOptions, DetectionFilter, NewSuppression, RecordScores, Store, StoreAddress, connect,
};
use turnstone_types::{
    CycleId, Detection, EntryId, EntryOutcome, Label, LabelMeaning, NewCycle, NewEntry, ScoredEntry,
    Severity, SourceDelta, SourceId, TenantId, Timestamp, TimestampBasis,
};

/// Longest wait for anything in these tests.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Ends the wait for `work` with a panic instead of a hang.
pub async fn within<T>(limit: Duration, what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| panic!("{what} took longer than {limit:?}"))
}

/// Asks until the answer is yes.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let asked = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(PATIENCE, what, asked).await;
}

pub struct TestServer {
    pub address: SocketAddr,
    pub store: Arc<dyn Store>,
    pub database: PathBuf,
    pub stop: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), ServeError>>,
    _folder: tempfile::TempDir,
}

impl TestServer {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a server on a migrated store with changed options.
    pub async fn start_with(change: impl FnOnce(&mut QueryOptions)) -> Self {
        let server = Self::start_on_empty_file(change).await;
        server.store.migrate().await.unwrap();
        server
    }

    /// Starts a server on a migrated store that explains as a configuration says.
    pub async fn start_explaining(config: &Config, change: impl FnOnce(&mut QueryOptions)) -> Self {
        let make = |store: &Arc<dyn Store>| turnstone_query::explainer(config, store).unwrap();
        let server = Self::start_on_empty_file_with(change, make).await;
        server.store.migrate().await.unwrap();
        server
    }

    /// Starts a server whose store has no schema yet.
    pub async fn start_on_empty_file(change: impl FnOnce(&mut QueryOptions)) -> Self {
        let make = |store: &Arc<dyn Store>| QueryParts::new(Arc::clone(store)).explainer;
        Self::start_on_empty_file_with(change, make).await
    }

    async fn start_on_empty_file_with(
        change: impl FnOnce(&mut QueryOptions),
        explainer: impl FnOnce(&Arc<dyn Store>) -> Explainer,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("turnstone.db");
        let store = open(&database).await;
        let mut options = QueryOptions::new(SocketAddr::from(([127, 0, 0, 1], 0)));
        options.poll_interval = Duration::from_millis(50);
        change(&mut options);
        let bound = QueryService::bind(
            options,
            QueryParts {
                metrics: Some(METRICS.clone()),
                explainer: explainer(&store),
                ..QueryParts::new(Arc::clone(&store))
            },
        )
        .await
        .unwrap();
        let address = bound.local_addr();
        let stop = CancellationToken::new();
        let task = tokio::spawn(bound.serve(stop.clone()));
        Self {
            address,
            store,
            database,
            stop,
            task,
            _folder: folder,
        }
    }

    /// Another handle on the same file, as another process would have it.
    pub async fn other_handle(&self) -> Arc<dyn Store> {
        open(&self.database).await
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::from_shared(format!("http://{}", self.address))
            .unwrap()
            .connect_timeout(PATIENCE)
    }

    pub async fn channel(&self) -> Channel {
        self.endpoint().connect().await.unwrap()
    }

    pub async fn detections(&self) -> DetectionServiceClient<Channel> {
        DetectionServiceClient::new(self.channel().await)
    }

    pub async fn entries(&self) -> EntryServiceClient<Channel> {
        EntryServiceClient::new(self.channel().await)
    }

    pub async fn explanations(&self) -> ExplanationServiceClient<Channel> {
        ExplanationServiceClient::new(self.channel().await)
    }

    pub async fn stats(&self) -> StatsServiceClient<Channel> {
        StatsServiceClient::new(self.channel().await)
    }

    /// Drops the server in the middle of its work.
    pub async fn abort(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }

    /// Stops the server and waits for its end.
    pub async fn stop(self) -> Result<(), ServeError> {
        self.stop.cancel();
        within(PATIENCE, "the stop", self.task).await.unwrap()
    }
}

/// One recorder for the whole test binary, since metrics are global.
pub static METRICS: LazyLock<metrics_exporter_prometheus::PrometheusHandle> = LazyLock::new(|| {
    metrics_exporter_prometheus::PrometheusBuilder::new()
        .install_recorder()
        .unwrap()
});

async fn open(database: &std::path::Path) -> Arc<dyn Store> {
    let address = StoreAddress::parse(&format!("sqlite://{}", database.display())).unwrap();
    connect(&address, &ConnectOptions::default()).await.unwrap()
}

/// A line that becomes an entry with a score and, if it is anomalous, a detection.
#[derive(Debug, Clone)]
pub struct Line {
    pub tenant: &'static str,
    pub source: &'static str,
    pub text: String,
    pub label: &'static str,
    pub severity: Severity,
    pub score: f64,
    pub scorer: &'static str,
    pub detected_at: Timestamp,
    pub timestamp: Timestamp,
    pub ingested_at: Timestamp,
}

/// A detection of the shared tenant.
pub fn line(text: impl Into<String>) -> Line {
    Line {
        tenant: "",
        source: "ssh",
        text: text.into(),
        label: "SECURITY_ANOMALY",
        severity: Severity::Error,
        score: 0.9,
        scorer: "mini",
        detected_at: Timestamp::now(),
        timestamp: Timestamp::now(),
        ingested_at: Timestamp::now(),
    }
}

/// The instant of so many seconds since 2026 began.
pub fn second(number: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + number).unwrap()
}

/// Commits lines, one cycle for each, and their scores. Returns the ids of the entries.
pub async fn commit(store: &Arc<dyn Store>, lines: &[Line]) -> Vec<EntryId> {
    let mut entry_ids = Vec::new();
    for line in lines {
        entry_ids.extend(commit_together(store, std::slice::from_ref(line)).await);
    }
    entry_ids
}

/// Commits lines of one tenant, scorer and detection time as one cycle and one batch of scores.
pub async fn commit_together(store: &Arc<dyn Store>, lines: &[Line]) -> Vec<EntryId> {
    let entry_ids: Vec<EntryId> = lines.iter().map(|_| EntryId::generate()).collect();
    let first = &lines[0];
    let entries = lines.iter().zip(&entry_ids).map(|(line, id)| NewEntry {
        id: id.clone(),
        source_id: SourceId::new(line.source).unwrap(),
        text: line.text.clone(),
        timestamp: line.timestamp,
        timestamp_basis: TimestampBasis::Parsed,
        severity: Some(line.severity),
    });
    let cycle = NewCycle {
        id: CycleId::generate(),
        tenant: TenantId::new(first.tenant).unwrap(),
        started_at: first.ingested_at,
        closed_at: first.ingested_at,
        entries: entries.collect(),
        checkpoints: Vec::new(),
        sources: vec![SourceDelta {
            source_id: SourceId::new(first.source).unwrap(),
            kind: "files".into(),
            entries: lines.len() as u64,
            bytes: lines.iter().map(|line| line.text.len() as u64).sum(),
            undated_entries: 0,
            repaired_lines: 1,
            truncated_lines: 0,
            last_entry_at: Some(first.timestamp),
            fault: None,
        }],
        batch_entries_max: 1_000,
        trace_parent: None,
    };
    assert!(store.commit_cycle(&cycle).await.unwrap());
    let outcomes = lines.iter().zip(&entry_ids).map(|(line, id)| ScoredEntry {
        id: id.clone(),
        outcome: EntryOutcome::Scored {
            meaning: LabelMeaning {
                label: Label::new(line.label),
                severity: line.severity,
                anomalous: true,
            },
            score: line.score,
            detected: true,
        },
    });
    let scores = RecordScores {
        batch_id: None,
        scorer: first.scorer.into(),
        scored_at: first.detected_at,
        quiet_seconds: 0,
        outcomes: outcomes.collect(),
    };
    let outcome = store.record_scores(&scores).await.unwrap();
    assert_eq!(outcome.new_detections, lines.len() as u64);
    entry_ids
}

/// The stored detections of a tenant, newest first.
pub async fn stored(store: &Arc<dyn Store>, tenant: &str) -> Vec<Detection> {
    let tenant = TenantId::new(tenant).unwrap();
    store
        .list_detections(&tenant, &DetectionFilter::default(), None, 10_000)
        .await
        .unwrap()
}

/// Suppressions of the shared tenant for the messages of these texts, for an hour from now.
pub fn suppression_of(texts: &[&str]) -> Vec<NewSuppression> {
    let now = Timestamp::now();
    texts
        .iter()
        .map(|text| NewSuppression {
            tenant: TenantId::shared(),
            fingerprint: turnstone_types::fingerprint(text),
            source_id: None,
            label: None,
            expires_at: now + Duration::from_secs(3_600),
            reason: "planned".into(),
            by: "ops".into(),
            at: now,
        })
        .collect()
}

/// A request of a tenant.
pub fn of_tenant<T>(tenant: &'static str, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request
        .metadata_mut()
        .insert("x-turnstone-tenant", MetadataValue::from_static(tenant));
    request
}

/// An answer of plain HTTP.
#[derive(Debug)]
pub struct HttpAnswer {
    pub status: u16,
    /// Lower case.
    pub head: String,
    pub body: Vec<u8>,
}

impl HttpAnswer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends one HTTP/1.0 request, whose answer ends with the connection and is never chunked.
pub async fn http(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> HttpAnswer {
    let mut stream = send_http(address, method, path, headers, body).await;
    let mut answer = Vec::new();
    within(PATIENCE, "the answer", stream.read_to_end(&mut answer))
        .await
        .unwrap();
    let head_end = answer
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .expect("an HTTP answer");
    let head = String::from_utf8_lossy(&answer[..head_end]).to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    HttpAnswer {
        status,
        head,
        body: answer[head_end + 4..].to_vec(),
    }
}

pub async fn get(address: SocketAddr, path: &str) -> HttpAnswer {
    http(address, "GET", path, &[], &[]).await
}

pub async fn send_http(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut request = format!("{method} {path} HTTP/1.0\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    stream
}
