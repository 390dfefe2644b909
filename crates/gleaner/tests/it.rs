//! Sources from the outside: opened from a configuration, read through the trait.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;
use turnstone_gleaner::{
    Budget, GleanError, OpenOptions, ReadMode, Source, SourceConfig, SourceKind, SourceState,
    explain_parsing, open_reader, open_source,
};
use turnstone_types::{SourceCheckpoint, SourceId, Timestamp};

const SMALL: Budget = Budget {
    entries_max: 7,
    bytes_max: 64 * 1024,
};

fn source_id() -> SourceId {
    SourceId::new("web").unwrap()
}

async fn read_to_end(source: &mut dyn Source) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        let gleaned = source.next_batch(SMALL).await.unwrap();
        assert!(gleaned.entries.len() <= SMALL.entries_max + 1);
        assert!(gleaned.entries.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert_eq!(gleaned.delta.entries, gleaned.entries.len() as u64);
        lines.extend(gleaned.entries.into_iter().map(|entry| entry.text));
        match gleaned.state {
            SourceState::Ended => return lines,
            SourceState::CaughtUp => source.wait_for_more().await,
            SourceState::More => {}
        }
    }
}

#[tokio::test]
async fn a_pipe_is_read_to_its_end() {
    let text: String = (0..50).map(|n| format!("line {n}\n")).collect::<String>() + "last";
    let config = SourceConfig::for_stdin(source_id());
    let mut source = open_reader(
        &config,
        Box::new(std::io::Cursor::new(text)),
        OpenOptions::default(),
    )
    .unwrap();
    let lines = read_to_end(source.as_mut()).await;
    assert_eq!((lines.len(), lines[50].as_str()), (51, "last"));
    assert_eq!(source.next_batch(SMALL).await.unwrap().state, SourceState::Ended);
}

#[tokio::test]
async fn a_pipe_that_pauses_hands_out_what_it_has() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let options = OpenOptions {
        record_quiet: Duration::ZERO,
        partial_line_quiet: Duration::ZERO,
        poll_interval: Duration::from_millis(5),
        ..OpenOptions::default()
    };
    let mut source = open_reader(&SourceConfig::for_stdin(source_id()), Box::new(reader), options).unwrap();
    let mut lines: Vec<String> = Vec::new();
    for (written, expected) in [("one\ntwo\n", 2), ("thr", 3), ("ee\n", 4)] {
        writer.write_all(written.as_bytes()).unwrap();
        while lines.len() < expected {
            source.wait_for_more().await;
            let gleaned = source.next_batch(SMALL).await.unwrap();
            lines.extend(gleaned.entries.into_iter().map(|entry| entry.text));
        }
    }
    assert_eq!(lines, ["one", "two", "thr", "ee"]);
    drop(writer);
    assert!(read_to_end(source.as_mut()).await.is_empty());
}

/// 100 MB without line end, made as it is read.
struct EndlessLine(usize);

impl Read for EndlessLine {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let bytes = buffer.len().min(self.0);
        buffer[..bytes].fill(b'x');
        self.0 -= bytes;
        Ok(bytes)
    }
}

#[tokio::test]
async fn a_line_of_100_megabytes_from_a_pipe_is_cut_and_counted() {
    let config = SourceConfig::for_stdin(source_id());
    let reader = EndlessLine(100_000_000).chain(std::io::Cursor::new("\nafter\n"));
    let mut source = open_reader(&config, Box::new(reader), OpenOptions::default()).unwrap();
    let (mut lengths, mut truncated_lines, mut cut_bytes, mut batches) = (Vec::new(), 0, 0, 0);
    loop {
        let gleaned = source
            .next_batch(Budget {
                entries_max: 100,
                bytes_max: 4 << 20,
            })
            .await
            .unwrap();
        batches += 1;
        lengths.extend(gleaned.entries.iter().map(|entry| entry.text.len()));
        truncated_lines += gleaned.delta.truncated_lines;
        cut_bytes += gleaned.cut_bytes;
        match gleaned.state {
            SourceState::Ended => break,
            SourceState::CaughtUp => source.wait_for_more().await,
            SourceState::More => {}
        }
    }
    assert_eq!(
        (lengths.as_slice(), truncated_lines, cut_bytes),
        ([65_536, 5].as_slice(), 1, 100_000_000 - 65_536)
    );
    assert!(batches >= 20, "nobody is held up: {batches} batches");
}

#[tokio::test]
async fn files_are_followed_through_the_trait_and_a_dropped_call_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.log");
    let lines: Vec<String> = (0..100).map(|n| format!("line {n}")).collect();
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    let config = SourceConfig::for_path(source_id(), &path);
    let options = OpenOptions {
        record_quiet: Duration::ZERO,
        poll_interval: Duration::from_millis(1),
        ..OpenOptions::default()
    };
    let mut committed: BTreeMap<String, SourceCheckpoint> = BTreeMap::new();
    let mut delivered = Vec::new();
    for _ in 0..20 {
        let mut source = open_source(&config, committed.values().cloned().collect(), options).unwrap();
        for _ in 0..3 {
            // Polled once and mostly given up: its batch must come with the next call.
            let polled_once = tokio::time::timeout(Duration::ZERO, source.next_batch(SMALL)).await;
            let gleaned = match polled_once {
                Ok(gleaned) => gleaned.unwrap(),
                Err(_) => source.next_batch(SMALL).await.unwrap(),
            };
            delivered.extend(gleaned.entries.into_iter().map(|entry| entry.text));
            committed.extend(
                gleaned
                    .checkpoints
                    .into_iter()
                    .map(|checkpoint| (checkpoint.key.clone(), checkpoint)),
            );
        }
    }
    assert_eq!(delivered, lines);
}

#[tokio::test]
async fn once_reads_a_file_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.log");
    std::fs::write(&path, "one\ntwo").unwrap();
    let mut source = open_source(
        &SourceConfig::for_path(source_id(), &path),
        Vec::new(),
        OpenOptions::once(),
    )
    .unwrap();
    assert_eq!(read_to_end(source.as_mut()).await, ["one", "two"]);
}

#[test]
fn configurations_are_checked() {
    let source = |text: &str| -> Result<(), String> {
        let config: SourceConfig = toml_like(text)?;
        config.validate().map_err(|error: GleanError| error.to_string())
    };
    assert_eq!(
        source(r#"{"source_id":"ssh","kind":"files","paths":["/var/log/auth.log"]}"#),
        Ok(())
    );
    assert_eq!(
        source(r#"{"source_id":"in","kind":"stdin","timezone":"Europe/Vienna","from":"end"}"#),
        Ok(())
    );
    for (text, problem) in [
        (r#"{"source_id":"ssh","kind":"files"}"#, "paths must name"),
        (
            r#"{"source_id":"ssh","kind":"files","paths":["a"],"colour":1}"#,
            "unknown field",
        ),
        (
            r#"{"source_id":"ssh","kind":"carrier_pigeon"}"#,
            "unknown variant",
        ),
        (
            r#"{"source_id":"ssh","kind":"stdin","paths":["a"]}"#,
            "belong to kind",
        ),
        (
            r#"{"source_id":"ssh","kind":"files","paths":["a***"]}"#,
            "no glob",
        ),
        (
            r#"{"source_id":"ssh","kind":"files","paths":["a"],"timezone":"Moon"}"#,
            "timezone",
        ),
        (
            r#"{"source_id":"ssh","kind":"files","paths":["a"],"line_bytes_max":1}"#,
            "line_bytes_max",
        ),
        (r#"{"source_id":"","kind":"stdin"}"#, "must not be empty"),
    ] {
        let error = source(text).unwrap_err();
        assert!(error.contains(problem), "{text}: {error}");
    }
}

/// JSON stands in for TOML: serde does not tell them apart.
fn toml_like(text: &str) -> Result<SourceConfig, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn damaged_checkpoints_are_refused() {
    let config = SourceConfig::for_path(source_id(), Path::new("/nonexistent/app.log"));
    for (key, state) in [("file/000000000001", "{}"), ("file/x", "{}"), ("elsewhere", "{}")] {
        let checkpoint = SourceCheckpoint {
            source_id: source_id(),
            key: key.to_owned(),
            state: Some(state.to_owned()),
        };
        let options = OpenOptions {
            mode: ReadMode::Follow,
            ..OpenOptions::default()
        };
        let error = open_source(&config, vec![checkpoint], options).err().unwrap();
        assert!(error.to_string().contains(key), "{error}");
        assert!(!error.is_retryable());
    }
}

#[test]
fn the_report_tells_what_was_not_understood() {
    let text = "first without time\n\
                2026-01-01 00:00:00,000 ERROR x - failed\n\
                java.io.IOException: no\n\
                \tat a.B.c(B.java:1)\n\
                \n\
                Nov 18 10:00:00 host app: x\n\
                Nov 18 10:00:01 host app: y\n";
    let config = SourceConfig::for_stdin(source_id());
    assert_eq!(config.kind, SourceKind::Stdin);
    let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    let report = explain_parsing(text.as_bytes(), &config, now).unwrap();
    assert_eq!(
        (
            report.lines,
            report.entries,
            report.timed_lines,
            report.timed_entries
        ),
        (6, 4, 5, 3)
    );
    assert_eq!((report.empty_lines, report.timed_share()), (1, 5.0 / 6.0));
    let formats: Vec<(&str, u64)> = report
        .formats
        .iter()
        .map(|share| (share.format.as_str(), share.lines))
        .collect();
    assert_eq!(formats, [("iso8601", 3), ("rfc3164", 2), ("undated", 1)]);
    assert_eq!(report.undated_examples[0].line, 1);
    assert_eq!(report.undated_examples[0].text, "first without time");
    assert_eq!(report.last_at.unwrap().to_string(), "2026-11-18T10:00:01Z");
}
