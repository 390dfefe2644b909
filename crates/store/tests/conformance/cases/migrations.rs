//! Schema versions: from nothing, at once from several processes, and schemas that are not ours.

use crate::backends::Harness;
use turnstone_store::StoreErrorKind;

crate::cases![
    an_empty_database_is_not_ready,
    migrating_again_changes_nothing,
    several_may_migrate_at_once,
    a_newer_schema_is_refused,
    a_changed_migration_is_refused,
    a_missing_migration_is_refused,
];

async fn an_empty_database_is_not_ready(harness: Harness) -> anyhow::Result<()> {
    let empty = harness.backend.unmigrated().await?;
    let error = empty.store.check_ready().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NotFound, "{error}");
    assert!(
        error.to_string().contains("turnstone db migrate"),
        "{error} must say what to do"
    );
    empty.store.migrate().await?;
    empty.store.check_ready().await?;
    Ok(())
}

async fn migrating_again_changes_nothing(harness: Harness) -> anyhow::Result<()> {
    let versions = "SELECT COUNT(*) FROM schema_migrations";
    let before = harness.sql.scalar(versions).await?;
    harness.store.migrate().await?;
    assert_eq!(harness.sql.scalar(versions).await?, before);
    Ok(())
}

async fn several_may_migrate_at_once(harness: Harness) -> anyhow::Result<()> {
    let empty = harness.backend.unmigrated().await?;
    let migrations = (0..6).map(|_| async {
        let store = empty.reopen().await?;
        store.migrate().await?;
        store.check_ready().await
    });
    futures::future::try_join_all(migrations).await?;
    let twice = "SELECT COUNT(*) FROM (SELECT version FROM schema_migrations GROUP BY version HAVING COUNT(*) > 1) AS twice";
    assert_eq!(empty.sql.scalar(twice).await?.as_deref(), Some("0"));
    Ok(())
}

async fn refused(harness: &Harness) {
    for error in [
        harness.store.check_ready().await.unwrap_err(),
        harness.store.migrate().await.unwrap_err(),
    ] {
        assert_eq!(error.kind, StoreErrorKind::Corrupt, "{error}");
        assert!(!error.is_retryable());
    }
}

async fn a_newer_schema_is_refused(harness: Harness) -> anyhow::Result<()> {
    let newer = "INSERT INTO schema_migrations (version, name, applied_at, checksum)
                 SELECT 9999, 'future', applied_at, checksum FROM schema_migrations WHERE version = 1";
    harness.sql.execute(newer).await?;
    refused(&harness).await;
    let error = harness.store.check_ready().await.unwrap_err();
    assert!(
        error.to_string().contains("newer"),
        "{error} must say that the schema is newer"
    );
    Ok(())
}

async fn a_changed_migration_is_refused(harness: Harness) -> anyhow::Result<()> {
    harness
        .sql
        .execute("UPDATE schema_migrations SET checksum = 'other' WHERE version = 1")
        .await?;
    refused(&harness).await;
    Ok(())
}

async fn a_missing_migration_is_refused(harness: Harness) -> anyhow::Result<()> {
    harness
        .sql
        .execute("UPDATE schema_migrations SET version = 0 WHERE version = 1")
        .await?;
    refused(&harness).await;
    Ok(())
}
