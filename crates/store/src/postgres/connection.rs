//! The pool of connections: what the address asks for, time limits, keepalives, TLS.

use super::tls::{self, Verification};
use crate::{ConnectOptions, StoreError, StoreErrorKind};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

const OPERATION: &str = "open database";

/// Longest run of one ordinary statement.
const STATEMENT_LIMIT: Duration = Duration::from_secs(60);
/// Longest run of one statement over many rows: a large cycle, an import, a migration.
pub(super) const LONG_STATEMENT_LIMIT: Duration = Duration::from_secs(900);
/// Sets [`LONG_STATEMENT_LIMIT`] for the open transaction.
pub(super) const ALLOW_LONG_STATEMENTS: &str = "SET LOCAL statement_timeout = '900s'";

/// Makes the pool. Connects to nothing yet: a service may start before its database.
pub(super) fn pool(address: &url::Url, options: &ConnectOptions) -> Result<Pool, StoreError> {
    debug_assert_eq!(
        ALLOW_LONG_STATEMENTS,
        format!(
            "SET LOCAL statement_timeout = '{}s'",
            LONG_STATEMENT_LIMIT.as_secs()
        )
    );
    let (config, verification) = config(address, options)?;
    let connector = tls::connector(verification)?;
    // Fast recycling drops connections whose closing was noticed; one that was not fails its first statement, which is retried.
    let manager = Manager::from_config(
        config,
        connector,
        ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        },
    );
    Pool::builder(manager)
        .max_size(options.connections_max.max(1) as usize)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(options.wait_max))
        .create_timeout(Some(options.wait_max))
        .recycle_timeout(Some(options.wait_max))
        .build()
        .map_err(|error| {
            StoreError::new(
                StoreErrorKind::Internal,
                OPERATION,
                format!("make a connection pool: {error}"),
            )
        })
}

fn config(address: &url::Url, options: &ConnectOptions) -> Result<(Config, Verification), StoreError> {
    let invalid = |message: String| StoreError::new(StoreErrorKind::Invalid, OPERATION, message);
    let (address, ssl_mode, verification) = take_tls_settings(address).map_err(invalid)?;
    // The driver's message names the setting and not its value, which may be a password.
    let mut config: Config = address.as_str().parse().map_err(|error: tokio_postgres::Error| {
        let cause = std::error::Error::source(&error)
            .map(|cause| format!(": {cause}"))
            .unwrap_or_default();
        invalid(format!("postgres address cannot be used: {error}{cause}"))
    })?;
    config.ssl_mode(ssl_mode);
    if config.get_application_name().is_none() {
        config.application_name("turnstone");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(options.wait_max);
    }
    // A peer that vanished without a word is noticed within about a minute, also while its answer is awaited.
    config
        .keepalives(true)
        .keepalives_idle(Duration::from_secs(30))
        .keepalives_interval(Duration::from_secs(10))
        .keepalives_retries(3);
    config.tcp_user_timeout(Duration::from_secs(60));
    // Sent when connecting, so that no statement runs without them; the address' own options come later and win.
    let milliseconds = |limit: Duration| limit.as_millis().max(1);
    // Statements are short and many: compiling one or starting workers for it takes longer than most of them run. A plan for any value
    // is a bad plan where one value is in every line and another nowhere, and planning anew takes a fraction of a millisecond.
    let planning = "-c jit=off -c max_parallel_workers_per_gather=0 -c plan_cache_mode=force_custom_plan";
    let limits = format!(
        "-c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={} -c TimeZone=UTC {planning}",
        milliseconds(STATEMENT_LIMIT),
        milliseconds(options.wait_max),
        milliseconds(STATEMENT_LIMIT),
    );
    let own = config.get_options().unwrap_or_default().to_owned();
    config.options(format!("{limits} {own}").trim_end());
    Ok((config, verification))
}

/// Splits libpq's TLS settings, of which the driver knows only some, off the address.
fn take_tls_settings(address: &url::Url) -> Result<(url::Url, SslMode, Verification), String> {
    let mut mode = "prefer".to_owned();
    let mut root_certificate = None;
    let mut rest = Vec::new();
    for (name, value) in address.query_pairs() {
        match &*name {
            "sslmode" => mode = value.into_owned(),
            "sslrootcert" => root_certificate = Some(std::path::PathBuf::from(&*value)),
            _ => rest.push((name.into_owned(), value.into_owned())),
        }
    }
    let mut address = address.clone();
    address.set_query(None);
    if !rest.is_empty() {
        // Written out by hand: the driver decodes %20 and leaves the + of form encoding as it is.
        let encode = |text: &str| {
            url::form_urlencoded::byte_serialize(text.as_bytes())
                .collect::<String>()
                .replace('+', "%20")
        };
        let query: Vec<String> = rest
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        address.set_query(Some(&query.join("&")));
    }
    let (mode, verification) = match mode.as_str() {
        "disable" => (SslMode::Disable, Verification::None),
        "allow" | "prefer" => (SslMode::Prefer, Verification::None),
        // As libpq has it: `require` protects against listeners, and against impostors only with a root certificate.
        "require" if root_certificate.is_none() => (SslMode::Require, Verification::None),
        "require" | "verify-ca" | "verify-full" => {
            (SslMode::Require, Verification::Full { root_certificate })
        }
        _ => {
            return Err(
                "sslmode in the postgres address is none of disable, prefer, require, verify-full".to_owned(),
            );
        }
    };
    Ok((address, mode, verification))
}
