//! Traces of four languages, what ends them, and the limits on a record.

use super::*;
use crate::config::SourceKind;
use crate::parse::ZoneOfSource;
use crate::source::{Budget, SourceState};
use turnstone_types::{SourceId, Timestamp};

fn records_with(text: &str, joins_lines: bool) -> Vec<String> {
    let parser = LineParser::new(ZoneOfSource::unknown(), Timestamp::now());
    let mut assembler = Assembler::new(parser, 64 * 1024, joins_lines, 0, false);
    let budget = Budget {
        entries_max: usize::MAX,
        bytes_max: u64::MAX,
    };
    let mut batch = BatchBuilder::new(&SourceId::new("test").unwrap(), SourceKind::Stdin, budget);
    assert_eq!(assembler.feed(text.as_bytes(), &mut batch), text.len());
    assembler.flush(&mut batch);
    assert_eq!(
        (assembler.closed_offset(), assembler.holds_lines()),
        (text.len() as u64, false)
    );
    let gleaned = batch.finish(Vec::new(), None, false, SourceState::Ended);
    gleaned.entries.into_iter().map(|entry| entry.text).collect()
}

/// Each record must come out whole when they stand one after the other.
#[track_caller]
fn check(records: &[&str]) {
    assert_eq!(records_with(&(records.join("\n") + "\n"), true), records);
}

#[test]
fn java() {
    check(&[
        "2026-01-01 00:00:00,000 ERROR [main] x.Y - failed\n\
         com.example.ShopException: no order\n\
         \tat com.example.Shop.open(Shop.java:12)\n\
         \tat java.base/java.lang.Thread.run(Thread.java:1)\n\
         \tSuppressed: java.io.IOException: also\n\
         Caused by: java.lang.IllegalStateException: closed\n\
         \tat com.example.Pool.get(Pool.java:3)\n\
         \t... 12 more",
        "2026-01-01 00:00:01,000 INFO [main] x.Y - next",
        "Exception in thread \"main\" java.lang.NullPointerException\n\tat a.B.c(B.java:1)",
        "java.lang.OutOfMemoryError: Java heap space\n\tat a.B.c(B.java:1)\n    at a.B.d(B.java:2)",
        "a line of its own",
    ]);
}

#[test]
fn python() {
    check(&[
        "2026-01-01 00:00:00,000 ERROR worker: job failed\n\
         Traceback (most recent call last):\n\
         \x20 File \"app.py\", line 3, in run\n\
         \x20   raise ValueError(\"bad\")\n\
         ValueError: bad\n\
         \n\
         During handling of the above exception, another exception occurred:\n\
         \n\
         Traceback (most recent call last):\n\
         \x20 File \"app.py\", line 5, in main\n\
         app.errors.Fatal: worse",
        "a line of its own",
        "Traceback (most recent call last):\n  File \"x.py\", line 1\nKeyboardInterrupt",
        "another line of its own",
    ]);
}

#[test]
fn rust() {
    check(&[
        "2026-01-01T00:00:00Z  INFO app: before",
        "thread 'main' panicked at src/main.rs:2:5:\n\
         index out of bounds: the len is 0 but the index is 0\n\
         stack backtrace:\n\
         \x20  0: rust_begin_unwind\n\
         \x20            at /rustc/abc/library/std/src/panicking.rs:1:5\n\
         note: Some details are omitted",
        "thread 'worker' panicked at 'old style', src/main.rs:2:5\n\
         note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
        "a line of its own",
    ]);
}

#[test]
fn go() {
    check(&[
        "2026/01/01 00:00:00 before",
        "panic: runtime error: invalid memory address\n\
         [signal SIGSEGV: segmentation violation code=0x1]\n\
         \n\
         goroutine 1 [running]:\n\
         main.(*Shop).Open(0xc000012345, {0x1, 0x2})\n\
         \t/src/main.go:12 +0x1d\n\
         main.main()\n\
         \t/src/main.go:5 +0x1d\n\
         \n\
         goroutine 7 [chan receive, 2 minutes]:\n\
         created by main.run in goroutine 1\n\
         \t/src/main.go:9 +0x1d\n\
         exit status 2",
        "2026/01/01 00:00:01 http: panic serving 1.2.3.4:5: boom\ngoroutine 9 [running]:\nnet/http.serve()\n\t/x.go:1",
        "a line of its own",
    ]);
}

#[test]
fn indented_text_goes_with_a_dated_line_only() {
    check(&[
        "2026-01-01 00:00:00 UTC [1] STATEMENT:  SELECT\n\t  1\n\t\tFROM t",
        "2026-01-01 00:00:01 UTC [1] LOG:  x",
    ]);
    check(&[
        "2026-01-01 00:00:00 INFO config {\n  a: 1\n}",
        "2026-01-01 00:00:01 INFO x",
    ]);
    check(&["no time", "  indented", "\tindented"]);
    check(&["{\"level\":\"info\"}", "{\"level\":\"warn\"}"]);
    assert_eq!(
        records_with("2026-01-01 00:00:00 a\n\tb\n", false),
        ["2026-01-01 00:00:00 a", "\tb"]
    );
}

#[test]
fn a_record_has_limits_and_loses_nothing_over_them() {
    let frames: String = (0..2_500).map(|n| format!("\tat a.B.c(B.java:{n})\n")).collect();
    let records = records_with(&format!("java.lang.StackOverflowError\n{frames}after\n"), true);
    let lines: Vec<usize> = records.iter().map(|record| record.lines().count()).collect();
    assert_eq!(lines, [1_000, 1_000, 501, 1]);
    let long = format!("\tat {}\n", "x".repeat(60_000));
    let records = records_with(&format!("java.lang.Error\n{}", long.repeat(10)), true);
    assert!(records.len() > 2 && records.iter().all(|record| record.len() <= RECORD_BYTES_MAX));
    assert_eq!(
        records.iter().map(|record| record.lines().count()).sum::<usize>(),
        11
    );
    let blanks = format!(
        "Traceback (most recent call last):\n{}  File \"x\"\n",
        "\n".repeat(100_000)
    );
    assert_eq!(records_with(&blanks, true)[0].len(), 34 + 3 + 10);
}
