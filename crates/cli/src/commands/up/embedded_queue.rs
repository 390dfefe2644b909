//! How other commands of the same user reach the queue that `turnstone up` started: a file in the data folder that only this user
//! can read, since it holds the token of that queue.

use anyhow::Context;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use turnstone_service::Secret;

const FILE: &str = "queue.json";

/// Address and token of an embedded queue.
pub struct EmbeddedQueue {
    /// `nats://127.0.0.1:port`.
    pub address: String,
    /// What it asks for.
    pub token: Secret,
}

impl EmbeddedQueue {
    /// Leaves the note in the data folder.
    pub fn write(&self, data_dir: &Path) -> anyhow::Result<()> {
        let path = data_dir.join(FILE);
        // Written anew and put in place whole, so that nobody reads half of it or an older one with wider permissions.
        let draft = data_dir.join(format!("{FILE}.new"));
        let note = serde_json::json!({ "address": self.address, "token": self.token.expose() });
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(note.to_string().as_bytes())?;
        std::fs::rename(&draft, &path).with_context(|| format!("write {}", path.display()))
    }

    /// Reads the note of a data folder; `None` where nothing was started there. Whether it still runs shows on connecting.
    pub fn read(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = data_dir.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
        };
        let note: serde_json::Value =
            serde_json::from_str(&text).with_context(|| format!("read {}", path.display()))?;
        let field = |name: &str| {
            note[name]
                .as_str()
                .map(str::to_owned)
                .with_context(|| format!("{} lacks {name}", path.display()))
        };
        Ok(Some(Self {
            address: field("address")?,
            token: Secret::new(field("token")?),
        }))
    }
}
