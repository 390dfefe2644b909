//! Moves the schema to the version of this program, one process at a time.

use super::PostgresStore;
use super::session::{Mode, Outcome, Session, work};
use crate::StoreError;
use crate::migrations::{AppliedMigration, Migration, next_migration, require_current};

/// The schema's history. A migration never changes once released.
const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "initial",
        sql: include_str!("../../migrations/postgres/0001_initial.sql"),
    },
    Migration {
        version: 2,
        name: "groups",
        sql: include_str!("../../migrations/postgres/0002_groups.sql"),
    },
    Migration {
        version: 3,
        name: "counts",
        sql: include_str!("../../migrations/postgres/0003_counts.sql"),
    },
    Migration {
        version: 4,
        name: "explanations",
        sql: include_str!("../../migrations/postgres/0004_explanations.sql"),
    },
    Migration {
        version: 5,
        name: "detection_text",
        sql: include_str!("../../migrations/postgres/0005_detection_text.sql"),
    },
];

/// Key of the advisory lock that migrators of one schema take: `turnstone` as a number, and the schema's own.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1953854062, hashtext(current_schema))";

const CREATE_HISTORY: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (\
     version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL DEFAULT now(), checksum TEXT NOT NULL)";

impl PostgresStore {
    pub(super) async fn migrate_schema(&self) -> Result<(), StoreError> {
        // All in one transaction: a failed migration leaves nothing behind.
        self.run("migrate", Mode::LongWrite, |session| work(apply_all(session)))
            .await
    }

    pub(super) async fn check_schema(&self) -> Result<(), StoreError> {
        let applied = self
            .run("check_ready", Mode::Single, |session| work(applied(session)))
            .await?;
        require_current("check_ready", MIGRATIONS, &applied)
    }
}

async fn apply_all(session: Session<'_>) -> Outcome<()> {
    // A waiting migrator must outlast the one at work.
    session.execute_all("SET LOCAL lock_timeout = 0").await?;
    session.execute_all(LOCK).await?;
    session.execute_all(CREATE_HISTORY).await?;
    while let Some(migration) = next_migration(session.operation(), MIGRATIONS, &applied(session).await?)? {
        session.execute_all(migration.sql).await?;
        session
            .execute(
                "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
                &[&migration.version, &migration.name, &migration.checksum()],
            )
            .await?;
        tracing::info!(
            version = migration.version,
            name = migration.name,
            "schema migrated"
        );
    }
    Ok(())
}

/// What was applied, in rising order; nothing where the schema has no history.
async fn applied(session: Session<'_>) -> Outcome<Vec<AppliedMigration>> {
    if !session
        .query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[])
        .await?
        .get::<_, bool>(0)
    {
        return Ok(Vec::new());
    }
    let rows = session
        .query(
            "SELECT version, checksum FROM schema_migrations ORDER BY version",
            &[],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| AppliedMigration {
            version: row.get(0),
            checksum: row.get(1),
        })
        .collect())
}
