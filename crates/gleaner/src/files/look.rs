//! One look at the file system: which known file is where now, which found file is new, which is a known one again.

use super::content::{self, Encoding, Opened};
use super::discovery::{FileVersion, FoundFile, fault};
use super::follower::Follower;
use super::identity::{FileId, HEAD_BYTES_MAX, TAIL_BYTES_MAX, is_rotated_name};
use super::tracked::{Place, TrackedFile};
use memchr::memrchr;
use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Bytes before the end of a file in which the last line's beginning is looked for (`from = "end"`).
const LAST_LINE_BYTES_MAX: u64 = 64 * 1024;

/// Entries of a folder that are looked through for the rotated form of a lost file.
const SIBLINGS_MAX: usize = 10_000;

impl Follower {
    /// Brings what is known up to date with what is there.
    pub(super) fn look(&mut self) {
        let discovery = self.patterns.discover();
        self.look_faults = discovery.faults;
        let mut found: HashMap<FileId, FoundFile> = discovery
            .files
            .iter()
            .map(|file| (file.id, file.clone()))
            .collect();
        let mut open_files = self.tracked.iter().filter(|file| file.file.is_some()).count();
        let (mut newly_lost, mut overwritten) = (Vec::new(), Vec::new());
        for at in 0..self.tracked.len() {
            let Some(id) = self.tracked[at].id else { continue };
            let was_lost = self.tracked[at].place == Place::Lost;
            match found.get(&id) {
                Some(file) => match check_present(&mut self.tracked[at], file) {
                    Ok(true) => {
                        found.remove(&id);
                        let file = &mut self.tracked[at];
                        limit_open_files(file, &mut open_files, self.options.open_files_max);
                    }
                    Ok(false) => {
                        self.tracked[at].lose(true);
                        newly_lost.push(at);
                    }
                    Err(error) if error.kind() == ErrorKind::NotFound => drop(found.remove(&id)),
                    Err(error) => {
                        self.look_faults.push(fault(&file.path, &error));
                        found.remove(&id);
                    }
                },
                None if was_lost => {}
                None => match check_detached(&mut self.tracked[at], self.options.rotated_grace) {
                    Detached::Same => {}
                    Detached::Lost => newly_lost.push(at),
                    Detached::Overwritten(opened) => {
                        newly_lost.push(at);
                        overwritten.push((self.tracked[at].path.clone(), *opened));
                    }
                },
            }
        }
        for (path, opened) in overwritten {
            self.add(
                path,
                opened,
                Place::Detached {
                    since: Instant::now(),
                },
            );
        }
        for file in discovery.files.iter().filter(|file| found.contains_key(&file.id)) {
            let files_before = self.tracked.len();
            self.take_in(file);
            for file in &mut self.tracked[files_before..] {
                limit_open_files(file, &mut open_files, self.options.open_files_max);
            }
        }
        for at in newly_lost {
            if self.tracked[at].place == Place::Lost {
                self.search_siblings(at);
            }
        }
        self.skips_what_is_there = false;
    }

    /// Decides what a found file is that is not known by device and inode.
    fn take_in(&mut self, found: &FoundFile) {
        let opened = match content::open(&found.path) {
            Ok(opened) => opened,
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            Err(error) => return self.look_faults.push(fault(&found.path, &error)),
        };
        // An empty file says nothing of what it is; it is looked at again when it has grown. Another file may also have
        // taken the path since it was found; the next look sorts that out.
        if opened.head.is_empty() || opened.id != found.id {
            return;
        }
        if let Some(at) = self
            .tracked
            .iter()
            .position(|file| is_found_again(file, &found.path, &opened))
        {
            return self.tracked[at].attach(found.path.clone(), opened, Place::Present);
        }
        if self
            .tracked
            .iter()
            .any(|file| is_copy_in_the_making(file, &found.path, &opened))
        {
            return;
        }
        self.add(found.path.clone(), opened, Place::Present);
    }

    /// Begins a file that is new.
    fn add(&mut self, path: PathBuf, opened: Opened, place: Place) {
        let offset = if self.skips_what_is_there {
            end_of_last_line(&opened)
        } else {
            0
        };
        let is_skipped_whole = self.skips_what_is_there && opened.encoding == Encoding::Gzip;
        let mut file = TrackedFile::new(self.next_number, self.assembler(offset, false));
        self.next_number += 1;
        file.attach(path, opened, place);
        file.is_at_end = is_skipped_whole;
        self.tracked.push(file);
    }

    /// Looks beside a lost file for what it was rotated to, be that named by the patterns or not, so that its last
    /// lines are read. It may also lie at its last path, if it was found in this way before a restart. If there is none, what is held of it is all there will be.
    fn search_siblings(&mut self, at: usize) {
        let file = &self.tracked[at];
        let rotated = file.path.parent().and_then(|folder| {
            let mut candidates: Vec<_> = fs::read_dir(folder)
                .ok()?
                .take(SIBLINGS_MAX)
                .filter_map(Result::ok)
                .map(|entry| entry.path())
                .filter(|path| *path == file.path || is_rotated_name(&file.path, path))
                .collect();
            candidates.sort();
            candidates.into_iter().find_map(|path| {
                let opened = content::open(&path).ok()?;
                let is_known = self
                    .tracked
                    .iter()
                    .any(|other| other.place != Place::Lost && other.id == Some(opened.id));
                (!is_known && is_found_again(file, &path, &opened)).then_some((path, opened))
            })
        });
        let file = &mut self.tracked[at];
        match rotated {
            Some((path, opened)) => file.attach(
                path,
                opened,
                Place::Detached {
                    since: Instant::now(),
                },
            ),
            None => file.flush_due = true,
        }
    }

    /// Keeps the number of open files within its limit by closing those that have been quiet longest.
    pub(super) fn close_surplus_files(&mut self) {
        let open = self.tracked.iter().filter(|file| file.file.is_some()).count();
        let surplus = open.saturating_sub(self.options.open_files_max);
        if surplus == 0 {
            return;
        }
        let mut quiet: Vec<_> = self
            .tracked
            .iter_mut()
            .filter(|file| file.file.is_some() && file.place == Place::Present)
            .collect();
        quiet.sort_by_key(|file| (!file.is_at_end, file.last_growth));
        for file in quiet.into_iter().take(surplus) {
            file.file = None;
        }
    }
}

/// Closes a file that was just examined if too many are open; reading opens it again.
fn limit_open_files(file: &mut TrackedFile, open_files: &mut usize, open_files_max: usize) {
    if file.file.is_none() {
        return;
    }
    if *open_files >= open_files_max {
        file.file = None;
    } else {
        // Counts those that were open before twice, which only makes the limit come sooner.
        *open_files += 1;
    }
}

/// Whether the file found under a known device and inode is still the known one; if so it is ready to be read on.
fn check_present(file: &mut TrackedFile, found: &FoundFile) -> io::Result<bool> {
    if file.place == Place::Present && file.version == Some(found.version) {
        file.path.clone_from(&found.path);
        return Ok(true);
    }
    let opened = content::open(&found.path)?;
    // Renamed between the two looks at it: as good as not found, the next look knows more.
    if opened.id != found.id {
        return Err(ErrorKind::NotFound.into());
    }
    if !file.is_continued_by(&opened)? {
        return Ok(false);
    }
    file.attach(found.path.clone(), opened, Place::Present);
    Ok(true)
}

/// What became of a file that no pattern names any more.
enum Detached {
    /// It is open and may still grow.
    Same,
    Lost,
    /// It is open, but holds another text now: the old one was copied and truncated before it was renamed.
    Overwritten(Box<Opened>),
}

fn check_detached(file: &mut TrackedFile, grace: Duration) -> Detached {
    let Some(open_file) = &file.file else {
        file.lose(false);
        return Detached::Lost;
    };
    let since = match file.place {
        Place::Detached { since } => since,
        _ => Instant::now(),
    };
    file.place = Place::Detached { since };
    let Ok(metadata) = open_file.metadata() else {
        file.lose(false);
        return Detached::Lost;
    };
    let version = FileVersion::of(&metadata);
    if file.version != Some(version) {
        let opened = open_file.try_clone().and_then(content::examine);
        match opened.and_then(|opened| Ok((file.is_continued_by(&opened)?, opened))) {
            Ok((true, _)) => {}
            Ok((false, opened)) => {
                file.lose(true);
                let is_empty = opened.head.is_empty();
                return if is_empty {
                    Detached::Lost
                } else {
                    Detached::Overwritten(Box::new(opened))
                };
            }
            Err(_) => {
                file.lose(false);
                return Detached::Lost;
            }
        }
        file.version = Some(version);
        file.is_at_end = false;
    }
    if file.is_at_end && since.elapsed() >= grace && file.last_growth.elapsed() >= grace {
        file.lose(false);
        file.flush_due = true;
    }
    Detached::Same
}

/// Whether `opened` is a lost file come back: moved, copied before it was truncated, or compressed.
fn is_found_again(file: &TrackedFile, path: &Path, opened: &Opened) -> bool {
    if file.place != Place::Lost || file.head.bytes == 0 {
        return false;
    }
    // A few bytes may agree by chance, a kibibyte does not; else the name or the inode must speak for it too.
    let is_telling = file.head.bytes == HEAD_BYTES_MAX
        || is_rotated_name(&file.path, path)
        || file
            .id
            .is_some_and(|id| id == opened.id || (file.path == path && id.inode == opened.metadata.ino()));
    is_telling && file.is_continued_by(opened).unwrap_or(false)
}

/// Whether `opened` is a copy, plain or compressed, of a file that is still being read. It is left alone: its lines are
/// read there. Once the original is truncated or removed the copy is found again and goes on from there.
fn is_copy_in_the_making(original: &TrackedFile, path: &Path, opened: &Opened) -> bool {
    let is_live = matches!(original.place, Place::Present | Place::Detached { .. });
    if !is_live || original.head.bytes == 0 || !is_rotated_name(&original.path, path) {
        return false;
    }
    // What is at the original's path may be another file by now, so its own handle is asked.
    let reopened;
    let original_file = match &original.file {
        Some(file) => file,
        None => match content::open(&original.path) {
            Ok(now) if original.id == Some(now.id) => {
                reopened = now.file;
                &reopened
            }
            _ => return original.head.is_prefix_of(&opened.head),
        },
    };
    if original.encoding == Encoding::Gzip {
        return original.head.is_prefix_of(&opened.head);
    }
    let Ok(original_head) = content::read_up_to(original_file, 0, opened.head.len()) else {
        return false;
    };
    if opened.encoding == Encoding::Gzip {
        // It may hold less than the original so far, or the original may have grown since.
        return opened.head.starts_with(&original_head) || original_head.starts_with(&opened.head);
    }
    let bytes = opened.metadata.len();
    let tail_bytes = bytes.min(TAIL_BYTES_MAX as u64) as usize;
    let tail_of = |file| content::read_up_to(file, bytes - tail_bytes as u64, tail_bytes).ok();
    original_head == opened.head
        && tail_of(original_file).is_some_and(|tail| Some(tail) == tail_of(&opened.file))
}

/// Where the last complete line ends, so that the line in the making is read whole.
fn end_of_last_line(opened: &Opened) -> u64 {
    let bytes = opened.metadata.len();
    let start = bytes.saturating_sub(LAST_LINE_BYTES_MAX);
    match content::read_up_to(&opened.file, start, (bytes - start) as usize) {
        Ok(last) => memrchr(b'\n', &last).map_or(bytes, |at| start + at as u64 + 1),
        Err(_) => bytes,
    }
}
