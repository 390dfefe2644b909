//! Readiness, and the small HTTP server that services without a port of their own answer it on.

use axum::{Router, extract::State, http::StatusCode, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

/// Named conditions that must all hold before a service is ready. Cheap to clone; clones share their state.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    conditions: Arc<Mutex<BTreeMap<&'static str, bool>>>,
}

impl Readiness {
    /// Starts with the named conditions, none of which holds.
    pub fn waiting_for(conditions: &[&'static str]) -> Self {
        Self {
            conditions: Arc::new(Mutex::new(conditions.iter().map(|name| (*name, false)).collect())),
        }
    }

    /// Says whether a condition holds.
    pub fn set(&self, condition: &'static str, holds: bool) {
        self.lock().insert(condition, holds);
    }

    /// The conditions that do not hold; empty when ready.
    pub fn missing(&self) -> Vec<&'static str> {
        self.lock()
            .iter()
            .filter(|(_, holds)| !**holds)
            .map(|(name, _)| *name)
            .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, bool>> {
        // The map is valid whatever a panicking holder did: each change is one insert.
        self.conditions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers `/healthz`, `/readyz` and `/metrics` on `listen` until `stop`. Returns the bound address at once.
pub async fn serve(
    listen: SocketAddr,
    readiness: Readiness,
    metrics: PrometheusHandle,
    stop: CancellationToken,
) -> anyhow::Result<(SocketAddr, tokio::task::JoinHandle<()>)> {
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(|error| {
        anyhow::anyhow!("listen on health.listen {listen}: {error}; choose another port or leave it empty")
    })?;
    let address = listener.local_addr()?;
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(readiness)
        .route("/metrics", get(move || async move { metrics.render() }));
    let task = tokio::spawn(async move {
        let served = axum::serve(listener, router)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "serve health");
        }
    });
    Ok((address, task))
}

async fn ready(State(readiness): State<Readiness>) -> (StatusCode, String) {
    let missing = readiness.missing();
    if missing.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("waiting for: {}\n", missing.join(", ")),
        )
    }
}

/// Asks `http://ADDRESS/readyz`: for the health checks of images that have no curl.
pub async fn check(address: &str, wait_max: Duration) -> anyhow::Result<()> {
    let asked = async {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(16 * 1024).read_to_end(&mut answer).await?;
        std::io::Result::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = tokio::time::timeout(wait_max, asked)
        .await
        .map_err(|_| {
            anyhow::anyhow!(
                "no answer from http://{address}/readyz within {} s",
                wait_max.as_secs()
            )
        })?
        .map_err(|error| anyhow::anyhow!("ask http://{address}/readyz: {error}"))?;
    let status = answer.split_whitespace().nth(1).unwrap_or_default();
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default().trim();
    anyhow::ensure!(
        status == "200",
        "http://{address}/readyz answers {status}: {body}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ready_only_when_every_condition_holds() {
        let readiness = Readiness::waiting_for(&["store", "model"]);
        let metrics = metrics_exporter_prometheus::PrometheusBuilder::new()
            .build_recorder()
            .handle();
        let stop = CancellationToken::new();
        let listen = "127.0.0.1:0".parse().expect("an address");
        let (address, task) = serve(listen, readiness.clone(), metrics, stop.clone())
            .await
            .expect("binds");
        let address = address.to_string();
        readiness.set("store", true);
        let refusal = check(&address, Duration::from_secs(5))
            .await
            .expect_err("model is missing")
            .to_string();
        assert!(
            refusal.contains("503") && refusal.contains("model") && !refusal.contains("store"),
            "{refusal}"
        );
        readiness.set("model", true);
        check(&address, Duration::from_secs(5)).await.expect("ready");
        stop.cancel();
        task.await.expect("ends");
        assert!(check(&address, Duration::from_secs(5)).await.is_err());
    }
}
