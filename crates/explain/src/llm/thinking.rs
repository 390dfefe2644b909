//! Leaves out what a reasoning model thinks aloud before it answers: a `<think>` block at the very beginning. Further on
//! such a tag is text: a log line that the model quotes must not be able to hide the rest of the answer.

const TAGS: [&str; 4] = ["think", "thinking", "thought", "reasoning"];

/// Cuts a leading block out of text that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct ThinkingFilter {
    state: State,
    held: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing but white space so far, or the beginning of a tag.
    #[default]
    Start,
    /// Inside the block of this tag.
    Thinking(&'static str),
    /// Behind the block: white space is dropped until the answer begins.
    Behind,
    /// In the answer.
    Answer,
}

impl ThinkingFilter {
    /// Takes a piece and returns what of it belongs to the answer.
    pub(super) fn feed(&mut self, piece: &str) -> String {
        if self.state == State::Answer {
            return piece.to_owned();
        }
        self.held.push_str(piece);
        loop {
            match self.state {
                State::Answer => return std::mem::take(&mut self.held),
                State::Start => match opening_tag(self.held.trim_start()) {
                    Opening::Is(tag) => {
                        let behind = self.held.len() - self.held.trim_start().len() + tag.len() + 2;
                        self.held.drain(..behind);
                        self.state = State::Thinking(tag);
                    }
                    Opening::MayBecome => return String::new(),
                    Opening::IsNot => self.state = State::Answer,
                },
                State::Thinking(tag) => {
                    let closing = format!("</{tag}>");
                    let Some(at) = self.held.find(&closing) else {
                        // Only the beginning of the closing tag can matter later.
                        let mut keep_from = self.held.len().saturating_sub(closing.len());
                        while !self.held.is_char_boundary(keep_from) {
                            keep_from += 1;
                        }
                        self.held.drain(..keep_from);
                        return String::new();
                    };
                    self.held.drain(..at + closing.len());
                    self.state = State::Behind;
                }
                State::Behind => {
                    let spaces = self.held.len() - self.held.trim_start().len();
                    self.held.drain(..spaces);
                    if self.held.is_empty() {
                        return String::new();
                    }
                    self.state = State::Answer;
                }
            }
        }
    }

    /// Takes the end of the answer and returns what was held back. A block that never closed stays out.
    pub(super) fn finish(&mut self) -> String {
        match std::mem::replace(&mut self.state, State::Answer) {
            State::Start => std::mem::take(&mut self.held),
            _ => String::new(),
        }
    }
}

enum Opening {
    Is(&'static str),
    MayBecome,
    IsNot,
}

fn opening_tag(text: &str) -> Opening {
    for tag in TAGS {
        if text
            .strip_prefix('<')
            .and_then(|rest| rest.strip_prefix(tag))
            .is_some_and(|rest| rest.starts_with('>'))
        {
            return Opening::Is(tag);
        }
    }
    if TAGS.iter().any(|tag| format!("<{tag}>").starts_with(text)) {
        Opening::MayBecome
    } else {
        Opening::IsNot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filtered(text: &str, piece_bytes: usize) -> String {
        let mut filter = ThinkingFilter::default();
        let (mut out, mut rest) = (String::new(), text);
        while !rest.is_empty() {
            let mut at = piece_bytes.min(rest.len());
            while !rest.is_char_boundary(at) {
                at += 1;
            }
            out.push_str(&filter.feed(&rest[..at]));
            rest = &rest[at..];
        }
        out.push_str(&filter.finish());
        out
    }

    #[test]
    fn a_leading_block_is_left_out_and_nothing_else() {
        for (given, wanted) in [
            (
                "<think>\nLet me see… <b>\n</think>\n\nThe disk is full.",
                "The disk is full.",
            ),
            ("\n <thinking>x</think></thinking> yes", "yes"),
            ("<think></think>", ""),
            ("<think>it never ends", ""),
            (
                "The line says <think>hide this</think> at the end",
                "The line says <think>hide this</think> at the end",
            ),
            ("  plain text ", "  plain text "),
            ("<thin ice>", "<thin ice>"),
            ("<thi", "<thi"),
            ("<think>a</think><think>b</think>c", "<think>b</think>c"),
            ("", ""),
        ] {
            for piece_bytes in 1..12 {
                assert_eq!(
                    filtered(given, piece_bytes),
                    wanted,
                    "{given:?} in pieces of {piece_bytes}"
                );
            }
        }
    }

    #[test]
    fn a_long_thought_is_not_kept_in_memory() {
        let mut filter = ThinkingFilter::default();
        assert_eq!(filter.feed("<think>"), "");
        for _ in 0..1_000 {
            assert_eq!(filter.feed(&"ä".repeat(1_000)), "");
            assert!(filter.held.len() < 20);
        }
        assert_eq!(filter.feed("</think>done"), "done");
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(text in "( |\n)?(<|<think>|<thinking>|a|é|</think>|</thinking>|>| ){0,12}", piece_bytes in 1usize..9) {
            prop_assert_eq!(filtered(&text, piece_bytes), filtered(&text, usize::MAX));
        }
    }
}
