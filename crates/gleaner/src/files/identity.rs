//! What makes a file the same file: device and inode, its first bytes, and the bytes before a position.

use sha2::{Digest, Sha256};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// First bytes that a fingerprint covers once a file has them.
pub(crate) const HEAD_BYTES_MAX: usize = 1024;

/// Bytes before a position that are remembered.
pub(crate) const TAIL_BYTES_MAX: usize = 256;

/// Device and inode: the same file whatever its name, until it is deleted and the inode is given to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FileId {
    pub device: u64,
    pub inode: u64,
}

impl FileId {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// The hash of a run of bytes and how many they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fingerprint {
    pub bytes: usize,
    pub hash: [u8; 16],
}

impl Fingerprint {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::default();
        }
        let mut hash = [0; 16];
        hash.copy_from_slice(&Sha256::digest(bytes)[..16]);
        Self {
            bytes: bytes.len(),
            hash,
        }
    }

    /// Whether `bytes` begin with what was fingerprinted.
    pub(crate) fn is_prefix_of(&self, bytes: &[u8]) -> bool {
        bytes
            .get(..self.bytes)
            .is_some_and(|prefix| Self::of(prefix) == *self)
    }

    /// The hash as text.
    pub(crate) fn hex(&self) -> String {
        self.hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads what [`Self::hex`] wrote.
    pub(crate) fn from_hex(bytes: usize, hex: &str) -> Option<Self> {
        let mut hash = [0; 16];
        if hex.len() != 32 || !hex.is_ascii() {
            return None;
        }
        for (at, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).ok()?;
        }
        Some(Self { bytes, hash })
    }
}

/// Whether `rotated` reads like the name of a rotated `original`: `app.log` becomes `app.log.1`, `app.log-20261118.gz`,
/// `app-20261118.log` or `app.1.log`, in the same folder or another.
pub(crate) fn is_rotated_name(original: &Path, rotated: &Path) -> bool {
    let (Some(original_name), Some(rotated_name)) = (original.file_name(), rotated.file_name()) else {
        return false;
    };
    if original_name == rotated_name {
        return false;
    }
    let (original_name, rotated_name) = (original_name.to_string_lossy(), rotated_name.to_string_lossy());
    // `app.log.1` goes on as `app.log.2.gz`: the number is not part of what stays.
    let base = original_name.trim_end_matches(".gz");
    let base = base
        .trim_end_matches(|c: char| c.is_ascii_digit())
        .trim_end_matches(['.', '-', '_']);
    let stem = base.rsplit_once('.').map_or(base, |(stem, _)| stem);
    rotated_name.starts_with(base) || (!stem.is_empty() && rotated_name.starts_with(stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_names_extend_the_original() {
        let is_rotated = |a: &str, b: &str| is_rotated_name(Path::new(a), Path::new(b));
        for (original, rotated) in [
            ("/l/app.log", "/l/app.log.1"),
            ("/l/app.log", "/old/app.log-20261118.gz"),
            ("/l/app.log", "/l/app-2026.log"),
            ("/l/app.log.1", "/l/app.log.2.gz"),
            ("/l/syslog", "/l/syslog.1"),
        ] {
            assert!(is_rotated(original, rotated), "{original} to {rotated}");
        }
        for (original, rotated) in [
            ("/l/a.log", "/l/a.log"),
            ("/l/web.log", "/l/db.log"),
            ("/l/app.log", "/l/other"),
        ] {
            assert!(!is_rotated(original, rotated), "{original} to {rotated}");
        }
    }

    #[test]
    fn fingerprints_survive_growth_and_text() {
        let short = Fingerprint::of(b"one\n");
        assert!(short.is_prefix_of(b"one\ntwo\n"));
        assert!(!short.is_prefix_of(b"one"));
        assert!(!short.is_prefix_of(b"uno\ntwo\n"));
        assert_eq!(Fingerprint::from_hex(4, &short.hex()), Some(short));
        assert_eq!(Fingerprint::from_hex(4, "zz"), None);
    }
}
