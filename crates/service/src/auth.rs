//! The API token: who may call a service that listens beyond loopback.

use crate::secret::Secret;
use subtle::ConstantTimeEq;

/// Fewest characters of a token that is taken as a credential.
pub const API_TOKEN_CHARS_MIN: usize = 16;

/// A bearer token, compared in constant time. `Debug` never shows it.
#[derive(Debug, Clone)]
pub struct ApiToken(Secret);

impl ApiToken {
    /// Takes a token. Fails with a message for people when it is too short or cannot be sent in a header.
    pub fn new(token: &str) -> Result<Self, String> {
        if token.len() < API_TOKEN_CHARS_MIN {
            return Err(format!(
                "the API token has {} characters, fewer than {API_TOKEN_CHARS_MIN}; make one with `openssl rand -hex 32`",
                token.len()
            ));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the API token may hold visible ASCII characters only, so that it can be sent as a bearer token".into());
        }
        Ok(Self(Secret::new(token)))
    }

    /// Whether `presented` is the token. Takes the same time wherever the first difference is.
    pub fn verify(&self, presented: &str) -> bool {
        self.0.expose().as_bytes().ct_eq(presented.as_bytes()).into()
    }

    /// Whether an `Authorization` header value carries the token as `Bearer`.
    pub fn verify_header(&self, value: &str) -> bool {
        let Some((scheme, presented)) = value.split_once(' ') else {
            return false;
        };
        scheme.eq_ignore_ascii_case("bearer") && self.verify(presented.trim())
    }

    /// The value for an `Authorization` header.
    pub fn header_value(&self) -> String {
        format!("Bearer {}", self.0.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_passes() {
        let token = ApiToken::new("0123456789abcdef").expect("long enough");
        assert!(token.verify_header("Bearer 0123456789abcdef"));
        assert!(token.verify_header("bearer 0123456789abcdef"));
        for refused in [
            "",
            "0123456789abcdef",
            "Basic 0123456789abcdef",
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdef0",
            "Bearer ",
        ] {
            assert!(!token.verify_header(refused), "{refused:?}");
        }
        assert!(!format!("{token:?}").contains("0123"));
        assert!(ApiToken::new("short").is_err());
        assert!(ApiToken::new("0123456789abcdef\n").is_err());
    }
}
