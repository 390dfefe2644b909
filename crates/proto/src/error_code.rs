//! The one table of error codes: what each sort of failure is in gRPC and in HTTP.

use tonic_types::{ErrorDetails, StatusExt};

/// The sorts of failure that a caller can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The request is not valid.
    InvalidArgument,
    /// No or a wrong token.
    Unauthenticated,
    /// What was asked for is not there.
    NotFound,
    /// It collides with what is there.
    Conflict,
    /// Something that has to be set up first is not.
    FailedPrecondition,
    /// Too much at once: try again later.
    Overloaded,
    /// Something behind the service cannot be reached: try again.
    Unavailable,
    /// Not built yet.
    Unimplemented,
    /// A fault of ours.
    Internal,
}

impl ErrorCode {
    /// The gRPC code.
    pub fn grpc(self) -> tonic::Code {
        match self {
            Self::InvalidArgument => tonic::Code::InvalidArgument,
            Self::Unauthenticated => tonic::Code::Unauthenticated,
            Self::NotFound => tonic::Code::NotFound,
            Self::Conflict => tonic::Code::AlreadyExists,
            Self::FailedPrecondition => tonic::Code::FailedPrecondition,
            Self::Overloaded => tonic::Code::ResourceExhausted,
            Self::Unavailable => tonic::Code::Unavailable,
            Self::Unimplemented => tonic::Code::Unimplemented,
            Self::Internal => tonic::Code::Internal,
        }
    }

    /// The HTTP status.
    pub fn http(self) -> u16 {
        match self {
            Self::InvalidArgument => 400,
            Self::Unauthenticated => 401,
            Self::NotFound => 404,
            Self::Conflict | Self::FailedPrecondition => 409,
            Self::Overloaded => 429,
            Self::Unavailable => 503,
            Self::Unimplemented => 501,
            Self::Internal => 500,
        }
    }

    /// A gRPC status with this code.
    pub fn status(self, message: impl Into<String>) -> tonic::Status {
        tonic::Status::new(self.grpc(), message)
    }
}

/// An INVALID_ARGUMENT that names the field, with `google.rpc.BadRequest` in its details.
pub fn invalid_field(field: impl Into<String>, description: impl Into<String>) -> tonic::Status {
    let (field, description) = (field.into(), description.into());
    let message = format!("{field}: {description}");
    tonic::Status::with_error_details(
        tonic::Code::InvalidArgument,
        message,
        ErrorDetails::with_bad_request_violation(field, description),
    )
}
