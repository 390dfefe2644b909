//! Finds the programs under test and refuses those that are older than their sources.

use anyhow::Context;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use turnstone_testkit::{Program, ProgramBuilder};

/// Names a folder of programs to test instead of those that cargo built, for example an image's or a release's.
const FOLDER_VARIABLE: &str = "TURNSTONE_TEST_PROGRAMS";

/// The folder of the workspace.
pub fn workspace_root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// Begins the description of a child: one of the programs under test, run in the workspace's folder.
pub fn program(name: &str) -> anyhow::Result<ProgramBuilder> {
    let path = match std::env::var_os(FOLDER_VARIABLE) {
        Some(folder) => PathBuf::from(folder).join(name),
        None => built(name)?,
    };
    anyhow::ensure!(
        path.is_file(),
        "{} is not there; run `cargo build --workspace --bins` first",
        path.display()
    );
    Ok(Program::new(path).current_dir(workspace_root()))
}

/// Begins a `turnstone` command.
pub fn turnstone<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> anyhow::Result<ProgramBuilder> {
    Ok(program("turnstone")?.args(arguments))
}

/// The Python interpreter with the gRPC packages.
pub fn python() -> anyhow::Result<PathBuf> {
    let path = workspace_root().join(".tools/venv/bin/python");
    anyhow::ensure!(
        path.is_file(),
        "{} is not there; `make test` makes it, or tools/ensure-venv.sh alone",
        path.display()
    );
    Ok(path)
}

fn built(name: &str) -> anyhow::Result<PathBuf> {
    // target/<profile>/deps/<this test>: the programs are one folder up.
    let this = std::env::current_exe().context("find the test's own program")?;
    let folder = this
        .parent()
        .and_then(Path::parent)
        .context("the test lies in no target folder")?;
    let path = folder.join(name);
    if path.is_file() {
        ensure_newer_than_sources(&path)?;
    }
    Ok(path)
}

/// Cargo writes beside each program of which files it was made. A program older than one of them would be tested in vain:
/// `cargo test --workspace --all-targets` builds it anew, `cargo test -p turnstone-tests` does not.
fn ensure_newer_than_sources(path: &Path) -> anyhow::Result<()> {
    let Ok(dependencies) = std::fs::read_to_string(path.with_extension("d")) else {
        return Ok(());
    };
    let made_at = modified_at(path).with_context(|| format!("read the age of {}", path.display()))?;
    let (_, sources) = dependencies.split_once(": ").unwrap_or_default();
    // Spaces in names are written as `\ `.
    let newer = sources
        .replace("\\ ", "\0")
        .split_ascii_whitespace()
        .map(|source| PathBuf::from(source.replace('\0', " ")))
        .find(|source| modified_at(source).is_some_and(|changed_at| changed_at > made_at));
    match newer {
        None => Ok(()),
        Some(source) => anyhow::bail!(
            "{} is older than {}; run `cargo build --workspace --bins` first",
            path.display(),
            source.display()
        ),
    }
}

fn modified_at(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}
