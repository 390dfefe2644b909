//! Writes answers as JSON lines. What depends on the label alone is made once.

use crate::output::safe_json;
use serde::Serialize;
use std::io::{BufWriter, Write};
use tokio::sync::mpsc;
use turnstone_classifier::{ModelInfo, ModelLabel, Prediction, RowError, RowOutcome};

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Lines.
    pub lines: u64,
    /// Of these, lines that could not be classified.
    pub refused: u64,
}

#[derive(Serialize)]
struct Refusal {
    line: u64,
    error: String,
}

/// The parts of an answer's object around the line's number and its score.
struct Answer {
    before_score: String,
    after_score: String,
}

impl Answer {
    fn of(label: &ModelLabel) -> anyhow::Result<Self> {
        let (name, severity) = (label.meaning.label.as_str(), label.meaning.severity.as_str());
        Ok(Self {
            before_score: format!(
                ",\"label\":{},\"raw_label\":{},\"score\":",
                safe_json(&name)?,
                safe_json(&label.raw)?
            ),
            after_score: format!(",\"severity\":{}}}\n", safe_json(&severity)?),
        })
    }

    fn write(&self, line: u64, prediction: &Prediction, out: &mut impl Write) -> anyhow::Result<()> {
        write!(out, "{{\"line\":{line}")?;
        out.write_all(self.before_score.as_bytes())?;
        serde_json::to_writer(&mut *out, &prediction.score)?;
        out.write_all(self.after_score.as_bytes())?;
        Ok(())
    }
}

/// Writes one object for each row that comes, numbered from 1, until no more can come. Flushes after each portion.
pub fn write_answers(
    info: &ModelInfo,
    mut answers: mpsc::Receiver<Vec<RowOutcome>>,
    out: impl Write,
) -> anyhow::Result<Written> {
    let labels: Vec<Answer> = info
        .labels
        .iter()
        .map(Answer::of)
        .collect::<anyhow::Result<_>>()?;
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    let mut written = Written::default();
    while let Some(outcomes) = answers.blocking_recv() {
        for outcome in &outcomes {
            written.lines += 1;
            match outcome {
                Ok(prediction) => labels[prediction.class].write(written.lines, prediction, &mut out)?,
                Err(error) => {
                    written.refused += 1;
                    write_refusal(written.lines, error, &mut out)?;
                }
            }
        }
        out.flush()?;
    }
    Ok(written)
}

fn write_refusal(line: u64, error: &RowError, out: &mut impl Write) -> anyhow::Result<()> {
    let error = error.to_string();
    writeln!(out, "{}", safe_json(&Refusal { line, error })?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use turnstone_types::LabelMap;

    #[test]
    fn objects_are_those_that_a_json_writer_makes() {
        let label = |raw: &str| ModelLabel {
            raw: raw.to_owned(),
            meaning: LabelMap::default().meaning(raw),
            known: true,
        };
        let info = ModelInfo {
            name: "a".to_owned(),
            architecture: "A".to_owned(),
            parameters: 0,
            labels: vec![label("NORMAL"), label("odd\u{1b}\"\u{202e}")],
            tokens_max: 1,
            device: "cpu".to_owned(),
            dtype: "f32".to_owned(),
            dtype_reason: String::new(),
            normalise: "raw".to_owned(),
            stored_dtype: String::new(),
            tokenizer: String::new(),
            scores: String::new(),
            warm_up_time: std::time::Duration::ZERO,
            content_hash: String::new(),
        };
        let prediction = |class: usize, score: f64| {
            let ModelLabel { raw, meaning, .. } = info.labels[class].clone();
            Ok(Prediction {
                class,
                raw_label: raw.into(),
                meaning,
                score,
                detected: false,
            })
        };
        let (sender, receiver) = mpsc::channel(2);
        sender
            .try_send(vec![
                prediction(0, 1.0),
                prediction(1, 0.1),
                Err(RowError::NotFinite),
            ])
            .expect("room");
        sender.try_send(vec![prediction(0, 1e-7)]).expect("room");
        drop(sender);
        let mut out = Vec::new();
        let written = write_answers(&info, receiver, &mut out).expect("written");
        assert_eq!(written, Written { lines: 4, refused: 1 });
        let text = String::from_utf8(out).expect("UTF-8");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            r#"{"line":1,"label":"NORMAL","raw_label":"NORMAL","score":1.0,"severity":"INFO"}"#
        );
        assert!(
            !text
                .chars()
                .any(|character| character.is_control() && character != '\n')
        );
        let values: Vec<serde_json::Value> = lines
            .iter()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(values[1]["raw_label"], "odd\u{1b}\"\u{202e}");
        assert_eq!(values[1]["score"], 0.1);
        assert_eq!(
            (&values[2]["line"], values[2]["error"].is_string()),
            (&3.into(), true)
        );
        assert_eq!(
            (&values[3]["line"], &values[3]["score"]),
            (&4.into(), &1e-7.into())
        );
    }
}
