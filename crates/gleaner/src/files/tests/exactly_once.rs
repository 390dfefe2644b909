//! Whatever order writing, rotating, polling, committing and crashing happen in: every line comes exactly once.

use super::*;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    /// Complete lines of this length.
    Append {
        lines: usize,
        length: usize,
    },
    /// The beginning of a line; the next append ends it.
    AppendPart {
        length: usize,
    },
    Rename,
    CopyTruncate,
    /// Compresses the newest rotated file.
    Compress,
    /// Takes one small batch and commits it.
    Poll {
        entries_max: usize,
    },
    /// Takes a small batch and crashes before the commit.
    PollAndCrash {
        entries_max: usize,
    },
    CatchUp,
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1..6_usize, 0..400_usize).prop_map(|(lines, length)| Step::Append { lines, length }),
        2 => (1..40_usize).prop_map(|length| Step::AppendPart { length }),
        2 => Just(Step::Rename),
        2 => Just(Step::CopyTruncate),
        2 => Just(Step::Compress),
        4 => (1..5_usize).prop_map(|entries_max| Step::Poll { entries_max }),
        2 => (1..5_usize).prop_map(|entries_max| Step::PollAndCrash { entries_max }),
        2 => Just(Step::CatchUp),
        2 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 1..40)
}

/// Writes like a daemon and logrotate would, and keeps the books.
struct Writer {
    written: Vec<String>,
    /// The line that has been begun.
    begun: Option<String>,
    rotations: usize,
    newest_rotated: Option<String>,
}

impl Writer {
    fn next_line(&self, length: usize) -> String {
        format!("line {} {}", self.written.len(), "x".repeat(length))
    }

    fn end_line(&mut self, site: &Site) {
        if let Some(line) = self.begun.take() {
            site.append("app.log", "\n");
            self.written.push(line);
        }
    }

    fn rotated_name(&mut self) -> String {
        self.rotations += 1;
        let name = format!("app.log.{}", self.rotations);
        self.newest_rotated = Some(name.clone());
        name
    }

    fn apply(&mut self, step: &Step, site: &mut Site, sees_rotated: bool) {
        match *step {
            Step::Append { lines, length } => {
                self.end_line(site);
                for _ in 0..lines {
                    let line = self.next_line(length);
                    site.append("app.log", format!("{line}\n"));
                    self.written.push(line);
                }
            }
            Step::AppendPart { length } => {
                if self.begun.is_none() {
                    let line = self.next_line(length);
                    site.append("app.log", &line);
                    self.begun = Some(line);
                }
            }
            Step::Rename | Step::CopyTruncate => {
                // A file that no pattern names and that was never looked at cannot be known: look at it, then add a
                // line that is seen only after the rotation.
                self.end_line(site);
                if !sees_rotated {
                    for is_first in [true, false] {
                        let line = self.next_line(3);
                        site.append("app.log", format!("{line}\n"));
                        self.written.push(line);
                        if is_first {
                            site.catch_up();
                        }
                    }
                }
                if !site.path("app.log").exists() || fs::metadata(site.path("app.log")).unwrap().len() == 0 {
                    return;
                }
                let name = self.rotated_name();
                match step {
                    Step::Rename => site.rename("app.log", &name),
                    _ => site.copy_and_truncate("app.log", &name),
                }
                if !sees_rotated {
                    site.catch_up();
                }
            }
            Step::Compress => {
                if let Some(name) = self.newest_rotated.take() {
                    site.compress(&name, &format!("{name}.gz"));
                }
            }
            Step::Poll { entries_max } => {
                let gleaned = site.take(Budget {
                    entries_max,
                    bytes_max: 1 << 20,
                });
                site.commit(gleaned);
            }
            Step::PollAndCrash { entries_max } => {
                site.take(Budget {
                    entries_max,
                    bytes_max: 1 << 20,
                });
                site.crash();
            }
            Step::CatchUp => site.catch_up(),
            Step::Crash => site.crash(),
        }
    }
}

fn check(steps: &[Step], sees_rotated: bool) {
    let mut site = Site::new(&[if sees_rotated { "app.log*" } else { "app.log" }]);
    // Records close at once or on the next line; both must hold.
    site.options.record_quiet = if steps.len().is_multiple_of(2) {
        Duration::ZERO
    } else {
        NEVER
    };
    let mut writer = Writer {
        written: Vec::new(),
        begun: None,
        rotations: 0,
        newest_rotated: None,
    };
    for step in steps {
        writer.apply(step, &mut site, sees_rotated);
    }
    writer.end_line(&site);
    site.options.record_quiet = Duration::ZERO;
    site.crash();
    site.catch_up();
    site.catch_up();
    let (mut delivered, mut written) = (site.delivered.clone(), writer.written);
    delivered.sort();
    written.sort();
    let without_padding = |lines: Vec<String>| -> Vec<String> {
        lines
            .into_iter()
            .map(|line| line.trim_end_matches('x').to_owned() + &format!("({})", line.len()))
            .collect()
    };
    assert_eq!(without_padding(delivered), without_padding(written));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_line_comes_once_with_a_glob_over_the_rotated(steps in steps()) {
        check(&steps, true);
    }

    #[test]
    fn every_line_comes_once_with_the_bare_path(steps in steps()) {
        check(&steps, false);
    }
}
