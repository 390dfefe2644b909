//! Labelled lines as they should be, and every way in which they are not.

use super::*;
use crate::commands::eval::judge::Row;

fn reader() -> LabelledReader {
    LabelledReader {
        file: "lines.jsonl".to_owned(),
        classes: Classes::new(&[]),
    }
}

fn portions(input: impl Read) -> Vec<anyhow::Result<Portion>> {
    let (sender, mut receiver) = mpsc::channel(1_000);
    reader().read(input, &sender);
    drop(sender);
    std::iter::from_fn(|| receiver.try_recv().ok()).collect()
}

fn lines(input: &str) -> Vec<(Row, String)> {
    portions(input.as_bytes())
        .into_iter()
        .flat_map(|portion| {
            let Portion { rows, texts } = portion.expect("as it should be");
            assert_eq!(rows.len(), texts.len());
            rows.into_iter().zip(texts)
        })
        .collect()
}

#[test]
fn fields_are_read_and_others_passed_over() {
    let read = lines(concat!(
        r#"{"text": "a", "label": "NORMAL"}"#,
        "\r\n\n  \n",
        r#"{"source": "web/one", "label": "config_error", "text": "disk \u001b\"ü failed", "also_ok": ["NETWORK_ANOMALY", "NORMAL"], "why": 1}"#,
        "\n",
        r#"{"text": "", "label": "NORMAL", "source": "", "also_ok": null}"#,
    ));
    assert_eq!(read.len(), 3);
    let (row, text) = &read[1];
    assert_eq!(text, "disk \u{1b}\"ü failed");
    assert_eq!((row.line, row.label, row.also_ok.as_slice()), (4, 5, &[4, 0][..]));
    assert_eq!(row.source.as_deref(), Some("web/one"));
    assert!(row.keyword && !read[0].0.keyword);
    assert_eq!((read[0].0.line, read[0].0.source.as_deref()), (1, None));
    assert_eq!(
        (read[2].0.line, read[2].0.source.as_deref(), read[2].1.as_str()),
        (5, None, "")
    );
}

#[test]
fn lines_of_one_template_and_label_are_known_as_such() {
    let read = lines(concat!(
        r#"{"text": "Jan  1 00:00:01 web sshd[42]: session 7 opened from 192.0.2.1", "label": "NORMAL"}"#,
        "\n",
        r#"{"text": "Feb 23 11:59:59 web sshd[7]: session 812 opened from 198.51.100.9", "label": "NORMAL"}"#,
        "\n",
        r#"{"text": "Feb 23 11:59:59 web sshd[7]: session 812 opened from 198.51.100.9", "label": "SECURITY_ANOMALY"}"#,
        "\n",
        r#"{"text": "Feb 23 11:59:59 web sshd[7]: session 812 closed", "label": "NORMAL"}"#,
    ));
    let template = |index: usize| read[index].0.template;
    assert_eq!(template(0), template(1));
    assert_ne!(template(1), template(2));
    assert_ne!(template(1), template(3));
}

#[test]
fn what_is_wrong_is_said_with_file_and_line() {
    let known = "known are NORMAL, SECURITY_ANOMALY, SYSTEM_FAILURE, PERFORMANCE_ISSUE, NETWORK_ANOMALY, CONFIG_ERROR, HARDWARE_ISSUE";
    let cases: [(&[u8], &str); 14] = [
        (b"text", "not a JSON object: expected ident at column 2"),
        (
            b"{\"text\": \"a\"",
            "not a JSON object: EOF while parsing an object",
        ),
        (b"{\"text\": \"a\xff\"}", "no UTF-8 at byte 12"),
        (b"[1]", "not a JSON object but a list"),
        (b"null", "not a JSON object but null"),
        (br#"{"label": "NORMAL"}"#, "no \"text\""),
        (br#"{"text": null, "label": "NORMAL"}"#, "no \"text\""),
        (
            br#"{"text": 5, "label": "NORMAL"}"#,
            "\"text\" is a number, not a string",
        ),
        (br#"{"text": "a"}"#, "no \"label\""),
        (br#"{"text": "a", "label": "FINE"}"#, known),
        (
            br#"{"text": "a", "label": "NORMAL", "also_ok": ["x\u001b"]}"#,
            "unknown label \"x\\u{1b}\"; known are",
        ),
        (
            br#"{"text": "a", "label": "NORMAL", "also_ok": "CONFIG_ERROR"}"#,
            "\"also_ok\" is a string, not a list of labels",
        ),
        (
            br#"{"text": "a", "label": "NORMAL", "also_ok": [{}]}"#,
            "\"also_ok\" holds an object, not names of labels",
        ),
        (
            br#"{"text": "a", "label": "NORMAL", "source": true}"#,
            "\"source\" is a boolean, not a string",
        ),
    ];
    for (line, expected) in cases {
        let mut input = b"{\"text\": \"a\", \"label\": \"NORMAL\"}\n\n".to_vec();
        input.extend_from_slice(line);
        input.extend_from_slice(b"\n{\"text\": \"b\", \"label\": \"NORMAL\"}\n");
        let read = portions(input.as_slice());
        let error = read.last().expect("an answer").as_ref().expect_err("refused");
        let message = error.to_string();
        assert!(message.starts_with("lines.jsonl, line 3: "), "{message}");
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
        assert!(error.is::<LabelledFileError>());
    }
}

#[test]
fn a_line_without_end_is_refused_and_not_held() {
    let endless = std::io::repeat(b'x');
    let error = portions(endless).pop().expect("an answer").expect_err("refused");
    assert_eq!(
        error.to_string(),
        "lines.jsonl, line 1: longer than 1048576 bytes"
    );
}

#[test]
fn a_failure_to_read_is_no_mistake_in_the_file() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let error = portions(Failing).pop().expect("an answer").expect_err("failed");
    assert_eq!(format!("{error:#}"), "read lines.jsonl: the disk is gone");
    assert!(!error.is::<LabelledFileError>());
}

#[test]
fn portions_are_bounded_in_lines_and_bytes() {
    let line = |text: &str| format!("{{\"label\": \"NORMAL\", \"text\": \"{text}\"}}\n");
    let many = line("a").repeat(2 * LINES_PER_CALL + 1);
    let sizes: Vec<usize> = portions(many.as_bytes())
        .iter()
        .map(|portion| portion.as_ref().expect("lines").rows.len())
        .collect();
    assert_eq!(sizes, [LINES_PER_CALL, LINES_PER_CALL, 1]);
    let long = line(&"y".repeat(500_000)).repeat(30);
    let mut count = 0;
    for portion in portions(long.as_bytes()) {
        let portion = portion.expect("lines");
        count += portion.texts.len();
        let bytes: usize = portion.texts.iter().map(String::len).sum();
        assert!(bytes < PORTION_BYTES_MAX + LINE_BYTES_MAX, "{bytes}");
    }
    assert_eq!(count, 30);
    assert!(portions(b"\n \n".as_slice()).is_empty());
}
