//! `turnstone verdicts export`: what people said of detections, as labelled lines for `turnstone eval` and for tuning.

use super::{note, refused};
use crate::arguments::{ExportFormat, ExportVerdicts, Shared, Verdicts};
use crate::connection::Connection;
use crate::output::{escape_controls, grouped, safe_json};
use anyhow::Context;
use serde::Serialize;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use turnstone_proto::v1;
use turnstone_types::Verdict;

/// Rows asked for at a time; the service's most.
const PAGE_ROWS: i32 = 1_000;
/// The label of a line that is none of the model's business.
const NORMAL: &str = "NORMAL";

/// A labelled line, as docs/evaluation.md has it; whoever reads one passes over what it does not know.
#[derive(Debug, Serialize, PartialEq)]
struct LabelledLine {
    source: String,
    label: String,
    text: String,
    verdict: &'static str,
}

/// The line with the label that it should have had; `None` where nobody said so.
fn labelled(judged: v1::JudgedDetection) -> Option<LabelledLine> {
    let verdict = judged.verdict().to_domain()?;
    Some(LabelledLine {
        source: judged.source_id,
        label: match verdict {
            Verdict::TruePositive | Verdict::Expected => judged.anomaly_label,
            Verdict::FalsePositive => NORMAL.to_owned(),
        },
        text: judged.text,
        verdict: verdict.as_str(),
    })
}

/// Runs the command.
pub async fn run(shared: Shared, command: Verdicts) -> anyhow::Result<()> {
    let Verdicts::Export(command) = command;
    let ExportFormat::Jsonl = command.format;
    match &command.out {
        None => {
            let mut out = BufWriter::new(std::io::stdout().lock());
            export(&shared, &command, &mut out).await?;
            out.flush()?;
        }
        Some(path) => {
            // Looked at before the work; the file is not overwritten should it come meanwhile either.
            anyhow::ensure!(
                command.force || !path.exists(),
                "{} is there already; give --force to replace it",
                shown(path)
            );
            let mut file = LabelledFile::beside(path)?;
            let lines = export(&shared, &command, &mut file.writer).await?;
            file.put_in_place(path, command.force)?;
            note(&format!("{} labelled lines in {}", grouped(lines), shown(path)));
        }
    }
    Ok(())
}

/// Writes all verdicts; answers how many.
async fn export(shared: &Shared, command: &ExportVerdicts, out: &mut impl Write) -> anyhow::Result<u64> {
    let connection = Connection::open(shared, &command.target).await?;
    let mut client = connection.detections();
    let (mut lines, mut page_token) = (0, String::new());
    loop {
        let request = v1::ListVerdictsRequest {
            page_size: PAGE_ROWS,
            page_token,
        };
        let page = client
            .list_verdicts(request)
            .await
            .map_err(|status| refused(&status))?
            .into_inner();
        for line in page.verdicts.into_iter().filter_map(labelled) {
            lines += 1;
            // Also without U+2028 and its like, at which some readers would end a line.
            writeln!(out, "{}", safe_json(&line)?)?;
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    connection.close().await;
    if lines == 0 {
        note("nobody has judged a detection yet: `turnstone detections ack --verdict …`");
    }
    Ok(lines)
}

fn shown(path: &Path) -> String {
    escape_controls(&path.to_string_lossy())
}

/// A file that appears under its name when it is whole. Only its owner may read it.
struct LabelledFile {
    writer: BufWriter<tempfile::NamedTempFile>,
}

impl LabelledFile {
    /// Begins one in the folder of `path`, so that it can be renamed to it.
    fn beside(path: &Path) -> anyhow::Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        // Temporary files have mode 0600, which the rename keeps.
        let file = tempfile::NamedTempFile::new_in(&folder)
            .with_context(|| format!("write a file in {}", shown(&folder)))?;
        Ok(Self {
            writer: BufWriter::new(file),
        })
    }

    fn put_in_place(self, path: &Path, force: bool) -> anyhow::Result<()> {
        let context = || format!("write {}", shown(path));
        let file = self
            .writer
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .with_context(context)?;
        file.as_file().sync_all().with_context(context)?;
        if force {
            file.persist(path).with_context(context)?;
        } else {
            file.persist_noclobber(path).with_context(|| {
                format!(
                    "write {}, which must not be there yet; --force replaces it",
                    shown(path)
                )
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn wrong_ones_become_normal_and_the_others_keep_their_label() {
        for (verdict, label) in [
            (v1::Verdict::TruePositive, Some("HARDWARE_ISSUE")),
            (v1::Verdict::Expected, Some("HARDWARE_ISSUE")),
            (v1::Verdict::FalsePositive, Some("NORMAL")),
            (v1::Verdict::Unspecified, None),
        ] {
            let judged = v1::JudgedDetection {
                anomaly_label: "HARDWARE_ISSUE".into(),
                verdict: verdict.into(),
                ..v1::JudgedDetection::default()
            };
            assert_eq!(
                labelled(judged).map(|line| line.label).as_deref(),
                label,
                "{verdict:?}"
            );
        }
    }

    #[test]
    fn a_file_is_whole_private_and_never_overwritten_by_accident() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("verdicts.jsonl");
        let write = |text: &str, force| {
            let mut file = LabelledFile::beside(&path)?;
            file.writer.write_all(text.as_bytes())?;
            file.put_in_place(&path, force)
        };
        write("one", false).expect("new");
        assert!(write("two", false).is_err());
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "one");
        write("three", true).expect("forced");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "three");
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let left: Vec<_> = std::fs::read_dir(folder.path()).expect("readable").collect();
        assert_eq!(left.len(), 1, "nothing is left beside it");
    }
}
