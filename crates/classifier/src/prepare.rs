//! What happens to the texts of a call before the model, on any thread: normalise and cut, fold what is the same, look up what
//! is known, tokenise the rest. What the model then answers is put together with it here too.

use crate::answer::Predictor;
use crate::batching::panic_text;
use crate::cache::{CacheKey, ModelCache};
use crate::error::RowError;
use crate::options::Normalise;
use crate::pool::Pool;
use crate::tokens::{TextTokenizer, TokenRow};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// Rows that one thread tokenises before it takes more: a millisecond's work, so that all end at about the same time.
const ROWS_PER_CHUNK: usize = 32;

/// The part of a model that needs no libtorch, shared by the threads that prepare its texts.
pub(crate) struct TextPreparer {
    tokenizer: TextTokenizer,
    normalise: Normalise,
    predictor: Predictor,
}

/// The distinct texts of a call as the model sees them, and which of its rows have which.
pub(crate) struct FoldedTexts {
    /// All rows' texts, one after the other.
    seen: String,
    uniques: Vec<Unique>,
    /// For each row of the call, its text's index in `uniques`.
    unique_of_rows: Vec<u32>,
}

/// One distinct text.
struct Unique {
    /// Where it lies in [`FoldedTexts::seen`].
    span: Range<usize>,
    /// Its key, where there is a cache.
    key: Option<CacheKey>,
    logits: Option<Result<Arc<[f32]>, RowError>>,
}

/// A call that is ready for the model.
pub(crate) struct PreparedTexts {
    folded: FoldedTexts,
    /// What has to go through the model, with its index in `uniques`.
    rows: Vec<(usize, TokenRow)>,
}

impl TextPreparer {
    /// Puts the parts together.
    pub fn new(tokenizer: TextTokenizer, normalise: Normalise, predictor: Predictor) -> Self {
        Self {
            tokenizer,
            normalise,
            predictor,
        }
    }

    /// What is done to a text before the model sees it.
    pub fn rule(&self) -> Normalise {
        self.normalise
    }

    /// From logits to answers.
    pub fn predictor(&self) -> &Predictor {
        &self.predictor
    }

    /// Normalises, cuts, folds and looks up. Linear in the texts' bytes.
    pub fn fold(&self, texts: &[impl AsRef<str>], cache: Option<&ModelCache>) -> FoldedTexts {
        let mut seen = String::with_capacity(texts.iter().map(|text| text.as_ref().len().min(1_024)).sum());
        let mut scratch = String::new();
        let spans: Vec<Result<Range<usize>, RowError>> = texts
            .iter()
            .map(|text| {
                let start = seen.len();
                // A fault in the rule for one strange line must not cost the others their answers. Unwind safety: at worst
                // a part of the text was appended, which is cut off.
                catch_unwind(AssertUnwindSafe(|| {
                    self.normalise.append(text.as_ref(), &mut scratch, &mut seen);
                }))
                .map(|()| start..seen.len())
                .map_err(|panic| {
                    seen.truncate(start);
                    RowError::Tokenise {
                        reason: format!("the text cannot be normalised: {}", panic_text(panic.as_ref())),
                    }
                })
            })
            .collect();
        let mut uniques: Vec<Unique> = Vec::new();
        let mut unique_of_rows = Vec::with_capacity(texts.len());
        // The standard library's table is seeded at random: lines that aim at one bucket of it cannot be written.
        let mut known: HashMap<&str, u32> = HashMap::new();
        for span in spans {
            let next = uniques.len() as u32;
            unique_of_rows.push(match span {
                Err(error) => {
                    uniques.push(Unique {
                        span: 0..0,
                        key: None,
                        logits: Some(Err(error)),
                    });
                    next
                }
                Ok(span) => match known.entry(&seen[span.clone()]) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(unknown) => {
                        let key = cache.map(|cache| cache.key(unknown.key()));
                        unknown.insert(next);
                        let logits = cache.zip(key).and_then(|(cache, key)| cache.get(&key));
                        uniques.push(Unique {
                            span,
                            key,
                            logits: logits.map(Ok),
                        });
                        next
                    }
                },
            });
        }
        FoldedTexts {
            seen,
            uniques,
            unique_of_rows,
        }
    }

    /// Makes the tokens of what is still without an answer, together with the pool's threads that have nothing else to do.
    /// Tells the time that took, summed over the threads.
    pub fn tokenise(self: &Arc<Self>, mut folded: FoldedTexts, pool: &Pool) -> (PreparedTexts, Duration) {
        let open = |unique: &(usize, &Unique)| unique.1.logits.is_none();
        let texts = folded.uniques.iter().enumerate().filter(open);
        let job = Arc::new(TokeniseJob {
            preparer: Arc::clone(self),
            texts: texts
                .map(|(index, unique)| (index, unique.span.clone()))
                .collect(),
            seen: std::mem::take(&mut folded.seen),
            next_chunk: AtomicUsize::new(0),
            nanos: AtomicU64::new(0),
        });
        let (sender, receiver) = mpsc::channel();
        // Who comes late finds no chunk left and goes away, so it does no harm when the pool is busy with other calls.
        for _ in 1..job.chunks().min(pool.threads()) {
            let (job, sender) = (Arc::clone(&job), sender.clone());
            pool.run(move || job.work(&sender));
        }
        job.work(&sender);
        drop(sender);
        let mut rows = Vec::with_capacity(job.texts.len());
        // All chunks are taken by now, so each is here or being worked on: none waits for a helper that is still in the queue.
        for (index, row) in receiver.iter().take(job.chunks()).flatten() {
            match row {
                Ok(row) => rows.push((index, row)),
                Err(error) => folded.uniques[index].logits = Some(Err(error)),
            }
        }
        let time = Duration::from_nanos(job.nanos.load(Ordering::Relaxed));
        (PreparedTexts { folded, rows }, time)
    }

    /// Tokenises a text that is cut already. A panic is that text's fault and costs no other its answer.
    pub fn encode_seen(&self, text: &str) -> Result<TokenRow, RowError> {
        // Unwind safety: the tokenizer is not changed by its use, but for a cache of words behind a lock.
        catch_unwind(AssertUnwindSafe(|| self.tokenizer.encode(text))).unwrap_or_else(|panic| {
            Err(RowError::Tokenise {
                reason: panic_text(panic.as_ref()),
            })
        })
    }

    /// Normalises, cuts and tokenises one text.
    pub fn encode(&self, text: &str) -> Result<TokenRow, RowError> {
        let mut seen = String::new();
        self.normalise.append(text, &mut String::new(), &mut seen);
        self.encode_seen(&seen)
    }
}

/// A chunk's rows, with their indices in `uniques`.
type TokenisedChunk = Vec<(usize, Result<TokenRow, RowError>)>;

/// Texts that several threads tokenise.
struct TokeniseJob {
    preparer: Arc<TextPreparer>,
    seen: String,
    texts: Vec<(usize, Range<usize>)>,
    next_chunk: AtomicUsize,
    /// Time spent on it, summed over the threads.
    nanos: AtomicU64,
}

impl TokeniseJob {
    fn chunks(&self) -> usize {
        self.texts.len().div_ceil(ROWS_PER_CHUNK)
    }

    /// Takes chunks until there are none.
    fn work(&self, done: &mpsc::Sender<TokenisedChunk>) {
        loop {
            let chunk = self.next_chunk.fetch_add(1, Ordering::Relaxed);
            let Some(texts) = self.texts.chunks(ROWS_PER_CHUNK).nth(chunk) else {
                return;
            };
            let started = Instant::now();
            let rows = texts
                .iter()
                .map(|(index, span)| (*index, self.preparer.encode_seen(&self.seen[span.clone()])))
                .collect();
            self.nanos
                .fetch_add(started.elapsed().as_nanos() as u64, Ordering::Relaxed);
            if done.send(rows).is_err() {
                return;
            }
        }
    }
}

impl FoldedTexts {
    /// Rows of the call.
    pub fn rows(&self) -> usize {
        self.unique_of_rows.len()
    }

    /// Rows that are the same as an earlier one.
    pub fn folded(&self) -> usize {
        self.rows() - self.uniques.len()
    }

    /// Distinct texts whose answer was in the cache.
    pub fn hits(&self) -> usize {
        let known = |unique: &&Unique| matches!(unique.logits, Some(Ok(_)));
        self.uniques.iter().filter(known).count()
    }

    /// Whether nothing is left for the model.
    pub fn is_complete(&self) -> bool {
        self.uniques.iter().all(|unique| unique.logits.is_some())
    }

    /// The answer of each row, in the call's order, made of its logits.
    pub fn into_answers<T: Clone>(self, answer: impl Fn(&[f32]) -> T) -> Vec<Result<T, RowError>> {
        let lost = || {
            Err(RowError::Forward {
                reason: "the row has no answer".to_owned(),
            })
        };
        let answers: Vec<Result<T, RowError>> = self
            .uniques
            .into_iter()
            .map(|unique| {
                let logits = unique.logits.unwrap_or_else(lost)?;
                Ok(answer(&logits))
            })
            .collect();
        if answers.len() == self.unique_of_rows.len() {
            // Nothing was folded, so they are in the rows' order already.
            return answers;
        }
        self.unique_of_rows
            .into_iter()
            .map(|unique| answers[unique as usize].clone())
            .collect()
    }
}

impl PreparedTexts {
    /// Rows of the call.
    pub fn rows(&self) -> usize {
        self.folded.rows()
    }

    /// Answers what the cache has learnt since the look-up, which is what calls before this one brought: so a line that comes
    /// in two calls at once goes through the model once. Returns how many that were.
    pub fn look_up_again(&mut self, cache: &ModelCache) -> usize {
        let before = self.rows.len();
        let uniques = &mut self.folded.uniques;
        self.rows.retain(|(index, _)| {
            let unique = &mut uniques[*index];
            match unique.key.and_then(|key| cache.get(&key)) {
                Some(logits) => {
                    unique.logits = Some(Ok(logits));
                    false
                }
                None => true,
            }
        });
        before - self.rows.len()
    }

    /// What has to go through the model.
    pub fn token_rows(&self) -> Vec<&TokenRow> {
        self.rows.iter().map(|(_, row)| row).collect()
    }

    /// Takes the logits of [`PreparedTexts::token_rows`] and keeps what is finite in the cache.
    pub fn finish(
        mut self,
        logits: Vec<Result<Vec<f32>, RowError>>,
        cache: Option<&ModelCache>,
    ) -> FoldedTexts {
        for ((index, _), logits) in self.rows.iter().zip(logits) {
            let unique = &mut self.folded.uniques[*index];
            let logits = logits.map(Arc::from);
            // Logits that are not finite are errors by now, and errors are never kept.
            if let (Ok(logits), Some(cache), Some(key)) = (&logits, cache, unique.key) {
                cache.insert(key, Arc::clone(logits));
            }
            unique.logits = Some(logits);
        }
        self.folded
    }
}
