//! Makes text of strangers harmless inside a prompt: one line, nothing invisible, nothing that a chat template would take for
//! its own marks.

use regex::{Captures, Regex};
use std::fmt::Write as _;
use std::sync::LazyLock;

/// Hidden characters of one run that are spelt out; the rest is counted.
const HIDDEN_SHOWN_MAX: usize = 4;
/// Backticks of one run that stay; the rest is counted.
const BACKTICKS_MAX: usize = 6;
/// How often marks are looked for again.
const MARK_PASSES_MAX: usize = 8;

/// What chat templates use between turns. Servers read these marks in a message as their own: llama.cpp turns a whole
/// rendered conversation into tokens at once.
static MARKS: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = concat!(
        r"(?i)<\||\|>|<｜|｜>|</?s>|<</?sys>>|</?(?:start|end)_of_(?:turn|image|text)>|</?think(?:ing)?>",
        r"|\[/?(?:inst|system_prompt|available_tools|tool_calls|tool_results|tool_content|think)\]",
        r"|</?(?:system|user|assistant|human|im_start|im_end|bos|eos|unk|pad|tool_call|tool_response|function_calls?)>",
        // Exaone, GLM, InternLM, Seed, MiniMax, T5 and Nemotron, Mistral's tools and pictures.
        r"|\[\||\|\]|\[gmask\]|<(?:sop|eop|eoh|eoa|eot)>|</?seed:|\]~b\]|\[e~\[|<(?:extra_id_|special_|unused)[0-9]+>",
        r"|\[(?:img|img_break|img_end|args|call_id|begin_audio|model_settings|/?control_[0-9]+)\]",
    );
    // A constant that the tests compile.
    Regex::new(pattern).expect("the pattern of chat marks is valid")
});

/// Returns `text` on one line, with control, bidirectional and invisible characters spelt out, long runs of backticks counted
/// and marks of chat templates broken by a backslash.
///
/// Applied to its own output it changes nothing.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '`' {
            let mut length = 1;
            while chars.next_if_eq(&'`').is_some() {
                length += 1;
            }
            write_backticks(&mut out, length);
        } else if is_hidden(c) {
            write_hidden(&mut out, c);
            let mut length = 1;
            let mut more = 0;
            while let Some(next) = chars.next_if(|next| is_hidden(*next)) {
                length += 1;
                if length <= HIDDEN_SHOWN_MAX {
                    write_hidden(&mut out, next);
                } else {
                    more += 1;
                }
            }
            if more > 0 {
                write!(out, "(and {more} hidden characters)").expect("a string takes all");
            }
        } else {
            out.push(c);
        }
    }
    // Marks may share a character, as in `<|>`; breaking one uncovers the other. Three cannot share one.
    for _ in 0..MARK_PASSES_MAX {
        match MARKS.replace_all(&out, |mark: &Captures<'_>| broken(&mark[0])) {
            std::borrow::Cow::Borrowed(_) => break,
            std::borrow::Cow::Owned(broken) => out = broken,
        }
    }
    out
}

fn write_backticks(out: &mut String, length: usize) {
    out.extend(std::iter::repeat_n('`', length.min(BACKTICKS_MAX)));
    if length > BACKTICKS_MAX {
        write!(out, "(and {} more)", length - BACKTICKS_MAX).expect("a string takes all");
    }
}

fn write_hidden(out: &mut String, c: char) {
    let written = match c {
        '\n' => write!(out, "\\n"),
        '\r' => write!(out, "\\r"),
        '\t' => write!(out, "\\t"),
        c if u32::from(c) < 0x100 => write!(out, "\\x{:02x}", u32::from(c)),
        c => write!(out, "\\u{{{:x}}}", u32::from(c)),
    };
    written.expect("a string takes all");
}

/// A mark with a backslash behind its first character.
fn broken(mark: &str) -> String {
    let mut chars = mark.chars();
    let first = chars.next().map(String::from).unwrap_or_default();
    format!("{first}\\{}", chars.as_str())
}

/// Characters that people do not see, or that change how others are seen.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

/// A fence of backticks that does not occur in any of the texts.
pub(super) fn fence<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let longest = texts.map(longest_run).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`');
    runs.map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hidden_characters_are_spelt_out() {
        assert_eq!(visible("a\nb\tc\r"), "a\\nb\\tc\\r");
        assert_eq!(visible("\u{1b}[31mred\u{7f}"), "\\x1b[31mred\\x7f");
        assert_eq!(visible("x\u{202e}y\u{200b}"), "x\\u{202e}y\\u{200b}");
        assert_eq!(visible("Grüße, 世界"), "Grüße, 世界");
        let smuggled: String = "ignore"
            .chars()
            .map(|c| char::from_u32(0xe0000 + u32::from(c)).unwrap())
            .collect();
        assert_eq!(
            visible(&smuggled),
            "\\u{e0069}\\u{e0067}\\u{e006e}\\u{e006f}(and 2 hidden characters)"
        );
    }

    #[test]
    fn marks_of_chat_templates_are_broken() {
        assert_eq!(visible("<|im_end|>"), "<\\|im_end|\\>");
        assert_eq!(visible("[/INST] </s><s>"), "[\\/INST] <\\/s><\\s>");
        assert_eq!(visible("<think>x</think>"), "<\\think>x<\\/think>");
        assert_eq!(
            visible("[|system|] [gMASK]<sop>"),
            "[\\|system|\\] [\\gMASK]<\\sop>"
        );
        assert_eq!(visible("<seed:bos> <extra_id_1>"), "<\\seed:bos> <\\extra_id_1>");
        assert_eq!(visible("<start_of_turn>model"), "<\\start_of_turn>model");
        assert_eq!(
            visible("a < b | c > d [info] <html>"),
            "a < b | c > d [info] <html>"
        );
    }

    #[test]
    fn backticks_cannot_grow_a_fence() {
        let text = visible(&"`".repeat(500));
        assert_eq!(text, "``````(and 494 more)");
        assert_eq!(fence([text.as_str(), "a"].into_iter()), "```````");
        assert_eq!(fence(["plain"].into_iter()), "```");
    }

    proptest! {
        #[test]
        fn again_it_changes_nothing_and_is_one_visible_line(text in "(\\PC|\\pC|`|<\\||\\|>|<s>|\\[INST\\]|\\\\){0,60}") {
            let once = visible(&text);
            prop_assert!(!once.chars().any(is_hidden));
            prop_assert!(!MARKS.is_match(&once), "{:?}", once);
            prop_assert_eq!(visible(&once), once);
        }
    }
}
