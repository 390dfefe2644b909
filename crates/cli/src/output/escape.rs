//! Makes characters visible that would steer a terminal or change how a line reads: log text is written by attackers.

use std::fmt::Write;

/// Replaces control characters (C0 with tab and line end, DEL, C1), bidirectional controls and invisible format characters by
/// `\n`, `\t` or `\u{…}`, and doubles nothing else.
pub fn escape_controls(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            _ if steers(character) => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(character));
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Whether a character steers a terminal or the reading order, or cannot be seen.
pub(super) fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_gets_through() {
        let hostile =
            "\u{1b}[31mred\u{1b}]0;title\u{7}\r\nx\u{9b}2J\u{202e}cod\u{2066}\u{200b}\u{0}\u{7f}\tü漢";
        let shown = escape_controls(hostile);
        assert!(!shown.chars().any(steers), "{shown:?}");
        assert!(shown.contains("\\u{1b}[31mred") && shown.ends_with("\\tü漢"));
    }
}
