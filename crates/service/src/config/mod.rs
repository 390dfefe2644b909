//! The configuration: one TOML file for every service, each key of which a `TURNSTONE_…` variable can set too.
//! Unknown keys are errors. Defaults are here and nowhere else.

mod env;
mod explanations;
mod sections;

pub use env::{EnvironmentKey, environment_keys};
pub use explanations::{ExplainConfig, LlmConfig};
pub use sections::{
    AnomalyConfig, DatabaseConfig, HealthConfig, IngestConfig, LogFormat, NatsConfig, ScorerConfig,
    ServerConfig, TelemetryConfig,
};

use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use turnstone_gleaner::SourceConfig;
use turnstone_types::{LabelMap, LabelMeaning, TenantId};

/// Why a configuration is refused: what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read configuration file {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no TOML or has unknown or mistyped keys.
    #[error("configuration file {path}: {message}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What, with line and column.
        message: String,
    },
    /// A variable cannot be used.
    #[error("environment variable {variable}: {message}")]
    Environment {
        /// The variable.
        variable: String,
        /// What is wrong; never repeats the value of a secret.
        message: String,
    },
    /// A value makes no sense.
    #[error("configuration: {key}: {message}")]
    Invalid {
        /// The key, dotted.
        key: String,
        /// What is wrong and what to do.
        message: String,
    },
}

/// The whole configuration.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Folder of the embedded database and queue; empty is the program's default.
    pub data_dir: String,
    /// Tenant of sources that name none, and of commands; empty is the shared tenant.
    pub tenant: TenantId,
    /// Token that callers of the query service must present; needed wherever it listens beyond loopback.
    pub api_token: Secret,
    /// Where entries, scores and detections are kept.
    pub database: DatabaseConfig,
    /// The queue.
    pub nats: NatsConfig,
    /// The query service.
    pub server: ServerConfig,
    /// Gleaning and publishing.
    pub ingest: IngestConfig,
    /// The model.
    pub anomaly: AnomalyConfig,
    /// The scorer's work loop.
    pub scorer: ScorerConfig,
    /// The language model of explanations.
    pub llm: LlmConfig,
    /// What explanations rest on.
    pub explain: ExplainConfig,
    /// Logs, metrics and traces.
    pub telemetry: TelemetryConfig,
    /// Health of services without a port of their own.
    pub health: HealthConfig,
    /// What raw labels of the model mean, beyond the built-in rule.
    pub labels: BTreeMap<String, LabelMeaning>,
    /// Where lines come from.
    pub sources: Vec<SourceConfig>,
}

impl Config {
    /// Reads the file (none: defaults), lays the variables over it and checks the whole. Relative paths in the file are
    /// relative to the folder of the file.
    pub fn load(
        path: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut table = match path {
            None => toml::Table::new(),
            Some(path) => read_table(path)?,
        };
        env::overlay(&mut table, variables)?;
        let parse_error = |message: String| ConfigError::Parse {
            path: path.unwrap_or(Path::new("(none)")).to_owned(),
            message,
        };
        let mut config = Self::deserialize(table)
            .map_err(|error| parse_error(error.to_string().trim().replace('\n', " ")))?;
        if let Some(folder) = path.and_then(Path::parent) {
            config.resolve_paths(folder);
        }
        config.check()?;
        Ok(config)
    }

    /// The label map: the built-in rule with `[labels]` over it.
    pub fn label_map(&self) -> LabelMap {
        self.labels
            .iter()
            .map(|(raw_label, meaning)| (raw_label.clone(), meaning.clone()))
            .collect()
    }

    fn resolve_paths(&mut self, folder: &Path) {
        let resolve = |path: &mut String| {
            if !path.is_empty() && Path::new(path.as_str()).is_relative() {
                *path = folder.join(path.as_str()).to_string_lossy().into_owned();
            }
        };
        resolve(&mut self.data_dir);
        resolve(&mut self.nats.credentials_file);
        resolve(&mut self.llm.root_certificates);
        for source in &mut self.sources {
            source
                .paths
                .iter_mut()
                .chain(source.exclude.iter_mut())
                .for_each(resolve);
        }
        // A model may also be a name, which is no path; only something that lies there is one.
        if let Some(model) = &mut self.anomaly.model
            && !model.is_empty()
            && folder.join(&*model).is_dir()
        {
            *model = folder.join(&*model).to_string_lossy().into_owned();
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let invalid = |key: &str, message: String| {
            Err(ConfigError::Invalid {
                key: key.to_owned(),
                message,
            })
        };
        let mut seen = std::collections::BTreeSet::new();
        for source in &self.sources {
            if !seen.insert((source.tenant.clone(), source.source_id.clone())) {
                return invalid(
                    "sources",
                    format!(
                        "source_id {:?} is used twice; give each source its own",
                        source.source_id.as_str()
                    ),
                );
            }
        }
        if !(0.0..=1.0).contains(&self.anomaly.threshold) {
            return invalid(
                "anomaly.threshold",
                format!("{} is no probability; use 0 to 1", self.anomaly.threshold),
            );
        }
        let positive: [(&str, u64); 13] = [
            ("anomaly.batch", self.anomaly.batch.into()),
            ("database.connections_max", self.database.connections_max.into()),
            ("ingest.cycle_entries_max", self.ingest.cycle_entries_max.into()),
            ("ingest.cycle_bytes_max", self.ingest.cycle_bytes_max),
            ("ingest.cycle_interval_ms", self.ingest.cycle_interval_ms),
            ("ingest.poll_interval_ms", self.ingest.poll_interval_ms),
            (
                "ingest.score_deadline_seconds",
                self.ingest.score_deadline_seconds,
            ),
            (
                "ingest.sweep_interval_seconds",
                self.ingest.sweep_interval_seconds,
            ),
            ("nats.replicas", self.nats.replicas.into()),
            (
                "scorer.batches_in_flight_max",
                self.scorer.batches_in_flight_max.into(),
            ),
            ("scorer.deliveries_max", self.scorer.deliveries_max.into()),
            (
                "server.requests_in_flight_max",
                self.server.requests_in_flight_max.into(),
            ),
            ("server.explanations_max", self.server.explanations_max.into()),
        ];
        if let Some((key, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return invalid(key, "must be at least 1".into());
        }
        if self.scorer.ack_wait_seconds < 2 {
            return invalid(
                "scorer.ack_wait_seconds",
                "must be at least 2, so that work can be extended in time".into(),
            );
        }
        self.llm.check()?;
        self.explain.check()
    }
}

fn read_table(path: &Path) -> Result<toml::Table, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    // Checked as a whole first: only then do the messages for unknown keys have a line and a column.
    toml::from_str::<Config>(&text).map_err(|error| ConfigError::Parse {
        path: path.to_owned(),
        message: error.to_string().trim().to_owned(),
    })?;
    text.parse().map_err(|error: toml::de::Error| ConfigError::Parse {
        path: path.to_owned(),
        message: error.to_string(),
    })
}

#[cfg(test)]
mod tests;
