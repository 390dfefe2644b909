//! The explainer as the shared configuration asks for it: the one place where one is built for a service.

use crate::explain::cache::StoreCache;
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use turnstone_explain::context::ContextOptions;
use turnstone_explain::flight::FlightOptions;
use turnstone_explain::generate::{Explainer, ExplainerOptions};
use turnstone_explain::llm::{LlmClient, LlmLimits, LlmOptions};
use turnstone_explain::prompt::lines_tokens_max;
use turnstone_explain::redaction::RedactionOptions;
use turnstone_service::Config;
use turnstone_store::Store;

/// Builds the explainer of a configuration, which keeps its answers in `store`. Connects to nothing. Fails, naming the key, when
/// the model cannot be asked so.
pub fn explainer(config: &Config, store: &Arc<dyn Store>) -> Result<Explainer, String> {
    let cache = Arc::new(StoreCache(Arc::clone(store)));
    let options = ExplainerOptions {
        context: context_options(config),
        flights: FlightOptions {
            running_max: config.llm.generations_max as usize,
            ..FlightOptions::default()
        },
    };
    Ok(Explainer::new(client(config)?, Some(cache), options))
}

fn context_options(config: &Config) -> ContextOptions {
    let explain = &config.explain;
    ContextOptions {
        window_seconds: explain.window_seconds,
        lines_max: explain.lines_max as usize,
        tokens_max: explain.tokens_max as usize,
        line_chars_max: explain.line_chars_max as usize,
        redaction: explain.redact_secrets.then_some(RedactionOptions {
            email_addresses: explain.redact_email,
            ip_addresses: explain.redact_ip,
        }),
    }
}

/// The model that a configuration names, if any.
pub(crate) fn client(config: &Config) -> Result<Option<LlmClient>, String> {
    let llm = &config.llm;
    if llm.address.is_empty() {
        return Ok(None);
    }
    if lines_tokens_max(llm.context_tokens as usize, llm.max_tokens as usize) == 0 {
        return Err(format!(
            "llm.context_tokens: {} leave no room for log lines beside an answer of llm.max_tokens = {}; take a larger model or allow shorter answers",
            llm.context_tokens, llm.max_tokens
        ));
    }
    let options = LlmOptions {
        api_key: llm.api_key.non_empty().map(SecretString::from),
        temperature: Some(llm.temperature as f32),
        max_tokens: llm.max_tokens,
        context_tokens: llm.context_tokens,
        root_certificates: (!llm.root_certificates.is_empty()).then(|| PathBuf::from(&llm.root_certificates)),
        limits: LlmLimits {
            connect: Duration::from_secs(llm.connect_seconds),
            first_token: Duration::from_secs(llm.first_token_seconds),
            between_tokens: Duration::from_secs(llm.between_tokens_seconds),
            whole: Duration::from_secs(llm.whole_seconds),
        },
        ..LlmOptions::new(&llm.address, &llm.model)
    };
    LlmClient::new(options)
        .map(Some)
        .map_err(|error| format!("llm.address, llm.api_key or llm.root_certificates: {error}"))
}
