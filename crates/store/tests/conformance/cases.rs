//! The list of modules of cases.

mod cycles;
mod detections;
mod entries;
mod imports;
mod migrations;
mod original;
mod outbox;
mod scores;
mod search;
mod sqlite_file;
mod stats;
mod tenants;
mod values;

use crate::Case;

/// The modules for a backend: all of them, and those about what only it has.
pub fn modules(backend: &str) -> Vec<(&'static str, Vec<Case>)> {
    let mut modules = vec![
        ("migrations", migrations::cases()),
        ("cycles", cycles::cases()),
        ("values", values::cases()),
        ("outbox", outbox::cases()),
        ("scores", scores::cases()),
        ("detections", detections::cases()),
        ("entries", entries::cases()),
        ("search", search::cases()),
        ("stats", stats::cases()),
        ("imports", imports::cases()),
        ("original", original::cases()),
        ("tenants", tenants::cases()),
    ];
    if backend == "sqlite" {
        modules.push(("sqlite_file", sqlite_file::cases()));
    }
    modules
}
