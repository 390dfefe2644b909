//! Page tokens: the key of the last row seen, bound to the request that it continues. Opaque to callers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tonic::Status;
use turnstone_proto::invalid_field;
use turnstone_types::TenantId;

const VERSION: u8 = 1;
const DIGEST_BYTES: usize = 12;
const KEY_BYTES_MIN: usize = 16;
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

    /// The token that continues after `key`.
    pub fn token(&self, key: &PageKey) -> String {
        let mut key_bytes = key.instant.as_nanosecond().to_be_bytes().to_vec();
        key_bytes.extend_from_slice(key.id.as_bytes());
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.digest(&key_bytes));
        bytes.extend_from_slice(&key_bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The key within a token; `None` for the empty token, which asks for the first page.
    pub fn key(&self, token: &str) -> Result<Option<PageKey>, Status> {
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

    fn read(&self, token: &str) -> Option<PageKey> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (digest, key_bytes) = rest.split_at_checked(DIGEST_BYTES)?;
        if *version != VERSION || digest != self.digest(key_bytes) {
            return None;
        }
        let (nanoseconds, id) = key_bytes.split_at_checked(KEY_BYTES_MIN)?;
        let nanoseconds = i128::from_be_bytes(nanoseconds.try_into().ok()?);
        Some(PageKey {
            instant: Timestamp::from_nanosecond(nanoseconds).ok()?,
            id: String::from_utf8(id.to_vec()).ok()?,
        })
    }

    fn digest(&self, key_bytes: &[u8]) -> [u8; DIGEST_BYTES] {
        let full = self.hasher.clone().chain_update(key_bytes).finalize();
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
        assert_eq!(own.key(&token).expect("own token"), Some(key));
        assert_eq!(own.key("").expect("first page"), None);
        for other in [
            scope("SearchEntries", "acme", b"filter"),
            scope("ListDetections", "acm", b"efilter"),
            scope("ListDetections", "", b"filter"),
            scope("ListDetections", "acme", b"filter2"),
        ] {
            assert!(other.key(&token).is_err());
        }
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
            assert!(own.key(&garbled).is_err(), "byte {position}");
            assert!(own.key(&token[..position]).is_err() || position == 0);
        }
        assert!(own.key(&"A".repeat(100_000)).is_err());
        assert!(own.key("not base64!").is_err());
    }
}
