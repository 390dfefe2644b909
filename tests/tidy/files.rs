//! How files begin, how long they are, and what must not be left in them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use turnstone_tests::workspace_root;

const RUST_LINES_MAX: usize = 500;
/// Files that are read for forbidden words; others are data.
const TEXT_EXTENSIONS: [&str; 16] = [
    "rs", "toml", "md", "py", "sh", "sql", "proto", "yml", "yaml", "css", "js", "ts", "html", "txt", "json",
    "conf",
];

/// Every file of the repository: what git tracks, and what is new and not ignored.
fn files() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(workspace_root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let names = String::from_utf8(output.stdout).unwrap();
    let names: BTreeSet<&str> = names.split('\0').filter(|name| !name.is_empty()).collect();
    // A file that was deleted and not yet committed is still listed.
    let paths = names
        .into_iter()
        .map(|name| workspace_root().join(name))
        .filter(|path| path.is_file());
    let paths: Vec<PathBuf> = paths.collect();
    assert!(
        paths.len() > 100,
        "only {} files: this is no checkout of the repository",
        paths.len()
    );
    paths
}

fn rust_files() -> impl Iterator<Item = (PathBuf, String)> {
    let rust = files().into_iter().filter(|path| has_extension(path, &["rs"]));
    rust.map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path, text)
    })
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| extensions.contains(&extension))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(workspace_root())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// Joined from parts, so that this file does not hold what it forbids.
fn word(parts: &[&str]) -> String {
    parts.concat()
}

#[test]
fn rust_files_say_first_what_they_own() {
    let silent: Vec<String> = rust_files()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| shown(&path))
        .collect();
    assert!(silent.is_empty(), "these do not open with `//! `: {silent:#?}");
}

#[test]
fn rust_files_are_short() {
    let long: Vec<String> = rust_files()
        .map(|(path, text)| (shown(&path), text.lines().count()))
        .filter(|(_, lines)| *lines > RUST_LINES_MAX)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert!(
        long.is_empty(),
        "over {RUST_LINES_MAX} lines, split by responsibility: {long:#?}"
    );
}

#[test]
fn nothing_is_left_over() {
    let leftovers = [
        word(&["todo", "!"]),
        word(&["unimplemented", "!"]),
        word(&["dbg", "!"]),
        word(&["FIX", "ME"]),
        word(&["XX", "X"]),
        word(&["#[", "ignore"]),
    ];
    let mut found = Vec::new();
    for (path, text) in rust_files() {
        for (number, line) in text.lines().enumerate() {
            found.extend(
                leftovers
                    .iter()
                    .filter(|leftover| holds_word(line, leftover))
                    .map(|leftover| format!("{}:{}: {leftover}", shown(&path), number + 1)),
            );
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Whether `word` stands in the line by itself, and not as part of a longer one.
fn holds_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (
            line[..at].chars().next_back(),
            line[at + word.len()..].chars().next(),
        );
        !before
            .into_iter()
            .chain(after)
            .any(|c| c.is_alphanumeric() || c == '_')
    })
}

#[test]
fn no_file_knows_a_developers_machine() {
    let folders = [
        word(&["/wo", "rk/"]),
        word(&["/ro", "ot/"]),
        word(&["/ho", "me/"]),
        word(&["/Us", "ers/"]),
    ];
    let mut found = Vec::new();
    for path in files()
        .into_iter()
        .filter(|path| has_extension(path, &TEXT_EXTENSIONS))
    {
        // The invented hosts of the example logs have users with homes.
        if shown(&path).starts_with("examples/") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            let named = folders.iter().filter(|folder| names_folder(line, folder));
            found.extend(named.map(|folder| format!("{}:{}: {folder}", shown(&path), number + 1)));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Whether `folder` stands in the line as an absolute path, and not inside a longer one.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | ')' | '*'))
    })
}
