//! Finding the nats-server program.

use super::EmbeddedError;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const PROGRAM: &str = "nats-server";
const FETCHED_PROGRAM: &str = ".tools/nats/bin/nats-server";

/// The places where a nats-server usually lies, in the order in which they are tried: the folders of `search_path` (the value
/// of `PATH`), beside `executable`, and where `make setup` puts it, in each folder above `executable` and `current_folder`.
pub fn program_candidates(
    search_path: Option<&OsStr>,
    executable: Option<&Path>,
    current_folder: Option<&Path>,
) -> Vec<PathBuf> {
    let mut candidates: Vec<PathBuf> = search_path
        .into_iter()
        .flat_map(std::env::split_paths)
        // An empty or relative entry means the current folder, where anybody may have put a program.
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(PROGRAM))
        .collect();
    let executable_folder = executable.and_then(Path::parent);
    candidates.extend(executable_folder.map(|folder| folder.join(PROGRAM)));
    for folder in [executable_folder, current_folder].into_iter().flatten() {
        candidates.extend(folder.ancestors().map(|ancestor| ancestor.join(FETCHED_PROGRAM)));
    }
    let mut unique = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        if !unique.contains(&candidate) {
            unique.push(candidate);
        }
    }
    unique
}

/// The program to run: the named one, which must be there, or the first candidate that is.
pub(super) fn find(named: Option<&Path>, candidates: &[PathBuf]) -> Result<PathBuf, EmbeddedError> {
    let found = match named {
        Some(path) => Some(path).filter(|path| is_program(path)),
        None => candidates
            .iter()
            .map(PathBuf::as_path)
            .find(|path| is_program(path)),
    };
    found
        .map(Path::to_path_buf)
        .ok_or_else(|| EmbeddedError::NoProgram {
            looked_in: match named {
                Some(path) => path.display().to_string(),
                None if candidates.is_empty() => "no place at all, since none was given".to_owned(),
                None => candidates
                    .iter()
                    .map(|path| path.display().to_string())
                    .collect::<Vec<_>>()
                    .join(", "),
            },
        })
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_come_in_order_and_once() {
        let candidates = program_candidates(
            Some(OsStr::new("/usr/bin:.::/bin:/usr/bin")),
            Some(Path::new("/p/target/debug/turnstone")),
            Some(Path::new("/p")),
        );
        let shown: Vec<&str> = candidates.iter().filter_map(|path| path.to_str()).collect();
        assert_eq!(
            shown,
            [
                "/usr/bin/nats-server",
                "/bin/nats-server",
                "/p/target/debug/nats-server",
                "/p/target/debug/.tools/nats/bin/nats-server",
                "/p/target/.tools/nats/bin/nats-server",
                "/p/.tools/nats/bin/nats-server",
                "/.tools/nats/bin/nats-server",
            ]
        );
    }

    #[test]
    fn a_missing_program_names_the_places() {
        let error = find(None, &[PathBuf::from("/nowhere/nats-server")])
            .expect_err("missing")
            .to_string();
        assert!(
            error.contains("/nowhere/nats-server") && error.contains("make setup"),
            "{error}"
        );
        assert!(
            find(Some(Path::new("/etc/passwd")), &[]).is_err(),
            "not executable"
        );
    }
}
