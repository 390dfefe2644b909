//! `ExplanationService`: answers that this version has no explanations.

use futures::stream::BoxStream;
use tonic::{Request, Response, Status};
use turnstone_proto::ErrorCode;
use turnstone_proto::v1::explanation_service_server::ExplanationService;
use turnstone_proto::v1::{
    DiagnoseRequest, ExplainEntryRequest, ExplainLabelRequest, ExplanationFrame, LabelExplanation,
};

/// Named in reflection so that clients can be built now; the work comes with a later version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExplanationApi;

fn later(method: &str) -> Status {
    ErrorCode::Unimplemented.status(format!(
        "{method} comes with a later version of Turnstone; this one has no explanations"
    ))
}

#[tonic::async_trait]
impl ExplanationService for ExplanationApi {
    type ExplainEntryStream = BoxStream<'static, Result<ExplanationFrame, Status>>;
    type DiagnoseStream = BoxStream<'static, Result<ExplanationFrame, Status>>;

    async fn explain_entry(
        &self,
        _: Request<ExplainEntryRequest>,
    ) -> Result<Response<Self::ExplainEntryStream>, Status> {
        Err(later("ExplainEntry"))
    }

    async fn diagnose(&self, _: Request<DiagnoseRequest>) -> Result<Response<Self::DiagnoseStream>, Status> {
        Err(later("Diagnose"))
    }

    async fn explain_label(
        &self,
        _: Request<ExplainLabelRequest>,
    ) -> Result<Response<LabelExplanation>, Status> {
        Err(later("ExplainLabel"))
    }
}
