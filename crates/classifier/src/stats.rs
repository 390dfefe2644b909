//! What an engine has done so far, as running totals.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Running totals of an engine since it was started; the difference of two of them is what happened in between.
///
/// `rows - folded - cache_hits` rows went through the model (or could not be tokenised).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ClassifyStats {
    /// Texts of all calls.
    pub rows: u64,
    /// Texts that were the same as another one of their call, as the model sees them.
    pub folded: u64,
    /// Texts, after folding, whose answer was in the cache.
    pub cache_hits: u64,
    /// Tokens that went through the model, without padding.
    pub tokens: u64,
    /// Time spent on texts before the model: normalising, folding, looking up, tokenising; summed over threads.
    pub tokenise_seconds: f64,
    /// Time that the model's thread had nothing to do although a call was waiting for its texts to be prepared.
    pub wait_seconds: f64,
    /// Time spent in the model.
    pub forward_seconds: f64,
}

/// The totals as the threads add to them.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    rows: AtomicU64,
    folded: AtomicU64,
    cache_hits: AtomicU64,
    tokens: AtomicU64,
    /// Calls whose texts were made tokens of.
    tokenised_calls: AtomicU64,
    tokenise_nanos: AtomicU64,
    wait_nanos: AtomicU64,
    forward_nanos: AtomicU64,
}

// Each total is read and written by itself, so relaxed order is enough.
impl Totals {
    /// Counts a call whose texts were folded and looked up.
    pub fn looked_up(&self, rows: usize, folded: usize, hits: usize) {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.folded.fetch_add(folded as u64, Ordering::Relaxed);
        metrics::counter!("turnstone_classifier_rows_total").increment(rows as u64);
        metrics::counter!("turnstone_classifier_folded_rows_total").increment(folded as u64);
        self.hit(hits);
    }

    /// Counts texts whose answer was in the cache.
    pub fn hit(&self, texts: usize) {
        self.cache_hits.fetch_add(texts as u64, Ordering::Relaxed);
        metrics::counter!("turnstone_classifier_cache_hits_total").increment(texts as u64);
    }

    /// Counts texts that go through the model since no cache knows them.
    pub fn missed(&self, texts: usize) {
        metrics::counter!("turnstone_classifier_cache_misses_total").increment(texts as u64);
    }

    /// Adds time spent on texts.
    pub fn prepared(&self, time: Duration) {
        add(&self.tokenise_nanos, time);
        metrics::histogram!("turnstone_classifier_tokenise_seconds").record(time.as_secs_f64());
    }

    /// Adds the time in which a call's texts were made tokens of.
    pub fn tokenised(&self, time: Duration) {
        self.tokenised_calls.fetch_add(1, Ordering::Relaxed);
        self.prepared(time);
    }

    /// Calls whose texts were made tokens of.
    #[cfg(test)]
    pub fn tokenised_calls(&self) -> u64 {
        self.tokenised_calls.load(Ordering::Relaxed)
    }

    /// Adds time that the model's thread waited.
    pub fn waited(&self, time: Duration) {
        add(&self.wait_nanos, time);
    }

    /// Adds a call's time in the model.
    pub fn forwarded(&self, tokens: usize, time: Duration) {
        add(&self.forward_nanos, time);
        self.tokens.fetch_add(tokens as u64, Ordering::Relaxed);
        metrics::counter!("turnstone_classifier_tokens_total").increment(tokens as u64);
        metrics::histogram!("turnstone_classifier_forward_seconds").record(time.as_secs_f64());
    }

    /// The totals as they are now.
    pub fn read(&self) -> ClassifyStats {
        let count = |total: &AtomicU64| total.load(Ordering::Relaxed);
        let seconds = |total: &AtomicU64| Duration::from_nanos(count(total)).as_secs_f64();
        ClassifyStats {
            rows: count(&self.rows),
            folded: count(&self.folded),
            cache_hits: count(&self.cache_hits),
            tokens: count(&self.tokens),
            tokenise_seconds: seconds(&self.tokenise_nanos),
            wait_seconds: seconds(&self.wait_nanos),
            forward_seconds: seconds(&self.forward_nanos),
        }
    }
}

fn add(total: &AtomicU64, time: Duration) {
    total.fetch_add(
        u64::try_from(time.as_nanos()).unwrap_or(u64::MAX),
        Ordering::Relaxed,
    );
}
