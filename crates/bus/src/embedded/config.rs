//! The configuration file of the child.

use std::fmt::Write;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Name of the configuration file in the store folder.
const FILE: &str = "nats-server.conf";
/// Where the child logs; it begins a new file at 4 MiB and keeps two old ones.
pub(super) const LOG_FILE: &str = "nats-server.log";

/// Writes the file, readable by this user alone since the token stands in it. `port` is `None` to let the server choose.
pub(super) fn write(store_dir: &Path, port: Option<u16>, token: &str) -> io::Result<PathBuf> {
    let text = text(store_dir, port, token)?;
    let path = store_dir.join(FILE);
    // Made anew, so that a file that somebody else made here with wider permissions is not written to.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    file.write_all(text.as_bytes())?;
    Ok(path)
}

fn text(store_dir: &Path, port: Option<u16>, token: &str) -> io::Result<String> {
    let mut text = String::new();
    let port = port.map_or(-1, i32::from);
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        r"# Written at every start; changes are lost.
server_name: turnstone-embedded
host: 127.0.0.1
port: {port}
ports_file_dir: {folder}
authorization {{ token: {token} }}
log_file: {log_file}
log_size_limit: 4MB
log_max_num: 3
jetstream {{
  store_dir: {folder}
  # The server acks before it has synced unless told otherwise, and a single node has no copy to fall back on.
  sync_interval: always
  # All our streams are on disk.
  max_memory_store: 16MB
}}
",
        folder = quoted(store_dir)?,
        token = quoted(Path::new(token))?,
        log_file = quoted(&store_dir.join(LOG_FILE))?,
    );
    Ok(text)
}

/// A path as a string of the configuration language. Inside quotes only `\` and `"` have a meaning; paths with control
/// characters or that are not UTF-8 are refused rather than guessed at.
fn quoted(path: &Path) -> io::Result<String> {
    let text = path
        .to_str()
        .filter(|text| !text.chars().any(char::is_control))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("the path {path:?} cannot stand in the configuration of nats-server"),
            )
        })?;
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_cannot_break_out_of_their_quotes() {
        assert_eq!(
            quoted(Path::new("/a b/\"x\"\\")).expect("valid"),
            r#""/a b/\"x\"\\""#
        );
        assert!(quoted(Path::new("/a\nport: 1")).is_err());
    }

    #[test]
    fn the_file_is_for_this_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("temporary folder");
        std::fs::write(folder.path().join(FILE), "old").expect("written");
        let path = write(folder.path(), Some(4222), "secret").expect("written");
        assert_eq!(
            path.metadata().expect("there").permissions().mode() & 0o777,
            0o600
        );
        assert!(
            std::fs::read_to_string(path)
                .expect("readable")
                .contains("port: 4222")
        );
    }
}
