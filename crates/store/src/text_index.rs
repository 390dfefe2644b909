//! The one tokeniser of full-text search, used for stored text and for queries on every backend, so that all find the same.
//! The backends get tokens that are already cut and folded and must not split or fold them further.

use std::collections::HashMap;
use std::ops::Range;

/// Longest token in bytes; what is longer is cut at a character boundary, in texts and in queries alike.
/// Far under the 2 KB that Postgres allows a lexeme.
pub(crate) const TOKEN_BYTES_MAX: usize = 128;

/// Tokens of one text that are indexed; later ones are not found. Keeps positions under the 16,383 and a text's
/// lexemes under the 1 MB that Postgres allows a `tsvector`.
pub(crate) const TOKENS_PER_TEXT_MAX: usize = 4_096;

/// Times that one token is indexed in one text; Postgres keeps at most 256 positions of a lexeme.
pub(crate) const OCCURRENCES_PER_TOKEN_MAX: usize = 255;

/// Calls `take` with each token of `text` in order: maximal runs of Unicode letters and digits, in lower case,
/// cut to [`TOKEN_BYTES_MAX`], and with the bytes of the whole run. Stops when `take` answers false.
fn for_each_token(text: &str, mut take: impl FnMut(&str, Range<usize>) -> bool) {
    let mut token = String::new();
    // `full` swallows the rest of a token that has reached its limit.
    let mut full = false;
    let push = |token: &mut String, full: &mut bool, character: char| {
        if *full || token.len() + character.len_utf8() > TOKEN_BYTES_MAX {
            *full = true;
        } else {
            token.push(character);
        }
    };
    let mut began_at = None;
    for (place, character) in text.char_indices() {
        if character.is_ascii() {
            if character.is_ascii_alphanumeric() {
                began_at.get_or_insert(place);
                push(&mut token, &mut full, character.to_ascii_lowercase());
                continue;
            }
        } else if character.is_alphanumeric() {
            began_at.get_or_insert(place);
            // Character by character, since `str::to_lowercase` looks at neighbours and a prefix would fold differently.
            character
                .to_lowercase()
                .for_each(|lower| push(&mut token, &mut full, lower));
            continue;
        }
        if let Some(began_at) = began_at.take() {
            if !token.is_empty() && !take(&token, began_at..place) {
                return;
            }
            token.clear();
            full = false;
        }
    }
    if let (Some(began_at), false) = (began_at, token.is_empty()) {
        take(&token, began_at..text.len());
    }
}

/// The tokens of a text as they are indexed, in order and joined by single spaces. The n-th token has position n.
///
/// Tokens past [`TOKENS_PER_TEXT_MAX`] and occurrences of a token past [`OCCURRENCES_PER_TOKEN_MAX`] are left out,
/// with no gap in the positions.
pub(crate) fn index_text(text: &str) -> String {
    let mut joined = String::with_capacity(text.len().min(64 * 1024));
    let mut count = 0;
    for_each_token(text, |token, _| {
        if count > 0 {
            joined.push(' ');
        }
        joined.push_str(token);
        count += 1;
        count < TOKENS_PER_TEXT_MAX
    });
    // No token can be there too often in a text that has so few.
    if count <= OCCURRENCES_PER_TOKEN_MAX {
        joined
    } else {
        without_repeats(&joined)
    }
}

fn without_repeats(joined: &str) -> String {
    let mut occurrences: HashMap<&str, usize> = HashMap::new();
    let kept: Vec<&str> = joined
        .split(' ')
        .filter(|token| {
            let seen = occurrences.entry(token).or_default();
            *seen += 1;
            *seen <= OCCURRENCES_PER_TOKEN_MAX
        })
        .collect();
    kept.join(" ")
}

/// The tokens of a text as they are indexed, each with the bytes of the text that it stands for.
pub(crate) fn indexed_tokens(text: &str) -> Vec<(String, Range<usize>)> {
    let mut tokens: Vec<(String, Range<usize>)> = Vec::new();
    for_each_token(text, |token, bytes| {
        tokens.push((token.to_owned(), bytes));
        tokens.len() < TOKENS_PER_TEXT_MAX
    });
    if tokens.len() > OCCURRENCES_PER_TOKEN_MAX {
        let mut occurrences: HashMap<String, usize> = HashMap::new();
        tokens.retain(|(token, _)| {
            let seen = occurrences.entry(token.clone()).or_default();
            *seen += 1;
            *seen <= OCCURRENCES_PER_TOKEN_MAX
        });
    }
    tokens
}

/// The tokens of a piece of a query.
pub(crate) fn query_tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for_each_token(text, |token, _| {
        tokens.push(token.to_owned());
        true
    });
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_runs_of_letters_and_digits_in_lower_case() {
        let cases = [
            ("", ""),
            (" \t--!\"*", ""),
            ("Failed password for ROOT", "failed password for root"),
            ("10.0.0.1:22", "10 0 0 1 22"),
            ("user_name=a-b", "user name a b"),
            ("Größe ÄÖÜ ΣΑΣ", "größe äöü σασ"),
            ("日本語 text", "日本語 text"),
            ("a\u{1b}[31mred", "a 31mred"),
            ("½ Ⅷ ①", "½ ⅷ ①"),
            // İ folds to i and a combining dot, which stays part of the token.
            ("İstanbul", "i\u{307}stanbul"),
            ("emoji 🔥 fire", "emoji fire"),
        ];
        for (text, expected) in cases {
            assert_eq!(index_text(text), expected, "{text:?}");
        }
    }

    #[test]
    fn long_tokens_are_cut_at_a_character_boundary() {
        assert_eq!(index_text(&"x".repeat(1_000)), "x".repeat(TOKEN_BYTES_MAX));
        assert_eq!(index_text(&"語".repeat(1_000)), "語".repeat(TOKEN_BYTES_MAX / 3));
        // Once cut, a shorter character that would still fit must not be taken: the token would not be a prefix.
        let odd = format!("{}語x y", "a".repeat(TOKEN_BYTES_MAX - 1));
        assert_eq!(index_text(&odd), format!("{} y", "a".repeat(TOKEN_BYTES_MAX - 1)));
    }

    #[test]
    fn texts_are_indexed_up_to_a_number_of_tokens() {
        let text: String = (0..10_000).map(|number| format!("t{number} ")).collect();
        let indexed = index_text(&text);
        assert_eq!(indexed.split(' ').count(), TOKENS_PER_TEXT_MAX);
        assert!(indexed.ends_with(&format!("t{}", TOKENS_PER_TEXT_MAX - 1)));
    }

    #[test]
    fn repeated_tokens_are_indexed_up_to_a_number_of_times() {
        let indexed = index_text(&format!("{}end", "again ".repeat(1_000)));
        assert_eq!(
            indexed.split(' ').filter(|token| *token == "again").count(),
            OCCURRENCES_PER_TOKEN_MAX
        );
        assert!(indexed.ends_with(" end"));
    }

    #[test]
    fn the_worst_text_fits_a_tsvector() {
        // Each lexeme costs its bytes, up to one for alignment, two for the count and two for each position.
        let worst = TOKENS_PER_TEXT_MAX * (TOKEN_BYTES_MAX + 5);
        assert!(worst < (1 << 20) - 1 && TOKENS_PER_TEXT_MAX < 16_383);
    }
}
