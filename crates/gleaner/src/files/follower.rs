//! Follows the files of one source: looks for them, reads them in turns, and says how far each one is read.

use super::checkpoint::{FileCheckpoint, OPENED_KEY, forgotten, opened};
use super::content::Encoding;
use super::discovery::PathPatterns;
use super::tracked::{CHUNK_BYTES, Place, TrackedFile};
use crate::batch::BatchBuilder;
use crate::config::{SourceConfig, StartAt};
use crate::error::GleanError;
use crate::parse::{LineParser, ZoneOfSource};
use crate::record::Assembler;
use crate::source::{Gleaned, OpenOptions, SourceState};
use std::time::Instant;
use turnstone_types::{SourceCheckpoint, SourceId, Timestamp};

/// Lost files that are remembered, so that a copy or `.gz` of them is known when it turns up.
const LOST_FILES_MAX: usize = 1_000;

/// See the head of this file.
#[derive(Debug)]
pub(crate) struct Follower {
    pub(super) source_id: SourceId,
    pub(super) patterns: PathPatterns,
    pub(super) options: OpenOptions,
    pub(super) tracked: Vec<TrackedFile>,
    pub(super) next_number: u64,
    /// Whether files found now were there before the source was ever opened and are to be read from their end.
    pub(super) skips_what_is_there: bool,
    /// What the last look brought up.
    pub(super) look_faults: Vec<String>,
    zone: ZoneOfSource,
    line_bytes_max: usize,
    joins_lines: bool,
    opened_is_stored: bool,
    last_look: Option<Instant>,
    has_caught_up: bool,
    /// Whose turn it is.
    turn: usize,
    buffer: Vec<u8>,
    fault: Option<String>,
}

impl Follower {
    pub(crate) fn open(
        config: &SourceConfig,
        checkpoints: Vec<SourceCheckpoint>,
        options: OpenOptions,
    ) -> Result<Self, GleanError> {
        let mut follower = Self {
            source_id: config.source_id.clone(),
            patterns: PathPatterns::new(config),
            options,
            tracked: Vec::new(),
            next_number: 1,
            skips_what_is_there: config.from == StartAt::End && checkpoints.is_empty(),
            look_faults: Vec::new(),
            zone: config.zone()?,
            line_bytes_max: config.line_bytes_max,
            joins_lines: config.multiline,
            opened_is_stored: checkpoints.iter().any(|checkpoint| checkpoint.key == OPENED_KEY),
            last_look: None,
            has_caught_up: true,
            turn: 0,
            buffer: vec![0; CHUNK_BYTES],
            fault: None,
        };
        for checkpoint in &checkpoints {
            if let Some(known) = FileCheckpoint::from_source(checkpoint)? {
                follower.next_number = follower.next_number.max(known.number + 1);
                let mut assembler = follower.assembler(known.offset, known.inside_line);
                assembler.parser_mut().set_previous(known.previous_time);
                follower.tracked.push(TrackedFile::remembered(known, assembler));
            }
        }
        follower.tracked.sort_by_key(|file| file.number);
        Ok(follower)
    }

    pub(super) fn assembler(&self, offset: u64, inside_line: bool) -> Assembler {
        let parser = LineParser::new(self.zone.clone(), Timestamp::now());
        Assembler::new(parser, self.line_bytes_max, self.joins_lines, offset, inside_line)
    }

    /// Fills one batch; never fails as a whole, since what is wrong with one file is no matter of the others.
    pub(crate) fn next_batch(&mut self, mut batch: BatchBuilder) -> Gleaned {
        let look_is_due = self
            .last_look
            .is_none_or(|last| last.elapsed() >= self.options.poll_interval);
        if self.has_caught_up || look_is_due {
            self.look();
            self.last_look = Some(Instant::now());
        }
        let state = self.read_in_turns(&mut batch);
        self.has_caught_up = state == SourceState::CaughtUp;
        let checkpoints = self.checkpoints();
        let fault = self.current_fault();
        let fault_changed = fault != self.fault;
        self.fault.clone_from(&fault);
        batch.finish(checkpoints, fault, fault_changed, state)
    }

    fn read_in_turns(&mut self, batch: &mut BatchBuilder) -> SourceState {
        let now = Timestamp::now();
        for file in &mut self.tracked {
            file.assembler.parser_mut().set_now(now);
        }
        // Bytes are counted with their line; this limit keeps one endless line from holding the caller up.
        let bytes_read_max = batch.bytes_left().max(CHUNK_BYTES as u64);
        let mut bytes_read = 0_u64;
        let mut turns_without_bytes = 0;
        let mut files_opened = 0;
        // An unpacking `.gz` costs memory, so they take turns one after the other, not side by side.
        let mut gzip_in_turn = None;
        while turns_without_bytes < self.tracked.len() {
            if batch.is_full() || bytes_read >= bytes_read_max || files_opened > self.options.open_files_max {
                return SourceState::More;
            }
            self.turn = (self.turn + 1) % self.tracked.len();
            let file = &mut self.tracked[self.turn];
            let must_wait =
                file.encoding == Encoding::Gzip && *gzip_in_turn.get_or_insert(file.number) != file.number;
            if file.is_at_end || must_wait {
                turns_without_bytes += 1;
                continue;
            }
            files_opened += usize::from(file.file.is_none());
            match file.read_turn(&mut self.buffer, batch) {
                Ok(0) => turns_without_bytes += 1,
                Ok(bytes) => {
                    bytes_read += bytes as u64;
                    turns_without_bytes = 0;
                }
                Err(error) => {
                    turns_without_bytes += 1;
                    file.give_up(&error);
                }
            }
            if file.is_at_end && gzip_in_turn == Some(file.number) {
                gzip_in_turn = None;
                turns_without_bytes = 0;
            }
        }
        self.close_quiet_records(batch)
    }

    fn close_quiet_records(&mut self, batch: &mut BatchBuilder) -> SourceState {
        for file in self
            .tracked
            .iter_mut()
            .filter(|file| file.is_at_end && file.assembler.holds_lines())
        {
            if batch.is_full() {
                return SourceState::More;
            }
            let quiet = file.last_growth.elapsed();
            let partial_is_due =
                file.assembler.holds_partial_line() && quiet >= self.options.partial_line_quiet;
            if file.flush_due || partial_is_due {
                file.assembler.flush(batch);
            } else if quiet >= self.options.record_quiet {
                file.assembler.close_record(batch);
            }
        }
        SourceState::CaughtUp
    }

    fn checkpoints(&mut self) -> Vec<SourceCheckpoint> {
        let mut checkpoints = Vec::new();
        if !std::mem::replace(&mut self.opened_is_stored, true) {
            checkpoints.push(opened(&self.source_id));
        }
        for file in &mut self.tracked {
            if let Some(checkpoint) = file.changed_checkpoint() {
                checkpoints.push(checkpoint.to_source(&self.source_id));
            }
        }
        self.forget_oldest_lost(&mut checkpoints);
        self.close_surplus_files();
        checkpoints
    }

    fn forget_oldest_lost(&mut self, checkpoints: &mut Vec<SourceCheckpoint>) {
        let is_forgettable = |file: &TrackedFile| file.place == Place::Lost && !file.assembler.holds_lines();
        let lost = self.tracked.iter().filter(|file| is_forgettable(file)).count();
        let mut surplus = lost.saturating_sub(LOST_FILES_MAX);
        // In the order of their numbers, hence of their age.
        self.tracked.retain(|file| {
            if surplus == 0 || !is_forgettable(file) {
                return true;
            }
            surplus -= 1;
            if file.has_checkpoint() {
                checkpoints.push(forgotten(&self.source_id, file.number));
            }
            false
        });
    }

    fn current_fault(&self) -> Option<String> {
        let problems = self.tracked.iter().filter_map(|file| file.problem.as_ref());
        let faults: Vec<&String> = self.look_faults.iter().chain(problems).collect();
        match faults.as_slice() {
            [] => None,
            [fault] => Some((*fault).clone()),
            [others @ .., last] => Some(format!("{last} (and {} more)", others.len())),
        }
    }
}
