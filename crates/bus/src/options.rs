//! What a connection needs to know: addresses, credentials, timeouts and the limits of the streams. Secrets never show in Debug.

use secrecy::SecretString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How this process shows who it is. A user and password may also stand in the address itself.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// A token.
    Token(SecretString),
    /// A user and its password.
    UserPassword {
        /// The user.
        user: String,
        /// Its password.
        password: SecretString,
    },
    /// A `.creds` file with a JWT and an nkey seed.
    File(PathBuf),
}

/// Where certificates lie; without any, the system's roots are trusted.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// PEM file with the roots to trust besides the system's.
    pub root_certificates: Option<PathBuf>,
    /// PEM files with this process' certificate and its key.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
}

/// How much a stream keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamLimits {
    /// Bytes on disk; the server sets them aside when it makes the stream.
    pub bytes_max: i64,
    /// Age of a message; zero is no limit.
    pub age_max: Duration,
}

/// Everything [`crate::Bus::connect`] needs.
#[derive(Clone)]
pub struct BusOptions {
    /// `nats://host:port` or `tls://host:port`, several separated by commas.
    pub address: String,
    /// Who this process is; `None` where the server asks nobody, or the address holds user and password.
    pub credentials: Option<Credentials>,
    /// Certificates, for `tls://`.
    pub tls: TlsOptions,
    /// Name of this client in the server's monitoring.
    pub client_name: String,
    /// Copies of each stream and consumer in a cluster. Raised on streams that have fewer, never lowered.
    pub replicas: usize,
    /// How long the first connect may take, all addresses together.
    pub connect_timeout: Duration,
    /// How long a publish, an ack or a question to the server waits for the answer.
    pub publish_timeout: Duration,
    /// How long the server remembers message ids.
    pub duplicate_window: Duration,
    /// Messages of one [`crate::Bus::publish_all`] that wait for their acks at once.
    pub publishes_in_flight_max: usize,
    /// Cycle events: the oldest make room for the newest.
    pub glean_limits: StreamLimits,
    /// Score batches: a full stream refuses new ones, so that overload slows publishers down and loses nothing.
    pub score_limits: StreamLimits,
    /// Dead letters: the oldest make room for the newest.
    pub dead_limits: StreamLimits,
}

impl Default for BusOptions {
    fn default() -> Self {
        const MEBIBYTE: i64 = 1024 * 1024;
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            address: "nats://127.0.0.1:4222".to_owned(),
            credentials: None,
            tls: TlsOptions::default(),
            client_name: "turnstone".to_owned(),
            replicas: 1,
            connect_timeout: Duration::from_secs(10),
            publish_timeout: Duration::from_secs(5),
            duplicate_window: Duration::from_secs(120),
            // Each message is synced to disk by itself: at 20 ms a sync the last of these still beats `publish_timeout`.
            publishes_in_flight_max: 128,
            glean_limits: StreamLimits {
                bytes_max: 64 * MEBIBYTE,
                age_max: 7 * DAY,
            },
            // A batch takes about 400 bytes: room for some 600,000 of them.
            score_limits: StreamLimits {
                bytes_max: 256 * MEBIBYTE,
                age_max: Duration::ZERO,
            },
            dead_limits: StreamLimits {
                bytes_max: 64 * MEBIBYTE,
                age_max: 90 * DAY,
            },
        }
    }
}

impl BusOptions {
    /// The defaults with this address.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            ..Self::default()
        }
    }

    /// The address without user and password, as it may be shown.
    pub fn address_shown(&self) -> String {
        self.address
            .split(',')
            .map(|address| without_userinfo(address.trim()))
            .collect::<Vec<_>>()
            .join(",")
    }
}

impl fmt::Debug for BusOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusOptions")
            .field("address", &self.address_shown())
            .field("credentials", &self.credentials)
            .field("tls", &self.tls)
            .field("client_name", &self.client_name)
            .field("replicas", &self.replicas)
            .field("connect_timeout", &self.connect_timeout)
            .field("publish_timeout", &self.publish_timeout)
            .field("duplicate_window", &self.duplicate_window)
            .field("publishes_in_flight_max", &self.publishes_in_flight_max)
            .field("glean_limits", &self.glean_limits)
            .field("score_limits", &self.score_limits)
            .field("dead_limits", &self.dead_limits)
            .finish()
    }
}

/// Works on text that may not parse as an address, since the message about such a text shows it too.
fn without_userinfo(address: &str) -> String {
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), address),
    };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}…@{host}"),
        None => format!("{scheme}{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let options = BusOptions {
            credentials: Some(Credentials::Token("hunter2".into())),
            ..BusOptions::new("nats://user:hunter2@one:4222, two:hunter2@two,tls://three")
        };
        let shown = format!("{options:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(options.address_shown(), "nats://…@one:4222,…@two,tls://three");
    }
}
