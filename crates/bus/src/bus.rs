//! The connection to NATS: the first connect, reconnecting for ever after, and what all calls share.

use crate::error::{self, BusError, with_sources};
use crate::{BusOptions, CONSUMER_SCORER, Credentials, STREAM_DEAD, STREAM_SCORE, streams};
use async_nats::connection::State;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::{Context, ErrorCode, consumer, context::ContextBuilder, stream};
use async_nats::{Client, ConnectErrorKind, ConnectOptions, ServerAddr};
use rand::Rng;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout, timeout_at};

/// A connection to NATS with JetStream. Cheap to clone; all clones share one connection.
#[derive(Clone)]
pub struct Bus {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) context: Context,
    pub(crate) options: BusOptions,
    connected: watch::Receiver<bool>,
    /// When the streams were last made by this process. Held while they are being made, so that a burst of publishes that
    /// all miss their stream makes it once.
    streams_made: Mutex<Option<Instant>>,
}

/// What waits on the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Score batches that no worker has.
    pub pending: u64,
    /// Score batches that workers have.
    pub ack_pending: u64,
    /// Dead letters.
    pub dead: u64,
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bus")
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

impl Bus {
    /// Connects. The first connect must succeed within `connect_timeout`; from then on a lost connection is made again for
    /// ever, with growing delay, and calls made meanwhile wait up to `publish_timeout` before they say
    /// [`BusError::Unavailable`].
    pub async fn connect(options: &BusOptions) -> Result<Self, BusError> {
        let (addresses, connect_options, connected) = prepared(options).await?;
        let connect = async_nats::connect_with_options(addresses, connect_options);
        let client = match timeout(options.connect_timeout, connect).await {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => return Err(from_connect(options, &error)),
            Err(_) => {
                let reason = format!("no answer within {:?}", options.connect_timeout);
                return Err(BusError::Connect {
                    address: options.address_shown(),
                    reason,
                });
            }
        };
        if !client.server_info().headers {
            let what = format!(
                "the NATS server at {} is too old: 2.10 is the oldest that works",
                options.address_shown()
            );
            return Err(BusError::Invalid { what });
        }
        metrics::gauge!("turnstone_bus_connected").set(1.0);
        Ok(Self::over(client, connected, options))
    }

    /// As [`Bus::connect`], without waiting: connects in the background for as long as that takes, refused credentials
    /// included, and calls made meanwhile say [`BusError::Unavailable`]. For those who can do most of their work without the
    /// queue. An error says that the options cannot be used at all. Must be called inside a tokio runtime, which ends the
    /// attempts when it ends.
    pub async fn connect_in_background(options: &BusOptions) -> Result<Self, BusError> {
        let (addresses, connect_options, connected) = prepared(options).await?;
        metrics::gauge!("turnstone_bus_connected").set(0.0);
        let connect = connect_options.retry_on_initial_connect();
        let client = async_nats::connect_with_options(addresses, connect)
            .await
            .map_err(|error| from_connect(options, &error))?;
        Ok(Self::over(client, connected, options))
    }

    fn over(client: Client, connected: watch::Receiver<bool>, options: &BusOptions) -> Self {
        let context = ContextBuilder::new()
            .timeout(options.publish_timeout)
            .max_ack_inflight(options.publishes_in_flight_max.max(1))
            .backpressure_on_inflight(true)
            .build(client.clone());
        Self {
            shared: Arc::new(Shared {
                client,
                context,
                options: options.clone(),
                connected,
                streams_made: Mutex::new(None),
            }),
        }
    }

    /// Makes the three streams where they are missing, and brings their settings to what the options say. Does no harm when
    /// repeated or when several processes do it at once.
    pub async fn ensure_streams(&self) -> Result<(), BusError> {
        self.remake_streams(Instant::now()).await
    }

    /// Whether the connection stands at present.
    pub fn is_connected(&self) -> bool {
        self.shared.client.connection_state() == State::Connected
    }

    /// Asks the server how much waits. Streams that are not there hold nothing.
    pub async fn backlog(&self) -> Result<Backlog, BusError> {
        let (mut pending, mut ack_pending) = (self.stream_message_count(STREAM_SCORE).await?, 0);
        let subject = format!("CONSUMER.INFO.{STREAM_SCORE}.{CONSUMER_SCORER}");
        // Before the first worker came there is no consumer, and all that the stream holds waits.
        if let Ok(consumer) = self.api::<consumer::Info>("read backlog", subject).await? {
            pending = consumer.num_pending;
            ack_pending = consumer.num_ack_pending as u64;
        }
        let dead = self.stream_message_count(STREAM_DEAD).await?;
        metrics::gauge!("turnstone_bus_pending_batches").set(pending as f64);
        metrics::gauge!("turnstone_bus_ack_pending_batches").set(ack_pending as f64);
        metrics::gauge!("turnstone_bus_dead_letters").set(dead as f64);
        Ok(Backlog {
            pending,
            ack_pending,
            dead,
        })
    }

    async fn stream_message_count(&self, name: &'static str) -> Result<u64, BusError> {
        match self
            .api::<stream::Info>("read backlog", format!("STREAM.INFO.{name}"))
            .await?
        {
            Ok(info) => Ok(info.state.messages),
            Err(answer) if answer.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(0),
            Err(answer) => Err(error::from_server("read backlog", &answer)),
        }
    }

    /// Asks the JetStream API. The outer error says that there was no answer, the inner one is the answer.
    async fn api<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        subject: String,
    ) -> Result<Result<T, async_nats::jetstream::Error>, BusError> {
        self.wait_connected(operation).await?;
        match self.shared.context.request(subject, &serde_json::json!({})).await {
            Ok(Response::Ok(answer)) => Ok(Ok(answer)),
            Ok(Response::Err { error }) => Ok(Err(error)),
            Err(error) => Err(error::from_request(operation, &error)),
        }
    }

    /// Makes the streams again unless another task of this process did so after `noticed`.
    pub(crate) async fn remake_streams(&self, noticed: Instant) -> Result<(), BusError> {
        let mut made = self.shared.streams_made.lock().await;
        if made.is_some_and(|made| made > noticed) {
            return Ok(());
        }
        self.wait_connected("make streams").await?;
        streams::ensure(&self.shared.context, &self.shared.options).await?;
        *made = Some(Instant::now());
        Ok(())
    }

    /// Waits for the connection, up to `publish_timeout`. Sending while there is none would queue the message inside the
    /// client, which would send it long after we have told the caller that it failed.
    pub(crate) async fn wait_connected(&self, operation: &'static str) -> Result<(), BusError> {
        self.wait_connected_until(operation, Instant::now() + self.shared.options.publish_timeout)
            .await
    }

    pub(crate) async fn wait_connected_until(
        &self,
        operation: &'static str,
        deadline: Instant,
    ) -> Result<(), BusError> {
        let mut connected = self.shared.connected.clone();
        let wait = async {
            while !self.is_connected() {
                // The event may be dropped by the client when many come at once, so the state is looked at again anyway.
                let _ = timeout(Duration::from_millis(100), connected.changed()).await;
            }
        };
        timeout_at(deadline, wait)
            .await
            .map_err(|_| BusError::unavailable(operation, "not connected"))
    }
}

/// What the client needs to connect, and where it will say whether it is.
async fn prepared(
    options: &BusOptions,
) -> Result<(Vec<ServerAddr>, ConnectOptions, watch::Receiver<bool>), BusError> {
    let (addresses, user_password) = parse_addresses(&options.address)?;
    let (connected_sender, connected) = watch::channel(false);
    let connect_options = connect_options(options, user_password)
        .await?
        .event_callback(move |event| {
            match event {
                async_nats::Event::Connected => {
                    connected_sender.send_replace(true);
                    metrics::gauge!("turnstone_bus_connected").set(1.0);
                }
                async_nats::Event::Disconnected => {
                    connected_sender.send_replace(false);
                    metrics::gauge!("turnstone_bus_connected").set(0.0);
                    metrics::counter!("turnstone_bus_disconnect_total").increment(1);
                    tracing::warn!("lost the connection to nats, connecting again");
                }
                async_nats::Event::SlowConsumer(subscription) => {
                    tracing::warn!(subscription, "nats delivers faster than this process reads");
                }
                _ => {}
            }
            std::future::ready(())
        });
    Ok((addresses, connect_options, connected))
}

async fn connect_options(
    options: &BusOptions,
    user_password: Option<(String, String)>,
) -> Result<ConnectOptions, BusError> {
    let mut connect = ConnectOptions::new()
        .name(&options.client_name)
        // One attempt at one address; all of them together are bounded by `connect_timeout` outside.
        .connection_timeout(options.connect_timeout.min(Duration::from_secs(5)))
        .request_timeout(Some(options.publish_timeout))
        // A peer that vanished without a word is noticed after two missed answers.
        .ping_interval(Duration::from_secs(10))
        .max_reconnects(None)
        .reconnect_delay_callback(reconnect_delay);
    connect = match (&options.credentials, user_password) {
        (Some(Credentials::Token(token)), _) => connect.token(token.expose_secret().to_owned()),
        (Some(Credentials::UserPassword { user, password }), _) => {
            connect.user_and_password(user.clone(), password.expose_secret().to_owned())
        }
        (Some(Credentials::File(path)), _) => {
            connect
                .credentials_file(path)
                .await
                .map_err(|error| BusError::Invalid {
                    what: format!("cannot use the NATS credentials file {}: {error}", path.display()),
                })?
        }
        (None, Some((user, password))) if password.is_empty() => connect.token(user),
        (None, Some((user, password))) => connect.user_and_password(user, password),
        (None, None) => connect,
    };
    if let Some(path) = &options.tls.root_certificates {
        connect = connect.add_root_certificates(path.clone());
    }
    if let Some((certificate, key)) = &options.tls.client_certificate {
        connect = connect.add_client_certificate(certificate.clone(), key.clone());
    }
    Ok(connect)
}

/// At once, then 50 ms doubling up to 2 s, spread so that a fleet does not come back all together. Short at first, because a
/// server that restarts is back within a second.
fn reconnect_delay(attempts: usize) -> Duration {
    match attempts {
        0 | 1 => Duration::ZERO,
        _ => {
            let doublings = u32::try_from(attempts - 2).unwrap_or(u32::MAX).min(7);
            let delay = (Duration::from_millis(50) * 2_u32.pow(doublings)).min(Duration::from_secs(2));
            delay.mul_f64(rand::rng().random_range(0.75..=1.25))
        }
    }
}

type UserPassword = (String, String);

/// Takes the user and password out of the addresses, since the client logs addresses as they are.
fn parse_addresses(text: &str) -> Result<(Vec<ServerAddr>, Option<UserPassword>), BusError> {
    let shown = BusOptions::new(text).address_shown();
    let invalid = |reason: &str| BusError::Invalid {
        what: format!(
            "the NATS address {shown:?} {reason}; write nats://host:4222 or tls://host:4222, several with commas"
        ),
    };
    let mut user_password = None;
    let mut addresses = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let address: ServerAddr = part.parse().map_err(|_| invalid("is no address"))?;
        if !matches!(address.scheme(), "nats" | "tls") {
            return Err(invalid("has a scheme that is neither nats nor tls"));
        }
        if address.host().is_empty() {
            return Err(invalid("names no host"));
        }
        let found = address
            .username()
            .map(|user| (user.to_owned(), address.password().unwrap_or_default().to_owned()));
        if found.is_some() && user_password.is_some() && found != user_password {
            return Err(invalid("holds two different users"));
        }
        user_password = user_password.or(found);
        let mut url = address.into_inner();
        // Both fail only for addresses that cannot have a host, which were refused above.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        addresses.push(ServerAddr::from_url(url).map_err(|_| invalid("is no address"))?);
    }
    if addresses.is_empty() {
        return Err(invalid("is empty"));
    }
    Ok((addresses, user_password))
}

fn from_connect(options: &BusOptions, error: &async_nats::ConnectError) -> BusError {
    let address = options.address_shown();
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
            BusError::Refused { address }
        }
        _ => BusError::Connect {
            address,
            reason: with_sources(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_leave_the_addresses() {
        let (addresses, user_password) =
            parse_addresses("nats://me:hunter2@one:4222, tls://two").expect("valid");
        assert_eq!(
            addresses.iter().map(ServerAddr::as_url_str).collect::<Vec<_>>(),
            ["nats://one:4222", "tls://two"]
        );
        assert_eq!(user_password, Some(("me".to_owned(), "hunter2".to_owned())));
    }

    #[test]
    fn addresses_that_cannot_work_are_refused_without_showing_secrets() {
        for refused in [
            "",
            ",",
            "http://hunter2@host",
            "nats://me:hunter2@",
            "nats://a:hunter2@one,nats://b:hunter2@two",
        ] {
            let error = parse_addresses(refused).expect_err(refused).to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn reconnecting_starts_at_once_and_slows_down_to_a_bound() {
        assert_eq!(reconnect_delay(1), Duration::ZERO);
        for (attempts, centre_ms) in [(2, 50), (3, 100), (6, 800), (9, 2_000), (usize::MAX, 2_000)] {
            let delay = reconnect_delay(attempts).as_millis();
            assert!(
                (centre_ms * 3 / 4..=centre_ms * 5 / 4).contains(&delay),
                "{attempts}: {delay}"
            );
        }
    }
}
