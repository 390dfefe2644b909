//! A sign of life: every NATS server greets a new connection with one line that describes it.

use super::EmbeddedError;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

const GREETING_BYTES_MAX: u64 = 64 * 1024;

/// What the greeting says of the server.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Greeting {
    /// Its version.
    pub(super) version: String,
    /// Whether JetStream is on.
    #[serde(default)]
    pub(super) jetstream: bool,
}

/// Connects and reads the greeting.
pub(super) async fn greeting(address: &str, patience: Duration) -> Result<Greeting, EmbeddedError> {
    let unhealthy = |reason: String| EmbeddedError::Unhealthy {
        reason: format!("{address}: {reason}"),
    };
    let read = async {
        let stream = TcpStream::connect(address).await?;
        let mut line = String::new();
        BufReader::new(stream.take(GREETING_BYTES_MAX))
            .read_line(&mut line)
            .await?;
        std::io::Result::Ok(line)
    };
    let line = match timeout(patience, read).await {
        Ok(Ok(line)) => line,
        Ok(Err(error)) => return Err(unhealthy(error.to_string())),
        Err(_) => return Err(unhealthy(format!("no greeting within {patience:?}"))),
    };
    let json = line
        .strip_prefix("INFO ")
        .ok_or_else(|| unhealthy("what listens there is no nats server".to_owned()))?;
    serde_json::from_str(json).map_err(|error| unhealthy(format!("its greeting cannot be read: {error}")))
}
