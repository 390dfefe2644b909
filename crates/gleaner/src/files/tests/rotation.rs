//! Rotation by rename, copy and compression; files that appear, vanish, shrink and come back.

use super::*;

#[test]
fn grows_and_goes_on_after_a_restart() {
    let mut site = Site::new(&["app.log"]);
    site.expect(&[]);
    site.append("app.log", "one\ntwo\n");
    site.expect(&["one", "two"]);
    site.append("app.log", "three\n");
    site.crash();
    site.expect(&["three"]);
    site.crash();
    site.expect(&[]);
}

#[test]
fn a_batch_that_was_not_committed_comes_again() {
    let mut site = Site::new(&["app.log"]);
    site.append("app.log", "one\ntwo\nthree\n");
    let two = Budget {
        entries_max: 2,
        bytes_max: 1 << 20,
    };
    let taken = site.take(two);
    assert_eq!((taken.entries.len(), taken.state), (2, SourceState::More));
    site.crash();
    let taken = site.take(two);
    site.commit(taken);
    site.crash();
    site.catch_up();
    assert_eq!(site.delivered, ["one", "two", "three"]);
}

#[test]
fn rename_rotation_reads_the_old_file_to_its_end() {
    for patterns in [["app.log"], ["app.log*"]] {
        let mut site = Site::new(&patterns);
        site.append("app.log", "one\n");
        site.expect(&["one"]);
        site.append("app.log", "two\n");
        site.rename("app.log", "app.log.1");
        site.append("app.log", "three\n");
        site.catch_up();
        // The writer has not reopened its log yet and goes on in the old file.
        site.append("app.log.1", "straggler\n");
        site.catch_up();
        site.delivered.sort();
        assert_eq!(
            site.delivered,
            ["one", "straggler", "three", "two"].map(str::to_owned)[1..],
            "{patterns:?}"
        );
    }
}

#[test]
fn rename_rotation_during_downtime_is_found_beside_the_path() {
    let mut site = Site::new(&["app.log"]);
    site.append("app.log", "one\n");
    site.expect(&["one"]);
    site.crash();
    site.append("app.log", "two\n");
    site.rename("app.log", "app.log.1");
    site.append("app.log", "three\n");
    site.catch_up();
    site.delivered.sort();
    assert_eq!(site.delivered, ["three", "two"]);
}

#[test]
fn compression_during_downtime_is_found_beside_the_path() {
    let mut site = Site::new(&["app.log"]);
    site.append("app.log", "one\n");
    site.expect(&["one"]);
    site.crash();
    site.append("app.log", "two\n");
    site.compress("app.log", "app.log.1.gz");
    site.append("app.log", "three\n");
    site.catch_up();
    site.delivered.sort();
    assert_eq!(site.delivered, ["three", "two"]);
}

#[test]
fn copytruncate_loses_and_repeats_nothing() {
    for patterns in [["app.log"], ["app.log*"]] {
        for restarts in [false, true] {
            let mut site = Site::new(&patterns);
            site.append("app.log", "one\n");
            site.expect(&["one"]);
            site.append("app.log", "two\n");
            // Seen between the copy and the truncation, the copy is left alone.
            fs::copy(site.path("app.log"), site.path("app.log.1")).unwrap();
            if patterns == ["app.log*"] {
                site.expect(&["two"]);
                site.append("app.log", "two\n");
            }
            site.copy_and_truncate("app.log", "app.log.1");
            if restarts {
                site.crash();
            }
            site.append("app.log", "three\n");
            site.catch_up();
            site.delivered.sort();
            assert_eq!(
                site.delivered,
                ["three", "two"],
                "{patterns:?}, restarts: {restarts}"
            );
        }
    }
}

#[test]
fn a_truncated_file_that_outgrew_its_old_length_is_known_as_new() {
    let mut site = Site::new(&["app.log"]);
    site.append("app.log", "one\n");
    site.expect(&["one"]);
    fs::write(site.path("app.log"), "something else and much longer\n").unwrap();
    site.expect(&["something else and much longer"]);
    // The same head of a kibibyte, but other bytes before the position.
    let banner = "=".repeat(2000);
    fs::write(site.path("app.log"), format!("{banner}\nold 1\nold 2\n")).unwrap();
    site.expect(&[&banner, "old 1", "old 2"]);
    fs::write(site.path("app.log"), format!("{banner}\nnew 1\nnew 2\nnew 3\n")).unwrap();
    site.expect(&[&banner, "new 1", "new 2", "new 3"]);
}

#[test]
fn the_whole_chain_of_logrotate_is_read_once() {
    let mut site = Site::new(&["app.log*"]);
    let mut written = Vec::new();
    for day in 0..5 {
        for line in 0..3 {
            let line = format!("day {day} line {line}");
            site.append("app.log", format!("{line}\n"));
            written.push(line);
        }
        if day % 2 == 0 {
            site.catch_up();
        }
        for old in (2..6).rev() {
            if site.path(&format!("app.log.{old}.gz")).exists() {
                site.rename(&format!("app.log.{old}.gz"), &format!("app.log.{}.gz", old + 1));
            }
        }
        if site.path("app.log.1").exists() {
            site.compress("app.log.1", "app.log.2.gz");
        }
        site.rename("app.log", "app.log.1");
        if day % 3 == 0 {
            site.crash();
        }
    }
    site.catch_up();
    site.catch_up();
    site.crash();
    site.catch_up();
    site.delivered.sort();
    assert_eq!(site.delivered, written);
}

#[test]
fn a_file_that_vanishes_and_comes_back_new_is_read_from_its_start() {
    let mut site = Site::new(&["app.log"]);
    site.append("app.log", "one\n");
    site.expect(&["one"]);
    fs::remove_file(site.path("app.log")).unwrap();
    site.expect(&[]);
    site.append("app.log", "two\n");
    site.expect(&["two"]);
}

#[test]
fn two_files_with_the_same_text_are_two_files() {
    let mut site = Site::new(&["*.log"]);
    site.append("a.log", "same\n");
    site.append("b.log", "same\n");
    site.expect(&["same", "same"]);
    site.crash();
    site.expect(&[]);
}

#[test]
fn a_moved_file_goes_on_where_it_was() {
    let mut site = Site::new(&["*/app.log"]);
    fs::create_dir(site.path("old")).unwrap();
    fs::create_dir(site.path("new")).unwrap();
    let long = "x".repeat(1500);
    site.append("old/app.log", format!("{long}\n"));
    site.expect(&[&long]);
    site.crash();
    fs::copy(site.path("old/app.log"), site.path("new/app.log")).unwrap();
    fs::remove_file(site.path("old/app.log")).unwrap();
    site.append("new/app.log", "after the move\n");
    site.expect(&["after the move"]);
}

#[test]
fn a_gzip_file_in_the_making_is_read_when_it_is_whole() {
    let mut site = Site::new(&["*.gz"]);
    let text: Vec<String> = (0..2000)
        .map(|n| format!("line {n} {}", n * 7919 % 1009))
        .collect();
    let packed = gzip((text.join("\n") + "\n").as_bytes());
    site.append("a.gz", &packed[..packed.len() / 2]);
    site.catch_up();
    assert!(
        site.fault
            .as_ref()
            .is_some_and(|fault| fault.contains("compressed data")),
        "{:?}",
        site.fault
    );
    site.append("a.gz", &packed[packed.len() / 2..]);
    site.catch_up();
    assert_eq!(site.delivered, text);
    assert_eq!(site.fault, None);
    site.crash();
    site.catch_up();
    assert_eq!(site.delivered.len(), text.len());
}

#[test]
fn lost_files_are_forgotten_in_time() {
    let mut site = Site::new(&["*.log"]);
    site.options.rotated_grace = Duration::ZERO;
    for number in 0..1_010 {
        site.append("a.log", format!("unique {number}\n"));
        site.catch_up();
        fs::remove_file(site.path("a.log")).unwrap();
        site.catch_up();
    }
    assert_eq!(site.delivered.len(), 1_010);
    assert!(
        site.committed.len() <= 1_002,
        "{} checkpoints",
        site.committed.len()
    );
}
