//! What `turnstone bench classify` reports: rates, ratios and label agreement, as a table or as JSON.

use super::measure::{Answer, Pass, Settings};
use super::peers::Peers;
use crate::output::{escape_controls, grouped};
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use turnstone_classifier::ModelInfo;
use turnstone_types::{CLASSIFIED_TEXT_CHARS_MAX, truncate_chars};

/// A line whose two best probabilities are nearer than this has no clear label: rounding decides it.
const NEAR_TIE: f64 = 1e-3;

/// The whole result.
#[derive(Serialize)]
pub struct Report {
    model: String,
    architecture: String,
    parameters: u64,
    device: String,
    dtype: String,
    normalise: String,
    /// 0 keeps no answers.
    cache_bytes: u64,
    threads: u32,
    lines: usize,
    /// Lines that differ within the characters that a model sees.
    distinct_lines: usize,
    failed_lines: usize,
    passes: Vec<Pass>,
    /// Median of the passes.
    lines_per_second: f64,
    tokens_per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Against>,
    #[serde(skip)]
    peer_seconds: Vec<(String, Vec<f64>)>,
}

/// The Python side.
#[derive(Serialize)]
struct Against {
    lines: usize,
    tokens: u64,
    versions: BTreeMap<String, String>,
    /// Agreement with PyTorch in f32, and how far the winner's probability is from its.
    reference: Agreement,
    score_difference_max: f64,
    peers: Vec<PeerReport>,
    left_out: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct PeerReport {
    name: String,
    settings: serde_json::Value,
    seconds: Vec<f64>,
    /// Median of the passes.
    lines_per_second: f64,
    lines_per_second_best: f64,
    /// Median over the rounds of our lines a second over theirs in the same round.
    ratio: f64,
    agreement: Agreement,
}

/// Share of lines with the same label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Agreement {
    all: f64,
    /// Of the lines whose two best probabilities differ by more than [`NEAR_TIE`] in PyTorch f32.
    clear: f64,
    clear_lines: usize,
}

impl Report {
    /// A report without passes.
    pub fn new(info: &ModelInfo, settings: &Settings, texts: &[String]) -> Self {
        let seen: HashSet<&str> = texts
            .iter()
            .map(|text| truncate_chars(text, CLASSIFIED_TEXT_CHARS_MAX))
            .collect();
        Self {
            model: info.name.clone(),
            architecture: info.architecture.to_owned(),
            parameters: info.parameters,
            device: info.device.clone(),
            dtype: info.dtype.clone(),
            normalise: info.normalise.clone(),
            cache_bytes: settings.cache_bytes,
            threads: settings.threads,
            lines: texts.len(),
            distinct_lines: seen.len(),
            failed_lines: 0,
            passes: Vec::new(),
            lines_per_second: 0.0,
            tokens_per_second: 0.0,
            against: None,
            peer_seconds: Vec::new(),
        }
    }

    /// Adds a pass of ours.
    pub fn add_pass(&mut self, pass: Pass) {
        self.passes.push(pass);
    }

    /// Adds a pass of a peer, in the round of our latest.
    pub fn add_peer_pass(&mut self, name: &str, seconds: f64) {
        match self.peer_seconds.iter_mut().find(|(known, _)| known == name) {
            Some((_, passes)) => passes.push(seconds),
            None => self.peer_seconds.push((name.to_owned(), vec![seconds])),
        }
    }

    /// Sums the passes up.
    pub fn finish(&mut self, answers: &[Answer]) {
        self.failed_lines = answers.iter().filter(|answer| answer.is_none()).count();
        self.lines_per_second = median(self.passes.iter().map(|pass| pass.lines_per_second));
        self.tokens_per_second = median(self.passes.iter().map(|pass| pass.tokens_per_second));
    }

    /// Compares with the peers; `answers` are ours for their lines.
    pub async fn add_peers(&mut self, peers: &mut Peers, answers: &[Answer]) -> anyhow::Result<()> {
        let reference = peers.reference().await?;
        let clear: Vec<bool> = reference.gaps.iter().map(|gap| *gap > NEAR_TIE).collect();
        let ours: Vec<Option<usize>> = answers
            .iter()
            .map(|answer| answer.map(|(class, _)| class))
            .collect();
        let score_difference_max = answers
            .iter()
            .zip(reference.classes.iter().zip(&reference.scores))
            .filter_map(|(answer, (class, score))| {
                answer
                    .filter(|ours| ours.0 == *class)
                    .map(|ours| (ours.1 - score).abs())
            })
            .fold(0.0, f64::max);
        let lines = peers.lines() as f64;
        let mut reports = Vec::new();
        for (name, seconds) in std::mem::take(&mut self.peer_seconds) {
            let theirs = peers.answers(&name).await?;
            let rates = || seconds.iter().map(|seconds| lines / seconds);
            reports.push(PeerReport {
                settings: peers.settings(&name),
                lines_per_second: median(rates()),
                lines_per_second_best: rates().fold(0.0, f64::max),
                ratio: median(
                    self.passes
                        .iter()
                        .zip(rates())
                        .map(|(pass, rate)| pass.lines_per_second / rate),
                ),
                agreement: Agreement::of(&ours, &theirs.classes, &clear),
                seconds,
                name,
            });
        }
        self.against = Some(Against {
            lines: peers.lines(),
            tokens: peers.tokens(),
            versions: peers.versions().clone(),
            reference: Agreement::of(&ours, &reference.classes, &clear),
            score_difference_max,
            peers: reports,
            left_out: peers.left_out().clone(),
        });
        Ok(())
    }

    /// Prints the report for people.
    pub fn print(&self, out: &mut impl Write) -> anyhow::Result<()> {
        writeln!(
            out,
            "model      {} ({}, {} parameters)",
            escape_controls(&self.model),
            self.architecture,
            grouped(self.parameters)
        )?;
        writeln!(
            out,
            "device     {} {}, {} threads",
            self.device, self.dtype, self.threads
        )?;
        writeln!(
            out,
            "lines      {} ({} distinct)",
            grouped(self.lines as u64),
            grouped(self.distinct_lines as u64)
        )?;
        if self.failed_lines > 0 {
            writeln!(out, "failed     {} lines", grouped(self.failed_lines as u64))?;
        }
        let cache = match self.cache_bytes {
            0 => "no cache".to_owned(),
            bytes => format!("cache of {} MiB, empty before each pass", bytes.div_ceil(1 << 20)),
        };
        writeln!(out, "text       {}, {cache}", self.normalise)?;
        writeln!(
            out,
            "\n{:<8} {:>10} {:>10} {:>9} {:>11} {:>9} {:>9}",
            "PASS", "LINES/S", "TOKENS/S", "HIT RATE", "TOKENISE", "WAIT", "FORWARD"
        )?;
        for (index, pass) in self.passes.iter().enumerate() {
            writeln!(
                out,
                "{:<8} {:>10.1} {:>10.0} {} {:>9.3} s {:>7.3} s {:>7.3} s",
                index + 1,
                pass.lines_per_second,
                pass.tokens_per_second,
                percent(pass.hit_rate, 7),
                pass.tokenise_seconds,
                pass.wait_seconds,
                pass.forward_seconds
            )?;
        }
        writeln!(
            out,
            "{:<8} {:>10.1} {:>10.0}",
            "median", self.lines_per_second, self.tokens_per_second
        )?;
        match &self.against {
            Some(against) => against.print(out),
            None => Ok(()),
        }
    }
}

impl Against {
    fn print(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let versions: Vec<String> = self
            .versions
            .iter()
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        writeln!(
            out,
            "\nagainst {} lines, {} tokens with {}",
            grouped(self.lines as u64),
            grouped(self.tokens),
            escape_controls(&versions.join(", "))
        )?;
        writeln!(
            out,
            "{:<22} {:>9} {:>9} {:>12} {:>11} {:>11}  SETTINGS",
            "WHO", "LINES/S", "BEST", "OURS/THEIRS", "SAME LABEL", "WHERE CLEAR"
        )?;
        for peer in &self.peers {
            writeln!(
                out,
                "{:<22} {:>9.1} {:>9.1} {:>11.2}x {} {}  {}",
                escape_controls(&peer.name),
                peer.lines_per_second,
                peer.lines_per_second_best,
                peer.ratio,
                percent(peer.agreement.all, 9),
                percent(peer.agreement.clear, 9),
                escape_controls(&peer.settings.to_string())
            )?;
        }
        for (name, reason) in &self.left_out {
            writeln!(
                out,
                "{:<22} left out: {}",
                escape_controls(name),
                escape_controls(reason)
            )?;
        }
        writeln!(
            out,
            "\nagainst PyTorch f32: {} the same label, {} of the {} lines whose two best probabilities differ by more than {NEAR_TIE}; \
             the winner's probability differs by at most {:.1e}",
            percent(self.reference.all, 0),
            percent(self.reference.clear, 0),
            grouped(self.reference.clear_lines as u64),
            self.score_difference_max
        )?;
        Ok(())
    }
}

impl Agreement {
    fn of(ours: &[Option<usize>], theirs: &[usize], clear: &[bool]) -> Self {
        let share = |rows: &mut dyn Iterator<Item = bool>| {
            let (mut same, mut count) = (0_usize, 0_usize);
            for row in rows {
                same += usize::from(row);
                count += 1;
            }
            // Where there is nothing to disagree on, all agree.
            if count == 0 {
                1.0
            } else {
                same as f64 / count as f64
            }
        };
        let same: Vec<bool> = ours
            .iter()
            .zip(theirs)
            .map(|(ours, theirs)| *ours == Some(*theirs))
            .collect();
        let of_clear = || {
            same.iter()
                .zip(clear)
                .filter(|(_, clear)| **clear)
                .map(|(same, _)| *same)
        };
        Self {
            all: share(&mut same.iter().copied()),
            clear: share(&mut of_clear()),
            clear_lines: of_clear().count(),
        }
    }
}

fn percent(share: f64, width: usize) -> String {
    // Cut, not rounded: 99.996 % is not all.
    format!("{:>width$.2} %", (share * 10_000.0).floor() / 100.0)
}

/// The middle value, or the mean of the two in the middle; NaN of nothing.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count => f64::midpoint(values[(count - 1) / 2], values[count / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
        assert!(median(std::iter::empty()).is_nan());
    }

    #[test]
    fn agreement_counts_failed_lines_as_different_and_near_ties_apart() {
        let ours = [Some(1), Some(2), None, Some(0)];
        let agreement = Agreement::of(&ours, &[1, 0, 1, 0], &[true, false, true, true]);
        assert_eq!(
            agreement,
            Agreement {
                all: 0.5,
                clear: 2.0 / 3.0,
                clear_lines: 3
            }
        );
        assert_eq!(percent(0.999_99, 0), "99.99 %");
        assert_eq!(percent(1.0, 9).trim(), "100.00 %");
    }
}
