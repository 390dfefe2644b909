//! The search syntax, the same on every backend: words, "phrases", prefix* and -not, all of which must hold.
//! Parses it into terms of tokens and matches those against one text; the backends turn the terms into their own query.

use crate::text_index::{index_text, query_tokens};
use std::fmt;
use std::str::FromStr;

/// Longest query in characters.
pub const QUERY_CHARS_MAX: usize = 1_000;
/// Most terms in a query.
pub const QUERY_TERMS_MAX: usize = 32;
/// Most tokens in all terms of a query.
pub const QUERY_TOKENS_MAX: usize = 128;

/// Why a text is no search query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Nothing to search for.
    #[error("the query holds no word to search for")]
    Empty,
    /// Only -not terms.
    #[error("the query only says what must not be there; add a word that must be")]
    OnlyNegative,
    /// A quote that is not closed.
    #[error("the quote at character {0} is not closed")]
    UnclosedQuote(usize),
    /// A star that is not at the end of a word.
    #[error("the * at character {0} is not at the end of a word; only prefix* is supported")]
    MisplacedStar(usize),
    /// Over [`QUERY_CHARS_MAX`].
    #[error("the query has {0} characters, more than {QUERY_CHARS_MAX}")]
    TooLong(usize),
    /// Over [`QUERY_TERMS_MAX`] or [`QUERY_TOKENS_MAX`].
    #[error("the query has more than {QUERY_TERMS_MAX} terms or {QUERY_TOKENS_MAX} words")]
    TooManyTerms,
}

/// One term: its tokens must (or must not) follow each other in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchTerm {
    tokens: Vec<String>,
    prefix: bool,
    negated: bool,
}

impl SearchTerm {
    /// The tokens, never empty: one for a word, several for a phrase (or a word like `10.0.0.1`).
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// Whether the last token only has to begin the word in the text.
    pub fn is_prefix(&self) -> bool {
        self.prefix
    }

    /// Whether the text must not hold it.
    pub fn is_negated(&self) -> bool {
        self.negated
    }

    fn occurs_in(&self, indexed: &[&str]) -> bool {
        let last = self.tokens.len() - 1;
        indexed.windows(self.tokens.len()).any(|window| {
            window
                .iter()
                .zip(&self.tokens)
                .enumerate()
                .all(|(place, (have, want))| {
                    if self.prefix && place == last {
                        have.starts_with(want.as_str())
                    } else {
                        have == want
                    }
                })
        })
    }
}

/// A parsed query. All its terms must hold; at least one of them is not negated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchQuery {
    terms: Vec<SearchTerm>,
}

impl SearchQuery {
    /// Reads a query: terms between spaces, each a word or a "phrase", with `*` behind it for a prefix and `-` before it for not.
    /// Punctuation separates words, as in the index: `10.0.0.1` is the phrase of its four numbers.
    pub fn parse(query: &str) -> Result<Self, QueryError> {
        let length = query.chars().count();
        if length > QUERY_CHARS_MAX {
            return Err(QueryError::TooLong(length));
        }
        let terms = Parser {
            characters: query.chars().collect(),
            at: 0,
        }
        .terms()?;
        if terms.is_empty() {
            return Err(QueryError::Empty);
        }
        if terms.iter().all(SearchTerm::is_negated) {
            return Err(QueryError::OnlyNegative);
        }
        let tokens: usize = terms.iter().map(|term| term.tokens.len()).sum();
        if terms.len() > QUERY_TERMS_MAX || tokens > QUERY_TOKENS_MAX {
            return Err(QueryError::TooManyTerms);
        }
        Ok(Self { terms })
    }

    /// The terms in the order of the query.
    pub fn terms(&self) -> &[SearchTerm] {
        &self.terms
    }

    /// Whether a text matches, by the same tokens and limits as the index: for what is not indexed yet.
    pub fn matches(&self, text: &str) -> bool {
        let indexed = index_text(text);
        let indexed: Vec<&str> = indexed.split(' ').collect();
        self.terms
            .iter()
            .all(|term| term.occurs_in(&indexed) != term.negated)
    }
}

impl FromStr for SearchQuery {
    type Err = QueryError;
    fn from_str(query: &str) -> Result<Self, QueryError> {
        Self::parse(query)
    }
}

impl fmt::Display for SearchQuery {
    /// Writes the query in a normal form that parses to the same terms.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, term) in self.terms.iter().enumerate() {
            let space = if place == 0 { "" } else { " " };
            let not = if term.negated { "-" } else { "" };
            let star = if term.prefix { "*" } else { "" };
            let quote = if term.tokens.len() > 1 { "\"" } else { "" };
            write!(f, "{space}{not}{quote}{}{quote}{star}", term.tokens.join(" "))?;
        }
        Ok(())
    }
}

struct Parser {
    characters: Vec<char>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn terms(mut self) -> Result<Vec<SearchTerm>, QueryError> {
        let mut terms = Vec::new();
        while let Some(character) = self.peek() {
            if character.is_whitespace() {
                self.at += 1;
                continue;
            }
            let negated = character == '-';
            if negated {
                self.at += 1;
            }
            let term = if self.peek() == Some('"') {
                self.phrase(negated)?
            } else {
                self.word(negated)?
            };
            // A term of punctuation alone says nothing about a text of letters and digits.
            terms.extend(term);
        }
        Ok(terms)
    }

    fn phrase(&mut self, negated: bool) -> Result<Option<SearchTerm>, QueryError> {
        let opened_at = self.at;
        self.at += 1;
        let length = self.characters[self.at..]
            .iter()
            .position(|character| *character == '"');
        let length = length.ok_or(QueryError::UnclosedQuote(opened_at + 1))?;
        let inside = &self.characters[self.at..self.at + length];
        let ends_in_word = inside.last().is_some_and(|character| character.is_alphanumeric());
        let inside: String = inside.iter().collect();
        self.at += length + 1;
        let starred = self.peek() == Some('*');
        if starred {
            self.at += 1;
        }
        Ok(term(&inside, starred && ends_in_word, negated))
    }

    fn word(&mut self, negated: bool) -> Result<Option<SearchTerm>, QueryError> {
        let began_at = self.at;
        while self
            .peek()
            .is_some_and(|character| !character.is_whitespace() && character != '"')
        {
            self.at += 1;
        }
        let word = &self.characters[began_at..self.at];
        let body_length = word
            .iter()
            .rposition(|character| *character != '*')
            .map_or(0, |last| last + 1);
        let (body, stars) = word.split_at(body_length);
        // `a.*` asks for `a` and anything: the star begins no word, so the word before it stays whole.
        let ends_in_word = body.last().is_some_and(|character| character.is_alphanumeric());
        let holds_word = body.iter().any(|character| character.is_alphanumeric());
        if let Some(place) = body
            .iter()
            .position(|character| *character == '*')
            .filter(|_| holds_word)
        {
            return Err(QueryError::MisplacedStar(began_at + place + 1));
        }
        let body: String = body.iter().collect();
        Ok(term(&body, !stars.is_empty() && ends_in_word, negated))
    }
}

fn term(text: &str, prefix: bool, negated: bool) -> Option<SearchTerm> {
    let tokens = query_tokens(text);
    (!tokens.is_empty()).then_some(SearchTerm {
        tokens,
        prefix,
        negated,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(query: &str) -> String {
        SearchQuery::parse(query)
            .unwrap_or_else(|error| panic!("{query:?}: {error}"))
            .to_string()
    }

    #[test]
    fn terms_are_read() {
        let cases = [
            ("failed", "failed"),
            ("  Failed   PASSWORD ", "failed password"),
            ("\"Failed password\" root", "\"failed password\" root"),
            ("conn*", "conn*"),
            ("conn**", "conn*"),
            ("\"connection ref\"*", "\"connection ref\"*"),
            ("10.0.0.1", "\"10 0 0 1\""),
            ("10.0.*", "\"10 0\""),
            ("error -timeout", "error -timeout"),
            ("error -\"timed out\" -conn*", "error -\"timed out\" -conn*"),
            ("a--b", "\"a b\""),
            ("error - -- !!! ***", "error"),
            ("a\"b c\"d", "a \"b c\" d"),
            ("it's", "\"it s\""),
            ("100%_'; DROP TABLE x", "100 drop table x"),
            ("AND OR NOT NEAR", "and or not near"),
            ("\"the * inside\"", "\"the inside\""),
        ];
        for (query, expected) in cases {
            assert_eq!(normal(query), expected, "{query:?}");
        }
    }

    #[test]
    fn what_is_no_query_is_refused() {
        let cases = [
            ("", QueryError::Empty),
            (" -- * !", QueryError::Empty),
            ("-error -\"a b\"", QueryError::OnlyNegative),
            ("error \"not closed", QueryError::UnclosedQuote(7)),
            ("a*b", QueryError::MisplacedStar(2)),
            ("ok *ing", QueryError::MisplacedStar(4)),
        ];
        for (query, expected) in cases {
            assert_eq!(SearchQuery::parse(query), Err(expected), "{query:?}");
        }
        assert_eq!(
            SearchQuery::parse(&"x".repeat(1_001)),
            Err(QueryError::TooLong(1_001))
        );
        assert_eq!(
            SearchQuery::parse(&"x ".repeat(33)),
            Err(QueryError::TooManyTerms)
        );
        assert_eq!(
            SearchQuery::parse(&"x.".repeat(129)),
            Err(QueryError::TooManyTerms)
        );
    }

    #[test]
    fn matching_follows_the_terms() {
        let text = "Failed password for root from 10.0.0.1 port 22";
        for query in [
            "failed",
            "pass*",
            "\"for root\"",
            "10.0.0.1",
            "\"root fr\"*",
            "root -admin",
            "failed -\"password root\"",
        ] {
            assert!(SearchQuery::parse(query).unwrap().matches(text), "{query:?}");
        }
        for query in [
            "pass",
            "\"root for\"",
            "10.0.1",
            "root -22",
            "root -pass*",
            "missing",
            "\"port 22 x\"",
        ] {
            assert!(!SearchQuery::parse(query).unwrap().matches(text), "{query:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused_and_the_normal_form_is_stable(query in "[a-zA-Z0-9äÖ日\"*. \\-']{0,40}") {
            if let Ok(parsed) = SearchQuery::parse(&query) {
                prop_assert_eq!(SearchQuery::parse(&parsed.to_string()), Ok(parsed));
            }
        }

        #[test]
        fn every_word_of_a_text_finds_it(text in "\\PC{0,60}") {
            for word in text.split_whitespace().filter(|word| !word.contains(['"', '*', '-'])) {
                if let Ok(parsed) = SearchQuery::parse(word) {
                    prop_assert!(parsed.matches(&text));
                }
            }
        }
    }
}
