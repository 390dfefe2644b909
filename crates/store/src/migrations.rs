//! What both dialects need to move a schema from version to version: the list type and the rules.
//! The SQL lies in `migrations/<dialect>/`, the same numbers in each; running it is the dialect's part.

use crate::{StoreError, StoreErrorKind};
use sha2::{Digest, Sha256};

/// One step of the schema. Steps are numbered from 1 without gaps and never change once released.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    /// Its number, also the version of the schema after it.
    pub version: i64,
    /// What it does, as in its file name.
    pub name: &'static str,
    /// Its statements.
    pub sql: &'static str,
}

impl Migration {
    /// SHA-256 of the statements in lower-case hex, kept with the applied migration.
    pub(crate) fn checksum(&self) -> String {
        Sha256::digest(self.sql.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// A row of `schema_migrations`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AppliedMigration {
    /// Its number.
    pub version: i64,
    /// Its checksum when it was applied.
    pub checksum: String,
}

/// The next migration to apply, `None` when the schema is current. Fails on a schema that this program cannot have made.
pub(crate) fn next_migration<'a>(
    operation: &'static str,
    known: &'a [Migration],
    applied: &[AppliedMigration],
) -> Result<Option<&'a Migration>, StoreError> {
    let corrupt = |message: String| StoreError::new(StoreErrorKind::Corrupt, operation, message);
    let newest_known = known.last().map_or(0, |migration| migration.version);
    if let Some(newer) = applied
        .iter()
        .map(|migration| migration.version)
        .max()
        .filter(|version| *version > newest_known)
    {
        return Err(corrupt(format!(
            "the database has schema version {newer}, newer than the {newest_known} of this program; use the newer program"
        )));
    }
    for (place, migration) in applied.iter().enumerate() {
        let expected = &known[place.min(known.len() - 1)];
        if migration.version != expected.version {
            return Err(corrupt(format!(
                "the database lacks schema migration {} but has {}; restore it from a backup",
                expected.version, migration.version
            )));
        }
        if migration.checksum != expected.checksum() {
            return Err(corrupt(format!(
                "schema migration {} ({}) was applied with other statements than this program's; use the program that made the database",
                expected.version, expected.name
            )));
        }
    }
    Ok(known.get(applied.len()))
}

/// Fails unless the schema is the one this program was built for. `applied` is in rising order of version; empty also
/// stands for a database without a schema.
pub(crate) fn require_current(
    operation: &'static str,
    known: &[Migration],
    applied: &[AppliedMigration],
) -> Result<(), StoreError> {
    match next_migration(operation, known, applied)? {
        None => Ok(()),
        Some(_) if applied.is_empty() => Err(StoreError::new(
            StoreErrorKind::NotFound,
            operation,
            "the database has no turnstone schema; run turnstone db migrate",
        )),
        Some(next) => Err(StoreError::new(
            StoreErrorKind::Corrupt,
            operation,
            format!(
                "the database has schema version {}, older than this program's; run turnstone db migrate",
                next.version - 1
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Migration; 2] = [
        Migration {
            version: 1,
            name: "one",
            sql: "a",
        },
        Migration {
            version: 2,
            name: "two",
            sql: "b",
        },
    ];

    fn applied(migrations: &[Migration]) -> Vec<AppliedMigration> {
        migrations
            .iter()
            .map(|m| AppliedMigration {
                version: m.version,
                checksum: m.checksum(),
            })
            .collect()
    }

    #[test]
    fn the_next_one_follows_what_is_applied() {
        for done in 0..=2 {
            let next = next_migration("migrate", &KNOWN, &applied(&KNOWN[..done])).unwrap();
            assert_eq!(
                next.map(|migration| migration.version),
                KNOWN.get(done).map(|migration| migration.version)
            );
        }
    }

    #[test]
    fn foreign_schemas_are_refused() {
        let kind =
            |applied: &[AppliedMigration]| next_migration("migrate", &KNOWN, applied).unwrap_err().kind;
        let mut newer = applied(&KNOWN);
        newer.push(AppliedMigration {
            version: 3,
            checksum: String::new(),
        });
        assert_eq!(kind(&newer), StoreErrorKind::Corrupt);
        assert_eq!(kind(&applied(&KNOWN[1..])), StoreErrorKind::Corrupt);
        assert_eq!(
            kind(&[AppliedMigration {
                version: 1,
                checksum: "00".into()
            }]),
            StoreErrorKind::Corrupt
        );
    }

    #[test]
    fn ready_means_current() {
        assert!(require_current("check_ready", &KNOWN, &applied(&KNOWN)).is_ok());
        assert_eq!(
            require_current("check_ready", &KNOWN, &[]).unwrap_err().kind,
            StoreErrorKind::NotFound
        );
        assert_eq!(
            require_current("check_ready", &KNOWN, &applied(&KNOWN[..1]))
                .unwrap_err()
                .kind,
            StoreErrorKind::Corrupt
        );
    }
}
