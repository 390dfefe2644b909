//! Each format with the instant and severity that its lines state, and what must not be taken for a time.

use super::*;
use proptest::prelude::*;

/// 2026-11-22T12:00:00Z
const NOW: &str = "2026-11-22T12:00:00Z";

fn parser(zone: Option<&str>) -> LineParser {
    LineParser::new(ZoneOfSource::from_config(zone).unwrap(), NOW.parse().unwrap())
}

/// Time (`-` if none), severity (`-` if none) and format of a line.
fn read_in(zone: Option<&str>, line: &str) -> String {
    let header = parser(zone).read(line);
    let time = header.time.map_or("-".to_owned(), |time| time.to_string());
    format!(
        "{time} {} {}",
        header.severity.map_or("-", |severity| severity.as_str()),
        header.format
    )
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (line, expected) in cases {
        assert_eq!(read_in(None, line), *expected, "{line}");
    }
}

#[test]
fn iso_and_rfc3339() {
    check(&[
        ("2026-11-18T10:00:00Z hello", "2026-11-18T10:00:00Z - rfc3339"),
        (
            "2026-11-18T10:00:00.123456789+02:00 INFO x",
            "2026-11-18T08:00:00.123456789Z INFO rfc3339",
        ),
        ("2026-11-18T10:00:00-0530 x", "2026-11-18T15:30:00Z - rfc3339"),
        (
            "2026-11-18T08:00:02.841584+00:00 bastion sshd[4]: ERROR is no level",
            "2026-11-18T08:00:02.841584Z - rfc3339",
        ),
        ("2026-11-18T10:00Z x", "2026-11-18T10:00:00Z - rfc3339"),
        ("2026-11-18 10:00:00 +0200 x", "2026-11-18T08:00:00Z - iso8601"),
        (
            "2026-11-18 08:00:16.204 UTC [26420] LOG:  checkpoint starting",
            "2026-11-18T08:00:16.204Z INFO iso8601",
        ),
        (
            "2026-11-18 08:00:16.204 UTC [26420] app@shop FATAL:  no",
            "2026-11-18T08:00:16.204Z CRITICAL iso8601",
        ),
        ("20261118T100000Z x", "2026-11-18T10:00:00Z - iso8601"),
        (
            "[2026-11-18T10:00:00Z ERROR my_crate] x",
            "2026-11-18T10:00:00Z ERROR rfc3339",
        ),
        (
            "[2026-11-18T10:00:00,123][WARN ][o.e.x] [node-1] slow",
            "2026-11-18T10:00:00.123Z WARN iso8601",
        ),
        (
            "  2026-11-18T10:00:00.5Z  WARN app: padded",
            "2026-11-18T10:00:00.5Z WARN rfc3339",
        ),
        (
            "2026-11-18T10:00:00.1Z 0 [Warning] [MY-010055] [Server] x",
            "2026-11-18T10:00:00.1Z WARN rfc3339",
        ),
        (
            "2026-11-18T10:00:00.123Z\terror\thttp\tno route",
            "2026-11-18T10:00:00.123Z ERROR rfc3339",
        ),
        (
            "2026-11-18 10:00:00.123 | ERROR    | app:run:12 - x",
            "2026-11-18T10:00:00.123Z ERROR iso8601",
        ),
        (
            "2026-11-18T10:00:00.1Z stdout F plain text",
            "2026-11-18T10:00:00.1Z - rfc3339",
        ),
        (
            "\u{feff}2026-11-18T10:00:00Z after a byte order mark",
            "2026-11-18T10:00:00Z - rfc3339",
        ),
    ]);
}

#[test]
fn java_and_python() {
    check(&[
        (
            "2026-07-29 17:41:44,747 - INFO  [Peer[myid=1]/0:0:0:0:0:0:0:0:2181:Vote@7] - out",
            "2026-07-29T17:41:44.747Z INFO iso8601",
        ),
        (
            "2026-07-29 17:41:44,747 - WARN  [worker:188:Q$W@688] - left",
            "2026-07-29T17:41:44.747Z WARN iso8601",
        ),
        (
            "2026-10-18 18:01:47,978 INFO [main] org.example.Master: Created",
            "2026-10-18T18:01:47.978Z INFO iso8601",
        ),
        (
            "2026-10-18 18:01:47,978 FATAL [Thread-3] org.example.Master: Error",
            "2026-10-18T18:01:47.978Z CRITICAL iso8601",
        ),
        (
            "2026-11-18 10:00:00,123 - my.module - ERROR - text",
            "2026-11-18T10:00:00.123Z ERROR iso8601",
        ),
        (
            "2026-11-18 10:00:00,123 - app - WARNING - text",
            "2026-11-18T10:00:00.123Z WARN iso8601",
        ),
        (
            "2026-11-18 10:00:00.123  INFO 1234 --- [main] c.x.App : up",
            "2026-11-18T10:00:00.123Z INFO iso8601",
        ),
        (
            "2026-11-18 10:00:00.123 [main] DEBUG c.x.App - ERROR",
            "2026-11-18T10:00:00.123Z DEBUG iso8601",
        ),
        (
            "INFO  [main] 2026-11-18 10:00:00,123 Daemon.java:12 - up",
            "2026-11-18T10:00:00.123Z INFO prefixed-iso",
        ),
        (
            "17/06/09 20:10:40 INFO executor.Backend: Registered",
            "2017-06-09T20:10:40Z INFO spark",
        ),
        (
            "26/06/09 20:10:40 ERROR executor.Backend: no",
            "2026-06-09T20:10:40Z ERROR spark",
        ),
        (
            "081109 203615 148 INFO dfs.DataNode$Responder: block",
            "2008-11-09T20:36:15Z INFO hdfs",
        ),
        (
            "081109 214043 2561 WARN dfs.DataNode$Xceiver: exception",
            "2008-11-09T21:40:43Z WARN hdfs",
        ),
    ]);
}

#[test]
fn openstack_and_other_prefixes() {
    check(&[
        (
            "api.log.1.2026-05-16_13:53:08 2026-05-16 00:00:00.008 25746 INFO nova.wsgi [req-3 11] 10.1.1.1 \"GET /\"",
            "2026-05-16T00:00:00.008Z INFO prefixed-iso",
        ),
        (
            "2026-05-16 00:00:00.008 25746 AUDIT nova.x [-] y",
            "2026-05-16T00:00:00.008Z INFO iso8601",
        ),
        (
            "web_1  | 2026-11-18T10:00:00Z WARN x",
            "2026-11-18T10:00:00Z WARN prefixed-iso",
        ),
        (
            "web     | 2026-11-18T10:00:00Z WARN x",
            "2026-11-18T10:00:00Z WARN prefixed-iso",
        ),
        ("Certificate expires 2027-01-01 00:00:00 soon", "- - undated"),
        ("backup of 2026-11-18 10:00:00 done", "- - undated"),
    ]);
}

#[test]
fn syslog() {
    check(&[
        (
            "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: failure; ERROR",
            "2026-06-14T15:16:01Z - rfc3164",
        ),
        (
            "Jul  4 01:02:03 combo kernel: up",
            "2026-07-04T01:02:03Z - rfc3164",
        ),
        (
            "Dec 10 06:55:46 LabSZ sshd[24200]: Invalid user",
            "2025-12-10T06:55:46Z - rfc3164",
        ),
        (
            "Nov 18 2024 10:00:00 fw : %ASA-6-1: x",
            "2024-11-18T10:00:00Z - rfc3164",
        ),
        (
            "Nov 18 10:00:00.123 2024 ap x",
            "2024-11-18T10:00:00.123Z - rfc3164",
        ),
        (
            "<34>Oct 11 22:14:15 mymachine su: failed",
            "2026-10-11T22:14:15Z CRITICAL rfc3164",
        ),
        (
            "<165>1 2026-10-11T22:14:15.003Z host app - ID47 - x",
            "2026-10-11T22:14:15.003Z INFO rfc5424",
        ),
        ("<11>1 - host app - - - no time", "- ERROR rfc5424"),
        (
            "<15>1 2026-10-11T22:14:15.003-07:00 h a - - - x",
            "2026-10-12T05:14:15.003Z DEBUG rfc5424",
        ),
        ("<999>1 2026-10-11T22:14:15Z x", "- - undated"),
        ("May be a sentence", "- - undated"),
    ]);
}

#[test]
fn a_time_without_year_is_of_the_newest_year_that_is_not_in_the_future() {
    let year_of = |zone, line| read_in(zone, line)[..4].to_owned();
    assert_eq!(year_of(Some("UTC"), "Nov 22 11:59:59 h x"), "2026");
    assert_eq!(
        year_of(Some("UTC"), "Nov 22 12:09:00 h x"),
        "2026",
        "clocks differ by minutes"
    );
    assert_eq!(year_of(Some("UTC"), "Nov 22 13:00:00 h x"), "2025");
    assert_eq!(year_of(Some("+13:00"), "Nov 23 01:00:00 h x"), "2026");
    assert_eq!(
        year_of(None, "Nov 23 01:00:00 h x"),
        "2026",
        "of an unknown zone this may be now"
    );
    assert_eq!(year_of(None, "Nov 23 03:00:00 h x"), "2025");
    assert_eq!(year_of(None, "Feb 29 03:00:00 h x"), "2024");
    assert_eq!(year_of(None, "E1231 23:59:59.000000 1 f.go:1] x"), "2025");
    let new_year = LineParser::new(ZoneOfSource::unknown(), "2027-01-01T00:30:00Z".parse().unwrap());
    assert_eq!(
        new_year.read("Dec 31 23:59:00 h x").time.unwrap().to_string(),
        "2026-12-31T23:59:00Z"
    );
    assert_eq!(
        new_year.read("Jan  1 00:29:00 h x").time.unwrap().to_string(),
        "2027-01-01T00:29:00Z"
    );
}

#[test]
fn web_servers() {
    check(&[
        (
            "1.2.3.4 - - [17/May/2026:10:05:03 +0000] \"GET / HTTP/1.1\" 500 7",
            "2026-05-17T10:05:03Z - access-log",
        ),
        (
            "::1 - frank [10/Oct/2025:13:55:36 -0700] \"GET /\" 200 1",
            "2025-10-10T20:55:36Z - access-log",
        ),
        (
            "shop.example 1.2.3.4 - - [17/May/2026:10:05:03 +0000] \"GET /\" 1",
            "2026-05-17T10:05:03Z - access-log",
        ),
        (
            "[Sun Dec 04 04:47:44 2005] [notice] init() ok",
            "2005-12-04T04:47:44Z INFO ctime",
        ),
        (
            "[Sun Dec 04 04:47:44 2005] [error] state 6",
            "2005-12-04T04:47:44Z ERROR ctime",
        ),
        (
            "[Wed Oct 11 14:32:52.123456 2023] [core:crit] [pid 1:tid 2] x",
            "2023-10-11T14:32:52.123456Z CRITICAL ctime",
        ),
        (
            "2026/11/18 10:00:00 [error] 1192#1192: *5 no",
            "2026-11-18T10:00:00Z ERROR slash-date",
        ),
        (
            "2026/11/18 10:00:00 [emerg] 1#1: bind()",
            "2026-11-18T10:00:00Z CRITICAL slash-date",
        ),
        (
            "2026/11/18 10:00:00 http: error in Go",
            "2026-11-18T10:00:00Z - slash-date",
        ),
        (
            "18-Nov-2026 10:00:00.123 WARNING [main] org.x.Catalina x",
            "2026-11-18T10:00:00.123Z WARN day-month-year",
        ),
        (
            "1234:M 18 Nov 2026 10:00:00.123 # low memory",
            "2026-11-18T10:00:00.123Z WARN day-month-year",
        ),
    ]);
}

#[test]
fn klog_epoch_and_audit() {
    check(&[
        (
            "E1118 10:00:00.000001       1 file.go:1] x",
            "2026-11-18T10:00:00.000001Z ERROR klog",
        ),
        (
            "I20251118 10:00:00.000001 1 file.cc:1] x",
            "2025-11-18T10:00:00.000001Z INFO klog",
        ),
        (
            "F0102 03:04:05.678901 1 file.go:1] x",
            "2026-01-02T03:04:05.678901Z CRITICAL klog",
        ),
        ("1364481363 up", "2013-03-28T14:36:03Z - epoch"),
        ("1364481363.243 up", "2013-03-28T14:36:03.243Z - epoch"),
        ("1364481363243 INFO up", "2013-03-28T14:36:03.243Z INFO epoch"),
        ("1364481363243000 up", "2013-03-28T14:36:03.243Z - epoch"),
        ("1364481363243000123 up", "2013-03-28T14:36:03.243000123Z - epoch"),
        ("9999999999 is out of range", "- - undated"),
        ("13644813630 has eleven digits", "- - undated"),
        (
            "type=SYSCALL msg=audit(1364481363.243:24287): arch=c0",
            "2013-03-28T14:36:03.243Z - audit",
        ),
        (
            "node=h type=AVC msg=audit(1364481363.243:1): x",
            "2013-03-28T14:36:03.243Z - audit",
        ),
    ]);
}

#[test]
fn json_lines() {
    check(&[
        (
            r#"{"time":"2026-11-18T08:00:08.006Z","level":"INFO","msg":"x"}"#,
            "2026-11-18T08:00:08.006Z INFO json-lines",
        ),
        (
            r#"{"@timestamp":"2026-11-18T08:00:08Z","log.level":"error","time":"x"}"#,
            "2026-11-18T08:00:08Z ERROR json-lines",
        ),
        (
            r#"{"@timestamp":"2026-11-18T08:00:08Z","log":{"level":"warn","line":{"n":1}}}"#,
            "2026-11-18T08:00:08Z WARN json-lines",
        ),
        (
            r#"{"level":30,"time":1364481363243,"pid":1}"#,
            "2013-03-28T14:36:03.243Z INFO json-lines",
        ),
        (
            r#"{"level":60,"time":1364481363243}"#,
            "2013-03-28T14:36:03.243Z CRITICAL json-lines",
        ),
        (
            r#"{"level":"info","ts":1364481363.243,"msg":"x"}"#,
            "2013-03-28T14:36:03.243Z INFO json-lines",
        ),
        (
            r#"{"t":{"$date":"2026-11-18T10:00:00.123+02:00"},"s":"E","c":"NETWORK"}"#,
            "2026-11-18T08:00:00.123Z ERROR json-lines",
        ),
        (
            r#"{"instant":{"epochSecond":1364481363,"nanoOfSecond":5000},"level":"FATAL"}"#,
            "2013-03-28T14:36:03.000005Z CRITICAL json-lines",
        ),
        (
            r#"{"__REALTIME_TIMESTAMP":"1364481363243000","PRIORITY":"3"}"#,
            "2013-03-28T14:36:03.243Z ERROR json-lines",
        ),
        (
            r#"{"log":"ERROR in text\n","stream":"stderr","time":"2026-11-18T08:00:08Z"}"#,
            "2026-11-18T08:00:08Z - json-lines",
        ),
        (
            r#"{"msg":{"time":"2026-11-18T08:00:08Z"},"level":"debug"}"#,
            "- DEBUG json-lines",
        ),
        (
            r#"{"time":"2026-11-18T08:00:08Z","level":"warn","msg":"cut off in the mid"#,
            "2026-11-18T08:00:08Z WARN json-lines",
        ),
        ("{ not json", "- - undated"),
    ]);
}

#[test]
fn logfmt() {
    check(&[
        (
            "ts=2026-11-18T10:00:00Z caller=main.go:1 level=info msg=\"a b\"",
            "2026-11-18T10:00:00Z INFO logfmt",
        ),
        (
            "time=\"2026-11-18T10:00:00+01:00\" level=fatal msg=x",
            "2026-11-18T09:00:00Z CRITICAL logfmt",
        ),
        (
            "level=warn msg=\"time=2020-01-01T00:00:00Z\" ts=1364481363.5",
            "2013-03-28T14:36:03.5Z WARN logfmt",
        ),
        (
            "t=2026-11-18T10:00:00+0000 lvl=eror msg=x",
            "2026-11-18T10:00:00Z - logfmt",
        ),
        ("PATH=/bin and more", "- - undated"),
    ]);
}

#[test]
fn undated_lines_may_still_state_a_severity() {
    check(&[
        ("ERROR: disk full", "- ERROR undated"),
        ("INFO:root:hello", "- INFO undated"),
        ("[warn] careful", "- WARN undated"),
        ("an error occurred", "- - undated"),
        ("Error while doing", "- - undated"),
        ("[   12.345678] usb 1-1: new device", "- - undated"),
        ("10:00:00.123 no date", "- - undated"),
        ("2026-13-45 10:00:00 no such day", "- - undated"),
        ("0001-01-01T00:00:00Z the zero time of Go", "- - undated"),
        ("", "- - undated"),
    ]);
}

#[test]
fn zones_apply_to_times_that_state_none() {
    let line = "2026-07-01 12:00:00,000 INFO x";
    assert!(read_in(Some("Europe/Vienna"), line).starts_with("2026-07-01T10:00:00Z"));
    assert!(read_in(Some("-03:30"), line).starts_with("2026-07-01T15:30:00Z"));
    assert!(read_in(Some("Europe/Vienna"), "2026-07-01T12:00:00Z x").starts_with("2026-07-01T12:00:00Z"));
    for wrong in ["Mars/Olympus", "+25:00", "+2x", ""] {
        assert!(ZoneOfSource::from_config(Some(wrong)).is_err(), "{wrong:?}");
    }
}

#[test]
fn undated_lines_inherit_or_take_the_time_of_ingest() {
    let mut parser = parser(None);
    let basis_of = |parser: &mut LineParser, line| {
        let parsed = parser.parse(line);
        (parsed.timestamp.to_string(), parsed.basis)
    };
    assert_eq!(
        basis_of(&mut parser, "nothing"),
        (NOW.to_owned(), TimestampBasis::Ingest)
    );
    let stated = "2026-11-18T10:00:00.123456Z".to_owned();
    assert_eq!(
        basis_of(&mut parser, "2026-11-18T10:00:00.123456789Z x"),
        (stated.clone(), TimestampBasis::Parsed)
    );
    assert_eq!(
        basis_of(&mut parser, "nothing"),
        (stated, TimestampBasis::Inherited)
    );
}

/// Bytes that look like headers reach deeper than noise does.
const HEADER_ALPHABET: &str =
    "[0-9T:.,/ \\-\\[\\]{}\"=<>()|@\t]{0,12}(Nov|Dec|Sun|INFO|ERROR|level|time|audit\\(|UTC|\\$date|é|\0|)";

proptest! {
    #[test]
    fn parsing_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let line = String::from_utf8_lossy(&bytes);
        parser(None).parse(&line);
        parser(Some("America/New_York")).parse(&line);
    }

    #[test]
    fn parsing_never_panics_on_pieces_of_headers(pieces in prop::collection::vec(HEADER_ALPHABET, 0..8)) {
        parser(Some("Europe/Vienna")).parse(&pieces.concat());
    }

    #[test]
    fn a_cut_header_never_panics(cut in 0..120_usize, choice in 0..8_usize) {
        let line = [
            "api.log.1.2026-05-16_13:53:08 2026-05-16 00:00:00.008 25746 INFO nova.wsgi [req-3] x",
            "[Wed Oct 11 14:32:52.123456 2023] [core:crit] [pid 1:tid 2] x",
            "1.2.3.4 - - [17/May/2026:10:05:03 +0000] \"GET / HTTP/1.1\" 500 7",
            "type=SYSCALL msg=audit(1364481363.243:24287): arch=c0",
            "ts=2026-11-18T10:00:00Z caller=main.go:1 level=info msg=\"a \\\" b\"",
            "{\"t\":{\"$date\":\"2026-11-18T10:00:00.123+02:00\"},\"s\":\"E\"}",
            "1234:M 18 Nov 2026 10:00:00.123 # low memory",
            "<165>1 2026-10-11T22:14:15.003Z host app - ID47 - x",
        ][choice];
        parser(None).parse(&line[..cut.min(line.len())]);
    }

    /// The calendar agrees with jiff's on every instant, to the second.
    #[test]
    fn instants_survive_being_written_and_read(seconds in 0_i64..7_000_000_000) {
        let instant = Timestamp::from_second(seconds).unwrap();
        prop_assert_eq!(parser(None).read(&format!("{instant} x")).time, Some(instant));
    }
}
