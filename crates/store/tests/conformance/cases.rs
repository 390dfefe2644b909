//! The list of modules of cases.

mod acknowledgements;
mod counts;
mod cycles;
mod detection_text;
mod detections;
mod drift;
mod entries;
mod explanations;
mod groups;
mod imports;
mod migrations;
mod original;
mod outbox;
mod scores;
mod search;
mod search_more;
mod sqlite_file;
mod stats;
mod suppressions;
mod tenants;
mod upgrades;
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
        ("detection_text", detection_text::cases()),
        ("groups", groups::cases()),
        ("drift", drift::cases()),
        ("acknowledgements", acknowledgements::cases()),
        ("suppressions", suppressions::cases()),
        ("upgrades", upgrades::cases()),
        ("entries", entries::cases()),
        ("search", search::cases()),
        ("search_more", search_more::cases()),
        ("stats", stats::cases()),
        ("counts", counts::cases()),
        ("explanations", explanations::cases()),
        ("imports", imports::cases()),
        ("original", original::cases()),
        ("tenants", tenants::cases()),
    ];
    if backend == "sqlite" {
        modules.push(("sqlite_file", sqlite_file::cases()));
    }
    modules
}
