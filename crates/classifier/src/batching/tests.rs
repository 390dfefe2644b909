//! Batches against a forward pass that is made up: it fails as devices do.

use super::*;

fn row(tokens: usize) -> TokenRow {
    TokenRow {
        ids: vec![7; tokens],
        type_ids: vec![0; tokens],
    }
}

fn limits(rows_max: usize, tokens_max: usize) -> BatchLimits {
    BatchLimits::new(rows_max, tokens_max, RowCost::Padded { row_tokens_max: 512 }, 1)
}

fn torch_error(text: &str) -> TchError {
    TchError::Torch(format!("{text}\nException raised from somewhere\nframe #0: …"))
}

/// A model that answers each row with its length.
fn lengths(rows: &[&TokenRow]) -> Vec<Logits> {
    rows.iter().map(|row| vec![row.len() as f32]).collect()
}

struct Device {
    /// Batches that were asked for, as (rows, longest).
    calls: Mutex<Vec<(usize, usize)>>,
    /// Tokens that fit.
    memory: usize,
    /// Lengths of rows that fail, and how.
    poison: fn(usize) -> Option<&'static str>,
}

impl Device {
    fn new(memory: usize, poison: fn(usize) -> Option<&'static str>) -> Self {
        Self {
            calls: Mutex::new(Vec::new()),
            memory,
            poison,
        }
    }

    fn forward(&self, rows: &[&TokenRow]) -> Result<Vec<Logits>, TchError> {
        let longest = rows.iter().map(|row| row.len()).max().unwrap_or(0);
        self.calls.lock().unwrap().push((rows.len(), longest));
        if rows.len() * longest > self.memory {
            return Err(torch_error("CUDA out of memory. Tried to allocate 2.00 GiB"));
        }
        match rows.iter().find_map(|row| (self.poison)(row.len())) {
            Some("panic") => panic!("index out of bounds"),
            Some(text) => Err(torch_error(text)),
            None => Ok(lengths(rows)),
        }
    }

    fn run(&self, rows: &[TokenRow], limits: &BatchLimits) -> Vec<Result<Logits, RowError>> {
        let rows: Vec<&TokenRow> = rows.iter().collect();
        run(&rows, limits, &row(3), &|batch| self.forward(batch), &|| true)
    }
}

fn mixed_rows() -> Vec<TokenRow> {
    [5, 90, 12, 33, 90, 4, 61, 17, 5, 100]
        .map(row)
        .into_iter()
        .collect()
}

fn assert_answers_are_lengths(rows: &[TokenRow], answers: &[Result<Logits, RowError>]) {
    assert_eq!(rows.len(), answers.len());
    for (row, answer) in rows.iter().zip(answers) {
        assert_eq!(answer, &Ok(vec![row.len() as f32]));
    }
}

#[test]
fn batches_keep_to_both_limits_and_answers_to_the_order_of_rows() {
    let device = Device::new(usize::MAX, |_| None);
    let rows = mixed_rows();
    let answers = device.run(&rows, &limits(3, 200));
    assert_answers_are_lengths(&rows, &answers);
    let calls = device.calls.lock().unwrap();
    assert!(
        calls
            .iter()
            .all(|(rows, longest)| *rows <= 3 && rows * longest <= 200),
        "{calls:?}"
    );
    assert_eq!(calls.iter().map(|(rows, _)| rows).sum::<usize>(), rows.len());
    assert!(
        calls.windows(2).all(|pair| pair[0].1 >= pair[1].1),
        "longest first: {calls:?}"
    );
}

#[test]
fn packed_rows_cost_their_own_tokens_and_padded_ones_the_next_padded_length() {
    let counted = |cost| {
        let device = Device::new(usize::MAX, |_| None);
        let rows = mixed_rows();
        let answers = device.run(&rows, &BatchLimits::new(256, 224, cost, 1));
        assert_answers_are_lengths(&rows, &answers);
        let calls = device.calls.lock().unwrap();
        calls.iter().map(|(rows, _)| *rows).collect::<Vec<usize>>()
    };
    // 100 + 90, 90 + 61 + 33 + 17 + 12 + 5 + 5, and 4 that find no room; against 2 × 112, 2 × 96, then up to 5 × 40.
    assert_eq!(counted(RowCost::Packed), [2, 7, 1]);
    assert_eq!(counted(RowCost::Padded { row_tokens_max: 512 }), [2, 2, 5, 1]);
}

#[test]
fn a_row_longer_than_the_budget_goes_alone() {
    let device = Device::new(usize::MAX, |_| None);
    let rows = mixed_rows();
    assert_answers_are_lengths(&rows, &device.run(&rows, &limits(256, 1)));
    assert!(device.calls.lock().unwrap().iter().all(|(rows, _)| *rows == 1));
}

#[test]
fn out_of_memory_halves_and_the_limit_is_remembered() {
    let device = Device::new(210, |_| None);
    let limits = limits(256, 100_000);
    let rows = mixed_rows();
    assert_answers_are_lengths(&rows, &device.run(&rows, &limits));
    assert!(limits.tokens_max() <= 210, "{}", limits.tokens_max());
    device.calls.lock().unwrap().clear();
    assert_answers_are_lengths(&rows, &device.run(&rows, &limits));
    assert!(
        device
            .calls
            .lock()
            .unwrap()
            .iter()
            .all(|(rows, longest)| rows * longest <= 210),
        "no second failure"
    );
}

#[test]
fn a_row_that_alone_is_too_much_is_set_aside_and_the_others_go_on() {
    let device = Device::new(95, |_| None);
    let rows = mixed_rows();
    let answers = device.run(&rows, &limits(256, 1_000));
    assert_eq!(answers[9], Err(RowError::OutOfMemory { tokens: 100 }));
    assert_answers_are_lengths(&rows[..9], &answers[..9]);
    assert!(!answers[9].as_ref().expect_err("too long").is_retryable());
}

#[test]
fn a_row_that_fails_or_panics_takes_no_other_with_it() {
    let poisons: [fn(usize) -> Option<&'static str>; 2] = [
        |tokens| (tokens == 33).then_some("index out of range"),
        |tokens| (tokens == 33).then_some("panic"),
    ];
    for poison in poisons {
        let device = Device::new(usize::MAX, poison);
        let rows = mixed_rows();
        let limits = limits(256, 1_000);
        let answers = device.run(&rows, &limits);
        let Err(RowError::Forward { reason }) = &answers[3] else {
            panic!("{:?}", answers[3])
        };
        assert!(
            reason.contains("index out of") && !reason.contains("frame"),
            "{reason}"
        );
        let (others, other_answers): (Vec<TokenRow>, Vec<_>) = rows
            .into_iter()
            .zip(answers)
            .filter(|(row, _)| row.len() != 33)
            .unzip();
        assert_answers_are_lengths(&others, &other_answers);
        assert_eq!(
            limits.tokens_max(),
            1_000,
            "an error that is no lack of memory leaves the limit alone"
        );
    }
}

#[test]
fn a_broken_device_blames_no_row_and_is_not_tried_for_every_row() {
    let device = Device::new(usize::MAX, |_| Some("CUDA error: device-side assert triggered"));
    let rows = mixed_rows();
    let answers = device.run(&rows, &limits(256, 100_000));
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().is_err_and(RowError::is_retryable)),
        "{answers:?}"
    );
    // Down to one row, then the probe: 10, 5, 2, 1 rows and 1.
    assert_eq!(device.calls.lock().unwrap().len(), 5);
}

#[test]
fn memory_that_not_even_the_probe_finds_is_the_devices_fault() {
    let device = Device::new(2, |_| None);
    let answers = device.run(&mixed_rows(), &limits(256, 1_000));
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().is_err_and(RowError::is_retryable)),
        "{answers:?}"
    );
}

#[test]
fn answers_that_are_not_finite_or_too_few_are_errors() {
    let rows = [row(4), row(5)];
    let rows: Vec<&TokenRow> = rows.iter().collect();
    let limits = limits(256, 1_000);
    let strange = |batch: &[&TokenRow]| -> Result<Vec<Logits>, TchError> {
        Ok(batch
            .iter()
            .map(|row| vec![if row.len() == 4 { f32::NAN } else { 1.0 }, 0.0])
            .collect())
    };
    assert_eq!(
        run(&rows, &limits, &row(3), &strange, &|| true),
        [Err(RowError::NotFinite), Ok(vec![1.0, 0.0])]
    );
    let none = run(&rows, &limits, &row(3), &|_| Ok(Vec::new()), &|| true);
    assert!(none.iter().all(Result::is_err));
}

#[test]
fn threads_share_the_batches_and_every_row_is_answered_once_in_its_place() {
    let rows: Vec<TokenRow> = (0..500).map(|index| row(1 + index * 37 % 211)).collect();
    for threads in [2, 5] {
        // Rows of 100 tokens fail on whichever thread they land.
        let device = Device::new(usize::MAX, |tokens| (tokens == 100).then_some("panic"));
        let limits = BatchLimits::new(4_096, 512, RowCost::Packed, threads);
        let answers = device.run(&rows, &limits);
        for (row, answer) in rows.iter().zip(answers) {
            match answer {
                Ok(logits) => assert_eq!(logits, [row.len() as f32]),
                Err(error) => assert!(
                    row.len() == 100 && error.to_string().contains("index out of bounds"),
                    "{error}"
                ),
            }
        }
        let tokens: usize = rows.iter().map(TokenRow::len).sum();
        assert!(device.calls.lock().unwrap().len() >= tokens / 512);
    }
}

#[test]
fn a_small_call_is_cut_so_that_every_thread_has_a_part() {
    let rows: Vec<TokenRow> = (0..8).map(|_| row(50)).collect();
    for (threads, batches) in [(1, 1), (2, 2), (4, 4), (100, 8)] {
        let device = Device::new(usize::MAX, |_| None);
        let answers = device.run(&rows, &BatchLimits::new(4_096, 512, RowCost::Packed, threads));
        assert_answers_are_lengths(&rows, &answers);
        assert_eq!(device.calls.lock().unwrap().len(), batches, "{threads} threads");
    }
}

#[test]
fn nothing_more_is_run_once_nobody_waits() {
    let rows: Vec<TokenRow> = (0..10).map(|_| row(50)).collect();
    let rows: Vec<&TokenRow> = rows.iter().collect();
    let device = Device::new(usize::MAX, |_| None);
    let wanted = || device.calls.lock().unwrap().len() < 3;
    let limits = BatchLimits::new(1, 512, RowCost::Packed, 1);
    let answers = run(&rows, &limits, &row(3), &|batch| device.forward(batch), &wanted);
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 3);
    assert_eq!(answers.len(), 10);
}
