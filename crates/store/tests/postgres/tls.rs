//! TLS as libpq has it: encrypted without a question asked, or verified against a root and the host's name.
//! The key under `tls/` was made for this test and serves nothing else; its certificate names `localhost`.

use crate::fixtures::open;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use turnstone_store::postgres::PostgresStore;
use turnstone_store::{ConnectOptions, StoreErrorKind, WriteStore};
use turnstone_testkit::{PostgresCluster, PostgresOptions};

/// A cluster that takes connections over TCP with TLS only.
async fn cluster_with_tls() -> PostgresCluster {
    let cluster = PostgresCluster::start_with(PostgresOptions::default()).unwrap();
    let data = cluster.socket_folder().join("data");
    let owner = std::fs::metadata(&data).unwrap();
    for (name, contents) in [
        ("server.crt", include_str!("tls/server.pem")),
        ("server.key", include_str!("tls/server.key")),
        ("pg_hba.conf", "hostssl all all all trust\n"),
    ] {
        let path = data.join(name);
        std::fs::write(&path, contents).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    cluster
        .execute("postgres", "ALTER SYSTEM SET ssl = on")
        .await
        .unwrap();
    cluster.stop().unwrap();
    cluster.start_again().unwrap();
    cluster
}

#[tokio::test(flavor = "multi_thread")]
async fn sslmode_means_what_libpq_means() {
    let cluster = cluster_with_tls().await;
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres/tls/root.pem");
    let by_name = cluster.url("postgres").replace("127.0.0.1", "localhost");
    let by_number = cluster.url("postgres");
    let ready = |url: String| async move { open(&url).await.migrate().await };

    ready(by_number.clone()).await.unwrap();
    ready(format!("{by_number}?sslmode=require")).await.unwrap();
    ready(format!("{by_name}?sslmode=verify-full&sslrootcert={root}"))
        .await
        .unwrap();

    let refused = [
        // The server refuses a connection without TLS.
        format!("{by_number}?sslmode=disable"),
        // The certificate names localhost.
        format!("{by_number}?sslmode=verify-full&sslrootcert={root}"),
    ];
    for url in refused {
        let error = ready(url.clone()).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Invalid, "{url}: {error}");
    }
    // No root of the system has signed it; a system without any says so when the store is opened.
    let url = url::Url::parse(&format!("{by_name}?sslmode=verify-full")).unwrap();
    let error = match PostgresStore::open(&url, &ConnectOptions::default()).await {
        Ok(store) => store.check_ready().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind, StoreErrorKind::Invalid, "{error}");
}
