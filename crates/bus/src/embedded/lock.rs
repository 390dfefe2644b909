//! The store folder and the lock that keeps two servers out of it: JetStream itself does not look.

use super::EmbeddedError;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

const FILE: &str = "embedded.lock";
/// A server whose parent was killed takes a moment to go.
const PATIENCE: Duration = Duration::from_secs(2);

/// Makes the folder for this user alone and returns its full path.
pub(super) fn make_private_folder(store_dir: &Path) -> Result<PathBuf, EmbeddedError> {
    let failed = |source| EmbeddedError::Io {
        what: format!("make the folder {}", store_dir.display()),
        source,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(store_dir)
        .map_err(failed)?;
    store_dir.canonicalize().map_err(failed)
}

/// Takes the lock. It belongs to the open file, which the child inherits: it is free only when this process *and* the child
/// are gone, so that a new server never meets an old one that is still writing.
pub(super) async fn acquire(store_dir: &Path) -> Result<File, EmbeddedError> {
    let path = store_dir.join(FILE);
    let failed = |source| EmbeddedError::Io {
        what: format!("lock {}", path.display()),
        source,
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(source)) => return Err(failed(source)),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                let mut holder = String::new();
                // The holder is named for people; without it the message is still true.
                let _ = file.read_to_string(&mut holder);
                let holder = holder
                    .trim()
                    .parse::<u32>()
                    .map_or_else(|_| "unknown".to_owned(), |pid| pid.to_string());
                return Err(EmbeddedError::InUse {
                    store_dir: store_dir.to_path_buf(),
                    holder,
                });
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    file.set_len(0).map_err(failed)?;
    file.rewind().map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}
