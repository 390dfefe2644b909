//! The query service: gRPC, gRPC-web, reflection, health, server-sent events and plain HTTP on one port, in front of a store.
//! Reads through `turnstone_store`; scores nothing, publishes nothing, and reads no environment.

mod connections;
mod explain;
mod feed;
mod from_config;
mod gate;
mod grpc;
mod http;
mod options;
mod server;
mod status;
mod store_monitor;

pub use explain::explainer;
pub use options::{QueryOptions, ServeError};
pub use server::{Bound, QueryParts, QueryService};
