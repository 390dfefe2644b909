//! Orders matches of a text query by relevance, the same way for every dialect: the stores find the newest matches, this ranks them.
//! BM25 (Robertson and Zaragoza, 2009, k1 = 1.2, b = 0.75) over the tokens of the search index. All terms must match, so every match
//! holds each term and the inverse document frequency is the same for all: it is left out.

use crate::SearchQuery;
use turnstone_types::Entry;

/// Newest matches that are ranked; older ones are not part of the answer.
pub const RANKED_MATCHES_MAX: u32 = 1_000;

const K1: f64 = 1.2;
const B: f64 = 0.75;

/// An entry with how well it matches.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedEntry {
    /// The entry.
    pub entry: Entry,
    /// Larger is better; comparable within one query only.
    pub relevance: f64,
}

/// Ranks matches, best first, of equals the newest first.
pub(crate) fn rank(query: &SearchQuery, entries: Vec<Entry>) -> Vec<RankedEntry> {
    let counted: Vec<(Vec<usize>, usize)> = entries
        .iter()
        .map(|entry| query.term_counts(&entry.text))
        .collect();
    let tokens: usize = counted.iter().map(|(_, tokens)| tokens).sum();
    let average = (tokens as f64 / counted.len().max(1) as f64).max(1.0);
    let relevance = |(counts, tokens): &(Vec<usize>, usize)| {
        let length = 1.0 - B + B * *tokens as f64 / average;
        let of_term = |count: &usize| *count as f64 * (K1 + 1.0) / (*count as f64 + K1 * length);
        counts.iter().map(of_term).sum::<f64>()
    };
    let mut ranked: Vec<RankedEntry> = counted
        .iter()
        .map(relevance)
        .zip(entries)
        .map(|(relevance, entry)| RankedEntry { entry, relevance })
        .collect();
    ranked.sort_by(|one, other| {
        let newest_first =
            (other.entry.timestamp, &other.entry.id).cmp(&(one.entry.timestamp, &one.entry.id));
        other.relevance.total_cmp(&one.relevance).then(newest_first)
    });
    ranked
}
