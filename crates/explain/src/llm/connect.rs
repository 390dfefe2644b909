//! From an address to an HTTP/1.1 connection: name, TCP, TLS by rustls; each failure with its reason.

use super::{LlmError, LlmErrorKind, LlmOptions};
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// Where questions go.
pub(super) struct Endpoint {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// Path and query of a request.
    pub(super) target: String,
    /// The `Host` header.
    pub(super) authority: String,
    /// The address for people; it holds no secret.
    pub(super) shown_url: String,
}

/// Drives a connection. It is gone, and the connection closed, when this is dropped.
#[derive(Debug)]
pub(super) struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

impl Endpoint {
    /// Reads the address and, for https, the certificates.
    pub(super) fn new(options: &LlmOptions) -> Result<Self, LlmError> {
        let invalid =
            |what: String| LlmError::new(LlmErrorKind::Configuration, format!("the LLM's base URL {what}"));
        let mut url = Url::parse(&options.base_url).map_err(|error| {
            invalid(format!(
                "is not valid ({error}): write it like http://127.0.0.1:11434/v1"
            ))
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid(
                "holds a user or a password: give the API key by itself".to_owned(),
            ));
        }
        let is_https = match url.scheme() {
            "http" => false,
            "https" => true,
            other => {
                return Err(invalid(format!(
                    "begins with {other}: it has to be http or https"
                )));
            }
        };
        let path = url.path().trim_end_matches('/').to_owned();
        if !path.ends_with("/chat/completions") {
            url.set_path(&format!("{path}/chat/completions"));
        }
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => return Err(invalid("names no host".to_owned())),
        };
        let tls = if is_https {
            let name = ServerName::try_from(host.clone()).map_err(|_| {
                invalid(format!(
                    "names the host {host}, for which there can be no certificate"
                ))
            })?;
            Some((connector(options.root_certificates.as_deref())?, name))
        } else {
            None
        };
        let authority = match url.port() {
            Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        let target = url.query().map_or_else(
            || url.path().to_owned(),
            |query| format!("{}?{query}", url.path()),
        );
        // A query may hold a key.
        url.set_query(None);
        url.set_fragment(None);
        let port = url.port_or_known_default().unwrap_or(80);
        Ok(Self {
            host,
            port,
            tls,
            target,
            authority,
            shown_url: url.to_string(),
        })
    }

    /// Connects within `limit`.
    pub(super) async fn connect(
        &self,
        limit: Duration,
    ) -> Result<(SendRequest<Full<Bytes>>, Connection), LlmError> {
        let connecting = tokio::time::timeout(limit, self.open_stream());
        let stream = connecting.await.map_err(|_| {
            let reason = format!("{} did not accept a connection within {} s: is the address right, and is no firewall in between?", self.shown_url, limit.as_secs_f32());
            LlmError::new(LlmErrorKind::ConnectTimeout, reason)
        })??;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| {
            LlmError::new(
                LlmErrorKind::Unreachable,
                format!("no HTTP connection to {}: {error}", self.shown_url),
            )
        })?;
        // What goes wrong here shows at the request or in the body, where it has a reason.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok((sender, Connection(driver)))
    }

    async fn open_stream(&self) -> Result<Box<dyn Duplex>, LlmError> {
        let stream = self.open_tcp().await?;
        // A question is one packet; waiting for more only delays it. Failing that, it is merely later.
        let _ = stream.set_nodelay(true);
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some((connector, name)) => {
                let handshake = connector.connect(name.clone(), stream).await;
                Ok(Box::new(handshake.map_err(|error| self.tls_error(&error))?))
            }
        }
    }

    async fn open_tcp(&self) -> Result<TcpStream, LlmError> {
        let addresses = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let unknown = |why: String| {
            let reason = format!(
                "the host {} of the LLM is unknown{why}: check the base URL and the name server",
                self.host
            );
            LlmError::new(LlmErrorKind::UnknownHost, reason)
        };
        let addresses = addresses.map_err(|error| unknown(format!(" ({error})")))?;
        let mut last_error = None;
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last_error = Some(error),
            }
        }
        Err(match last_error {
            None => unknown(String::new()),
            Some(error) if error.kind() == ErrorKind::ConnectionRefused => {
                let reason = format!(
                    "nothing listens at {}: start the LLM server, or correct the base URL",
                    self.shown_url
                );
                LlmError::new(LlmErrorKind::Refused, reason)
            }
            Some(error) => LlmError::new(
                LlmErrorKind::Unreachable,
                format!("cannot reach {}: {error}", self.shown_url),
            ),
        })
    }

    fn tls_error(&self, error: &std::io::Error) -> LlmError {
        let cause = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let what_to_do = match cause {
            Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                "its certificate is signed by nobody whom this machine trusts; name a file of root certificates for the LLM".to_owned()
            }
            Some(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => format!("its certificate is not for {}", self.host),
            Some(rustls::Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. },
            )) => "its certificate has expired".to_owned(),
            Some(rustls::Error::InvalidMessage(_)) => "it does not speak TLS; is it http rather than https?".to_owned(),
            _ => error.to_string(),
        };
        LlmError::new(
            LlmErrorKind::Tls,
            format!("no secure connection to {}: {what_to_do}", self.shown_url),
        )
    }
}

fn connector(root_certificates: Option<&Path>) -> Result<TlsConnector, LlmError> {
    let invalid = |reason: String| LlmError::new(LlmErrorKind::Configuration, reason);
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid(format!("set up TLS for the LLM: {error}")))?
        .with_root_certificates(roots(root_certificates).map_err(invalid)?)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn roots(file: Option<&Path>) -> Result<RootCertStore, String> {
    let certificates: Vec<CertificateDer<'static>> = match file {
        Some(path) => CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .map_err(|error| {
                format!(
                    "read the root certificates for the LLM in {}: {error}",
                    path.display()
                )
            })?,
        // Some of the system's certificates may be unreadable; what counts is whether any is left.
        None => rustls_native_certs::load_native_certs().certs,
    };
    let mut roots = RootCertStore::empty();
    match (roots.add_parsable_certificates(certificates), file) {
        ((0, _), Some(path)) => Err(format!("{} holds no usable root certificate", path.display())),
        ((0, _), None) => Err(
            "the system has no root certificates; name a file of them for the LLM, or use http".to_owned(),
        ),
        _ => Ok(roots),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(base_url: &str) -> Result<Endpoint, LlmError> {
        Endpoint::new(&LlmOptions::new(base_url, "m"))
    }

    #[test]
    fn the_path_of_completions_is_added_once() {
        for (base_url, target, authority) in [
            (
                "http://127.0.0.1:11434/v1",
                "/v1/chat/completions",
                "127.0.0.1:11434",
            ),
            (
                "http://127.0.0.1:11434/v1/",
                "/v1/chat/completions",
                "127.0.0.1:11434",
            ),
            ("http://llm.local", "/chat/completions", "llm.local"),
            (
                "http://[::1]:8080/v1/chat/completions",
                "/v1/chat/completions",
                "[::1]:8080",
            ),
            (
                "http://a/b?api-version=1",
                "/b/chat/completions?api-version=1",
                "a",
            ),
        ] {
            let endpoint = endpoint(base_url).unwrap();
            assert_eq!(
                (endpoint.target.as_str(), endpoint.authority.as_str()),
                (target, authority)
            );
        }
        let shown = endpoint("http://a/b?key=hush").unwrap().shown_url;
        assert_eq!(shown, "http://a/b/chat/completions");
    }

    #[test]
    fn an_address_that_cannot_work_is_refused_without_showing_its_password() {
        for base_url in [
            "",
            "127.0.0.1:8080",
            "ftp://a/",
            "unix:/run/x",
            "http://me:hush@a/v1",
        ] {
            let error = endpoint(base_url).err().unwrap();
            assert_eq!(error.kind(), LlmErrorKind::Configuration, "{base_url}");
            assert!(!error.to_string().contains("hush"));
        }
    }

    #[test]
    fn a_missing_file_of_certificates_is_named() {
        let mut options = LlmOptions::new("https://llm.local/v1", "m");
        options.root_certificates = Some("/nowhere/roots.pem".into());
        let error = Endpoint::new(&options).err().unwrap();
        assert_eq!(error.kind(), LlmErrorKind::Configuration);
        assert!(error.to_string().contains("/nowhere/roots.pem"), "{error}");
    }
}
