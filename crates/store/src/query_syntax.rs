//! The search syntax, the same on every backend: words, "phrases", prefix* and -not, all of which must hold.
//! Parses it into terms of tokens and matches those against one text; the backends turn the terms into their own query.

use crate::text_index::{index_text, indexed_tokens, query_tokens};
use std::fmt;
use std::ops::Range;
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
        self.places_in(indexed).next().is_some()
    }

    /// Where it begins among the tokens of a text.
    fn places_in(&self, indexed: &[&str]) -> impl Iterator<Item = usize> {
        let last = self.tokens.len() - 1;
        let is_here = move |window: &[&str]| {
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
        };
        let windows = indexed.windows(self.tokens.len()).enumerate();
        windows
            .filter(move |(_, window)| is_here(window))
            .map(|(place, _)| place)
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

impl SearchQuery {
    /// The bytes of a text that the query finds in it, in order and apart from each other: for each place where a term matches, from the
    /// beginning of its first word to the end of its last. Found by the tokens of the index; empty where the text does not match.
    pub fn highlights(&self, text: &str) -> Vec<Range<usize>> {
        if !self.matches(text) {
            return Vec::new();
        }
        let indexed = indexed_tokens(text);
        let tokens: Vec<&str> = indexed.iter().map(|(token, _)| token.as_str()).collect();
        let mut found: Vec<Range<usize>> = Vec::new();
        for term in self.terms.iter().filter(|term| !term.negated) {
            let last = term.tokens.len() - 1;
            found.extend(
                term.places_in(&tokens)
                    .map(|place| indexed[place].1.start..indexed[place + last].1.end),
            );
        }
        found.sort_by_key(|range| (range.start, range.end));
        let mut apart: Vec<Range<usize>> = Vec::new();
        for range in found {
            match apart.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => apart.push(range),
            }
        }
        apart
    }

    /// How often each wanted term is in a text, and how many tokens the text has.
    pub(crate) fn term_counts(&self, text: &str) -> (Vec<usize>, usize) {
        let indexed = index_text(text);
        let tokens: Vec<&str> = indexed.split(' ').collect();
        let wanted = self.terms.iter().filter(|term| !term.negated);
        (
            wanted.map(|term| term.places_in(&tokens).count()).collect(),
            tokens.len(),
        )
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

    #[test]
    fn highlights_are_the_bytes_of_what_is_found() {
        let cases = [
            (
                "failed root",
                "Failed password for ROOT, failed",
                vec!["Failed", "ROOT", "failed"],
            ),
            (
                "\"password for\" pass*",
                "Failed password for root",
                vec!["password for"],
            ),
            ("10.0.0.1", "from 10.0.0.1:22", vec!["10.0.0.1"]),
            ("größe", "die GRÖSSE und die GRÖßE", vec!["GRÖßE"]),
            ("日本* -x", "a 日本語 b", vec!["日本語"]),
            ("root -failed", "Failed for root", vec![]),
            ("a", "b", vec![]),
        ];
        for (query, text, expected) in cases {
            let ranges = SearchQuery::parse(query).unwrap().highlights(text);
            let found: Vec<&str> = ranges.into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, expected, "{query:?} in {text:?}");
        }
    }

    proptest! {
        #[test]
        fn highlights_lie_within_the_text_and_apart(query in "[a-cä*\" ]{1,12}", text in "[a-cäÄ .日]{0,40}") {
            if let Ok(parsed) = SearchQuery::parse(&query) {
                let ranges = parsed.highlights(&text);
                prop_assert_eq!(ranges.is_empty(), !parsed.matches(&text));
                prop_assert!(ranges.iter().all(|range| text.get(range.clone()).is_some_and(|part| !part.is_empty())));
                prop_assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
            }
        }

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
