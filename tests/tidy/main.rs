//! Checks the tree itself: which crate may lean on which, how files begin and how long they are, and what must not be left in
//! them. Fast, and needs nothing but cargo and the files.
#![allow(clippy::unwrap_used)]

mod crates;
mod files;
