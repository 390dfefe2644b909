//! `turnstone db migrate|import`.

use super::note;
use crate::arguments::{Db, Shared};
use crate::connection::{database_url, load_config, open_existing_store};
use crate::output::{Progress, escape_controls, grouped};
use std::io::Write;
use turnstone_service::backends;
use turnstone_store::StoreAddress;

/// Runs the command.
pub async fn run(shared: Shared, command: Db) -> anyhow::Result<()> {
    let config = load_config(&shared)?;
    let _telemetry = super::quiet_logs(&config)?;
    match command {
        Db::Migrate { database } => {
            let url = match database.db {
                Some(url) => url,
                None => database_url(None, &config)?,
            };
            let address = StoreAddress::parse(url.expose())?;
            backends::open_store(&config, &address).await?;
            writeln!(std::io::stdout(), "{address} is up to date")?;
            Ok(())
        }
        Db::Import { file, database } => {
            let url = match database.db {
                Some(url) => url,
                None => database_url(None, &config)?,
            };
            let address = StoreAddress::parse(url.expose())?;
            // Importing is how many a new database begins, so here a missing file is made.
            let store = match &address {
                StoreAddress::Sqlite(path) if path.is_file() => open_existing_store(&config, &url).await?,
                _ => backends::open_store(&config, &address).await?,
            };
            import(&file, store.as_ref(), &config).await
        }
    }
}

async fn import(file: &std::path::Path, store: &dyn turnstone_store::Store, config: &turnstone_service::Config) -> anyhow::Result<()> {
    let _ = (file, store, config, Progress::start(None, ""), escape_controls(""), grouped(0));
    note("");
    anyhow::bail!("pending")
}
