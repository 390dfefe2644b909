//! Knows what a word with digits is: a name to keep, an amount with its unit, a hexadecimal id, or digits to mask;
//! and which words make the number behind them a code. Writes nothing.

use super::TEMPLATE_MARKS;
use super::bytes::{among, at};

/// The end of the mark that starts at `from`, if one does.
pub(super) fn mark_end(bytes: &[u8], from: usize) -> Option<usize> {
    if at(bytes, from) != b'<' {
        return None;
    }
    let rest = &bytes[from + 1..];
    TEMPLATE_MARKS.iter().find_map(|name| {
        (rest.starts_with(name.as_bytes()) && at(rest, name.len()) == b'>').then(|| from + name.len() + 2)
    })
}

/// What becomes of a part of a word (`_` separates the parts).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// It is a name: kept as it is.
    Name,
    /// It is a hexadecimal id.
    Hex,
    /// It mixes letters and digits as ids do.
    Id,
    /// The first so many bytes stay, the rest is one number.
    Prefix(usize),
    /// Each run of digits is a number, the letters stay.
    Digits,
}

/// Names with digits that stay, in lower case and in byte order.
const NAMES: &[&str] = &[
    "3des",
    "7z",
    "7zip",
    "a2dp",
    "aarch64",
    "aes128",
    "aes256",
    "amd64",
    "arm64",
    "armv7",
    "armv8",
    "b2b",
    "base32",
    "base64",
    "bz2",
    "bzip2",
    "c3p0",
    "crc16",
    "crc32",
    "crc32c",
    "db2",
    "des3",
    "dhcp4",
    "dhcp6",
    "dhcpv4",
    "dhcpv6",
    "e2fsck",
    "ec2",
    "ed25519",
    "es256",
    "es6",
    "ext2",
    "ext3",
    "ext4",
    "f16",
    "f32",
    "f64",
    "float32",
    "float64",
    "fp16",
    "gp2",
    "gp3",
    "h2",
    "h264",
    "h265",
    "h2c",
    "h3",
    "hs256",
    "http2",
    "http3",
    "i18n",
    "i2c",
    "i32",
    "i386",
    "i486",
    "i586",
    "i64",
    "i686",
    "icmp6",
    "icmpv6",
    "imap4",
    "inet6",
    "int16",
    "int32",
    "int64",
    "int8",
    "ip4",
    "ip6",
    "ip6tables",
    "ipv4",
    "ipv6",
    "iso8859",
    "java8",
    "k3s",
    "k8s",
    "l10n",
    "l1d",
    "latin1",
    "log4j",
    "log4j2",
    "log4net",
    "lz4",
    "md4",
    "md5",
    "mp3",
    "mp4",
    "neo4j",
    "nfs3",
    "nfs4",
    "nfsv3",
    "nfsv4",
    "oauth1",
    "oauth2",
    "p2p",
    "p50",
    "p90",
    "p95",
    "p99",
    "perl5",
    "php5",
    "php7",
    "php8",
    "pkcs11",
    "pkcs12",
    "pkcs7",
    "pkcs8",
    "pop3",
    "python2",
    "python3",
    "raid0",
    "raid1",
    "raid10",
    "raid5",
    "raid6",
    "rc4",
    "rs256",
    "s3",
    "sha1",
    "sha256",
    "sha3",
    "sha384",
    "sha512",
    "slf4j",
    "smb1",
    "smb2",
    "smb3",
    "snmpv2",
    "snmpv3",
    "ssh1",
    "ssh2",
    "sslv2",
    "sslv3",
    "tcp4",
    "tcp6",
    "tlsv1",
    "udp4",
    "udp6",
    "uint64",
    "utf16",
    "utf8",
    "v4l2",
    "win32",
    "x86_64",
];

/// Whether a word with digits is a name to keep.
pub(super) fn is_name(word: &[u8]) -> bool {
    let mut lower = [0_u8; 10];
    if word.len() > lower.len() || word.len() < 2 {
        return false;
    }
    let lower = &mut lower[..word.len()];
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    matches!(
        &*lower,
        b"x64"
            | b"x86"
            | b"x509"
            | b"uint8"
            | b"uint16"
            | b"uint32"
            | b"u32"
            | b"u64"
            | b"utf8mb4"
            | b"win64"
            | b"y2k"
    ) || NAMES.binary_search_by(|name| name.as_bytes().cmp(lower)).is_ok()
}

/// Device names of which only the kind stays.
const DEVICES: [&str; 9] = [
    "nvme", "mmcblk", "enp", "ens", "eno", "wlp", "enx", "veth", "cali",
];

/// Judges a part of a word that has at least one digit and a letter, and is not a name.
pub(super) fn part(word: &[u8]) -> Part {
    if is_name(word) {
        return Part::Name;
    }
    let (mut changes, mut letters, mut hex) = (0, 0, true);
    for (index, byte) in word.iter().enumerate() {
        let digit = byte.is_ascii_digit();
        letters += usize::from(!digit);
        hex &= byte.is_ascii_hexdigit();
        changes += usize::from(index > 0 && digit != word[index - 1].is_ascii_digit());
    }
    if letters == 0 {
        return Part::Digits;
    }
    for device in DEVICES {
        let kind = device.len();
        if word.len() > kind
            && word[..kind].eq_ignore_ascii_case(device.as_bytes())
            && word[kind].is_ascii_digit()
        {
            return Part::Prefix(kind);
        }
    }
    if hex && (word.len() >= 6 || changes >= 2 && word.len() >= 4 || word[0].is_ascii_digit()) {
        return Part::Hex;
    }
    if changes >= 4 || word.len() >= 16 && changes >= 3 || word.len() >= 24 && changes >= 2 {
        return Part::Id;
    }
    Part::Digits
}

const UNITS: &[&str] = &[
    "msecs", "usecs", "ms", "s", "us", "ns", "m", "h", "d", "b", "k", "g", "t", "kb", "mb", "gb", "tb", "pb",
    "kib", "mib", "gib", "tib", "sec", "secs", "min", "mins", "msec", "usec", "nsec", "hr", "hrs", "hz",
    "khz", "mhz", "ghz", "bit", "bits", "byte", "bytes", "x", "c", "f", "v", "mv", "w", "a", "ma", "mw",
    "kw", "rpm", "st", "nd", "rd", "th", "px", "pct", "db", "dbm", "bps", "kbps", "mbps", "gbps", "gbit",
    "mbit", "day", "days", "pages", "seconds",
];

/// Whether letters right behind a number are its unit.
pub(super) fn is_unit(letters: &[u8]) -> bool {
    letters.len() <= 7 && among(letters, UNITS)
}

/// How an amount compares with what is ordinary.
pub(super) fn amount_mark(whole: u32, unit: &[u8]) -> &'static str {
    let (mark, limit) = match unit {
        b"%" => ("<high>", 90),
        b"C" => ("<high>", 85),
        _ if among(
            unit,
            &["ms", "msec", "msecs", "millis", "millisecond", "milliseconds"],
        ) =>
        {
            ("<long>", 1_000)
        }
        _ if among(unit, &["s", "sec", "secs", "seconds"]) => ("<long>", 10),
        _ if among(unit, &["us", "usec", "usecs", "microseconds"]) => ("<long>", 1_000_000),
        _ => return "<num>",
    };
    if whole >= limit { mark } else { "<num>" }
}

const CODES: [&str; 24] = [
    "code",
    "status",
    "errno",
    "err",
    "error",
    "exit",
    "signal",
    "sig",
    "rc",
    "ret",
    "retval",
    "http",
    "exitcode",
    "exit_code",
    "status_code",
    "statuscode",
    "error_code",
    "errorcode",
    "errcode",
    "response",
    "xid",
    "exitstatus",
    "exit_status",
    "wtermsig",
];
const RETURNS: [&str; 4] = ["returned", "return", "returns", "returning"];

/// Whether the text before a number says that it is a code: `status=`, `exit code `, `errno `, `HTTP/1.1" `.
/// `ends` says that the number ends a clause, which a returned code does and a returned amount does not.
pub(super) fn code_follows(before: &str, ends: bool) -> bool {
    let bytes = before.as_bytes();
    let mut end = bytes.len();
    while end > 0
        && bytes.len() - end < 5
        && matches!(
            bytes[end - 1],
            b' ' | b'=' | b':' | b'"' | b'\'' | b'(' | b'[' | b'#' | b'-'
        )
    {
        end -= 1;
    }
    if end == bytes.len() {
        return false;
    }
    let kept = &bytes[..end];
    if [
        b"HTTP/1.1".as_slice(),
        b"HTTP/1.0",
        b"HTTP/2",
        b"HTTP/2.0",
        b"HTTP/3",
    ]
    .iter()
    .any(|known| kept.ends_with(known))
    {
        return true;
    }
    let mut start = end;
    while start > 0
        && end - start < 12
        && (bytes[start - 1].is_ascii_alphabetic() || bytes[start - 1] == b'_')
    {
        start -= 1;
    }
    let word = &bytes[start..end];
    word.len() >= 2 && (among(word, &CODES) || ends && among(word, &RETURNS))
}

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"];

/// Whether the text before a number is a method and a target, as in `GET /x 500 12 ms`.
pub(super) fn request_before(before: &str) -> bool {
    let Some((rest, target)) = before.strip_suffix(' ').and_then(|text| text.rsplit_once(' ')) else {
        return false;
    };
    !target.is_empty() && METHODS.iter().any(|method| rest.ends_with(method))
}

const REASONS: [&str; 18] = [
    "ok",
    "created",
    "accepted",
    "no",
    "partial",
    "moved",
    "found",
    "not",
    "bad",
    "unauthorized",
    "forbidden",
    "method",
    "request",
    "too",
    "internal",
    "service",
    "gateway",
    "conflict",
];

/// Whether the word behind a three-digit number is the start of an HTTP reason phrase.
pub(super) fn is_reason(word: &[u8]) -> bool {
    word.len() <= 12 && among(word, &REASONS)
}
