//! Whether a value in the place of a secret is one: an empty field, a mask, a variable, a word of prose or a name is not.

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::net::IpAddr;

/// Longer values are never turned down: they are seldom harmless, and looking at each again would take time quadratic in the
/// length of a text.
const LOOKED_AT_BYTES_MAX: usize = 256;

/// Where a candidate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind a field that is called a password.
    Password,
    /// Behind a field that is called `pass`, which counts as often as it is a password.
    ShortName,
    /// Behind a field that is called a token, key or secret.
    Token,
    /// Behind an option of a command or a keyword of SQL.
    Option,
    /// In a URL, between `:` and `@`.
    Url,
    /// The value of a cookie being set.
    Cookie,
    /// Behind the name of a session cookie.
    Session,
}

/// Words that follow `password: ` in prose.
const PROSE: [&str; 30] = [
    "incorrect",
    "invalid",
    "wrong",
    "expired",
    "required",
    "missing",
    "changed",
    "unchanged",
    "accepted",
    "rejected",
    "failed",
    "failure",
    "mismatch",
    "denied",
    "empty",
    "blank",
    "unset",
    "unknown",
    "reset",
    "updated",
    "success",
    "successful",
    "must",
    "too",
    "not",
    "the",
    "authentication",
    "error",
    "okay",
    "prompt",
];

/// What PAM calls its tasks, as in `pam_unix(passwd:chauthtok)`.
const PAM: [&str; 4] = ["auth", "account", "session", "chauthtok"];

/// Values that say that there is no value.
const NOTHING: [&str; 26] = [
    "null",
    "(null)",
    "nil",
    "<nil>",
    "none",
    "(none)",
    "undefined",
    "true",
    "false",
    "yes",
    "no",
    "set",
    "unset",
    "redacted",
    "filtered",
    "masked",
    "hidden",
    "empty",
    "n/a",
    "omitted",
    "required",
    "missing",
    "deleted",
    "protected",
    "removed",
    "absent",
];

/// The part of `text[start..end]` that is a secret in this place.
pub(super) fn secret(
    text: &str,
    match_start: usize,
    start: usize,
    end: usize,
    place: Place,
) -> Option<(usize, usize)> {
    let quoted = text[..start].ends_with(['"', '\'']);
    let end = if quoted || matches!(place, Place::Url | Place::Cookie) {
        end
    } else {
        unquoted_end(text, start, end)
    };
    let value = &text[start..end];
    if value.len() > LOOKED_AT_BYTES_MAX {
        return Some((start, end));
    }
    // An empty field in front of the next one: `password= user=ana`.
    let spaced = text[..start].ends_with(char::is_whitespace) && text[match_start..start].contains('=');
    if !quoted && spaced && is_field(value) {
        return None;
    }
    if value.is_empty() || is_nothing(value) {
        return None;
    }
    let is_secret = match place {
        Place::Url | Place::Cookie => true,
        Place::Option => !value.starts_with('-'),
        Place::Session => is_random(value, 8),
        Place::Password => !is_folder(value) && (quoted || !is_prose(text, match_start, start, end)),
        Place::ShortName => {
            !is_count(value) && !is_folder(value) && (quoted || !is_prose(text, match_start, start, end))
        }
        Place::Token => {
            !is_paging(text, match_start)
                && is_random(value, 8)
                && !is_name(value)
                && !is_time_or_address(value)
        }
    };
    is_secret.then_some((start, end))
}

/// Where a value without quotes ends. The pattern stops at what may separate fields; here the value goes on where it does
/// not, and what closes a clause is left out.
fn unquoted_end(text: &str, start: usize, end: usize) -> usize {
    let mut end = end;
    while let Some(separator) = text[end..].chars().next() {
        let rest = &text[end + separator.len_utf8()..];
        let goes_on = match separator {
            '&' => !(rest.starts_with("amp;") || begins_field(rest)),
            ';' | ',' => !begins_field(rest),
            '\\' => !rest.starts_with(['n', 'r', 't']),
            '<' => !rest.starts_with('/'),
            _ => false,
        };
        if !goes_on || rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || is_separator(c)) {
            break;
        }
        let length = rest
            .find(|c: char| c.is_whitespace() || is_separator(c))
            .unwrap_or(rest.len());
        end += separator.len_utf8() + length;
    }
    // A clause is closed by a few characters; more of them are part of the value.
    for _ in 0..8 {
        let kept = &text[start..end];
        let closes = match kept.chars().next_back() {
            Some('.' | ',' | ';' | ':') => true,
            Some(')') => kept.matches('(').count() < kept.matches(')').count(),
            Some(']') => kept.matches('[').count() < kept.matches(']').count(),
            Some('}') => kept.matches('{').count() < kept.matches('}').count(),
            _ => false,
        };
        if !closes {
            break;
        }
        end -= 1;
    }
    end
}

/// What may stand between two fields.
fn is_separator(c: char) -> bool {
    matches!(c, '&' | ';' | ',' | '\\' | '<' | '"' | '\'')
}

/// Whether the next field begins here: `name=`, `name:` or a name in brackets.
fn begins_field(rest: &str) -> bool {
    let name = rest
        .bytes()
        .take_while(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']' | b'%')
        })
        .count();
    name > 0 && matches!(rest.as_bytes().get(name), Some(b'=' | b':'))
}

/// Whether this is a field of its own, `name=value`, and not base64 with its padding.
fn is_field(value: &str) -> bool {
    value.split_once('=').is_some_and(|(name, rest)| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
            && !rest.is_empty()
            && !rest.starts_with('=')
    })
}

fn is_nothing(value: &str) -> bool {
    let value = value.trim();
    if value
        .chars()
        .all(|c| matches!(c, '*' | 'x' | 'X' | '•' | '●' | '.' | '#' | '-' | '_' | '?'))
    {
        return true;
    }
    if NOTHING.iter().any(|word| value.eq_ignore_ascii_case(word)) {
        return true;
    }
    let variable = value.strip_prefix('$').is_some_and(|name| {
        name.starts_with(['{', '('])
            || (!name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'))
    });
    let format = value.len() == 2 && value.starts_with('%');
    let bracketed = |open: char, close: char| {
        value
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
            .is_some_and(|inner| {
                inner
                    .chars()
                    .all(|c| c.is_ascii_alphabetic() || matches!(c, ' ' | '_' | '-' | '*'))
            })
    };
    variable
        || format
        || value.starts_with("{{")
        || value.starts_with("<%")
        || bracketed('[', ']')
        || bracketed('<', '>')
}

/// A folder, as in `PWD=/srv`.
fn is_folder(value: &str) -> bool {
    value.starts_with('/') || value.starts_with("~/") || value.get(1..3) == Some(":\\")
}

/// How many passed.
fn is_count(value: &str) -> bool {
    value.len() < 8
        && value
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'%' | b'.' | b'/'))
}

/// Whether this is a sentence about a password, as in `password: incorrect`: only behind a colon and a space.
fn is_prose(text: &str, match_start: usize, start: usize, end: usize) -> bool {
    let separator = &text[match_start..start];
    let value = &text[start..end];
    if text[..match_start].ends_with('(') && PAM.contains(&value) {
        return true;
    }
    if !(separator.trim_end().ends_with(':') && separator.ends_with(char::is_whitespace)) {
        return false;
    }
    let letters_only = value
        .trim_start_matches(['(', '[', '<'])
        .chars()
        .all(|c| c.is_alphabetic() || matches!(c, '\'' | '-' | '`'));
    if !letters_only {
        return value.len() < 4;
    }
    let last = !text[end..].starts_with(' ') || text[end..].trim().is_empty();
    !last || value.chars().count() < 4 || PROSE.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Whether a value looks drawn and not written: letters with digits, both cases mixed, or long without a break.
fn is_random(value: &str, bytes_min: usize) -> bool {
    if value.len() < bytes_min || value.chars().any(char::is_whitespace) {
        return false;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let lower = value.bytes().filter(u8::is_ascii_lowercase).count();
    let upper = value.bytes().filter(u8::is_ascii_uppercase).count();
    let changes = value
        .as_bytes()
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
        .count();
    (digits > 0 && lower + upper > 0)
        || (value.len() >= 16 && changes >= 3)
        || (value.len() >= 32 && lower + upper == value.len())
}

/// Whether a value is a name made of words, such as `default/web-tls-2`.
fn is_name(value: &str) -> bool {
    let is_word = |part: &str| {
        let letters = part.bytes().take_while(u8::is_ascii_alphabetic).count();
        let digits = part[letters..].bytes().take_while(u8::is_ascii_digit).count();
        let word = letters + digits == part.len()
            && digits <= 4
            && letters <= 20
            && (letters > 1 || digits > 0 || part.is_empty() || part == "v");
        // The random end of a name in Kubernetes.
        let suffix = part.len() <= 5
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let date = part.len() <= 8 && part.bytes().all(|byte| byte.is_ascii_digit());
        word || suffix || date
    };
    let parts = value.split(['-', '_', '.', '/', ':']);
    parts.clone().count() > 1 && parts.clone().all(is_word) && parts.filter(|part| part.len() > 2).count() > 0
}

fn is_time_or_address(value: &str) -> bool {
    let bytes = value.as_bytes();
    let date = bytes.len() >= 10
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes[5..7].iter().all(u8::is_ascii_digit)
        && bytes[7] == b'-';
    let pointer = value.len() <= 18
        && value
            .strip_prefix("0x")
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    date || pointer || value.parse::<IpAddr>().is_ok() || value.contains("://")
}

/// Tokens that only turn the page of a list.
fn is_paging(text: &str, match_start: usize) -> bool {
    let before = &text[..match_start];
    let name = before
        .bytes()
        .rev()
        .take(40)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        .count();
    let name = before[before.len() - name..].to_ascii_lowercase();
    ["page", "next", "contin", "cursor", "cancel", "sync", "public"]
        .iter()
        .any(|word| name.contains(word))
}

/// Whether this is base64 of `user:password`, as HTTP sends it.
pub(super) fn is_basic_credential(value: &str) -> bool {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    let decoded = engine.decode(value.trim_end_matches('='));
    decoded.is_ok_and(|bytes| {
        bytes.contains(&b':')
            && bytes.iter().all(|byte| !byte.is_ascii_control())
            && std::str::from_utf8(&bytes).is_ok()
    })
}

/// Whether digits are the number of a payment card: a known issuer, the right length, the check digit of Luhn
/// (ISO/IEC 7812-1), and not part of something longer or called an id.
pub(super) fn is_card_number(text: &str, start: usize, end: usize) -> bool {
    let before = &text[..start];
    let part_of_longer =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | ':' | '+' | '%');
    // A colon or dot behind the number may end a clause; followed by a digit it goes on.
    let mut after = text[end..].chars();
    let (next, second) = (after.next(), after.next());
    let goes_on = next.is_some_and(|c| c.is_alphanumeric() || c == '_')
        || (next.is_some_and(|c| matches!(c, '.' | '-' | '/' | ':'))
            && second.is_some_and(|c| c.is_ascii_digit()));
    // `card:4111…` is a card all the same.
    let previous = before.chars().next_back();
    if goes_on || (previous != Some(':') && previous.is_some_and(part_of_longer)) {
        return false;
    }
    let name = before.trim_end_matches([' ', '=', ':', '"', '\'', '#', '\\']);
    if [
        "id", "seq", "offset", "serial", "sku", "isbn", "imei", "version", "revision", "index", "lsn",
        "bytes", "size", "count",
    ]
    .iter()
    .any(|word| ends_with(name, word))
    {
        return false;
    }
    let digits: Vec<u32> = text[start..end].chars().filter_map(|c| c.to_digit(10)).collect();
    is_issued(&digits) && luhn(&digits)
}

fn ends_with(text: &str, word: &str) -> bool {
    let tail = text.len().checked_sub(word.len()).and_then(|at| text.get(at..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(word))
}

fn is_issued(digits: &[u32]) -> bool {
    let prefix = |length: usize| {
        digits[..length]
            .iter()
            .fold(0, |number, digit| number * 10 + digit)
    };
    match digits.len() {
        13 => prefix(1) == 4,
        14 => matches!(prefix(2), 36 | 38) || (300..=305).contains(&prefix(3)),
        15 => matches!(prefix(2), 34 | 37),
        16 => {
            prefix(1) == 4
                || matches!(prefix(2), 51..=55 | 65 | 35)
                || (2221..=2720).contains(&prefix(4))
                || prefix(4) == 6011
                || (644..=649).contains(&prefix(3))
        }
        _ => false,
    }
}

fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| match index % 2 {
            0 => *digit,
            _ if *digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether this is an address by itself and not a part of a longer number or version.
pub(super) fn is_ip_address(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let after = &text[end..];
    let joined = before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | ':' | '_'))
        || after.starts_with(|c: char| c.is_alphanumeric() || c == '_')
        || (after.starts_with('.') && after[1..].starts_with(|c: char| c.is_ascii_digit()));
    let value = &text[start..end];
    !joined && value.len() > 2 && value.parse::<IpAddr>().is_ok()
}
