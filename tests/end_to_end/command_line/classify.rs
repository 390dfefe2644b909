//! `turnstone classify` answers every input line with one object, in order, whatever the line holds.

use crate::{alone, lines};
use turnstone_tests::{Outcome, json_lines, turnstone};

#[tokio::test(flavor = "multi_thread")]
async fn every_line_has_one_answer_in_order() -> anyhow::Result<()> {
    let _alone = alone().await;
    let alarming = b"kernel: nvme0: I/O error, dev nvme0n1, sector 7".as_slice();
    let huge = "all is well ".repeat(1_000_000);
    let odd: [&[u8]; 9] = [
        b"",
        b"   ",
        huge.as_bytes(),
        b"\xff\xfe\x80 not utf-8",
        b"nul\0nul",
        b"\x1b[31mred\x1b[0m",
        alarming,
        b"\r",
        "漢字 ü".as_bytes(),
    ];
    let mut input = Vec::new();
    // More than one batch, so that the order between batches counts too.
    for number in 0..1_200 {
        input.extend_from_slice(lines::text(number).as_bytes());
        input.push(b'\n');
    }
    for line in odd {
        input.extend_from_slice(line);
        input.push(b'\n');
    }
    // The last line has no line end.
    input.extend_from_slice(alarming);
    let outcome = Outcome::of(turnstone(["classify", "-"])?.stdin(input)).await?;
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let answers = json_lines(&outcome.stdout)?;
    assert_eq!(answers.len(), 1_200 + odd.len() + 1);
    for (index, answer) in answers.iter().enumerate() {
        assert_eq!(answer["line"], index + 1, "{answer}");
        let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            ["label", "line", "raw_label", "score", "severity"],
            "{answer}"
        );
        assert!(
            answer["score"]
                .as_f64()
                .is_some_and(|score| (0.0..=1.0).contains(&score)),
            "{answer}"
        );
    }
    let same = |index: usize| (&answers[index]["label"], &answers[index]["severity"]);
    // The same text far apart in the input: were the order wrong, these would hardly be equal to each other and not to the rest.
    assert_eq!(same(1_206), same(answers.len() - 1));
    assert_eq!(same(50).0, same(1_206).0, "a disk error: {}", answers[50]);
    assert_ne!(same(0).0, same(50).0, "{}", answers[0]);
    Ok(())
}

#[tokio::test]
async fn no_input_is_no_answer() -> anyhow::Result<()> {
    let outcome = Outcome::of(turnstone(["classify", "-"])?.stdin("")).await?;
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (Some(0), ""),
        "{outcome:?}"
    );
    Ok(())
}
