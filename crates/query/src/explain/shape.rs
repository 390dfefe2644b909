//! Lines of one shape, which is their template: how to find them by full text, and how often they come.

use std::collections::BTreeSet;
use turnstone_store::{EntrySearch, SearchQuery, Store, StoreError};
use turnstone_types::{CLASSIFIED_TEXT_CHARS_MAX, SourceId, TenantId, Timestamp, template, truncate_chars};

/// Words of a template that are searched for; more make the search no narrower.
const WORDS_MAX: usize = 5;
/// Letters of a word that tells anything.
const WORD_CHARS_MIN: usize = 3;

/// The shape of a line.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    template: String,
    /// Finds lines of the shape, and others. `None` where the line has no word of its own.
    query: Option<SearchQuery>,
}

/// Lines of a shape that were found.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Their times, the newest first.
    pub times: Vec<Timestamp>,
    /// Whether there are no others.
    pub is_all: bool,
}

impl Seen {
    /// How many of them are not older than so many seconds before `until`.
    pub fn within(&self, seconds: i64, until: Timestamp) -> u64 {
        let from = until.as_second().saturating_sub(seconds);
        self.times.iter().filter(|time| time.as_second() >= from).count() as u64
    }
}

/// By what lines are held to be alike, as the explainer folds them.
pub(super) fn template_of(text: &str) -> String {
    template(truncate_chars(text, CLASSIFIED_TEXT_CHARS_MAX))
}

impl Shape {
    pub fn of(text: &str) -> Self {
        let template = template_of(text);
        let query = query_of(&template).filter(|query| query.matches(text));
        Self { template, query }
    }

    /// Lines of the shape in a source before `until`, and from `from` on, as far as they are among the newest `limit` that have its
    /// words. `None` where it cannot be searched for.
    pub async fn seen(
        &self,
        store: &dyn Store,
        tenant: &TenantId,
        source_id: &SourceId,
        (from, until): (Option<Timestamp>, Timestamp),
        limit: u32,
    ) -> Result<Option<Seen>, StoreError> {
        let Some(query) = &self.query else {
            return Ok(None);
        };
        let search = EntrySearch {
            query: Some(query.clone()),
            source_id: Some(source_id.clone()),
            time_from: from,
            // Up to and with this instant.
            time_until: Timestamp::from_microsecond(until.as_microsecond().saturating_add(1)).ok(),
            ..EntrySearch::default()
        };
        let found = store.search_entries(tenant, &search, None, limit).await?;
        let is_all = found.len() < limit as usize;
        let alike = found
            .into_iter()
            .filter(|entry| template_of(&entry.text) == self.template);
        Ok(Some(Seen {
            times: alike.map(|entry| entry.timestamp).collect(),
            is_all,
        }))
    }
}

/// The longest words of a template that stand by themselves, so that they are words of each of its lines.
fn query_of(template: &str) -> Option<SearchQuery> {
    let mut words: Vec<&str> = template
        .split_whitespace()
        .filter(|piece| !piece.contains(['<', '>']))
        .flat_map(|piece| piece.split(|character: char| !character.is_alphanumeric()))
        .filter(|word| word.chars().count() >= WORD_CHARS_MIN)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.truncate(WORDS_MAX);
    SearchQuery::parse(&words.join(" ")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_searched_for_by_its_own_words() {
        let text = "Nov 22 10:00:00 db1 sshd[42]: Failed password for root from 10.0.0.7 port 51122 ssh2";
        let query = Shape::of(text).query.expect("words");
        let shown = query.to_string();
        assert!(shown.contains("password") && !shown.contains("51122"), "{shown}");
        assert!(query.matches(&text.replace("51122", "4")), "{shown}");
        assert!(!query.matches("sshd: Accepted publickey for root"), "{shown}");
        for wordless in ["", "10.0.0.7 42", "- -> ::"] {
            assert!(Shape::of(wordless).query.is_none(), "{wordless:?}");
        }
    }
}
