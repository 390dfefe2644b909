//! Fingerprints: what detections of one message have in common, so that people see a message once and not a thousand times.
//! Owns the formula and its test vectors; which text is given to it is the caller's choice.

use crate::template;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// Hexadecimal digits of a fingerprint.
const DIGITS: usize = 16;

/// The fingerprint of a text: two texts with the same template have the same one.
///
/// Stores keep that of a detection's text, which is the first [`crate::DETECTION_TEXT_CHARS_MAX`] characters of the line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

/// A text that is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no fingerprint; one has {DIGITS} hexadecimal digits in lower case")]
pub struct NotAFingerprint(pub String);

impl Fingerprint {
    /// Checks and takes a fingerprint.
    pub fn new(text: impl Into<String>) -> Result<Self, NotAFingerprint> {
        let text = text.into();
        let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        if text.len() == DIGITS && text.as_bytes().iter().all(is_digit) {
            Ok(Self(text))
        } else {
            Err(NotAFingerprint(text))
        }
    }

    /// Its 16 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The first 16 digits, in lower-case hexadecimal, of the SHA-256 of the UTF-8 bytes of the text's [`template()`].
///
/// Changes for some texts whenever [`crate::TEMPLATE_VERSION`] rises. 64 bits of a cryptographic hash: two different
/// templates share one by accident about once in four billion templates; log text is written by attackers, who could find
/// two by some four billion tries, and gain no more than two of their own messages in one group.
///
/// ```
/// let text = "Nov 22 10:00:00 db1 sshd[42]: Failed password for root from 10.0.0.7 port 51122 ssh2";
/// assert_eq!(turnstone_types::template(text), "sshd: Failed password for root from <ip> port <num> ssh2");
/// assert_eq!(turnstone_types::fingerprint(text).as_str(), "eaa91a93d0c1f6c9");
/// ```
pub fn fingerprint(text: &str) -> Fingerprint {
    let digest = Sha256::digest(template(text).as_bytes());
    let hexadecimal = digest[..DIGITS / 2].iter().map(|byte| format!("{byte:02x}"));
    Fingerprint(hexadecimal.collect())
}

impl TryFrom<String> for Fingerprint {
    type Error = NotAFingerprint;
    fn try_from(text: String) -> Result<Self, NotAFingerprint> {
        Self::new(text)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TEMPLATE_VERSION;

    /// The pairs that every other implementation must give as well, as in docs/template.md.
    const VECTORS: [(&str, &str, &str); 5] = [
        ("", "", "e3b0c44298fc1c14"),
        ("disk full", "disk full", "8c96d76f620269be"),
        ("took 4.28ms", "took <num>ms", "7c669200bd47b992"),
        (
            "Größe 12 überschritten 日本",
            "Größe <num> überschritten 日本",
            "8fe404750e9ace54",
        ),
        (
            "Nov 22 10:00:00 db1 sshd[42]: Failed password for root from 10.0.0.7 port 51122 ssh2",
            "sshd: Failed password for root from <ip> port <num> ssh2",
            "eaa91a93d0c1f6c9",
        ),
    ];

    #[test]
    fn the_vectors_hold() {
        assert_eq!(TEMPLATE_VERSION, 1, "write the vectors for the new version");
        for (text, expected_template, expected) in VECTORS {
            assert_eq!(template(text), expected_template, "{text:?}");
            assert_eq!(fingerprint(text).as_str(), expected, "{text:?}");
        }
    }

    #[test]
    fn texts_of_one_message_share_it() {
        let one = fingerprint("2026-03-01T12:00:00Z app[17]: request 4711 from 10.0.0.1 failed");
        assert_eq!(
            one,
            fingerprint("2026-04-02T13:01:01Z app[4]: request 1 from 192.168.2.3 failed")
        );
        assert_ne!(
            one,
            fingerprint("2026-03-01T12:00:00Z app[17]: request 4711 from 10.0.0.1 succeeded")
        );
    }

    #[test]
    fn only_sixteen_lower_case_digits_are_one() {
        assert!(Fingerprint::new("0123456789abcdef").is_ok());
        for text in [
            "",
            "0123456789abcde",
            "0123456789abcdef0",
            "0123456789ABCDEF",
            "0123456789abcdeg",
            "日本日本日a",
        ] {
            assert_eq!(Fingerprint::new(text), Err(NotAFingerprint(text.to_owned())));
        }
    }
}
