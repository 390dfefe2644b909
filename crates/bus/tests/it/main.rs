//! The bus on a real nats-server: every promise of the delivery contract, and what happens when the server goes away.
#![allow(clippy::unwrap_used)]

mod dead_letters;
mod delivery;
mod embedded;
mod harness;
mod label_questions;
mod outage;
mod publish;
