//! From a question to its frames: kept answers first, then one shared generation, with a model where there is one. Decides
//! when what is asked and kept; how lines are chosen, redacted and worded is for the other modules.

mod model;
mod without_model;

#[cfg(test)]
mod tests;

use crate::answer::AnswerParser;
use crate::context::{ContextInput, ContextOptions, EvidenceInput};
use crate::flight::{FlightOptions, Flights, FrameId, FrameReader};
use crate::frame::{ContextFrame, DoneFrame, Frame};
use crate::llm::LlmClient;
use crate::prompt::{self, PROMPT_VERSION};
use crate::summary::Facts;
use crate::traits::{ExplanationCache, ExplanationKey, StoredExplanation};
use model::{Generation, Task};
use std::sync::Arc;
use std::time::Instant;
use turnstone_types::{EntryId, TenantId};

/// How explanations are made.
#[derive(Debug, Clone, Default)]
pub struct ExplainerOptions {
    /// Limits of what a model is given. Its tokens are lowered further to what fits into the model.
    pub context: ContextOptions,
    /// How long generations are kept for those who come back, and how many may run.
    pub flights: FlightOptions,
}

/// An entry to explain.
#[derive(Debug, Clone)]
pub struct ExplainRequest {
    /// For whom; decides whose kept answers and whose running generation are shared.
    pub tenant: TenantId,
    /// The entry with what was read around it.
    pub input: ContextInput,
    /// What was counted in the store. Only looked at where [`Explainer::needs_facts`] says so.
    pub facts: Facts,
    /// Whether a kept answer is passed over. A generation that already runs is joined all the same.
    pub refresh: bool,
}

/// A question about lines that the caller found for it.
#[derive(Debug, Clone)]
pub struct DiagnoseRequest {
    /// For whom.
    pub tenant: TenantId,
    /// What is asked; empty for [`prompt::DEFAULT_DIAGNOSE_QUERY`].
    pub question: String,
    /// The lines found.
    pub input: EvidenceInput,
}

/// Makes explanations. Clones share generations and kept answers.
#[derive(Clone)]
pub struct Explainer {
    llm: Option<Arc<LlmClient>>,
    cache: Option<Arc<dyn ExplanationCache>>,
    flights: Flights<FlightKey>,
    context: ContextOptions,
}

/// What is generated once at a time. Model and prompt version are those of the one [`Explainer`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct FlightKey {
    tenant: TenantId,
    subject: Subject,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Subject {
    Entry(EntryId),
    /// A question, by the hash of all that the model is given with it.
    Question(String),
}

impl Explainer {
    /// Without `llm`, summaries are made that need none. Without `cache`, every question is asked anew.
    pub fn new(
        llm: Option<LlmClient>,
        cache: Option<Arc<dyn ExplanationCache>>,
        options: ExplainerOptions,
    ) -> Self {
        let llm = llm.map(Arc::new);
        Self {
            llm,
            cache,
            flights: Flights::new(options.flights),
            context: options.context,
        }
    }

    /// Name of the model that answers, where there is one.
    pub fn model(&self) -> Option<&str> {
        self.llm.as_deref().map(LlmClient::model)
    }

    /// Whether [`ExplainRequest::facts`] are used. Counting them costs the caller queries.
    pub fn needs_facts(&self) -> bool {
        self.llm.is_none()
    }

    /// Limits of what an answer rests on, before they are lowered to what fits into the model: so much is worth reading.
    pub fn context_options(&self) -> &ContextOptions {
        &self.context
    }

    /// How many generations run.
    pub fn running_count(&self) -> usize {
        self.flights.running_count()
    }

    /// Goes on behind a frame of an entry's explanation that was read before. `None` where its generation is gone: then
    /// [`Self::explain`] begins again, with a context frame.
    pub fn resume(&self, tenant: &TenantId, entry_id: &EntryId, after: FrameId) -> Option<FrameReader> {
        self.flights.resume(&entry_key(tenant, entry_id), after)
    }

    /// Joins the explanation of an entry that is being written, if one is. Saves the caller from reading the lines.
    pub fn join_running(&self, tenant: &TenantId, entry_id: &EntryId) -> Option<FrameReader> {
        self.flights.join_running(&entry_key(tenant, entry_id))
    }

    /// Explains an entry. The frames end with done or error; the generation is shared with all who ask meanwhile, and given
    /// up when none of them is left. Needs a tokio runtime.
    pub async fn explain(&self, request: ExplainRequest) -> FrameReader {
        let asked = Instant::now();
        let Some(llm) = &self.llm else {
            return without_model::explain(&request, &self.context, asked);
        };
        let flight_key = entry_key(&request.tenant, &request.input.entry.entry_id);
        if let Some(running) = self.flights.join_running(&flight_key) {
            return running;
        }
        let entry_id = request.input.entry.entry_id.clone();
        let (task, options) = (Task::Explain(request.input), self.options_of(llm));
        let context = task.context(&options);
        let cache_key = self.cache.is_some().then(|| ExplanationKey {
            tenant: request.tenant,
            entry_id,
            model: llm.model().to_owned(),
            prompt_version: PROMPT_VERSION,
            context_hash: context.hash(""),
        });
        if !request.refresh
            && let Some(kept) = self.kept(cache_key.as_ref()).await
        {
            return FrameReader::of_frames(kept_frames(kept));
        }
        let generation = Generation {
            llm: llm.clone(),
            task,
            context,
            options,
            asked,
        };
        let (this, refresh) = (self.clone(), request.refresh);
        self.flights.join(flight_key, |frames| async move {
            // Another generation may have ended between the look above and this start.
            let kept = if refresh {
                None
            } else {
                this.kept(cache_key.as_ref()).await
            };
            if let Some(kept) = kept {
                kept_frames(kept).into_iter().for_each(|frame| frames.send(frame));
                return;
            }
            if let Some(explanation) = generation.run(&frames).await {
                this.keep(cache_key.as_ref(), &explanation).await;
                frames.send(Frame::Done(explanation.done));
            }
        })
    }

    /// Answers a question from the lines found for it. Where none was found, says so without asking a model. The same
    /// question with the same lines is asked once at a time; its answer is not kept.
    pub fn diagnose(&self, request: DiagnoseRequest) -> FrameReader {
        let asked = Instant::now();
        let llm = match &self.llm {
            Some(llm) if !request.input.lines.is_empty() => llm,
            _ => return without_model::diagnose(&request, &self.context, asked),
        };
        let task = Task::Diagnose {
            question: request.question,
            input: request.input,
        };
        let options = task.with_room_for_question(self.options_of(llm));
        let context = task.context(&options);
        let subject = Subject::Question(context.hash(task.question()));
        let generation = Generation {
            llm: llm.clone(),
            task,
            context,
            options,
            asked,
        };
        self.flights.join(
            FlightKey {
                tenant: request.tenant,
                subject,
            },
            |frames| async move {
                if let Some(explanation) = generation.run(&frames).await {
                    frames.send(Frame::Done(explanation.done));
                }
            },
        )
    }

    /// Limits of the context, lowered to what fits into the model.
    fn options_of(&self, llm: &LlmClient) -> ContextOptions {
        let llm = llm.options();
        let fitting = prompt::lines_tokens_max(llm.context_tokens as usize, llm.max_tokens as usize);
        ContextOptions {
            tokens_max: self.context.tokens_max.min(fitting),
            ..self.context.clone()
        }
    }

    async fn kept(&self, key: Option<&ExplanationKey>) -> Option<StoredExplanation> {
        let (cache, key) = (self.cache.as_ref()?, key?);
        cache.get(key).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "kept explanations cannot be read, so the model is asked");
            None
        })
    }

    async fn keep(&self, key: Option<&ExplanationKey>, explanation: &model::Explanation) {
        let (Some(cache), Some(key)) = (&self.cache, key) else {
            return;
        };
        if !explanation.is_complete {
            return;
        }
        let stored = StoredExplanation {
            context: explanation.context.clone(),
            done: explanation.done.clone(),
        };
        if let Err(error) = cache.put(key, &stored).await {
            tracing::warn!(%error, "an explanation could not be kept; it will be asked again");
        }
    }
}

impl std::fmt::Debug for Explainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Explainer")
            .field("llm", &self.llm)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

fn entry_key(tenant: &TenantId, entry_id: &EntryId) -> FlightKey {
    FlightKey {
        tenant: tenant.clone(),
        subject: Subject::Entry(entry_id.clone()),
    }
}

fn kept_frames(kept: StoredExplanation) -> Vec<Frame> {
    let StoredExplanation { context, mut done } = kept;
    done.cached = true;
    whole_frames(context, done)
}

/// The frames of an answer that is there as a whole: context, the lines it names, done.
fn whole_frames(context: ContextFrame, done: DoneFrame) -> Vec<Frame> {
    let mut parser = AnswerParser::new(&context);
    let mut citations = Vec::new();
    for section in [
        &done.what_happened,
        &done.likely_cause,
        &done.evidence,
        &done.next_steps,
    ] {
        citations.extend(parser.push(section));
        // Ends a reference at the end of a section.
        citations.extend(parser.push("\n"));
    }
    citations.extend(parser.finish().0);
    let mut frames = vec![Frame::Context(context)];
    frames.extend(citations.into_iter().map(Frame::Citation));
    frames.push(Frame::Done(done));
    frames
}
