//! What is asked: each question of the web page, the command line and the explanations, and those that are hard on an index. Each round
//! asks with another value where the question has one.

mod facts;
mod groups;
mod lists;
mod searches;

use super::corpus::{COMMON_WORD, Corpus, RARE_WORD, SECOND_SCORER, USUAL_WORD};
use super::measure::Asked;
use super::zipf::Mixer;
use std::sync::Arc;
use std::time::Duration;
use turnstone_store::{
    ContextRequest, DetectionFilter, DetectionKey, EntryKey, EntrySearch, ExplanationKey, GroupFilter,
    SearchQuery, Store, TimelineRequest,
};
use turnstone_types::{
    Detection, DetectionId, EntryId, Fingerprint, Label, Severity, SourceId, TenantId, Timestamp, Verdict,
};

/// Rows of a page.
pub const PAGE: u32 = 100;
const LIST_AIM: Duration = Duration::from_millis(20);
const STATS_AIM: Duration = Duration::from_millis(100);

/// A question and how long it may take.
pub struct Case {
    /// What kind of question.
    pub kind: &'static str,
    pub name: String,
    /// What 99 of 100 answers are to stay under.
    pub aim: Duration,
    ask: Box<dyn Fn(u64) -> Asked<'static> + Send + Sync>,
}

impl Case {
    /// Asks once.
    pub fn ask(&self, round: u64) -> Asked<'static> {
        (self.ask)(round)
    }
}

/// What questions are asked about.
pub struct World {
    pub store: Arc<dyn Store>,
    pub tenant: TenantId,
    pub corpus: Arc<Corpus>,
    /// Detections from everywhere in the log.
    pub detections: Vec<Detection>,
}

impl World {
    /// Looks at the database for things to ask about.
    pub async fn look(
        store: Arc<dyn Store>,
        tenant: TenantId,
        corpus: Arc<Corpus>,
    ) -> anyhow::Result<Arc<Self>> {
        let mut detections = Vec::new();
        for part in 1..=64 {
            let filter = DetectionFilter {
                detected_until: Some(corpus.instant(f64::from(part) / 64.0)),
                ..DetectionFilter::default()
            };
            detections.extend(store.list_detections(&tenant, &filter, None, 4).await?);
        }
        anyhow::ensure!(
            !detections.is_empty(),
            "the database has no detections to ask about; give --detections"
        );
        let world = Self {
            store,
            tenant,
            corpus,
            detections,
        };
        world.keep_explanations().await?;
        Ok(Arc::new(world))
    }

    async fn keep_explanations(&self) -> anyhow::Result<()> {
        for detection in &self.detections {
            let kept = turnstone_store::StoredExplanation {
                body: "{}".into(),
                created_at: self.corpus.end(),
            };
            let key = explanation_key(&detection.entry_id);
            self.store.put_explanation(&self.tenant, &key, &kept).await?;
        }
        Ok(())
    }

    fn detection(&self, round: u64) -> &Detection {
        &self.detections[(round as usize * 37) % self.detections.len()]
    }

    /// An instant somewhere in the log.
    fn instant(&self, round: u64) -> Timestamp {
        self.corpus.instant(Mixer::new(5, round).share())
    }
}

fn explanation_key(entry_id: &EntryId) -> ExplanationKey {
    ExplanationKey {
        entry_id: entry_id.clone(),
        model: "bench".into(),
        prompt_version: 1,
        context_hash: "bench".into(),
    }
}

fn label(round: u64) -> Option<Label> {
    const LABELS: [&str; 5] = [
        "NETWORK_ANOMALY",
        "PERFORMANCE_ISSUE",
        "SECURITY_ANOMALY",
        "CONFIG_ERROR",
        "SYSTEM_FAILURE",
    ];
    Some(Label::new(LABELS[round as usize % LABELS.len()]))
}

fn source(round: u64) -> Option<SourceId> {
    const SOURCES: [&str; 6] = ["gateway", "checkout", "kernel", "sshd", "dns", "mail"];
    SourceId::new(SOURCES[round as usize % SOURCES.len()]).ok()
}

fn severity(round: u64) -> Option<Severity> {
    Some([Severity::Critical, Severity::Error, Severity::Warn][round as usize % 3])
}

fn verdict(round: u64) -> Option<Verdict> {
    Some(Verdict::ALL[round as usize % 3])
}

fn hardware() -> Option<Label> {
    Some(Label::new("HARDWARE_ISSUE"))
}

/// Questions with the same aim.
struct Cases {
    world: Arc<World>,
    cases: Vec<Case>,
}

impl Cases {
    fn add<F>(
        &mut self,
        kind: &'static str,
        name: &str,
        aim: Duration,
        ask: impl Fn(Arc<World>, u64) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = anyhow::Result<usize>> + Send + 'static,
    {
        let world = Arc::clone(&self.world);
        self.cases.push(Case {
            kind,
            name: name.to_owned(),
            aim,
            ask: Box::new(move |round| {
                let asked = ask(Arc::clone(&world), round);
                Box::pin(async move { Ok(asked.await? as u64) })
            }),
        });
    }

    fn list(&mut self, name: &str, filter: impl Fn(&World, u64) -> DetectionFilter + Send + Sync + 'static) {
        self.list_from(name, filter, |_, _| None);
    }

    fn list_from(
        &mut self,
        name: &str,
        filter: impl Fn(&World, u64) -> DetectionFilter + Send + Sync + 'static,
        after: impl Fn(&World, u64) -> Option<DetectionKey> + Send + Sync + 'static,
    ) {
        self.add("list", name, LIST_AIM, move |world, round| {
            let (filter, after) = (filter(&world, round), after(&world, round));
            async move {
                let found = world
                    .store
                    .list_detections(&world.tenant, &filter, after.as_ref(), PAGE)
                    .await?;
                Ok(found.len())
            }
        });
    }

    fn groups(
        &mut self,
        name: &str,
        filter: impl Fn(&World, u64) -> GroupFilter + Send + Sync + 'static,
        after: impl Fn(&World, u64) -> Option<DetectionKey> + Send + Sync + 'static,
    ) {
        self.add("groups", name, STATS_AIM, move |world, round| {
            let (filter, after) = (filter(&world, round), after(&world, round));
            async move {
                let found = world
                    .store
                    .list_detection_groups(&world.tenant, &filter, after.as_ref(), PAGE)
                    .await?;
                Ok(found.len())
            }
        });
    }

    fn search(
        &mut self,
        name: &str,
        query: impl Fn(&World, u64) -> Option<String> + Send + Sync + 'static,
        search: impl Fn(&World, u64) -> EntrySearch + Send + Sync + 'static,
        after: impl Fn(&World, u64) -> Option<EntryKey> + Send + Sync + 'static,
    ) {
        self.add("search", name, STATS_AIM, move |world, round| {
            let (query, after) = (query(&world, round), after(&world, round));
            let mut search = search(&world, round);
            async move {
                search.query = query.map(|query| SearchQuery::parse(&query)).transpose()?;
                let found = world
                    .store
                    .search_entries(&world.tenant, &search, after.as_ref(), PAGE)
                    .await?;
                Ok(found.len())
            }
        });
    }
}

/// All questions that only read.
pub fn reads(world: &Arc<World>) -> Vec<Case> {
    let mut cases = Cases {
        world: Arc::clone(world),
        cases: Vec::new(),
    };
    lists::add(&mut cases);
    groups::add(&mut cases);
    searches::add(&mut cases);
    facts::add(&mut cases);
    cases.cases
}

/// The questions asked again right after many detections changed.
pub fn after_a_change(world: &Arc<World>) -> Vec<Case> {
    let mut cases = Cases {
        world: Arc::clone(world),
        cases: Vec::new(),
    };
    cases.list("newest, right after", |_, _| DetectionFilter::default());
    cases.list("unacknowledged, right after", |_, _| {
        open(DetectionFilter::default())
    });
    cases.groups("open groups, right after", |_, _| open_groups(), |_, _| None);
    cases.cases
}

fn open(filter: DetectionFilter) -> DetectionFilter {
    DetectionFilter {
        unacknowledged: Some(true),
        ..filter
    }
}

fn open_groups() -> GroupFilter {
    GroupFilter {
        unacknowledged: Some(true),
        ..GroupFilter::default()
    }
}

fn query(text: &str) -> Option<SearchQuery> {
    SearchQuery::parse(text).ok()
}

/// A place somewhere in a list.
fn deep(world: &World, round: u64) -> Option<DetectionKey> {
    Some(DetectionKey {
        detected_at: world.instant(round),
        id: DetectionId::new("m").ok()?,
    })
}

fn some_fingerprint(world: &World, round: u64) -> Option<Fingerprint> {
    world.detection(round).fingerprint.clone()
}
