//! Identifiers. All are text on the wire and in the database, so that rows imported from other systems keep theirs.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Why a text cannot be an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The identifier must not be empty.
    #[error("{kind} must not be empty")]
    Empty {
        /// Which identifier.
        kind: &'static str,
    },
    /// The identifier is longer than allowed.
    #[error("{kind} has {length} bytes, more than {length_max}")]
    TooLong {
        /// Which identifier.
        kind: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The most that is allowed, in bytes.
        length_max: usize,
    },
    /// A character that the identifier may not hold.
    #[error("{kind} holds the character {character:?}; {allowed}")]
    Character {
        /// Which identifier.
        kind: &'static str,
        /// The offending character.
        character: char,
        /// What is allowed instead.
        allowed: &'static str,
    },
}

/// Whose data it is. The empty tenant is shared: every tenant sees its rows.
///
/// Holds at most 64 ASCII letters, digits, `-` or `_` and does not start with `_`, so that it can be a NATS subject token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

impl TenantId {
    /// The shared tenant, `''`.
    pub fn shared() -> Self {
        Self::default()
    }

    /// Checks and takes a tenant name; the empty text is the shared tenant.
    pub fn new(name: impl Into<String>) -> Result<Self, IdError> {
        let name = name.into();
        check_length("tenant", &name, 64)?;
        let refused = name
            .chars()
            .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')));
        let refused = refused.or_else(|| name.chars().next().filter(|c| *c == '_'));
        match refused {
            Some(character) => Err(IdError::Character {
                kind: "tenant",
                character,
                allowed: "use ASCII letters, digits, '-' and '_', and do not start with '_'",
            }),
            None => Ok(Self(name)),
        }
    }

    /// The name as stored in `tenant_id`; empty for the shared tenant.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the shared tenant.
    pub fn is_shared(&self) -> bool {
        self.0.is_empty()
    }

    /// The token that stands for this tenant in a NATS subject: `_` for the shared one, which has no name of its own.
    pub fn subject_token(&self) -> &str {
        if self.0.is_empty() { "_" } else { &self.0 }
    }
}

impl TryFrom<String> for TenantId {
    type Error = IdError;
    fn try_from(name: String) -> Result<Self, IdError> {
        Self::new(name)
    }
}

impl From<TenantId> for String {
    fn from(tenant: TenantId) -> Self {
        tenant.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $length_max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and takes an identifier: not empty, without control characters, of bounded length.
            pub fn new(id: impl Into<String>) -> Result<Self, IdError> {
                let id = id.into();
                if id.is_empty() {
                    return Err(IdError::Empty { kind: $kind });
                }
                check_length($kind, &id, $length_max)?;
                match id.chars().find(|c| c.is_control()) {
                    Some(character) => Err(IdError::Character {
                        kind: $kind,
                        character,
                        allowed: "control characters are not allowed",
                    }),
                    None => Ok(Self(id)),
                }
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(id: String) -> Result<Self, IdError> {
                Self::new(id)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

macro_rules! generated_id {
    ($name:ident) => {
        impl $name {
            /// Makes a new identifier: a UUID of version 7 (RFC 9562), which sorts by time of making and, within one
            /// process, is strictly increasing.
            pub fn generate() -> Self {
                Self(Uuid::now_v7().to_string())
            }
        }
    };
}

text_id!(
    /// Where lines come from, as named in the configuration.
    SourceId, "source_id", 200
);
text_id!(
    /// One stored log line. Ours are UUIDs of version 7; imported rows keep what they had.
    EntryId, "entry id", 200
);
text_id!(
    /// One detection.
    DetectionId, "detection id", 200
);
text_id!(
    /// One glean cycle.
    CycleId, "cycle id", 200
);
text_id!(
    /// One score batch.
    BatchId, "batch id", 200
);
text_id!(
    /// One acknowledgement: an operation on any number of detections, which can be undone as a whole.
    AcknowledgementId, "acknowledgement id", 200
);
text_id!(
    /// One suppression.
    SuppressionId, "suppression id", 200
);
generated_id!(EntryId);
generated_id!(DetectionId);
generated_id!(CycleId);
generated_id!(BatchId);
generated_id!(AcknowledgementId);
generated_id!(SuppressionId);

fn check_length(kind: &'static str, id: &str, length_max: usize) -> Result<(), IdError> {
    if id.len() > length_max {
        return Err(IdError::TooLong {
            kind,
            length: id.len(),
            length_max,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_are_subject_tokens() {
        assert_eq!(TenantId::shared().subject_token(), "_");
        assert_eq!(TenantId::new("acme-1").expect("valid").subject_token(), "acme-1");
        for refused in ["a.b", "a b", "*", ">", "_", "ä", &"x".repeat(65)] {
            assert!(TenantId::new(refused).is_err(), "{refused:?} must be refused");
        }
    }

    #[test]
    fn generated_entry_ids_increase() {
        let ids: Vec<EntryId> = (0..10_000).map(|_| EntryId::generate()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn ids_refuse_control_characters_and_emptiness() {
        assert!(SourceId::new("").is_err());
        assert!(SourceId::new("a\u{1b}[31m").is_err());
        assert!(SourceId::new("web-1/nginx").is_ok());
    }
}
