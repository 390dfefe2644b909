//! Explanations for callers, whatever they speak: reads the store, has the explainer write, and hands out frames. Which lines an
//! entry or a question needs is for `entry`, `facts`, `question` and `evidence`.

mod cache;
mod entry;
mod evidence;
mod facts;
mod from_config;
mod question;
mod shape;
mod stream;
mod wire;

pub(crate) use from_config::client;
pub use from_config::explainer;
pub(crate) use stream::ExplanationStream;

use crate::explain::stream::Subject;
use crate::grpc::no_such_entry;
use crate::options::QueryOptions;
use crate::status::store_status;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use turnstone_explain::flight::{FrameId, FrameReader};
use turnstone_explain::generate::{DiagnoseRequest, ExplainRequest, Explainer};
use turnstone_explain::summary::Facts;
use turnstone_proto::ErrorCode;
use turnstone_store::Store;
use turnstone_types::{EntryId, SourceId, TenantId, Timestamp};

/// A question about what is stored.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// Whose lines.
    pub tenant: TenantId,
    /// What is asked; empty asks the default question.
    pub text: String,
    /// Start of the time that is looked at.
    pub time_from: Timestamp,
    /// Its end.
    pub time_until: Timestamp,
    /// All sources when empty.
    pub source_ids: Vec<SourceId>,
}

/// Answers callers. One for the process.
pub(crate) struct Explanations {
    store: Arc<dyn Store>,
    explainer: Explainer,
    places: Arc<Semaphore>,
    heartbeat_interval: Duration,
    stop: CancellationToken,
}

impl Explanations {
    pub fn new(
        store: Arc<dyn Store>,
        explainer: Explainer,
        options: &QueryOptions,
        stop: CancellationToken,
    ) -> Self {
        Self {
            store,
            explainer,
            places: Arc::new(Semaphore::new(
                options.explanations_max.min(Semaphore::MAX_PERMITS),
            )),
            heartbeat_interval: options.heartbeat_interval,
            stop,
        }
    }

    /// Explains an entry. `resume_after` is the last frame that the caller has read: where it cannot be resumed, the answer begins
    /// again, and without a new generation where one was finished meanwhile. NOT_FOUND where there is no such entry.
    pub async fn entry(
        &self,
        tenant: TenantId,
        entry_id: EntryId,
        refresh: bool,
        resume_after: Option<FrameId>,
    ) -> Result<ExplanationStream, Status> {
        let place = self.enter()?;
        if let Some(after) = resume_after
            && let Some(reader) = self.explainer.resume(&tenant, &entry_id, after)
        {
            let one_before = FrameId {
                number: after.number.saturating_sub(1),
                ..after
            };
            let again = || self.explainer.resume(&tenant, &entry_id, one_before);
            return Ok(self.stream(Subject::Entry, reader, place).resumed(again));
        }
        if let Some(reader) = self.explainer.join_running(&tenant, &entry_id) {
            return Ok(self.stream(Subject::Entry, reader, place));
        }
        let context = self.explainer.context_options();
        let read = entry::read(&*self.store, &tenant, &entry_id, context)
            .await
            .map_err(|error| store_status(&error))?
            .ok_or_else(|| no_such_entry(&entry_id))?;
        let facts = if self.explainer.needs_facts() {
            facts::read(&*self.store, &tenant, &read, context)
                .await
                .map_err(|error| store_status(&error))?
        } else {
            Facts::default()
        };
        let request = ExplainRequest {
            tenant,
            input: read.input,
            facts,
            // Whoever comes back has asked for a new one before, and does not want a second.
            refresh: refresh && resume_after.is_none(),
        };
        let reader = self.explainer.explain(request).await;
        Ok(self.stream(Subject::Entry, reader, place))
    }

    /// Answers a question.
    pub async fn question(&self, question: Question) -> Result<ExplanationStream, Status> {
        let place = self.enter()?;
        let input = evidence::choose(&*self.store, &question, self.explainer.context_options())
            .await
            .map_err(|error| store_status(&error))?;
        let reader = self.explainer.diagnose(DiagnoseRequest {
            tenant: question.tenant,
            question: question.text,
            input,
        });
        Ok(self.stream(Subject::Question, reader, place))
    }

    /// Takes a place among the streams, if there is one.
    fn enter(&self) -> Result<OwnedSemaphorePermit, Status> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            ErrorCode::Overloaded
                .status("too many explanations are being read at the same time; ask again in a while")
        })
    }

    fn stream(
        &self,
        subject: Subject,
        reader: FrameReader,
        place: OwnedSemaphorePermit,
    ) -> ExplanationStream {
        ExplanationStream::new(subject, reader, self.heartbeat_interval, self.stop.clone(), place)
    }
}
