//! Lays `TURNSTONE_…` variables over the table of the file: `TURNSTONE_<KEY>` for a top-level key and
//! `TURNSTONE_<SECTION>_<KEY>` for a key of a section, all upper case; arrays and tables as TOML.

use super::{Config, ConfigError};
use std::collections::BTreeMap;

/// Variables that other parts of the program or the tests read, and that are no configuration keys.
const OTHER_VARIABLES: [&str; 5] = [
    "TURNSTONE_CONFIG",
    "TURNSTONE_SERVER",
    "TURNSTONE_DB",
    "TURNSTONE_POSTGRES_BIN",
    "TURNSTONE_NATS_SERVER",
];

/// A key of the configuration that a variable can set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentKey {
    /// The variable, for example `TURNSTONE_DATABASE_URL`.
    pub variable: String,
    /// The key, for example `database.url`.
    pub path: Vec<String>,
}

/// Every variable that is understood, read off the defaults so that none can be forgotten.
pub fn environment_keys() -> Vec<EnvironmentKey> {
    default_values()
        .into_keys()
        .map(|path| EnvironmentKey {
            variable: variable_name(&path),
            path,
        })
        .collect()
}

fn variable_name(path: &[String]) -> String {
    format!("TURNSTONE_{}", path.join("_").to_uppercase())
}

/// The default of each key, which tells its type.
fn default_values() -> BTreeMap<Vec<String>, toml::Value> {
    // The defaults are plain data of ours: that they serialise is covered by a test.
    let table = toml::Table::try_from(Config::default()).unwrap_or_default();
    // The one key whose absence means something else than any value of it.
    let model = (
        vec!["anomaly".to_owned(), "model".to_owned()],
        toml::Value::String(String::new()),
    );
    let mut values = BTreeMap::from([model]);
    for (key, value) in table {
        match value {
            toml::Value::Table(section) if key != "labels" => {
                for (inner, value) in section {
                    values.insert(vec![key.clone(), inner], value);
                }
            }
            other => {
                values.insert(vec![key], other);
            }
        }
    }
    values
}

/// Sets in `table` what the variables say. Unknown ones are logged, not refused: container platforms inject variables
/// of their own under the names of services (`TURNSTONE_QUERY_PORT_7400_TCP`).
pub(super) fn overlay(
    table: &mut toml::Table,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<(), ConfigError> {
    let known: BTreeMap<String, (Vec<String>, toml::Value)> = default_values()
        .into_iter()
        .map(|(path, value)| (variable_name(&path), (path, value)))
        .collect();
    for (variable, text) in variables {
        if !variable.starts_with("TURNSTONE_") || OTHER_VARIABLES.contains(&variable.as_str()) {
            continue;
        }
        let Some((path, default)) = known.get(&variable) else {
            tracing::warn!(%variable, "unknown environment variable is passed over");
            continue;
        };
        let value = read_value(&text, default).map_err(|message| ConfigError::Environment {
            variable: variable.clone(),
            message,
        })?;
        match path.as_slice() {
            [section, key] => {
                let section = table
                    .entry(section.clone())
                    .or_insert_with(|| toml::Value::Table(toml::Table::new()));
                if let toml::Value::Table(section) = section {
                    section.insert(key.clone(), value);
                }
            }
            [key] => {
                table.insert(key.clone(), value);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads a variable as the type of the key's default.
fn read_value(text: &str, default: &toml::Value) -> Result<toml::Value, String> {
    let text_trimmed = text.trim();
    Ok(match default {
        toml::Value::String(_) => toml::Value::String(text.to_owned()),
        toml::Value::Integer(_) => toml::Value::Integer(
            text_trimmed
                .parse()
                .map_err(|_| format!("{text_trimmed:?} is no whole number"))?,
        ),
        toml::Value::Float(_) => toml::Value::Float(
            text_trimmed
                .parse()
                .map_err(|_| format!("{text_trimmed:?} is no number"))?,
        ),
        toml::Value::Boolean(_) => match text_trimmed {
            "true" | "1" | "yes" | "on" => toml::Value::Boolean(true),
            "false" | "0" | "no" | "off" => toml::Value::Boolean(false),
            other => return Err(format!("{other:?} is neither true nor false")),
        },
        _ => {
            let mut parsed: toml::Table = format!("value = {text_trimmed}")
                .parse()
                .map_err(|error: toml::de::Error| format!("no TOML value: {}", error.message()))?;
            parsed.remove("value").ok_or_else(|| "no TOML value".to_owned())?
        }
    })
}
