//! JSON lines that are safe on a terminal too: what steers one is written as `\uXXXX`, which reads back as the same text.

use super::escape::steers;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Write;

/// One value as one line of JSON without raw control or bidirectional characters.
pub fn safe_json(value: &impl Serialize) -> anyhow::Result<String> {
    let json = serde_json::to_string(value)?;
    if !json.chars().any(steers) {
        return Ok(json);
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if steers(character) {
            // Such characters stand inside strings only, where an escape means the same.
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(character);
        }
    }
    Ok(safe)
}

/// Prints one value as one line.
pub fn print_json(out: &mut impl Write, value: &impl Serialize) -> anyhow::Result<()> {
    writeln!(out, "{}", safe_json(value)?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_read_back_as_the_same_text() {
        let text = "a\u{9b}b\u{202e}c\u{1b}[0m\u{e0041}\"\\ü";
        let json = safe_json(&text).expect("json");
        assert!(!json.chars().any(steers));
        assert_eq!(serde_json::from_str::<String>(&json).expect("valid"), text);
    }
}
