//! Log text is written by attackers: what steers a terminal or hides what stands there never reaches standard output.

use super::original;
use crate::alone;
use turnstone_testkit::temp_dir;
use turnstone_tests::{Outcome, json_lines};

const HOSTILE: &str =
    "nvme0: I/O error \u{1b}[31mred\u{1b}]0;title\u{7} \u{9b}2J \u{202e}txt.exe\u{2066} \r\u{8}\u{7f} end";

/// Whether a character would steer a terminal, or is invisible and changes how the text reads.
fn steers(character: char) -> bool {
    (character.is_control() && character != '\n')
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn assert_harmless(what: &[&str], output: &str) {
    assert!(
        !output.contains(steers),
        "{what:?} lets through {:?}",
        output.chars().find(|c| steers(*c))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_text_cannot_steer_the_terminal() -> anyhow::Result<()> {
    let folder = temp_dir()?;
    let file = folder.path().join("old.db");
    original::create(&file, "TEXT").await?;
    original::add_detected(&file, "'e1'", 2, "web", HOSTILE, "SECURITY_ANOMALY").await?;
    let (_, url) = original::imported(&file).await?;
    for command in [
        &["detections", "list"][..],
        &["search"],
        &["detections", "list", "--group"],
        &["search", "nvme0"],
        &["search", "nvme0", "--relevance"],
        &["stats"],
    ] {
        for format in ["table", "jsonl"] {
            let output = Outcome::success(command.iter().chain(&["--format", format, "--db", &url])).await?;
            assert_harmless(command, &output);
            if command != ["stats"] {
                assert!(output.contains("nvme0"), "the text itself is gone: {output}");
            }
            if format == "jsonl" && command != ["stats"] {
                let row = &json_lines(&output)?[0];
                let row = if row["newest"].is_null() {
                    row
                } else {
                    &row["newest"]
                };
                assert_eq!(row["text"], HOSTILE, "the text changed on the way");
            }
        }
    }
    let judged = [
        "detections",
        "ack",
        "--all",
        "--verdict",
        "false_positive",
        "--notes",
        HOSTILE,
        "--by",
        HOSTILE,
    ];
    Outcome::success(judged.iter().chain(&["--db", &url])).await?;
    let exported = Outcome::success(["verdicts", "export", "--db", &url]).await?;
    assert_harmless(&["verdicts", "export"], &exported);
    assert_eq!(
        json_lines(&exported)?[0]["text"],
        HOSTILE,
        "the text changed on the way"
    );
    let suppress = [
        "detections",
        "suppress",
        "0123456789abcdef",
        "--for",
        "1h",
        "--reason",
        HOSTILE,
        "--by",
        HOSTILE,
    ];
    Outcome::success(suppress.iter().chain(&["--db", &url])).await?;
    for format in ["table", "jsonl"] {
        let listed =
            Outcome::success(["detections", "suppressions", "--format", format, "--db", &url]).await?;
        assert_harmless(&["suppressions"], &listed);
    }
    let refused = Outcome::any(["detections", "list", "--db", &url, "--label", HOSTILE]).await?;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert_harmless(&["a refusal"], &refused.stderr);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn scanned_text_cannot_steer_the_terminal() -> anyhow::Result<()> {
    let _alone = alone().await;
    let folder = temp_dir()?;
    // The name of a file is as little to be trusted as what stands in it.
    let file = folder.path().join("a\u{1b}[31m\u{202e}gol.txt");
    std::fs::write(&file, format!("{HOSTILE}\n").repeat(3))?;
    let path = file.to_str().unwrap();
    for format in ["table", "jsonl"] {
        // Every anomalous label is printed, however unsure the model is.
        let scan = ["scan", path, "--threshold", "0", "--format", format];
        let outcome = Outcome::any(scan).await?;
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert!(outcome.stdout.contains("nvme0"), "nothing was found: {outcome:?}");
        assert_harmless(&scan, &outcome.stdout);
        assert_harmless(&scan, &outcome.stderr);
        let explained = Outcome::success(["scan", "--explain-parsing", path, "--format", format]).await?;
        assert_harmless(&["scan", "--explain-parsing"], &explained);
    }
    let classified = Outcome::success(["classify", path]).await?;
    assert_harmless(&["classify"], &classified);
    let missing = Outcome::any(["scan", &format!("{path}.missing")]).await?;
    assert_eq!(missing.code, Some(1));
    assert_harmless(&["scan"], &missing.stderr);
    Ok(())
}
