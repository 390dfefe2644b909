//! The command line of `turnstone why`.

use super::{Format, ModelChoice, Target};
use clap::Args;

#[derive(Args)]
pub struct Why {
    /// Id of an entry (`entry_id` of a detection)
    #[arg(value_name = "ENTRY_ID", required_unless_present = "text")]
    pub entry_id: Option<String>,
    /// Explain this line, with a model in this process: no server, nothing stored
    #[arg(
        long,
        value_name = "LINE",
        allow_hyphen_values = true,
        conflicts_with = "entry_id"
    )]
    pub text: Option<String>,
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub model: ModelChoice,
}
