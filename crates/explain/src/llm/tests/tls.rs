//! Tests of TLS: which certificates are taken, and what is said of the others.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::test]
async fn tls_is_checked_against_the_named_roots_and_the_name() {
    let tls = |file: &str| format!("{}/tests/tls/{file}", env!("CARGO_MANIFEST_DIR"));
    let (port, served) = serve_tls(&tls("server.pem"), &tls("server.key.pem")).await;
    let at = |host: &str, roots: Option<String>| LlmOptions {
        root_certificates: roots.map(Into::into),
        ..options(&format!("https://{host}:{port}"))
    };
    let trusting = at("localhost", Some(tls("root.pem")));
    assert_eq!(ask_with(trusting).await.unwrap().0, "safe");
    let error = ask_with(at("127.0.0.1", Some(tls("root.pem"))))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Tls);
    assert!(error.to_string().contains("not for 127.0.0.1"), "{error}");
    // The server's own certificate is no authority, so it does not vouch for itself.
    let error = ask_with(at("localhost", Some(tls("server.pem"))))
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (LlmErrorKind::Tls, false));
    assert_eq!(served.load(Ordering::SeqCst), 1);

    let plain = ScriptedServer::always(vec![Step::answer("400 Bad Request", "text/plain", "")])
        .await
        .unwrap();
    let url = plain.url().replace("http://127.0.0.1", "https://localhost");
    let mut confused = LlmOptions {
        root_certificates: Some(tls("root.pem").into()),
        ..options(&url)
    };
    confused.limits.connect = Duration::from_secs(2);
    let error = ask_with(confused).await.unwrap_err();
    assert!(
        matches!(error.kind(), LlmErrorKind::Tls | LlmErrorKind::ConnectTimeout),
        "{error}"
    );
}

/// Serves one answer over TLS to each client that accepts its certificate; counts them.
async fn serve_tls(certificate: &str, key: &str) -> (u16, Arc<AtomicUsize>) {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_file(certificate).unwrap()],
                PrivateKeyDer::from_pem_file(key).unwrap(),
            )
            .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = Arc::new(AtomicUsize::new(0));
    let counter = served.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            // The beginning of the request is enough: nothing in it decides the answer.
            assert!(stream.read(&mut [0; 1_024]).await.unwrap() > 0);
            let body = r#"{"choices":[{"message":{"content":"safe"}}]}"#;
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, served)
}
