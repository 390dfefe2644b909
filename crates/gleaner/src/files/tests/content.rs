//! What may be in a file, or in its place: damage, endless lines, partial lines, links, pipes, folders, no permission.

use super::*;
use std::os::unix::fs::symlink;

#[test]
fn a_partial_line_waits_for_its_end_or_for_quiet() {
    let mut site = Site::new(&["app.log"]);
    site.append("app.log", "one\nha");
    site.expect(&["one"]);
    site.append("app.log", "lf\n");
    site.expect(&["half"]);
    site.append("app.log", "unended");
    site.expect(&[]);
    site.options.partial_line_quiet = Duration::ZERO;
    site.crash();
    site.expect(&["unended"]);
    // Its line end alone makes no line; more text does.
    site.append("app.log", "\nnext\nagain");
    site.expect(&["next", "again"]);
    site.crash();
    site.append("app.log", " and its rest\n");
    site.expect(&[" and its rest"]);
}

#[test]
fn an_open_record_is_not_split_by_a_crash() {
    let mut site = Site::new(&["app.log"]);
    site.options.record_quiet = NEVER;
    site.append(
        "app.log",
        "2026-01-01 00:00:00 INFO a\n2026-01-01 00:00:01 ERROR b\n\tat x.Y(Y.java:1)\n",
    );
    site.expect(&["2026-01-01 00:00:00 INFO a"]);
    site.crash();
    site.append("app.log", "\tat x.Z(Z.java:2)\n2026-01-01 00:00:02 INFO c\n");
    site.expect(&["2026-01-01 00:00:01 ERROR b\n\tat x.Y(Y.java:1)\n\tat x.Z(Z.java:2)"]);
    site.options.record_quiet = Duration::ZERO;
    site.crash();
    site.expect(&["2026-01-01 00:00:02 INFO c"]);
}

#[test]
fn undated_lines_inherit_across_a_restart() {
    let mut site = Site::new(&["app.log"]);
    site.append("app.log", "2026-01-01 00:00:00 INFO a\n");
    site.expect(&["2026-01-01 00:00:00 INFO a"]);
    site.crash();
    site.append("app.log", "no time here\n");
    let entry = site.take(PLENTY).entries.remove(0);
    assert_eq!(entry.timestamp.to_string(), "2026-01-01T00:00:00Z");
    assert_eq!(entry.timestamp_basis.as_str(), "inherited");
}

#[test]
fn damage_is_counted_and_survived() {
    let mut site = Site::new(&["app.log"]);
    site.config.line_bytes_max = 256;
    let mut text = b"ok\r\n\n   \nbad \xff\xfe\nnul \0 byte\n\x1b[31mred\x1b[0m\n".to_vec();
    text.extend_from_slice(&[b'x'; 1000]);
    text.extend_from_slice(b"\nend\n");
    site.append("app.log", &text);
    let gleaned = site.take(PLENTY);
    let lines: Vec<&str> = gleaned.entries.iter().map(|entry| entry.text.as_str()).collect();
    let long = "x".repeat(256);
    assert_eq!(
        lines,
        [
            "ok",
            "bad \u{fffd}\u{fffd}",
            "nul \u{fffd} byte",
            "\u{1b}[31mred\u{1b}[0m",
            &long,
            "end"
        ]
    );
    assert_eq!(
        (
            gleaned.delta.repaired_lines,
            gleaned.delta.truncated_lines,
            gleaned.empty_lines
        ),
        (2, 1, 2)
    );
    assert_eq!(
        (gleaned.escape_lines, gleaned.cut_bytes, gleaned.delta.bytes),
        (1, 744, text.len() as u64)
    );
    assert_eq!(gleaned.delta.undated_entries, 6);
}

#[test]
fn a_hole_left_by_truncation_hides_no_line() {
    let mut site = Site::new(&["app.log"]);
    site.append("app.log", "one\n");
    site.expect(&["one"]);
    // A writer that does not append goes on at its old offset after a truncation.
    let mut file = FileOptions::new().write(true).open(site.path("app.log")).unwrap();
    file.set_len(0).unwrap();
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(10_000_000)).unwrap();
    file.write_all(b"after the hole\nnext\n").unwrap();
    site.expect(&["after the hole", "next"]);
}

#[test]
fn what_cannot_be_followed_is_named_and_the_rest_is_read() {
    let mut site = Site::new(&[
        "pipe",
        "folder",
        "link.log",
        "link-to-nothing",
        "packed.zst",
        "a.log",
        "[odd].log",
    ]);
    fs::create_dir(site.path("folder")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        site.path("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    fs::write(site.path("packed.zst"), [0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]).unwrap();
    site.append("a.log", "read\n");
    site.append("[odd].log", "brackets\n");
    symlink(site.path("a.log"), site.path("link.log")).unwrap();
    symlink(site.path("nothing"), site.path("link-to-nothing")).unwrap();
    site.catch_up();
    site.delivered.sort();
    assert_eq!(
        site.delivered,
        ["brackets", "read"],
        "a file is read once, link or not"
    );
    let faults = site.follower.as_ref().unwrap().look_faults.join("\n");
    for part in ["pipe is a pipe", "folder is a directory", "compressed with zstd"] {
        assert!(faults.contains(part), "{faults}");
    }
    assert!(site.fault.is_some());
    for name in ["pipe", "packed.zst"] {
        fs::remove_file(site.path(name)).unwrap();
    }
    fs::remove_dir(site.path("folder")).unwrap();
    let gleaned = site.take(PLENTY);
    assert_eq!(
        (
            gleaned.delta.fault.clone(),
            gleaned.fault_changed,
            gleaned.is_idle()
        ),
        (None, true, false)
    );
    assert!(site.take(PLENTY).is_idle());
}

#[test]
fn a_line_of_100_megabytes_takes_little_memory_and_holds_nobody_up() {
    let mut site = Site::new(&["app.log"]);
    // Sparse, so that it costs no disk; the first byte keeps it from being a hole that is passed over.
    let mut file = FileOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(site.path("app.log"))
        .unwrap();
    file.write_all(b"before\nx").unwrap();
    file.set_len(100_000_000).unwrap();
    let budget = Budget {
        entries_max: 1_000,
        bytes_max: 8 << 20,
    };
    let (mut batches, mut entries) = (0, Vec::new());
    loop {
        let gleaned = site.take(budget);
        batches += 1;
        entries.extend(gleaned.entries);
        if gleaned.state == SourceState::CaughtUp {
            break;
        }
    }
    assert!(batches > 10, "read in {batches} batches");
    assert_eq!(entries.len(), 1, "the line without end is still held");
    let mut file = FileOptions::new()
        .append(true)
        .open(site.path("app.log"))
        .unwrap();
    file.write_all(b"\nafter\n").unwrap();
    let (mut lengths, mut truncated_lines, mut cut_bytes) = (Vec::new(), 0, 0);
    loop {
        let gleaned = site.take(budget);
        lengths.extend(gleaned.entries.iter().map(|entry| entry.text.len()));
        truncated_lines += gleaned.delta.truncated_lines;
        cut_bytes += gleaned.cut_bytes;
        if gleaned.state == SourceState::CaughtUp {
            break;
        }
    }
    // Each NUL became a replacement character of three bytes.
    assert_eq!(lengths, [1 + (65_536 - 1) * 3, 5]);
    assert_eq!((truncated_lines, cut_bytes), (1, 100_000_000 - 7 - 65_536));
}

#[test]
fn unreadable_files_are_faults_unless_we_are_root() {
    use std::os::unix::fs::PermissionsExt;
    let mut site = Site::new(&["*.log"]);
    site.append("a.log", "readable\n");
    site.append("b.log", "secret\n");
    fs::set_permissions(site.path("b.log"), fs::Permissions::from_mode(0o0)).unwrap();
    site.catch_up();
    if rustix::process::geteuid().is_root() {
        assert_eq!(site.delivered.len(), 2);
    } else {
        assert_eq!(site.delivered, ["readable"]);
        assert!(
            site.fault
                .as_ref()
                .is_some_and(|fault| fault.contains("grant read access")),
            "{:?}",
            site.fault
        );
    }
}

#[test]
fn excluded_files_are_left_alone() {
    let mut site = Site::new(&["*.log"]);
    site.config.exclude = vec![path_text(&site.path("debug*"))];
    site.append("a.log", "kept\n");
    site.append("debug.log", "left out\n");
    site.expect(&["kept"]);
}

#[test]
fn few_open_files_are_enough_for_many() {
    let mut site = Site::new(&["*.log"]);
    site.options.open_files_max = 3;
    for round in 0..3 {
        for number in 0..20 {
            site.append(&format!("{number}.log"), format!("round {round} of {number}\n"));
        }
        site.catch_up();
        assert_eq!(site.delivered.len(), 20 * (round + 1));
        let open = site
            .follower
            .as_ref()
            .unwrap()
            .tracked
            .iter()
            .filter(|file| file.file.is_some())
            .count();
        assert!(open <= 20, "{open} open");
        site.catch_up();
        let open = site
            .follower
            .as_ref()
            .unwrap()
            .tracked
            .iter()
            .filter(|file| file.file.is_some())
            .count();
        assert!(open <= 3, "{open} open");
    }
}
