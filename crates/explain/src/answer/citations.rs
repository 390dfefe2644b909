//! Finds the lines that a text names, one character at a time: `L7`, `[L7]`, `(L7, L9)`, `L7-L9`, `L7–9`.

/// Digits of a reference at most; a longer number names no line.
const DIGITS_MAX: u32 = 6;

/// A line, or a range of lines, that a text names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mention {
    pub from: u32,
    /// The end of a range.
    pub to: Option<u32>,
}

/// What was read last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Something behind which a reference may begin.
    #[default]
    Free,
    /// Within a word that is no reference.
    Word,
    /// An `L`.
    Letter,
    /// `L7`.
    Number { from: u32, digits: u32 },
    /// `L7-`.
    Dash { from: u32 },
    /// `L7-L`.
    DashLetter { from: u32 },
    /// `L7-L9`, or `L7-9` where `short`.
    Range {
        from: u32,
        to: u32,
        digits: u32,
        short: bool,
    },
}

/// Reads a text of which it remembers only what was read last.
#[derive(Debug, Clone, Default)]
pub(super) struct Scanner {
    state: State,
}

impl Scanner {
    /// Reads a character and adds the mention that it completes.
    pub fn step(&mut self, c: char, mentions: &mut Vec<Mention>) {
        let digit = c.to_digit(10).filter(|_| c.is_ascii_digit());
        let in_word = c.is_alphanumeric() || c == '_';
        self.state = match (self.state, digit) {
            (State::Letter, Some(digit)) => State::Number {
                from: digit,
                digits: 1,
            },
            (State::Number { from, digits }, Some(digit)) if digits < DIGITS_MAX => State::Number {
                from: from * 10 + digit,
                digits: digits + 1,
            },
            (State::Number { from, .. }, None) if matches!(c, '-' | '–' | '—') => State::Dash { from },
            (State::Number { from, .. }, None) if !in_word => {
                mentions.push(Mention { from, to: None });
                start(c)
            }
            (State::Dash { from }, Some(digit)) => State::Range {
                from,
                to: digit,
                digits: 1,
                short: true,
            },
            (State::Dash { from }, None) if c == 'L' => State::DashLetter { from },
            (State::Dash { from }, None) => {
                mentions.push(Mention { from, to: None });
                start(c)
            }
            (State::DashLetter { from }, Some(digit)) => State::Range {
                from,
                to: digit,
                digits: 1,
                short: false,
            },
            (State::DashLetter { from }, None) => {
                mentions.push(Mention { from, to: None });
                if in_word { State::Word } else { start(c) }
            }
            (
                State::Range {
                    from,
                    to,
                    digits,
                    short,
                },
                Some(digit),
            ) if digits < DIGITS_MAX => State::Range {
                from,
                to: to * 10 + digit,
                digits: digits + 1,
                short,
            },
            (State::Range { from, .. }, _) if in_word => {
                mentions.push(Mention { from, to: None });
                State::Word
            }
            (State::Range { from, to, short, .. }, _) => {
                push_range(from, to, short, mentions);
                start(c)
            }
            (State::Free, _) => start(c),
            (State::Word | State::Letter | State::Number { .. }, _) if in_word => State::Word,
            (State::Word | State::Letter | State::Number { .. }, _) => start(c),
        };
    }

    /// Adds the mention that the end of the text completes.
    pub fn finish(&mut self, mentions: &mut Vec<Mention>) {
        match std::mem::take(&mut self.state) {
            State::Free | State::Word | State::Letter => {}
            State::Number { from, .. } | State::Dash { from } | State::DashLetter { from } => {
                mentions.push(Mention { from, to: None });
            }
            State::Range { from, to, short, .. } => push_range(from, to, short, mentions),
        }
    }
}

/// The state behind a character that is part of no reference that began before it.
fn start(c: char) -> State {
    if c == 'L' {
        State::Letter
    } else if c.is_alphanumeric() || c == '_' {
        State::Word
    } else {
        State::Free
    }
}

fn push_range(from: u32, to: u32, short: bool, mentions: &mut Vec<Mention>) {
    if from < to {
        mentions.push(Mention { from, to: Some(to) });
        return;
    }
    mentions.push(Mention { from, to: None });
    // `L7-2` is no range and names one line; `L7-L2` names two.
    if !short && to != from {
        mentions.push(Mention { from: to, to: None });
    }
}
