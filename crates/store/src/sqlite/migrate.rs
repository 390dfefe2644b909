//! Runs the migrations of this dialect and tells which are applied.

use super::connection::{Connections, Tx, commit};
use super::error::map;
use super::executor::on;
use crate::StoreError;
use crate::instant::to_text;
use crate::migrations::{AppliedMigration, Migration, next_migration, require_current};
use sqlx::Row;
use turnstone_types::Timestamp;

/// The list for SQLite; the numbers are the same on every backend.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "initial",
        sql: include_str!("../../migrations/sqlite/0001_initial.sql"),
    },
    Migration {
        version: 2,
        name: "groups",
        sql: include_str!("../../migrations/sqlite/0002_groups.sql"),
    },
    Migration {
        version: 3,
        name: "counts",
        sql: include_str!("../../migrations/sqlite/0003_counts.sql"),
    },
    Migration {
        version: 4,
        name: "explanations",
        sql: include_str!("../../migrations/sqlite/0004_explanations.sql"),
    },
    Migration {
        version: 5,
        name: "detection_text",
        sql: include_str!("../../migrations/sqlite/0005_detection_text.sql"),
    },
];

/// Applies what is missing, each migration in a transaction of its own. Two processes take turns at the write lock and each
/// looks again at what is applied, so none runs twice.
pub(super) async fn migrate(connections: &Connections) -> Result<(), StoreError> {
    const OPERATION: &str = "migrate";
    connections.create().await?;
    loop {
        let mut transaction = connections.begin_write(OPERATION).await?;
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS schema_migrations
             (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL, checksum TEXT NOT NULL)",
        )
        .execute(on(&mut transaction))
        .await
        .map_err(|error| map(OPERATION, error))?;
        let applied = applied(OPERATION, &mut transaction).await?;
        let Some(migration) = next_migration(OPERATION, MIGRATIONS, &applied)? else {
            return Ok(());
        };
        sqlx::raw_sql(migration.sql)
            .execute(on(&mut transaction))
            .await
            .map_err(|error| map(OPERATION, error))?;
        sqlx::query(
            "INSERT INTO schema_migrations (version, name, applied_at, checksum) VALUES (?, ?, ?, ?)",
        )
        .bind(migration.version)
        .bind(migration.name)
        .bind(to_text(Timestamp::now()))
        .bind(migration.checksum())
        .execute(on(&mut transaction))
        .await
        .map_err(|error| map(OPERATION, error))?;
        commit(OPERATION, transaction).await?;
        tracing::info!(
            version = migration.version,
            name = migration.name,
            "applied schema migration"
        );
    }
}

/// Fails unless the file is there and its schema is this program's.
pub(super) async fn check_ready(connections: &Connections) -> Result<(), StoreError> {
    const OPERATION: &str = "check_ready";
    let mut transaction = connections.begin_read(OPERATION).await?;
    let has_table =
        sqlx::query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'")
            .fetch_optional(on(&mut transaction))
            .await
            .map_err(|error| map(OPERATION, error))?;
    let applied = if has_table.is_some() {
        applied(OPERATION, &mut transaction).await?
    } else {
        Vec::new()
    };
    require_current(OPERATION, MIGRATIONS, &applied)
}

async fn applied(operation: &'static str, transaction: &mut Tx) -> Result<Vec<AppliedMigration>, StoreError> {
    let rows = sqlx::query("SELECT version, checksum FROM schema_migrations ORDER BY version")
        .fetch_all(on(transaction))
        .await
        .map_err(|error| map(operation, error))?;
    rows.iter()
        .map(|row| {
            Ok(AppliedMigration {
                version: row.try_get(0)?,
                checksum: row.try_get(1)?,
            })
        })
        .collect::<Result<_, sqlx::Error>>()
        .map_err(|error| map(operation, error))
}
