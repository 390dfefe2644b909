//! `turnstone db import` brings in everything that an original database holds, once, and `turnstone score` does the rest.

use super::original;
use crate::alone;
use std::collections::BTreeMap;
use std::path::Path;
use turnstone_testkit::temp_dir;
use turnstone_tests::{Outcome, sqlite_count};

async fn counts(file: &Path) -> anyhow::Result<[u64; 4]> {
    let queries = [
        "SELECT count(*) FROM log_entries",
        "SELECT count(*) FROM detections",
        "SELECT count(*) FROM detections WHERE acknowledged = 1",
        "SELECT count(*) FROM log_entries WHERE anomaly_scored_at IS NULL",
    ];
    let mut counts = [0; 4];
    for (count, query) in counts.iter_mut().zip(queries) {
        *count = sqlite_count(file, query).await?;
    }
    Ok(counts)
}

async fn import_twice_and_score(id_type: &str, id: impl Fn(u32) -> String) -> anyhow::Result<()> {
    let _alone = alone().await;
    let folder = temp_dir()?;
    let file = folder.path().join("old.db");
    original::create(&file, id_type).await?;
    for number in 0..9 {
        let text = format!("Failed password for root from 203.0.113.{number}");
        original::add_detected(&file, &id(number), number, "ssh", &text, "SECURITY_ANOMALY").await?;
    }
    for number in 100..110 {
        let text = format!("kernel: nvme0: I/O error, dev nvme0n1, sector {number}");
        original::add_unscored(&file, &id(number), &text).await?;
    }
    let before = std::fs::read(&file)?;
    let (target, url) = original::imported(&file).await?;
    let first = counts(&target).await?;
    assert_eq!(first, [19, 9, 4, 10]);

    let told = Outcome::success(["db", "import", file.to_str().unwrap(), "--db", url.as_str()]).await?;
    assert_eq!(
        counts(&target).await?,
        first,
        "the second import changed something"
    );
    assert!(
        told.contains("19 read, 0 new") && told.contains("9 read, 0 new"),
        "{told}"
    );
    assert!(
        told.contains("log_entries.repeat_count") && told.contains("log_entries.matched_patterns"),
        "{told}"
    );
    assert!(std::fs::read(&file)? == before, "the original was changed");

    let listed = Outcome::json(["detections", "list", "--db", url.as_str(), "--format", "jsonl"]).await?;
    assert_eq!(listed.len(), 9);
    let by_id: BTreeMap<_, _> = listed
        .iter()
        .map(|row| (row["id"].as_str().unwrap(), row))
        .collect();
    for number in 0..9 {
        let row = by_id[format!("d-{number}").as_str()];
        assert_eq!(row["entry_id"], id(number).trim_matches('\''), "{row}");
        assert_eq!(row["scorer"], "hybrid-bert");
        assert_eq!(row["acknowledged"], number % 2 == 1, "{row}");
        assert_eq!(row["notes"], if number % 2 == 1 { "seen before" } else { "" });
        assert_eq!(row["timestamp_iso"], format!("2026-11-18T09:00:{number:02}Z"));
    }

    let score = ["score", "--db", url.as_str(), "--model", "turnstone-mini"];
    let scored = Outcome::json(score).await?;
    assert_eq!(
        (&scored[0]["scored"], &scored[0]["skipped"]),
        (&10.into(), &false.into()),
        "{scored:?}"
    );
    assert!(
        scored[0]["detections"].as_u64().is_some_and(|count| count > 0),
        "{scored:?}"
    );
    let after = counts(&target).await?;
    assert_eq!((after[0], after[2], after[3]), (19, 4, 0));
    assert_eq!(after[1], 9 + scored[0]["detections"].as_u64().unwrap());
    let again = Outcome::json(score).await?;
    assert_eq!(
        (&again[0]["scored"], &again[0]["detections"]),
        (&0.into(), &0.into()),
        "{again:?}"
    );
    assert_eq!(counts(&target).await?, after, "scoring again changed something");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_original_with_whole_number_ids_comes_in_once() -> anyhow::Result<()> {
    import_twice_and_score("INTEGER", |number| (number + 1).to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_original_with_text_ids_comes_in_once() -> anyhow::Result<()> {
    import_twice_and_score("TEXT", |number| format!("'entry-{number:04}'")).await
}

#[tokio::test]
async fn what_is_no_original_is_refused_and_stays_as_it_is() -> anyhow::Result<()> {
    let folder = temp_dir()?;
    let file = folder.path().join("notes.txt");
    std::fs::write(
        &file,
        "not a database at all, but long enough to look like one if nobody reads the header".repeat(20),
    )?;
    let before = std::fs::read(&file)?;
    let url = format!("sqlite://{}", folder.path().join("new.db").display());
    let refused = Outcome::any(["db", "import", file.to_str().unwrap(), "--db", url.as_str()]).await?;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("notes.txt"),
        "the message does not say which file: {refused:?}"
    );
    assert!(std::fs::read(&file)? == before);
    Ok(())
}
