//! The score cache: what a model answered to a text is kept, bounded by bytes, and shared by all engines of a process. Holds
//! no text, and knows neither labels nor thresholds: those are looked up again for every answer.

use crate::model_info::ModelInfo;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

/// Bytes of an entry beside its logits: the key, the pointer and 21 bytes of the table's own, in a table that is kept at
/// most two thirds full and grows by doubling; and the head of the allocation. The upper middle of what that can come to.
const ENTRY_BYTES: u64 = 2 * (32 + 16 + 21) + 24;

/// SHA-256 of the model and of the text as it sees it. A line must never get the score of another, and lines are written by
/// attackers, so nothing shorter or weaker will do; as it cannot be turned back, no log text stays in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CacheKey([u8; 32]);

/// Logits by model and text. Cheap to share; every method may be called from any thread.
///
/// Evicts by Clock-PRO, so that a flood of lines that come once does not drive out those that come often. Its hash table is
/// seeded at random, so nobody can aim lines at one bucket of it.
pub struct ScoreCache {
    entries: Cache<CacheKey, Arc<[f32]>, EntryWeight>,
}

#[derive(Clone)]
struct EntryWeight;

impl Weighter<CacheKey, Arc<[f32]>> for EntryWeight {
    fn weight(&self, _: &CacheKey, logits: &Arc<[f32]>) -> u64 {
        ENTRY_BYTES + size_of_val::<[f32]>(logits) as u64
    }
}

impl ScoreCache {
    /// A cache of at most `bytes`; `None` for 0, which switches it off.
    pub fn new(bytes: u64) -> Option<Arc<Self>> {
        let options = OptionsBuilder::new()
            .estimated_items_capacity((bytes / (ENTRY_BYTES + 32)).max(1) as usize)
            .weight_capacity(bytes)
            .build()
            .ok()
            .filter(|_| bytes > 0)?;
        let entries = Cache::with_options(
            options,
            EntryWeight,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        );
        Some(Arc::new(Self { entries }))
    }

    /// Bytes in use, at most those it was made with.
    pub fn bytes(&self) -> u64 {
        self.entries.weight()
    }

    /// Bytes that it may use.
    pub fn bytes_max(&self) -> u64 {
        self.entries.capacity()
    }

    /// Texts whose answers are kept.
    pub fn entries(&self) -> usize {
        self.entries.len()
    }
}

impl fmt::Debug for ScoreCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScoreCache")
            .field("entries", &self.entries())
            .field("bytes", &self.bytes())
            .field("bytes_max", &self.bytes_max())
            .finish()
    }
}

/// The cache as one model sees it: its own answers and nobody else's.
#[derive(Clone)]
pub(crate) struct ModelCache {
    cache: Arc<ScoreCache>,
    /// Has taken in one block that names the model, so that only the text is left to hash.
    begun: Sha256,
}

impl ModelCache {
    /// The part of `cache` that belongs to this model in this precision, on this device and with these texts.
    pub fn new(cache: Arc<ScoreCache>, info: &ModelInfo) -> Self {
        let mut model = Sha256::new();
        for part in [&info.content_hash, &info.device, &info.dtype, &info.normalise] {
            // The length first, so that bytes cannot move from one part to the next unnoticed.
            model.update(part.len().to_le_bytes());
            model.update(part);
        }
        let mut block = [0_u8; 64];
        block[..32].copy_from_slice(&model.finalize());
        let mut begun = Sha256::new();
        begun.update(block);
        Self { cache, begun }
    }

    /// The key of a text, which must be just as the model sees it.
    pub fn key(&self, text: &str) -> CacheKey {
        let mut hash = self.begun.clone();
        hash.update(text.as_bytes());
        CacheKey(hash.finalize().into())
    }

    /// The logits of a text, where they are known.
    pub fn get(&self, key: &CacheKey) -> Option<Arc<[f32]>> {
        self.cache.entries.get(key)
    }

    /// Keeps the logits of a text. The caller sees to it that they are finite.
    pub fn insert(&self, key: CacheKey, logits: Arc<[f32]>) {
        self.cache.entries.insert(key, logits);
    }

    /// Tells the metrics how full the cache is.
    pub fn report(&self) {
        metrics::gauge!("turnstone_classifier_cache_bytes").set(self.cache.bytes() as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> ModelInfo {
        ModelInfo {
            name: "a".to_owned(),
            architecture: "A".to_owned(),
            parameters: 0,
            labels: Vec::new(),
            tokens_max: 1,
            device: "cpu".to_owned(),
            dtype: "f32".to_owned(),
            dtype_reason: String::new(),
            normalise: "raw".to_owned(),
            stored_dtype: String::new(),
            tokenizer: String::new(),
            scores: String::new(),
            warm_up_time: std::time::Duration::ZERO,
            content_hash: "ab".to_owned(),
        }
    }

    #[test]
    fn another_model_precision_device_or_rule_shares_nothing() {
        let cache = ScoreCache::new(1 << 20).expect("on");
        let first = ModelCache::new(Arc::clone(&cache), &info());
        first.insert(first.key("line"), Arc::from([1.0, 2.0]));
        let others: [fn(&mut ModelInfo); 5] = [
            |info| info.content_hash = "ac".to_owned(),
            |info| info.dtype = "bf16".to_owned(),
            |info| info.device = "cuda:0".to_owned(),
            |info| info.normalise = "template-1".to_owned(),
            // The same letters, cut elsewhere.
            |info| {
                info.content_hash = "abc".to_owned();
                info.device = "pu".to_owned();
            },
        ];
        for change in others {
            let mut other = info();
            change(&mut other);
            let other = ModelCache::new(Arc::clone(&cache), &other);
            assert_eq!(other.get(&other.key("line")), None);
        }
        // The scorer's name and the labels' meaning are no part of what the model computes.
        let mut renamed = info();
        renamed.name = "b".to_owned();
        let same = ModelCache::new(Arc::clone(&cache), &renamed);
        assert_eq!(same.get(&same.key("line")).as_deref(), Some(&[1.0, 2.0][..]));
        assert_eq!(same.get(&same.key("line ")), None);
        assert_eq!(same.get(&same.key("")), None);
    }

    #[test]
    fn a_flood_of_distinct_lines_keeps_to_the_bound_and_spares_what_is_in_use() {
        let bytes_max = 256 * 1024;
        let cache = ScoreCache::new(bytes_max).expect("on");
        let model = ModelCache::new(Arc::clone(&cache), &info());
        let often: Vec<CacheKey> = (0..50).map(|n| model.key(&format!("often {n}"))).collect();
        for key in &often {
            model.insert(*key, Arc::from([0.5; 7]));
            assert!(model.get(key).is_some());
        }
        for n in 0..100_000 {
            model.insert(model.key(&format!("flood {n}")), Arc::from([0.25; 7]));
            assert!(cache.bytes() <= bytes_max, "{} bytes after {n}", cache.bytes());
            if n % 100 == 0 {
                often.iter().for_each(|key| drop(model.get(key)));
            }
        }
        assert!(cache.entries() > 500, "{}", cache.entries());
        let kept = often.iter().filter(|key| model.get(key).is_some()).count();
        assert!(kept >= 45, "{kept} of 50 lines that are in use were kept");
    }

    #[test]
    fn no_bytes_are_no_cache_and_few_bytes_hold_nothing_too_large() {
        assert!(ScoreCache::new(0).is_none());
        let cache = ScoreCache::new(10).expect("on");
        let model = ModelCache::new(Arc::clone(&cache), &info());
        model.insert(model.key("x"), Arc::from([1.0]));
        assert!(cache.bytes() <= 10 && model.get(&model.key("x")).is_none());
    }
}
