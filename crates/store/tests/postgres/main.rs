//! What only a Postgres server can do to a store: restart, die in the middle of a transaction, deadlock, plan badly.
#![allow(clippy::unwrap_used)]

mod faults;
mod fixtures;
mod indexes;
mod plans;
mod tls;
