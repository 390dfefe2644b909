//! `ExplanationService`: one entry, a question, and which words made a label.

use crate::explain::{ExplanationStream, Explanations, Question};
use crate::grpc::LabelApi;
use crate::grpc::request::{check_time_order, id, prose, tenant_of, time_span};
use futures::StreamExt;
use futures::stream::BoxStream;
use std::sync::Arc;
use std::time::Duration;
use tonic::{Request, Response, Status};
use turnstone_proto::invalid_field;
use turnstone_proto::v1::explanation_service_server::ExplanationService;
use turnstone_proto::v1::{
    DiagnoseRequest, ExplainEntryRequest, ExplainLabelRequest, ExplanationFrame, LabelExplanation,
};
use turnstone_types::{EntryId, SourceId, TenantId, Timestamp};

/// Longest question, in characters.
const QUESTION_CHARS_MAX: usize = 1_000;
const SOURCES_MAX: usize = 100;
/// What is looked at where the caller names no start.
const WINDOW_DEFAULT: Duration = Duration::from_secs(3_600);

/// The service.
#[derive(Clone)]
pub(crate) struct ExplanationApi {
    pub explanations: Arc<Explanations>,
    pub labels: LabelApi,
}

#[tonic::async_trait]
impl ExplanationService for ExplanationApi {
    type ExplainEntryStream = BoxStream<'static, Result<ExplanationFrame, Status>>;
    type DiagnoseStream = BoxStream<'static, Result<ExplanationFrame, Status>>;

    async fn explain_entry(
        &self,
        request: Request<ExplainEntryRequest>,
    ) -> Result<Response<Self::ExplainEntryStream>, Status> {
        let tenant = tenant_of(request.metadata())?;
        let request = request.get_ref();
        let entry_id = id("entry_id", &request.entry_id, EntryId::new)?;
        // What is no id of a frame cannot be resumed, and the answer begins again.
        let resume_after = request.resume_after.parse().ok();
        let explained = self
            .explanations
            .entry(tenant, entry_id, request.refresh, resume_after)
            .await?;
        Ok(answered(explained))
    }

    async fn diagnose(
        &self,
        request: Request<DiagnoseRequest>,
    ) -> Result<Response<Self::DiagnoseStream>, Status> {
        let tenant = tenant_of(request.metadata())?;
        let request = request.into_inner();
        let (from, until) = time_span(
            ("time_from", request.time_from.as_ref()),
            ("time_until", request.time_until.as_ref()),
        )?;
        let question = checked_question(
            tenant,
            request.query,
            (from, until),
            &request.source_ids,
            "source_ids",
        )?;
        Ok(answered(self.explanations.question(question).await?))
    }

    async fn explain_label(
        &self,
        request: Request<ExplainLabelRequest>,
    ) -> Result<Response<LabelExplanation>, Status> {
        self.labels.explain(request).await
    }
}

fn answered(stream: ExplanationStream) -> Response<BoxStream<'static, Result<ExplanationFrame, Status>>> {
    Response::new(stream.into_frames().map(Ok).boxed())
}

/// The end of the minute, so that all who ask the same within it look at the same time, and share one answer.
fn end_of_minute(now: Timestamp) -> Timestamp {
    let minutes = now.as_second().div_euclid(60) + 1;
    Timestamp::from_second(minutes * 60).unwrap_or(now)
}

/// Checks a question; `sources_field` is what the caller calls its sources.
pub(crate) fn checked_question(
    tenant: TenantId,
    text: String,
    (from, until): (Option<Timestamp>, Option<Timestamp>),
    sources: &[String],
    sources_field: &str,
) -> Result<Question, Status> {
    prose("query", &text, QUESTION_CHARS_MAX)?;
    if sources.len() > SOURCES_MAX {
        return Err(invalid_field(
            sources_field,
            format!("names {} sources, more than {SOURCES_MAX}", sources.len()),
        ));
    }
    let source_ids: Result<Vec<SourceId>, Status> = sources
        .iter()
        .enumerate()
        .map(|(index, source)| id(&format!("{sources_field}[{index}]"), source, SourceId::new))
        .collect();
    let time_until = until.unwrap_or_else(|| end_of_minute(Timestamp::now()));
    let time_from = from
        .or_else(|| time_until.checked_sub(WINDOW_DEFAULT).ok())
        .unwrap_or(Timestamp::MIN);
    // Also where only one of the two was given.
    check_time_order("time_from", Some(time_from), "time_until", Some(time_until))?;
    Ok(Question {
        tenant,
        text: text.trim().to_owned(),
        time_from,
        time_until,
        source_ids: source_ids?,
    })
}
