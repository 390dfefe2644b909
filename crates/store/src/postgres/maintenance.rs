//! What autovacuum does by itself some minutes later.

use super::PostgresStore;
use super::connection::LONG_STATEMENT_LIMIT;
use super::session::{Mode, work};
use crate::StoreError;

const TABLES: [&str; 9] = [
    "log_entries",
    "entry_text_index",
    "detections",
    "detection_text_index",
    "detection_groups",
    "detection_totals",
    "entry_counts",
    "detection_counts",
    "score_batches",
];

impl PostgresStore {
    pub(super) async fn vacuum(&self) -> Result<(), StoreError> {
        for table in TABLES {
            self.run("refresh_statistics", Mode::Single, |session| {
                work(async move {
                    // One by one, since VACUUM refuses to run within a transaction, which several statements sent at once are.
                    let limit = LONG_STATEMENT_LIMIT.as_secs();
                    session
                        .execute_all(&format!("SET statement_timeout = '{limit}s'"))
                        .await?;
                    let done = session.execute_all(&format!("VACUUM (ANALYZE) {table}")).await;
                    session.execute_all("RESET statement_timeout").await?;
                    done
                })
            })
            .await?;
        }
        Ok(())
    }
}
