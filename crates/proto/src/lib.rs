//! Generated protobuf and gRPC code, conversions to and from the domain types, and the one table of error codes.

pub mod v1 {
    //! Package `turnstone.v1`, generated from proto/turnstone/v1.
    #![allow(missing_docs, clippy::all, clippy::unwrap_used, clippy::large_futures)]
    tonic::include_proto!("turnstone.v1");
}

mod convert;
mod error_code;
mod json;

pub use convert::{ConvertError, timestamp_from_proto, timestamp_to_proto};
pub use error_code::{ErrorCode, invalid_field};

/// The encoded `FileDescriptorSet` of package `turnstone.v1`, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/turnstone.v1.bin"));

/// Request metadata key that names the tenant.
pub const TENANT_METADATA_KEY: &str = "x-turnstone-tenant";
