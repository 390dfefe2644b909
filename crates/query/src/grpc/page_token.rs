//! Page tokens: where a page ended, bound to the request that it continues. Opaque to callers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tonic::Status;
use turnstone_proto::invalid_field;
use turnstone_types::TenantId;

const VERSION: u8 = 2;
const DIGEST_BYTES: usize = 12;
const INSTANT_BYTES: usize = 16;
/// Longest token in bytes of text: a key whose id has the greatest length fits.
const TOKEN_BYTES_MAX: usize = 1_024;

/// Where a page ended: the row's instant, to the nanosecond, and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageKey {
    /// Instant that the list is ordered by.
    pub instant: Timestamp,
    /// Id of the row, the second key of the order.
    pub id: String,
}

impl PageKey {
    /// The key of a row.
    pub fn new(instant: Timestamp, id: &impl ToString) -> Self {
        Self {
            instant,
            id: id.to_string(),
        }
    }
}

/// What a token remembers of where a page ended.
pub(crate) trait PageMark: Sized {
    /// Appends it.
    fn write(&self, bytes: &mut Vec<u8>);

    /// Reads what [`Self::write`] appended; `None` where it is something else.
    fn read(bytes: &[u8]) -> Option<Self>;
}

impl PageMark for PageKey {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.instant.write(bytes);
        bytes.extend_from_slice(self.id.as_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (instant, id) = bytes.split_at_checked(INSTANT_BYTES)?;
        Some(Self {
            instant: Timestamp::read(instant)?,
            id: String::from_utf8(id.to_vec()).ok()?,
        })
    }
}

impl PageMark for Timestamp {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.as_nanosecond().to_be_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Self::from_nanosecond(i128::from_be_bytes(bytes.try_into().ok()?)).ok()
    }
}

impl PageMark for u32 {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_be_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_be_bytes(bytes.try_into().ok()?))
    }
}

/// An instant that was fixed on the first page, and where this one ended.
impl<M: PageMark> PageMark for (Timestamp, M) {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.0.write(bytes);
        self.1.write(bytes);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (instant, rest) = bytes.split_at_checked(INSTANT_BYTES)?;
        Some((Timestamp::read(instant)?, M::read(rest)?))
    }
}

/// What a token belongs to: method, tenant and the encoded request without its page fields.
///
/// The digest over it catches a token that is used with another filter and one that was garbled on the way. It is no
/// protection of secrets: the tenant of a request limits what it sees, whatever key it brings.
#[derive(Debug, Clone)]
pub(crate) struct PageScope {
    hasher: Sha256,
}

impl PageScope {
    /// The scope of a request.
    pub fn new(method: &'static str, tenant: &TenantId, request_without_page: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        for part in [
            method.as_bytes(),
            tenant.as_str().as_bytes(),
            request_without_page,
        ] {
            // Lengths keep neighbouring parts from running into each other.
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self { hasher }
    }

    /// The token that continues after `mark`.
    pub fn token(&self, mark: &impl PageMark) -> String {
        let mut mark_bytes = Vec::new();
        mark.write(&mut mark_bytes);
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.digest(&mark_bytes));
        bytes.extend_from_slice(&mark_bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What a token remembers; `None` for the empty token, which asks for the first page.
    pub fn mark<M: PageMark>(&self, token: &str) -> Result<Option<M>, Status> {
        if token.is_empty() {
            return Ok(None);
        }
        self.read(token).map(Some).ok_or_else(|| {
            invalid_field(
                "page_token",
                "is not a token of this list; send next_page_token of the page before, unchanged, with the same filter and tenant",
            )
        })
    }

    fn read<M: PageMark>(&self, token: &str) -> Option<M> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (digest, mark_bytes) = rest.split_at_checked(DIGEST_BYTES)?;
        if *version != VERSION || digest != self.digest(mark_bytes) {
            return None;
        }
        M::read(mark_bytes)
    }

    fn digest(&self, mark_bytes: &[u8]) -> [u8; DIGEST_BYTES] {
        let full = self.hasher.clone().chain_update(mark_bytes).finalize();
        let mut digest = [0; DIGEST_BYTES];
        digest.copy_from_slice(&full[..DIGEST_BYTES]);
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(method: &'static str, tenant: &str, request: &[u8]) -> PageScope {
        PageScope::new(method, &TenantId::new(tenant).expect("valid"), request)
    }

    #[test]
    fn a_token_works_for_its_own_request_only() {
        let own = scope("ListDetections", "acme", b"filter");
        let key = PageKey {
            instant: Timestamp::from_nanosecond(-1_234_567_890_123).expect("in range"),
            id: "ä-1".into(),
        };
        let token = own.token(&key);
        assert!(
            token
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')),
            "{token}"
        );
        assert_eq!(own.mark(&token).expect("own token"), Some(key));
        assert_eq!(own.mark::<PageKey>("").expect("first page"), None);
        for other in [
            scope("SearchEntries", "acme", b"filter"),
            scope("ListDetections", "acm", b"efilter"),
            scope("ListDetections", "", b"filter"),
            scope("ListDetections", "acme", b"filter2"),
        ] {
            assert!(other.mark::<PageKey>(&token).is_err());
        }
    }

    #[test]
    fn marks_come_back_and_only_as_what_they_are() {
        let own = scope("SearchEntries", "", b"");
        let at = Timestamp::from_second(1_700_000_000).expect("in range");
        let key = PageKey::new(Timestamp::MIN, &"entry-1");
        let token = own.token(&(at, key.clone()));
        assert_eq!(own.mark(&token).expect("own token"), Some((at, key)));
        let token = own.token(&(at, 700_u32));
        assert_eq!(own.mark(&token).expect("own token"), Some((at, 700_u32)));
        let token = own.token(&at);
        assert!(own.mark::<(Timestamp, u32)>(&token).is_err());
        assert!(own.mark::<u32>(&token).is_err());
    }

    #[test]
    fn every_garbled_token_is_refused() {
        let own = scope("ListDetections", "", b"");
        let token = own.token(&PageKey {
            instant: Timestamp::UNIX_EPOCH,
            id: "detection-1".into(),
        });
        for position in 0..token.len() {
            let mut garbled = token.clone().into_bytes();
            garbled[position] = if garbled[position] == b'A' { b'B' } else { b'A' };
            let garbled = String::from_utf8(garbled).expect("ascii");
            assert!(own.mark::<PageKey>(&garbled).is_err(), "byte {position}");
            assert!(own.mark::<PageKey>(&token[..position]).is_err() || position == 0);
        }
        assert!(own.mark::<PageKey>(&"A".repeat(100_000)).is_err());
        assert!(own.mark::<PageKey>("not base64!").is_err());
    }
}
