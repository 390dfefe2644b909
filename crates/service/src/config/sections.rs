//! The sections of the configuration, with their defaults.

use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Where entries, scores and detections are kept.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// `sqlite:///path` or `postgres://user:password@host/database`; empty is a SQLite file in the data folder.
    pub url: Secret,
    /// Connections of one process.
    pub connections_max: u32,
    /// Longest wait for a connection or a lock, in seconds.
    pub wait_seconds_max: u64,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            connections_max: 8,
            wait_seconds_max: 10,
        }
    }
}

/// The queue.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct NatsConfig {
    /// `nats://host:4222`, several separated by commas; empty is a server that `turnstone up` starts itself.
    pub url: Secret,
    /// Token, where the server asks for one.
    pub token: Secret,
    /// Credentials file (`.creds`), where the server asks for one.
    pub credentials_file: String,
    /// Copies that the cluster keeps of each stream: 1, 3 or 5.
    pub replicas: u32,
}

impl Default for NatsConfig {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            token: Secret::default(),
            credentials_file: String::new(),
            replicas: 1,
        }
    }
}

/// The query service.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address of the one port for gRPC, gRPC-web and HTTP.
    pub listen: SocketAddr,
    /// Requests worked on at the same time; more are answered RESOURCE_EXHAUSTED.
    pub requests_in_flight_max: u32,
    /// Watchers at the same time.
    pub watchers_max: u32,
    /// Streams of explanations at the same time.
    pub explanations_max: u32,
    /// Serves anybody who can reach a public address. Never set this outside a network of your own.
    pub insecure_no_token_on_public_address: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7400)),
            requests_in_flight_max: 256,
            watchers_max: 256,
            explanations_max: 256,
            insecure_no_token_on_public_address: false,
        }
    }
}

/// Gleaning and publishing.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct IngestConfig {
    /// A cycle closes at this many entries.
    pub cycle_entries_max: u32,
    /// A cycle closes at this many bytes of text.
    pub cycle_bytes_max: u64,
    /// A cycle that holds something closes after this long, in milliseconds.
    pub cycle_interval_ms: u64,
    /// How often sources that had nothing new are asked again, in milliseconds.
    pub poll_interval_ms: u64,
    /// A batch that is not scored this long after it was sent is sent again, in seconds.
    pub score_deadline_seconds: u64,
    /// How often to look for such batches, in seconds.
    pub sweep_interval_seconds: u64,
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            cycle_entries_max: 10_000,
            cycle_bytes_max: 16 * 1024 * 1024,
            cycle_interval_ms: 1_000,
            poll_interval_ms: 500,
            score_deadline_seconds: 300,
            sweep_interval_seconds: 30,
        }
    }
}

/// The model. The variables `TURNSTONE_ANOMALY_MODEL`, `_THRESHOLD`, `_DEVICE` and `_BATCH` are the original's.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnomalyConfig {
    /// Folder of the model in HuggingFace layout, or `turnstone-mini` for the bundled one. Empty makes the scorer a no-op that
    /// reports `skipped`; so does leaving it out, except for `turnstone up`, `scan`, `classify` and `eval`, which
    /// then take the bundled one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// A line with an anomalous label is a detection from this probability on.
    pub threshold: f64,
    /// `cpu`, `cuda` or `cuda:N`.
    pub device: String,
    /// Entries in one score batch.
    pub batch: u32,
    /// `f32`, `bf16`, `f16`, or `auto`: the fastest that the device computes in itself.
    pub dtype: String,
    /// Batches of lines that the model works on at once, each on a core of its own (a GPU takes one); 0 is one for each core.
    pub threads: u32,
    /// What is done to a line before the model sees it: `raw` or `template`; empty is what the model was trained for.
    pub normalise: String,
    /// Memory for answers that are kept, in bytes; 0 keeps none.
    pub cache_bytes: u64,
    /// Threads that prepare lines for the model; 0 is one for each core.
    pub tokenise_threads: u32,
}

impl Default for AnomalyConfig {
    fn default() -> Self {
        Self {
            model: None,
            threshold: 0.75,
            device: "cpu".into(),
            batch: 256,
            dtype: "f32".into(),
            threads: 0,
            normalise: String::new(),
            cache_bytes: 64 * 1024 * 1024,
            tokenise_threads: 0,
        }
    }
}

/// The scorer's work loop.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScorerConfig {
    /// Batches that one worker holds at the same time: one in the model, the others being read, tokenised or written.
    pub batches_in_flight_max: u32,
    /// The queue hands a batch to another worker when it hears nothing for this long, in seconds.
    pub ack_wait_seconds: u64,
    /// A batch delivered this often without success goes to the dead letters.
    pub deliveries_max: u32,
    /// Time that the work in hand has to finish after a signal, in seconds.
    pub grace_seconds: u64,
    /// For so long after a person acknowledged a group of detections, what recurs in it comes acknowledged too, in seconds; 0 opens
    /// the group again as soon as it recurs.
    pub quiet_seconds: u32,
}

impl Default for ScorerConfig {
    fn default() -> Self {
        Self {
            batches_in_flight_max: 3,
            ack_wait_seconds: 30,
            deliveries_max: 8,
            grace_seconds: 20,
            quiet_seconds: 0,
        }
    }
}

/// Form of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Logs, metrics and traces.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// Log filter, for example `info` or `info,turnstone_scorer=debug`. Empty is `info`, and `warn` in `turnstone up`, which tells
    /// people what happens in lines of its own.
    pub log: String,
    /// `text` or `json`.
    pub log_format: LogFormat,
    /// OTLP endpoint for traces, for example `http://127.0.0.1:4317`; empty sends none.
    pub otlp_endpoint: String,
}

/// Health of services without a port of their own (ingest and scorer).
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HealthConfig {
    /// Address for `/healthz`, `/readyz` and `/metrics`, for example `127.0.0.1:7401`; empty serves none.
    pub listen: String,
}
