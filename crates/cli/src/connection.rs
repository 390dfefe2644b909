//! How a command reaches what is stored: over gRPC to a query service, or to a query service of its own on a database. Either
//! way it speaks the one public API, so both give the same answers.

use crate::arguments::{Shared, Target};
use anyhow::Context;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use turnstone_proto::TENANT_METADATA_KEY;
use turnstone_proto::v1::{
    detection_service_client::DetectionServiceClient, entry_service_client::EntryServiceClient,
    explanation_service_client::ExplanationServiceClient, stats_service_client::StatsServiceClient,
};
use turnstone_query::{QueryOptions, QueryParts, QueryService, explainer};
use turnstone_service::{ApiToken, Config, Secret, backends};
use turnstone_store::{Store, StoreAddress};
use turnstone_types::TenantId;

/// Where the query service is unless a flag says otherwise.
const SERVER_DEFAULT: &str = "http://127.0.0.1:7400";
/// Longest message taken from a server: a full page of the longest lines.
const MESSAGE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Puts token and tenant on each call.
#[derive(Clone)]
pub struct CallMetadata {
    authorization: Option<AsciiMetadataValue>,
    tenant: Option<AsciiMetadataValue>,
}

impl Interceptor for CallMetadata {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
        let metadata: &mut MetadataMap = request.metadata_mut();
        if let Some(authorization) = &self.authorization {
            metadata.insert("authorization", authorization.clone());
        }
        if let Some(tenant) = &self.tenant {
            metadata.insert(TENANT_METADATA_KEY, tenant.clone());
        }
        Ok(request)
    }
}

type Transport = InterceptedService<Channel, CallMetadata>;

/// A way to the stored data; keeps the command's own query service running where there is one.
pub struct Connection {
    transport: Transport,
    own_service: Option<(CancellationToken, tokio::task::JoinHandle<()>)>,
}

impl Connection {
    /// Connects to the target that the flags name.
    pub async fn open(shared: &Shared, target: &Target) -> anyhow::Result<Self> {
        let config = load_config(shared)?;
        let tenant = tenant(shared, &config)?;
        match &target.db {
            Some(url) => Self::to_database(&config, url, &tenant).await,
            None => {
                let token = config
                    .api_token
                    .non_empty()
                    .map(ApiToken::new)
                    .transpose()
                    .map_err(anyhow::Error::msg)?;
                Self::to_server(
                    target.server.as_deref().unwrap_or(SERVER_DEFAULT),
                    token.as_ref(),
                    &tenant,
                )
                .await
            }
        }
    }

    async fn to_server(server: &str, token: Option<&ApiToken>, tenant: &TenantId) -> anyhow::Result<Self> {
        let endpoint = Endpoint::from_shared(server.to_owned())
            .ok()
            .filter(|endpoint| endpoint.uri().host().is_some())
            .with_context(|| {
                format!("--server {server:?} is no address; write for example {SERVER_DEFAULT}")
            })?
            .connect_timeout(Duration::from_secs(5))
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_while_idle(true);
        let channel = endpoint.connect().await.with_context(|| {
            format!("cannot reach {server}; is `turnstone up` running there? Name it with --server URL, or read a database with --db URL")
        })?;
        let header = |text: String| AsciiMetadataValue::try_from(text).context("a header value");
        let metadata = CallMetadata {
            authorization: token
                .map(|token| {
                    header(token.header_value()).map(|mut value| {
                        value.set_sensitive(true);
                        value
                    })
                })
                .transpose()?,
            tenant: (!tenant.is_shared())
                .then(|| header(tenant.to_string()))
                .transpose()?,
        };
        Ok(Self {
            transport: InterceptedService::new(channel, metadata),
            own_service: None,
        })
    }

    /// Serves the database on a loopback port of this command's own, under a token that nobody else knows.
    async fn to_database(config: &Config, url: &Secret, tenant: &TenantId) -> anyhow::Result<Self> {
        let store = open_existing_store(config, url).await?;
        let token = ApiToken::new(&format!("{}{}", uuid(), uuid())).map_err(anyhow::Error::msg)?;
        let options = QueryOptions {
            api_token: Some(token.clone()),
            ..QueryOptions::new(SocketAddr::from(([127, 0, 0, 1], 0)))
        };
        let parts = QueryParts {
            explainer: explainer(config, &store).map_err(anyhow::Error::msg)?,
            ..QueryParts::new(store)
        };
        let bound = QueryService::bind(options, parts).await?;
        let server = format!("http://{}", bound.local_addr());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            if let Err(error) = bound.serve(stopped).await {
                tracing::error!(%error, "serve the database to the command");
            }
        });
        let connection = Self::to_server(&server, Some(&token), tenant).await?;
        Ok(Self {
            own_service: Some((stop, task)),
            ..connection
        })
    }

    /// Calls on detections.
    pub fn detections(&self) -> DetectionServiceClient<Transport> {
        DetectionServiceClient::new(self.transport.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Calls on entries.
    pub fn entries(&self) -> EntryServiceClient<Transport> {
        EntryServiceClient::new(self.transport.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Calls for explanations.
    pub fn explanations(&self) -> ExplanationServiceClient<Transport> {
        ExplanationServiceClient::new(self.transport.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Calls on counts.
    pub fn stats(&self) -> StatsServiceClient<Transport> {
        StatsServiceClient::new(self.transport.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Ends the command's own query service, if it has one.
    pub async fn close(self) {
        let Self {
            transport,
            own_service,
        } = self;
        drop(transport);
        if let Some((stop, task)) = own_service {
            stop.cancel();
            // A panic there was reported when it happened.
            let _ = task.await;
        }
    }
}

/// Loads the configuration that the flags and the environment name.
pub fn load_config(shared: &Shared) -> anyhow::Result<Config> {
    Ok(Config::load(shared.config.as_deref(), std::env::vars())?)
}

/// The tenant of the flags, else of the configuration.
pub fn tenant(shared: &Shared, config: &Config) -> anyhow::Result<TenantId> {
    match &shared.tenant {
        Some(name) => TenantId::new(name.as_str()).context("--tenant"),
        None => Ok(config.tenant.clone()),
    }
}

/// The database of a flag, else the configured one; there is no other default, so that nobody works on the wrong one.
pub fn database_url(flag: Option<&Secret>, config: &Config) -> anyhow::Result<Secret> {
    if let Some(url) = flag {
        return Ok(url.clone());
    }
    if config.database.url.non_empty().is_some() {
        return Ok(config.database.url.clone());
    }
    let data_dir = super::commands::data_dir(None, config)?;
    let file = data_dir.join(backends::EMBEDDED_DATABASE_FILE);
    anyhow::ensure!(
        file.is_file(),
        "no database is named and {} is not there; give --db sqlite:///path or --db postgres://…",
        file.display()
    );
    Ok(Secret::new(format!("sqlite://{}", file.display())))
}

/// Opens a database that must be there already; a mistyped path is an error and not a new, empty database.
pub async fn open_existing_store(config: &Config, url: &Secret) -> anyhow::Result<Arc<dyn Store>> {
    let address = StoreAddress::parse(url.expose())?;
    if let StoreAddress::Sqlite(path) = &address {
        anyhow::ensure!(
            Path::new(path).is_file(),
            "there is no database at {}; `turnstone db migrate --db` makes one",
            path.display()
        );
    }
    backends::open_store(config, &address).await
}

fn uuid() -> String {
    turnstone_types::BatchId::generate().to_string().replace('-', "")
}
