//! Which lines answer a question: those that its words find, open detections by severity, and rare lines. Each kind is a bounded
//! number of bounded searches; what comes first is decided by one rank, and how many fit is for the explainer.

use super::Question;
use super::entry::line;
use super::question::{self, TextWords, Word};
use super::shape::template_of;
use futures::{StreamExt, TryStreamExt};
use std::collections::{HashMap, HashSet};
use std::future::Future;
use turnstone_explain::context::{ContextOptions, Evidence, EvidenceInput, EvidenceReason};
use turnstone_explain::input::Line;
use turnstone_store::{DetectionFilter, EntrySearch, GroupFilter, GroupKey, SearchQuery, Store, StoreError};
use turnstone_types::{Detection, Entry, Fingerprint, Severity, SourceId, Timestamp, fingerprint};

/// Open detections that are looked through.
const DETECTIONS_MAX: u32 = 1_000;
/// Where there are more: groups, so that a flood of one message does not hide the others.
const GROUPS_MAX: u32 = 200;
/// Newest lines that one word finds.
const FOUND_MAX: u32 = 200;
/// Newest lines of the window among which the rare ones are looked for.
const NEWEST_MAX: u32 = 1_000;
/// Of these limits each of several sources gets its part, and at least this many.
const PART_MIN: u32 = 20;
/// Lines with one shape that are rare.
const RARE_LINES_MAX: usize = 2;
/// Of the lines that may be shown, the part that rare ones get at most: most of what is rare is harmless.
const RARE_PART: usize = 6;
/// Searches for words at most, over all sources.
const SEARCHES_MAX: usize = 64;
/// Reads of the store at the same time.
const READS_AT_ONCE: usize = 4;
/// Detections of one message up to which it is a rare one.
const FEW: usize = 3;

/// Chooses them.
pub(super) async fn choose(
    store: &dyn Store,
    question: &Question,
    options: &ContextOptions,
) -> Result<EvidenceInput, StoreError> {
    let reader = Reader { store, question };
    let words = question::words(&question.text);
    let detections = reader.detections().await?;
    let found = reader.found(&words).await?;
    let newest = reader.newest().await?;
    let texts: Vec<TextWords> = found.iter().map(|entry| TextWords::of(&entry.text)).collect();
    let words = Words::weighed(words, &texts);

    let mut lines = reader.rank_detections(detections, &words).await?;
    let ranked = found.iter().zip(&texts).filter_map(|(entry, text)| {
        let rank = words.share(text) * 100.0;
        (rank > 0.0).then(|| Evidence {
            line: line(entry),
            reason: EvidenceReason::Found,
            rank,
        })
    });
    lines.extend(ranked);
    lines.extend(rare(newest, (options.lines_max / RARE_PART).max(1)));
    Ok(EvidenceInput {
        lines,
        time_from: Some(question.time_from),
        time_until: Some(question.time_until),
        unread: 0,
    })
}

/// The words of a question with what each is worth: a word that finds few lines says more about them.
struct Words {
    weighed: Vec<(Word, f64)>,
    sum: f64,
}

impl Words {
    /// `texts` has what the words found. Those that found nothing are worth nothing.
    fn weighed(words: Vec<Word>, texts: &[TextWords]) -> Self {
        let hits = |word: &Word| texts.iter().filter(|text| word.is_in(text)).count();
        let weighed: Vec<(Word, f64)> = words
            .into_iter()
            .filter_map(|word| {
                let hits = hits(&word);
                // As the inverse document frequency of BM25, over the most that a word can find.
                let weight = (1.0 + f64::from(FOUND_MAX) / hits as f64).ln();
                (hits > 0).then_some((word, weight))
            })
            .collect();
        let sum = weighed.iter().map(|(_, weight)| weight).sum();
        Self { weighed, sum }
    }

    /// The part of the question, 0 to 1, that a text answers to.
    fn share(&self, text: &TextWords) -> f64 {
        if self.weighed.is_empty() {
            return 0.0;
        }
        let matched = self.weighed.iter().filter(|(word, _)| word.is_in(text));
        matched.map(|(_, weight)| weight).sum::<f64>() / self.sum
    }
}

fn time_of(detection: &Detection) -> Timestamp {
    detection.timestamp.unwrap_or(detection.detected_at)
}

struct Reader<'a> {
    store: &'a dyn Store,
    question: &'a Question,
}

impl Reader<'_> {
    /// The sources asked for, one by one; `None` is all of them.
    fn scopes(&self) -> Vec<Option<SourceId>> {
        let mut sources: Vec<_> = self.question.source_ids.iter().cloned().map(Some).collect();
        sources.sort_unstable();
        sources.dedup();
        if sources.is_empty() { vec![None] } else { sources }
    }

    /// The part of a limit that each source gets.
    fn part(&self, limit: u32) -> u32 {
        let sources = u32::try_from(self.scopes().len()).unwrap_or(u32::MAX);
        (limit / sources).max(PART_MIN.min(limit))
    }

    fn is_in_window(&self, time: Timestamp) -> bool {
        (self.question.time_from..self.question.time_until).contains(&time)
    }

    async fn each<T, F: Future<Output = Result<Vec<T>, StoreError>>>(
        &self,
        reads: Vec<F>,
    ) -> Result<Vec<Vec<T>>, StoreError> {
        futures::stream::iter(reads)
            .buffered(READS_AT_ONCE)
            .try_collect()
            .await
    }

    /// Open detections whose lines are in the window. They were made when it began or later, however late that was.
    async fn detections(&self) -> Result<Vec<Detection>, StoreError> {
        let (tenant, limit) = (&self.question.tenant, self.part(DETECTIONS_MAX));
        let mut reads = Vec::new();
        for source_id in self.scopes() {
            reads.push(async move {
                let filter = DetectionFilter {
                    unacknowledged: Some(true),
                    source_id: source_id.clone(),
                    detected_from: Some(self.question.time_from),
                    ..DetectionFilter::default()
                };
                let mut found = self.store.list_detections(tenant, &filter, None, limit).await?;
                if found.len() >= limit as usize {
                    let groups = GroupFilter {
                        unacknowledged: Some(true),
                        source_id,
                        seen_from: Some(self.question.time_from),
                        ..GroupFilter::default()
                    };
                    let groups = self
                        .store
                        .list_detection_groups(tenant, &groups, None, GROUPS_MAX)
                        .await?;
                    found.extend(groups.into_iter().map(|group| group.newest));
                }
                Ok(found)
            });
        }
        let mut seen = HashSet::new();
        let mut found: Vec<Detection> = self.each(reads).await?.into_iter().flatten().collect();
        found.retain(|detection| !detection.acknowledged && self.is_in_window(time_of(detection)));
        found.retain(|detection| seen.insert(detection.entry_id.clone()));
        Ok(found)
    }

    /// What each word finds, and what all of them together do.
    async fn found(&self, words: &[Word]) -> Result<Vec<Entry>, StoreError> {
        let scopes = self.scopes();
        let words_max = (SEARCHES_MAX / scopes.len()).max(1);
        let together: Vec<String> = words.iter().map(|word| word.query.to_string()).collect();
        let together = SearchQuery::parse(&together.join(" ")).ok();
        let queries: Vec<&SearchQuery> = together
            .iter()
            .filter(|_| words.len() > 1)
            .chain(words.iter().map(|word| &word.query))
            .take(words_max)
            .collect();
        let limit = self.part(FOUND_MAX);
        let mut reads = Vec::new();
        for query in queries {
            for source_id in &scopes {
                let search = EntrySearch {
                    query: Some(query.clone()),
                    ..self.window_of(source_id.clone())
                };
                reads.push(self.search(search, limit));
            }
        }
        let mut seen = HashSet::new();
        let mut found: Vec<Entry> = self.each(reads).await?.into_iter().flatten().collect();
        found.retain(|entry| seen.insert(entry.id.clone()));
        Ok(found)
    }

    /// The newest lines of the window.
    async fn newest(&self) -> Result<Vec<Entry>, StoreError> {
        let limit = self.part(NEWEST_MAX);
        let reads = self.scopes().into_iter();
        let reads = reads
            .map(|source_id| self.search(self.window_of(source_id), limit))
            .collect();
        Ok(self.each(reads).await?.into_iter().flatten().collect())
    }

    fn window_of(&self, source_id: Option<SourceId>) -> EntrySearch {
        EntrySearch {
            source_id,
            time_from: Some(self.question.time_from),
            time_until: Some(self.question.time_until),
            ..EntrySearch::default()
        }
    }

    async fn search(&self, search: EntrySearch, limit: u32) -> Result<Vec<Entry>, StoreError> {
        self.store
            .search_entries(&self.question.tenant, &search, None, limit)
            .await
    }

    /// Detections by severity; rare and new messages before others of the same, and those that the question is about before all.
    async fn rank_detections(
        &self,
        detections: Vec<Detection>,
        words: &Words,
    ) -> Result<Vec<Evidence>, StoreError> {
        let new = self.new_groups().await?;
        let mut counts: HashMap<(SourceId, Fingerprint), usize> = HashMap::new();
        let keys: Vec<_> = detections.iter().map(message_of).collect();
        for key in &keys {
            *counts.entry(key.clone()).or_default() += 1;
        }
        let ranked = detections.into_iter().zip(keys).map(|(detection, key)| {
            let severity = match detection.severity {
                Severity::Critical => 40.0,
                Severity::Error => 30.0,
                Severity::Warn => 20.0,
                Severity::Info | Severity::Debug => 10.0,
            };
            let few = if counts.get(&key).copied().unwrap_or(0) <= FEW {
                4.0
            } else {
                0.0
            };
            let group = GroupKey {
                tenant: detection.tenant.clone(),
                source_id: key.0,
                label: detection.label.clone(),
                fingerprint: key.1,
            };
            let new = if new.contains(&group) { 8.0 } else { 0.0 };
            let rank = severity
                + few
                + new
                + detection.score * 5.0
                + words.share(&TextWords::of(&detection.text)) * 100.0;
            Evidence {
                line: detection_line(detection),
                reason: EvidenceReason::Detection,
                rank,
            }
        });
        Ok(ranked.collect())
    }

    /// Groups that were not there before the window.
    async fn new_groups(&self) -> Result<HashSet<GroupKey>, StoreError> {
        let limit = self.part(GROUPS_MAX);
        let mut reads = Vec::new();
        for source_id in self.scopes() {
            reads.push(async move {
                let filter = GroupFilter {
                    unacknowledged: Some(true),
                    source_id,
                    first_seen_from: Some(self.question.time_from),
                    ..GroupFilter::default()
                };
                self.store
                    .list_detection_groups(&self.question.tenant, &filter, None, limit)
                    .await
            });
        }
        let groups = self.each(reads).await?.into_iter().flatten();
        Ok(groups.map(|group| group.key).collect())
    }
}

/// By what detections are of one message.
fn message_of(detection: &Detection) -> (SourceId, Fingerprint) {
    let fingerprint = detection
        .fingerprint
        .clone()
        .unwrap_or_else(|| fingerprint(&detection.text));
    (detection.source_id.clone(), fingerprint)
}

fn detection_line(detection: Detection) -> Line {
    Line {
        timestamp: time_of(&detection),
        entry_id: detection.entry_id,
        source_id: detection.source_id,
        text: detection.text,
        // What the line states of itself is not kept with a detection.
        severity: None,
        score: Some((detection.label, detection.score)),
    }
}

/// Lines whose shape hardly comes among those that were read; those that state a high severity first.
fn rare(newest: Vec<Entry>, lines_max: usize) -> Vec<Evidence> {
    let mut shapes: HashMap<(SourceId, String), Vec<Entry>> = HashMap::new();
    for entry in newest {
        let shape = (entry.source_id.clone(), template_of(&entry.text));
        shapes.entry(shape).or_default().push(entry);
    }
    let mut lines: Vec<Evidence> = shapes
        .into_values()
        .filter(|entries| entries.len() <= RARE_LINES_MAX)
        .flat_map(|entries| {
            let count = entries.len() as f64;
            entries.into_iter().map(move |entry| Evidence {
                line: line(&entry),
                reason: EvidenceReason::Rare,
                rank: stated(entry.severity) + 1.0 - count / 10.0,
            })
        })
        .collect();
    lines.sort_by(|one, other| {
        let newest_first =
            (other.line.timestamp, &other.line.entry_id).cmp(&(one.line.timestamp, &one.line.entry_id));
        other.rank.total_cmp(&one.rank).then(newest_first)
    });
    lines.truncate(lines_max);
    lines
}

/// What a severity that a line states is worth where nothing else is known of it.
fn stated(severity: Option<Severity>) -> f64 {
    match severity {
        Some(Severity::Critical) => 9.0,
        Some(Severity::Error) => 8.0,
        Some(Severity::Warn) => 6.0,
        None => 3.0,
        Some(Severity::Info) => 2.0,
        Some(Severity::Debug) => 1.0,
    }
}
