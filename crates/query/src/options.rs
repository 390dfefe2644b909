//! What the service is told at its start, and why it may refuse to start.

use std::net::SocketAddr;
use std::time::Duration;
use turnstone_service::ApiToken;

/// Settings of a query service. All waits and all amounts have a limit here.
#[derive(Debug, Clone)]
pub struct QueryOptions {
    /// Address of the one port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Token that every caller must present as `authorization: Bearer …`; needed unless `listen` is loopback.
    pub api_token: Option<ApiToken>,
    /// Serves anybody who can reach a public address.
    pub insecure_no_token_on_public_address: bool,
    /// Requests worked on at the same time; more are answered RESOURCE_EXHAUSTED, or 429 over plain HTTP.
    pub requests_in_flight_max: usize,
    /// Longest work on one request; a shorter `grpc-timeout` of the caller counts.
    pub request_time_max: Duration,
    /// Longest wait for a scorer to say which words made a label.
    pub label_time_max: Duration,
    /// Connections at the same time; more wait to be accepted.
    pub connections_max: usize,
    /// Watchers at the same time.
    pub watchers_max: usize,
    /// Streams of explanations at the same time; more are answered RESOURCE_EXHAUSTED.
    pub explanations_max: usize,
    /// Detections that one watcher may lag behind before it is sent away.
    pub watcher_queue_max: usize,
    /// How often a watcher hears that its watch stands, and a reader of an explanation that it is still being written.
    pub heartbeat_interval: Duration,
    /// How often the store is asked for new detections while somebody watches.
    pub poll_interval: Duration,
    /// How long a sequence that is missing from the feed is waited for: longer than any transaction that writes detections.
    pub gap_wait_max: Duration,
    /// How long the store may fail before watchers are told.
    pub watch_outage_max: Duration,
    /// How long a stop waits for requests in flight.
    pub drain_time_max: Duration,
}

impl QueryOptions {
    /// The defaults, on one address.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            api_token: None,
            insecure_no_token_on_public_address: false,
            requests_in_flight_max: 256,
            request_time_max: Duration::from_secs(30),
            label_time_max: Duration::from_secs(10),
            connections_max: 1_024,
            watchers_max: 256,
            explanations_max: 256,
            watcher_queue_max: 1_024,
            heartbeat_interval: Duration::from_secs(15),
            poll_interval: Duration::from_millis(200),
            gap_wait_max: Duration::from_secs(10),
            watch_outage_max: Duration::from_secs(15),
            drain_time_max: Duration::from_secs(10),
        }
    }
}

/// Why the service does not start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Nobody may serve the world by accident.
    #[error(
        "refuse to listen on {listen} without an API token: set one (TURNSTONE_API_TOKEN) or listen on a loopback address such as 127.0.0.1"
    )]
    PublicWithoutToken {
        /// The address asked for.
        listen: SocketAddr,
    },
    /// The address cannot be had.
    #[error("listen on {listen}: {source}; choose another address or stop what holds it")]
    Listen {
        /// The address asked for.
        listen: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The reflection service could not be made of the built-in descriptors: a fault of the build.
    #[error("build the reflection service: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// Requests were still running when the time for the drain was over.
    #[error(
        "{connections} connections were cut because their requests did not end within {waited_seconds} s"
    )]
    NotDrained {
        /// Connections cut.
        connections: usize,
        /// How long they were waited for, in seconds.
        waited_seconds: u64,
    },
}
