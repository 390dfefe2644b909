//! The made-up log of `bench query`: every line a function of its number, so that the same plan makes the same log again.
//! Sources and messages of very different frequency, words from one in nine lines of ten to one in a million, a rate that follows the
//! hours of the day, and detections in many groups.

use super::zipf::{Mixer, Zipf, word};
use anyhow::ensure;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use turnstone_types::{LabelMap, LabelMeaning, Severity, Timestamp, Verdict};

/// Rises whenever the same plan makes another log.
pub const VERSION: u32 = 1;
/// Days that the log goes over.
pub const DAYS: i64 = 28;
const DAY_SECONDS: i64 = 86_400;
const HOURS: usize = DAYS as usize * 24;
/// Messages that become detections, at most.
const GROUPS_MAX: u64 = 20_000;
/// Different words in the long tail.
const WORDS: usize = 50_000;
/// A word of nearly every line, one of every third, and one of about a line in ten thousand.
pub const COMMON_WORD: &str = "request";
pub const USUAL_WORD: &str = "completed";
pub const RARE_WORD: &str = "checksum";
/// A scorer of every tenth detection; the other one made the rest.
pub const SECOND_SCORER: &str = "minilm-l6";
const FIRST_SCORER: &str = "turnstone-mini";

/// Sources with their share of the lines in percent, and whether they are the shared tenant's.
const SOURCES: [(&str, u64, bool); 12] = [
    ("gateway", 25, false),
    ("checkout", 18, false),
    ("payments", 12, false),
    ("worker", 10, false),
    ("postgres", 8, false),
    ("sshd", 6, false),
    ("kernel", 5, false),
    ("scheduler", 4, false),
    ("search", 4, false),
    ("mail", 2, false),
    ("firewall", 4, true),
    ("dns", 2, true),
];

/// Labels of groups with their share in percent.
const LABELS: [(&str, u64); 6] = [
    ("NETWORK_ANOMALY", 32),
    ("PERFORMANCE_ISSUE", 30),
    ("SECURITY_ANOMALY", 20),
    ("CONFIG_ERROR", 11),
    ("SYSTEM_FAILURE", 5),
    ("HARDWARE_ISSUE", 2),
];

/// How large a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`VERSION`] of what made it.
    pub version: u32,
    /// Lines.
    pub entries: u64,
    /// Those of them that are detections.
    pub detections: u64,
    /// The second at which it ends.
    pub end_second: i64,
}

/// A log, line by line.
pub struct Corpus {
    plan: Plan,
    groups: Zipf,
    words: Zipf,
    /// Share of the lines that came before the end of each hour.
    hours: Vec<f64>,
    labels: LabelMap,
}

/// A line and what a scorer and people made of it.
pub struct Line {
    /// Whether the shared tenant has it.
    pub shared: bool,
    pub source: &'static str,
    pub text: String,
    pub severity: Option<Severity>,
    pub timestamp: Timestamp,
    pub detection: Option<Finding>,
}

/// A detection of a line.
pub struct Finding {
    pub meaning: LabelMeaning,
    pub score: f64,
    pub scorer: &'static str,
    /// How long after it was made somebody acknowledged it.
    pub acknowledged_after: Option<Duration>,
    pub verdict: Option<Verdict>,
}

impl Corpus {
    pub fn new(plan: Plan) -> anyhow::Result<Self> {
        ensure!(plan.entries > 0, "--entries must be at least 1");
        let corpus = Self {
            groups: Zipf::new((plan.detections / 5).clamp(1, GROUPS_MAX) as usize, 0.9),
            words: Zipf::new(WORDS, 1.0),
            hours: shares_of_hours(),
            labels: LabelMap::default(),
            plan,
        };
        ensure!(
            corpus.plan.detections <= corpus.scored(),
            "--detections {} is more than the lines that are scored; give at most {}",
            corpus.plan.detections,
            corpus.scored()
        );
        Ok(corpus)
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Lines from the first on that are scored; the others, two of a hundred, wait.
    pub fn scored(&self) -> u64 {
        self.plan.entries - self.plan.entries / 50
    }

    /// Lines from the first on that come scored; the others up to [`Self::scored`] are scored once they are stored.
    pub fn comes_scored(&self) -> u64 {
        self.plan.entries - self.plan.entries / 33
    }

    /// When the log begins.
    pub fn start(&self) -> Timestamp {
        second(self.plan.end_second - DAYS * DAY_SECONDS)
    }

    /// When it ends.
    pub fn end(&self) -> Timestamp {
        second(self.plan.end_second)
    }

    /// An instant at a share of the time from start to end.
    pub fn instant(&self, share: f64) -> Timestamp {
        let micros = (DAYS * DAY_SECONDS) as f64 * 1e6 * share.clamp(0.0, 1.0);
        self.start() + Duration::from_micros(micros as u64)
    }

    /// A word of the long tail, the more frequent the smaller its number.
    pub fn tail_word(&self, number: usize) -> String {
        word(number % WORDS)
    }

    /// Messages that become detections.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// The source of a group's detections.
    pub fn source_of_group(&self, group: usize) -> (&'static str, bool) {
        // The failing disks are the kernel's.
        if self.label_of_group(group) == "HARDWARE_ISSUE" {
            return ("kernel", false);
        }
        pick_source(Mixer::new(1, group as u64).next())
    }

    /// The label of a group.
    pub fn label_of_group(&self, group: usize) -> &'static str {
        let mut percent = Mixer::new(2, group as u64).below(100);
        for (label, share) in LABELS {
            if percent < share {
                return label;
            }
            percent -= share;
        }
        LABELS[0].0
    }

    /// The text of a detection of a group, with numbers of its own.
    pub fn text_of_group(&self, group: usize, numbers: &mut Mixer) -> String {
        // Words tell groups apart and not numbers, which fingerprints leave out.
        let (module, part) = (word(group), word(group / 7 + 70_000));
        let (one, other) = (numbers.below(60_000), numbers.below(900) + 20);
        match self.label_of_group(group) {
            "NETWORK_ANOMALY" => format!(
                "{module}: connection to 10.0.{}.{} reset after {one} bytes, {COMMON_WORD} dropped by {part}",
                one % 200,
                other % 250
            ),
            "PERFORMANCE_ISSUE" => {
                format!("{module}: slow {COMMON_WORD} took {other} ms in {part}, queue length {one}")
            }
            "SECURITY_ANOMALY" => format!(
                "{module}: failed password for invalid user {part} from 203.0.113.{} port {one}",
                other % 250
            ),
            "CONFIG_ERROR" => {
                format!("{module}: invalid value for key {part} at line {other}, {COMMON_WORD} refused")
            }
            "SYSTEM_FAILURE" => {
                format!("{module}: out of memory: killed process {one} ({part}), {COMMON_WORD} lost")
            }
            _ => format!("{module}: uncorrectable {RARE_WORD} error on {part}, sector {one}"),
        }
    }

    /// The line of a number.
    pub fn line(&self, number: u64) -> Line {
        let mut numbers = Mixer::new(3, number);
        let timestamp = self.time_of(number, &mut numbers);
        let (scored, detections) = (u128::from(self.scored()), u128::from(self.plan.detections));
        let until = |lines: u64| u128::from(lines) * detections / scored;
        if u128::from(number) < scored && until(number + 1) > until(number) {
            return self.detected(number, timestamp, &mut numbers);
        }
        let (source, shared) = pick_source(numbers.next());
        let severity = match numbers.below(1_000) {
            0..3 => Some(Severity::Critical),
            3..40 => Some(Severity::Error),
            40..110 => Some(Severity::Warn),
            110..180 => None,
            180..250 => Some(Severity::Debug),
            _ => Some(Severity::Info),
        };
        Line {
            shared,
            source,
            text: self.usual_text(source, &mut numbers),
            severity,
            timestamp,
            detection: None,
        }
    }

    fn detected(&self, number: u64, timestamp: Timestamp, numbers: &mut Mixer) -> Line {
        let group = self.groups.sample(numbers.share());
        let (source, shared) = self.source_of_group(group);
        let meaning = self.labels.meaning(self.label_of_group(group));
        let text = format!(
            "{}[{}]: {}",
            source,
            numbers.below(30_000) + 100,
            self.text_of_group(group, numbers)
        );
        // Of what is more than three days old nearly all is acknowledged.
        let is_old = number < self.scored() / DAYS as u64 * (DAYS - 3) as u64;
        let acknowledged = numbers.below(100) < if is_old { 93 } else { 30 };
        let verdict = match numbers.below(100) {
            0..24 => Some(Verdict::FalsePositive),
            24..34 => Some(Verdict::Expected),
            34..40 => Some(Verdict::TruePositive),
            _ => None,
        };
        Line {
            shared,
            source,
            text,
            severity: Some(meaning.severity),
            timestamp,
            detection: Some(Finding {
                meaning,
                score: 1.0 - 0.5 * numbers.share().powi(2),
                scorer: if numbers.below(10) == 0 {
                    SECOND_SCORER
                } else {
                    FIRST_SCORER
                },
                acknowledged_after: acknowledged.then(|| Duration::from_secs(60 + numbers.below(40_000))),
                verdict: verdict.filter(|_| acknowledged),
            }),
        }
    }

    fn usual_text(&self, source: &str, numbers: &mut Mixer) -> String {
        let process = numbers.below(30_000) + 100;
        let tail = word(self.words.sample(numbers.share()));
        let (one, other) = (numbers.below(100_000_000), numbers.below(400));
        let body = match numbers.below(100) {
            // One line of ten is without the common word.
            0..10 => format!("session of {tail} opened from 10.3.{}.{}", other % 256, one % 256),
            10..44 => format!("{COMMON_WORD} {one} for {tail} {USUAL_WORD} in {other} ms with 200"),
            44..60 => format!(
                "{COMMON_WORD} {one} accepted from 10.3.{}.{} for {tail}",
                other % 256,
                one % 256
            ),
            60..75 => format!("{COMMON_WORD} {one}: cache hit for {tail}, {other} bytes"),
            75..90 => format!("{COMMON_WORD} {one} queued for {tail}, {other} waiting"),
            90..98 => format!("{COMMON_WORD} {one} retrying {tail}, attempt {}", other % 5 + 1),
            _ => match numbers.below(200) {
                0 => format!("{COMMON_WORD} {one} {RARE_WORD} of {tail} verified"),
                _ => format!(
                    "{COMMON_WORD} {one} sent to {tail} and {}",
                    word(self.words.sample(numbers.share()))
                ),
            },
        };
        format!("{source}[{process}]: {body}")
    }

    /// Lines come in order of time but for two seconds, more of them at noon than at night and fewer at weekends.
    fn time_of(&self, number: u64, numbers: &mut Mixer) -> Timestamp {
        let share = (number as f64 + 0.5) / self.plan.entries as f64;
        let hour = self.hours.partition_point(|until| *until < share).min(HOURS - 1);
        let from = if hour == 0 { 0.0 } else { self.hours[hour - 1] };
        let within = (share - from) / (self.hours[hour] - from);
        let micros = ((hour as f64 + within) * 3.6e9) as u64;
        let early = numbers.below(2_000_000);
        self.start() + Duration::from_micros(micros.saturating_sub(early))
    }
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn pick_source(random: u64) -> (&'static str, bool) {
    let mut percent = random % 100;
    for (source, share, shared) in SOURCES {
        if percent < share {
            return (source, shared);
        }
        percent -= share;
    }
    (SOURCES[0].0, SOURCES[0].2)
}

fn shares_of_hours() -> Vec<f64> {
    let weight = |hour: usize| {
        let of_day = 1.0 - 0.8 * (std::f64::consts::TAU * (hour % 24) as f64 / 24.0).cos();
        let weekend = hour / 24 % 7 >= 5;
        of_day * if weekend { 0.5 } else { 1.0 }
    };
    let all: f64 = (0..HOURS).map(weight).sum();
    let mut so_far = 0.0;
    let mut shares: Vec<f64> = (0..HOURS)
        .map(|hour| {
            so_far += weight(hour) / all;
            so_far
        })
        .collect();
    // Sums of fractions may end a little before one.
    if let Some(last) = shares.last_mut() {
        *last = 1.0;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use turnstone_types::fingerprint;

    fn corpus(entries: u64, detections: u64) -> Corpus {
        Corpus::new(Plan {
            version: VERSION,
            entries,
            detections,
            end_second: 1_790_000_000,
        })
        .unwrap()
    }

    #[test]
    fn the_same_plan_makes_the_same_log_with_the_detections_asked_for() {
        let (one, other) = (corpus(20_000, 3_000), corpus(20_000, 3_000));
        let mut detections = 0;
        for number in 0..20_000 {
            let (line, again) = (one.line(number), other.line(number));
            assert_eq!((&line.text, line.timestamp), (&again.text, again.timestamp));
            assert!(line.timestamp >= one.start() && line.timestamp < one.end());
            assert!(line.detection.is_none() || number < one.scored());
            detections += u64::from(line.detection.is_some());
        }
        assert_eq!(detections, 3_000);
        assert!(one.comes_scored() < one.scored() && one.scored() < 20_000);
    }

    #[test]
    fn words_have_the_frequencies_that_the_searches_are_named_for() {
        let corpus = corpus(20_000, 2_000);
        let share = |word: &str| {
            let holds = |number: &u64| corpus.line(*number).text.contains(word);
            (0..20_000).filter(holds).count() as f64 / 20_000.0
        };
        assert!((0.8..0.95).contains(&share(COMMON_WORD)));
        assert!((0.25..0.4).contains(&share(USUAL_WORD)));
        assert!((0.0..0.01).contains(&share(RARE_WORD)));
        assert!(share(&corpus.tail_word(0)) > share(&corpus.tail_word(100)));
    }

    #[test]
    fn a_group_has_one_fingerprint_and_no_other_group_has_it() {
        let corpus = corpus(200_000, 10_000);
        let mut seen = BTreeSet::new();
        for group in 0..corpus.groups() {
            let text = |seed| {
                let mut numbers = Mixer::new(9, seed);
                format!("sshd[{seed}]: {}", corpus.text_of_group(group, &mut numbers))
            };
            assert_eq!(fingerprint(&text(7)), fingerprint(&text(12_345)), "{}", text(7));
            assert!(seen.insert(fingerprint(&text(7)).as_str().to_owned()));
        }
        assert_eq!(seen.len(), 2_000);
    }

    #[test]
    fn the_rate_follows_the_hours() {
        let corpus = corpus(100_000, 100);
        let mut by_hour: BTreeMap<i64, u32> = BTreeMap::new();
        for number in 0..100_000 {
            let since = corpus.line(number).timestamp.as_second() - corpus.start().as_second();
            *by_hour.entry(since / 3_600 % 24).or_default() += 1;
        }
        assert_eq!(by_hour.len(), 24);
        assert!(by_hour[&12] > 5 * by_hour[&0]);
    }

    #[test]
    fn more_detections_than_scored_lines_are_refused() {
        let plan = Plan {
            version: VERSION,
            entries: 100,
            detections: 99,
            end_second: 0,
        };
        let error = Corpus::new(plan).err().unwrap().to_string();
        assert!(error.contains("at most 98"), "{error}");
    }
}
