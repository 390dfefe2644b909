//! How many tokens a text takes, at most, without the tokeniser of the model: an estimate from above, so that a prompt cut by
//! it fits. Where the server counts, its own count is the truth.

/// Estimates from above how many tokens `text` takes.
///
/// Models differ; this assumes what the dearest of the common byte-level tokenisers do with logs: each digit, each sign and
/// each space in front of a digit is a token, a word takes one for three and a half letters, one of capitals for two, one
/// whose letters and digits take turns (hexadecimal, base64) one a character, and text beyond ASCII one a byte.
/// docs/explanations.md has the measurement. Time is linear.
pub fn token_estimate(text: &str) -> usize {
    let mut tokens = 0;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let length = run(&bytes[at..]);
        tokens += match Class::of(bytes[at]) {
            Class::Word => word_tokens(&bytes[at..at + length]),
            // The space in front of a word is part of its token; digits stand alone.
            Class::Space => length / 2 + usize::from(bytes.get(at + length).is_some_and(u8::is_ascii_digit)),
            Class::Sign | Class::Beyond => length,
        };
        at += length;
    }
    tokens
}

#[derive(PartialEq, Eq)]
enum Class {
    Word,
    Space,
    Sign,
    Beyond,
}

impl Class {
    fn of(byte: u8) -> Self {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => Self::Word,
            b' ' => Self::Space,
            0x80.. => Self::Beyond,
            _ => Self::Sign,
        }
    }
}

/// Length of the run of one class at the start.
fn run(bytes: &[u8]) -> usize {
    let class = Class::of(bytes[0]);
    bytes.iter().take_while(|byte| Class::of(**byte) == class).count()
}

/// Tokens of a run of letters and digits.
fn word_tokens(word: &[u8]) -> usize {
    let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = word.len() - digits;
    // A word is broken where its case or kind changes.
    let breaks = word
        .windows(2)
        .filter(|pair| {
            (pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
                || (pair[0].is_ascii_digit() != pair[1].is_ascii_digit())
        })
        .count();
    let capitals = word.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let tokens = if breaks >= 3 {
        word.len()
    } else if digits > 0 && letters > 0 && word.len() >= 6 {
        digits + (letters * 2).div_ceil(3)
    } else if capitals > 1 && capitals == letters {
        digits + letters.div_ceil(2)
    } else {
        digits + (letters * 2).div_ceil(7) + breaks
    };
    tokens.min(word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_signs_and_foreign_letters_count_each() {
        assert_eq!(token_estimate(""), 0);
        assert_eq!(token_estimate("12345"), 5);
        assert_eq!(token_estimate("=:/"), 3);
        assert_eq!(token_estimate("ü"), 2);
        assert_eq!(token_estimate("connection reset"), 3 + 2);
        assert_eq!(token_estimate("7d9f8b6c4a"), 10);
        assert_eq!(token_estimate("took 42 ms"), 2 + 1 + 2 + 1);
    }

    #[test]
    fn is_never_more_than_the_bytes() {
        for text in ["a b c", "ERROR", "0xdeadbeef", "ünïcödé 漢字", "   \t\n"] {
            assert!(token_estimate(text) <= text.len(), "{text:?}");
        }
    }

    #[test]
    fn grows_with_the_text() {
        let text = "2026-11-18 08:01:07 INFO orders.worker: order 730102 took 4.28ms (id=7d9f8b6c4a)";
        let mut last = 0;
        for (end, _) in text.char_indices() {
            let tokens = token_estimate(&text[..end]);
            assert!(tokens + 3 >= last, "{:?}", &text[..end]);
            last = tokens;
        }
    }
}
