//! From a store's error to what a caller is told. Logs what the caller is not told, here and only here.

use std::error::Error;
use tonic::Status;
use turnstone_proto::ErrorCode;
use turnstone_store::{StoreError, StoreErrorKind};

/// The row of the error code table for a sort of store error.
fn code_of(kind: StoreErrorKind) -> ErrorCode {
    match kind {
        StoreErrorKind::Conflict => ErrorCode::Conflict,
        // A row that is not there is no error of a read, so this is the database itself.
        StoreErrorKind::Unavailable | StoreErrorKind::NotFound => ErrorCode::Unavailable,
        StoreErrorKind::Invalid => ErrorCode::InvalidArgument,
        StoreErrorKind::Corrupt | StoreErrorKind::Internal => ErrorCode::Internal,
    }
}

/// The status for a store error. Driver messages can name hosts, files and SQL, so they go to the log and not to the caller.
pub(crate) fn store_status(error: &StoreError) -> Status {
    let operation = error.operation;
    let message = match error.kind {
        StoreErrorKind::Conflict | StoreErrorKind::Invalid => error.message.clone(),
        StoreErrorKind::Unavailable | StoreErrorKind::NotFound => {
            tracing::warn!(operation, error = chain(error), "store unavailable");
            "the store cannot be reached at present; try again".to_owned()
        }
        StoreErrorKind::Corrupt | StoreErrorKind::Internal => {
            tracing::error!(operation, error = chain(error), "store failed");
            format!("internal error in {operation}; the log of the query service says more")
        }
    };
    code_of(error.kind).status(message)
}

/// An error with all that lies behind it, for the log.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    #[test]
    fn every_kind_has_its_code_and_internals_stay_inside() {
        let cases = [
            (StoreErrorKind::NotFound, Code::Unavailable, false),
            (StoreErrorKind::Conflict, Code::AlreadyExists, true),
            (StoreErrorKind::Invalid, Code::InvalidArgument, true),
            (StoreErrorKind::Unavailable, Code::Unavailable, false),
            (StoreErrorKind::Corrupt, Code::Internal, false),
            (StoreErrorKind::Internal, Code::Internal, false),
        ];
        for (kind, code, told) in cases {
            let status = store_status(&StoreError::new(kind, "list_detections", "db.internal:5432"));
            assert_eq!(
                (status.code(), status.message().contains("db.internal")),
                (code, told),
                "{kind:?}"
            );
        }
    }
}
