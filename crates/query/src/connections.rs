//! Accepts connections, speaks HTTP/1.1 and HTTP/2 on them within limits, and drains them at the stop.

use crate::options::{QueryOptions, ServeError};
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Bytes of the header of one request.
const HEADER_BYTES_MAX: usize = 32 * 1024;
/// Longest wait for the header of a request, and for the first byte of a connection.
const HEADER_WAIT_MAX: Duration = Duration::from_secs(15);
/// A connection without traffic is asked this often whether it is still there …
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);
/// … and closed when it does not answer within this time.
const KEEP_ALIVE_WAIT_MAX: Duration = Duration::from_secs(20);
/// Requests at the same time on one HTTP/2 connection.
const STREAMS_PER_CONNECTION_MAX: u32 = 512;
/// Pause after a failed accept: most often the process is out of file descriptors, and trying at once would spin.
const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` on `listener` until `stop`; then waits for requests in flight, for `drain_time_max` at most.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    options: &QueryOptions,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let mut connections = JoinSet::new();
    let builder = connection_builder();
    loop {
        let has_room = connections.len() < options.connections_max;
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if has_room => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, router.clone(), builder.clone(), stop.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "accept a connection");
                    tokio::time::sleep(ACCEPT_RETRY_PAUSE).await;
                }
            },
        }
    }
    // Closed first, so that nobody new is kept waiting by a service that is going away.
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(options.drain_time_max, drained)
        .await
        .is_ok()
    {
        return Ok(());
    }
    let cut = connections.len();
    connections.shutdown().await;
    Err(ServeError::NotDrained {
        connections: cut,
        waited_seconds: options.drain_time_max.as_secs(),
    })
}

fn connection_builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WAIT_MAX)
        .max_buf_size(HEADER_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(HEADER_BYTES_MAX).unwrap_or(u32::MAX))
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_WAIT_MAX);
    builder
}

async fn serve_connection(
    stream: TcpStream,
    router: Router,
    builder: Builder<TokioExecutor>,
    stop: CancellationToken,
) {
    // Answers are small and wanted at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "set TCP_NODELAY");
    }
    let mut first_byte = [0];
    let opened = tokio::time::timeout(HEADER_WAIT_MAX, stream.peek(&mut first_byte));
    match stop.run_until_cancelled(opened).await {
        Some(Ok(Ok(1..))) => {}
        _ => return,
    }
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Clients go away in many ways; none of them is our trouble.
        tracing::debug!(error, "connection ended");
    }
}
