//! The ingest service: gleans the sources, commits each cycle in one transaction, publishes the outbox, sends again what stays
//! unscored, and keeps the full-text index up with the entries.

mod cycle;
mod glean;
mod housekeeping;
mod publish;
mod service;

pub use cycle::{CycleLimits, PendingCycle};
pub use glean::{CycleReport, GleanTotals, Gleaner};
pub use housekeeping::{Housekeeper, HousekeepingOptions};
pub use publish::{Publisher, drain_outbox};
pub use service::{Ingest, IngestOptions};
