//! The options of the service as the shared configuration gives them.

use crate::QueryOptions;
use turnstone_service::{ApiToken, Config};

impl QueryOptions {
    /// Reads the options off a configuration. Fails, saying why, when its API token cannot be one or its language model cannot be
    /// asked: before anything is opened, though the model is no option of the service itself.
    pub fn from_config(config: &Config) -> Result<Self, String> {
        let api_token = config
            .api_token
            .non_empty()
            .map(ApiToken::new)
            .transpose()
            .map_err(|reason| format!("api_token: {reason}"))?;
        crate::explain::client(config)?;
        Ok(Self {
            api_token,
            insecure_no_token_on_public_address: config.server.insecure_no_token_on_public_address,
            requests_in_flight_max: config.server.requests_in_flight_max as usize,
            watchers_max: config.server.watchers_max as usize,
            explanations_max: config.server.explanations_max as usize,
            ..Self::new(config.server.listen)
        })
    }
}
