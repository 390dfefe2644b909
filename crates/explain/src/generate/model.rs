//! One generation with a model: asks, asks once more with fewer lines where they did not fit, and turns the answer into frames.

use crate::answer::{Answer, AnswerParser};
use crate::context::{Context, ContextInput, ContextOptions, EvidenceInput, token_estimate};
use crate::flight::FrameSender;
use crate::frame::{ContextFrame, DoneFrame, ErrorFrame, Frame, TokenFrame};
use crate::llm::{AnswerEnd, AnswerStream, FinishReason, LlmClient, LlmError, LlmErrorKind};
use crate::prompt::{self, DEFAULT_DIAGNOSE_QUERY, Message, QUESTION_CHARS_MAX};
use std::sync::Arc;
use std::time::Instant;
use turnstone_types::truncate_chars;

/// What is asked.
#[derive(Debug, Clone)]
pub(super) enum Task {
    Explain(ContextInput),
    Diagnose { question: String, input: EvidenceInput },
}

impl Task {
    /// The question as it was put; empty for an explanation.
    pub(super) fn question(&self) -> &str {
        match self {
            Self::Explain(_) => "",
            Self::Diagnose { question, .. } => question,
        }
    }

    /// Takes the room that a question of one's own needs from the lines.
    pub(super) fn with_room_for_question(&self, mut options: ContextOptions) -> ContextOptions {
        let question = truncate_chars(self.question(), QUESTION_CHARS_MAX);
        let more = token_estimate(question).saturating_sub(token_estimate(DEFAULT_DIAGNOSE_QUERY));
        options.tokens_max = options.tokens_max.saturating_sub(more);
        options
    }

    pub(super) fn context(&self, options: &ContextOptions) -> Context {
        match self {
            Self::Explain(input) => Context::around(input, options),
            Self::Diagnose { input, .. } => Context::of_evidence(input, options),
        }
    }

    /// What the model is told. The question is redacted like the lines, so this changes the context's report.
    fn messages(&self, context: &mut Context) -> Vec<Message> {
        match self {
            Self::Explain(_) => prompt::explain(context),
            Self::Diagnose { question, .. } => {
                let question = context.redact(question);
                prompt::diagnose(&question, context)
            }
        }
    }
}

/// A finished answer.
#[derive(Debug)]
pub(super) struct Explanation {
    pub(super) context: ContextFrame,
    pub(super) done: DoneFrame,
    /// Whether it is worth keeping: not when a provider's filter ended it. One that reached its limit of tokens is: asked
    /// again it would end there again.
    pub(super) is_complete: bool,
}

/// All that a generation needs.
pub(super) struct Generation {
    pub(super) llm: Arc<LlmClient>,
    pub(super) task: Task,
    /// The lines, chosen before, since their hash finds a kept answer.
    pub(super) context: Context,
    pub(super) options: ContextOptions,
    pub(super) asked: Instant,
}

impl Generation {
    /// Sends all frames but the last, which is left to the caller; or the error, and returns `None`.
    pub(super) async fn run(self, frames: &FrameSender) -> Option<Explanation> {
        match self.generate(frames).await {
            Ok(explanation) => Some(explanation),
            Err(error) => {
                tracing::warn!(reason = error.reason, "no explanation");
                frames.send(Frame::Error(error));
                None
            }
        }
    }

    async fn generate(mut self, frames: &FrameSender) -> Result<Explanation, ErrorFrame> {
        if self.options.tokens_max == 0 {
            let options = self.llm.options();
            let reason = format!(
                "the model's context of {} tokens has no room for log lines beside an answer of {}: use a larger model, or allow shorter answers",
                options.context_tokens, options.max_tokens
            );
            return Err(ErrorFrame {
                reason,
                retryable: false,
            });
        }
        let (context, answer) = self.ask(frames).await.map_err(|error| error_frame(&error))?;
        self.read(context, answer, frames)
            .await
            .map_err(|error| error_frame(&error))
    }

    /// Asks; where the question is too long for the server, once more with fewer lines.
    async fn ask(&mut self, frames: &FrameSender) -> Result<(ContextFrame, AnswerStream), LlmError> {
        let messages = self.task.messages(&mut self.context);
        let context = self.context.frame();
        frames.send(Frame::Context(context.clone()));
        let error = match self.llm.ask(&messages).await {
            Ok(answer) => return Ok((context, answer)),
            Err(error) => error,
        };
        let LlmErrorKind::ContextTooLong {
            context_tokens,
            prompt_tokens,
        } = error.kind()
        else {
            return Err(error);
        };
        let before: usize = messages
            .iter()
            .map(|message| token_estimate(&message.content))
            .sum();
        let Some(tokens_max) = self.lowered(before, context_tokens, prompt_tokens) else {
            return Err(error);
        };
        tracing::info!(
            tokens_max,
            "the question did not fit into the model; asking with fewer lines"
        );
        let options = ContextOptions {
            tokens_max,
            ..self.options.clone()
        };
        self.context = self.task.context(&options);
        let messages = self.task.messages(&mut self.context);
        let context = self.context.frame();
        frames.send(Frame::Context(context.clone()));
        Ok((context, self.llm.ask(&messages).await?))
    }

    /// Tokens for lines in a second attempt, by our estimate. `estimated` is that of the first question as a whole; where the
    /// server counted it, its count shows how wrong the estimate was.
    fn lowered(
        &self,
        estimated: usize,
        context_tokens: Option<u32>,
        prompt_tokens: Option<u32>,
    ) -> Option<usize> {
        let options = self.llm.options();
        let room = context_tokens
            .unwrap_or(options.context_tokens / 2)
            .min(options.context_tokens) as usize;
        let mut tokens_max =
            prompt::lines_tokens_max(room, options.max_tokens as usize).min(self.options.tokens_max);
        match prompt_tokens {
            Some(counted) if counted as usize > estimated => {
                tokens_max = tokens_max * estimated / (counted as usize);
            }
            Some(_) => {}
            None => tokens_max = tokens_max.min(self.options.tokens_max / 2),
        }
        (tokens_max > 0).then_some(tokens_max)
    }

    async fn read(
        &self,
        context: ContextFrame,
        mut stream: AnswerStream,
        frames: &FrameSender,
    ) -> Result<Explanation, LlmError> {
        let mut parser = AnswerParser::new(&context);
        while let Some(text) = stream.next().await? {
            let citations = parser.push(&text);
            frames.send(Frame::Token(TokenFrame { text }));
            citations
                .into_iter()
                .for_each(|citation| frames.send(Frame::Citation(citation)));
        }
        let (citations, mut answer) = parser.finish();
        citations
            .into_iter()
            .for_each(|citation| frames.send(Frame::Citation(citation)));
        let end = stream.end();
        say_how_it_ended(&mut answer, end, self.llm.options().max_tokens);
        let model = Some(self.llm.model().to_owned());
        let done = answer.into_done(
            model,
            self.asked.elapsed().as_secs_f64(),
            end.answer_tokens.unwrap_or(0),
        );
        Ok(Explanation {
            context,
            done,
            is_complete: end.finish != FinishReason::Filtered,
        })
    }
}

/// Tells readers of an answer that stops in the middle why it does.
fn say_how_it_ended(answer: &mut Answer, end: AnswerEnd, max_tokens: u32) {
    let note = match end.finish {
        FinishReason::Length => format!("(The answer was cut at its limit of {max_tokens} tokens.)"),
        FinishReason::Filtered => "(The provider's filter stopped the answer here.)".to_owned(),
        FinishReason::Stop | FinishReason::Other => return,
    };
    let sections = [
        &mut answer.next_steps,
        &mut answer.evidence,
        &mut answer.likely_cause,
        &mut answer.what_happened,
    ];
    if let Some(last) = sections.into_iter().find(|section| !section.trim().is_empty()) {
        last.push_str("\n\n");
        last.push_str(&note);
    }
}

fn error_frame(error: &LlmError) -> ErrorFrame {
    ErrorFrame {
        reason: error.to_string(),
        retryable: error.is_retryable(),
    }
}
