//! Watching over plain HTTP: server-sent events and their resumption.

use crate::event_source::EventSource;
use crate::support::{PATIENCE, TestServer, commit, commit_together, get, line, suppression_of};
use sqlx::ConnectOptions as _;

const PATH: &str = "/v1/detections/watch";

#[tokio::test]
async fn detections_come_under_their_column_names() {
    let server = TestServer::start().await;
    let mut source = EventSource::open(server.address, PATH, &[]).await;
    assert!(
        source.head.contains("content-type: text/event-stream"),
        "{}",
        source.head
    );
    assert!(
        source.head.contains("x-content-type-options: nosniff"),
        "{}",
        source.head
    );
    let first = source.next().await.unwrap();
    assert_eq!((first.name.as_str(), first.id.as_str()), ("heartbeat", "0"));
    assert!(first.data["time"].is_string());
    let entry_ids = commit(&server.store, &[line("two\nlines and an \u{1b}[31mescape")]).await;
    let event = source.next().await.unwrap();
    assert_eq!((event.name.as_str(), event.id.as_str()), ("detection", "1"));
    let columns: Vec<&str> = event
        .data
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut wanted = [
        "id",
        "tenant_id",
        "entry_id",
        "source_id",
        "scorer",
        "anomaly_label",
        "anomaly_score",
        "severity",
        "text",
        "timestamp_iso",
        "detected_at",
        "acknowledged",
        "acknowledged_at",
        "notes",
        "verdict",
        "acknowledgement_id",
        "suppressed",
        "fingerprint",
    ];
    wanted.sort_unstable();
    assert_eq!(columns, wanted);
    assert_eq!(event.data["entry_id"], entry_ids[0].as_str());
    assert_eq!(event.data["text"], "two\nlines and an \u{1b}[31mescape");
    assert_eq!(
        (
            event.data["severity"].as_str(),
            event.data["acknowledged"].as_bool()
        ),
        (Some("ERROR"), Some(false))
    );
    let text = "two\nlines and an \u{1b}[31mescape";
    assert_eq!(
        event.data["fingerprint"],
        turnstone_types::fingerprint(text).as_str()
    );
    assert_eq!(event.data["suppressed"], false);
    assert!(event.data["verdict"].is_null() && event.data["acknowledgement_id"].is_null());
}

#[tokio::test]
async fn the_query_string_filters_and_names_the_tenant() {
    let server = TestServer::start().await;
    let path =
        format!("{PATH}?tenant_id=acme&anomaly_label=hardware_issue&severity=error&anomaly_score_min=0.5");
    let mut source = EventSource::open(server.address, &path, &[]).await;
    source.next().await.unwrap();
    let mut lines = vec![line("wrong label"), line("right"), line("wrong tenant")];
    (lines[1].label, lines[1].tenant) = ("HARDWARE_ISSUE", "acme");
    (lines[2].label, lines[2].tenant) = ("HARDWARE_ISSUE", "globex");
    let mut last = line("last");
    last.label = "HARDWARE_ISSUE";
    lines.push(last);
    commit(&server.store, &lines).await;
    assert_eq!(source.next_detection().await.0, "right");
    assert_eq!(source.next_detection().await.0, "last");
}

#[tokio::test]
async fn fingerprint_text_and_suppression_filter_too() {
    let server = TestServer::start().await;
    let texts = ["disk 1 full", "login by root", "login by eve", "disk 2 full"];
    let suppression = suppression_of(&texts[1..2]).remove(0);
    server.store.add_suppression(&suppression).await.unwrap();
    let disks = turnstone_types::fingerprint(texts[0]);
    let cases = [
        (String::new(), vec!["disk 1 full", "login by eve", "disk 2 full"]),
        (
            format!("?fingerprint={disks}"),
            vec!["disk 1 full", "disk 2 full"],
        ),
        ("?text=%22login+by%22".to_owned(), vec!["login by eve"]),
        ("?text=disk+-1".to_owned(), vec!["disk 2 full"]),
        ("?suppressed=true".to_owned(), vec!["login by root"]),
        (
            "?suppressed=true&verdict=expected".to_owned(),
            vec!["login by root"],
        ),
    ];
    let mut sources = Vec::new();
    for (query, expected) in cases {
        let mut source = EventSource::open(server.address, &format!("{PATH}{query}"), &[]).await;
        source.next().await.unwrap();
        sources.push((source, expected));
    }
    for text in texts {
        commit(&server.store, &[line(text)]).await;
    }
    for (mut source, expected) in sources {
        for text in expected {
            assert_eq!(source.next_detection().await.0, text);
        }
    }
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let server = TestServer::start().await;
    let cases = [
        ("severity=LOUD", "severity"),
        ("anomaly_score_min=2", "anomaly_score_min"),
        ("tenant_id=a.b", "tenant_id"),
        ("labels=x", "labels"),
        ("unacknowledged=maybe", "unacknowledged"),
        ("fingerprint=ABC", "fingerprint"),
        ("verdict=wrong", "verdict"),
        ("suppressed=1x", "suppressed"),
        ("text=-only", "text"),
        ("source_id=a%07b", "source_id"),
        (
            "detected_from=2026-01-02T00:00:00Z&detected_until=2026-01-01T00:00:00Z",
            "detected_until",
        ),
    ];
    for (query, field) in cases {
        let answer = get(server.address, &format!("{PATH}?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.text().contains(field), "{query}: {}", answer.text());
    }
    let headers = [("last-event-id", "yesterday")];
    let answer = crate::support::http(server.address, "GET", PATH, &headers, &[]).await;
    assert!(
        answer.status == 400 && answer.text().contains("last-event-id"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_resumed_watch_gets_what_it_missed_and_nothing_twice() {
    let server = TestServer::start().await;
    let mut source = EventSource::open(server.address, PATH, &[]).await;
    source.next().await.unwrap();
    commit(&server.store, &[line("one"), line("two")]).await;
    assert_eq!(source.next_detection().await, ("one".into(), "1".into()));
    let (_, last_id) = source.next_detection().await;
    drop(source);
    // More than the feed looks at in one step.
    let missed: Vec<_> = (0..1_200)
        .map(|number| line(format!("missed {number}")))
        .collect();
    commit_together(&server.store, &missed).await;
    let mut source = EventSource::open(server.address, PATH, &[("last-event-id", &last_id)]).await;
    commit(&server.store, &[line("live")]).await;
    for number in 0..1_200 {
        assert_eq!(source.next_detection().await.0, format!("missed {number}"));
    }
    assert_eq!(source.next_detection().await, ("live".into(), "1203".into()));
}

#[tokio::test]
async fn a_resumed_watch_gets_what_became_visible_late() {
    let server = TestServer::start().await;
    let mut source = EventSource::open(server.address, PATH, &[]).await;
    source.next().await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&server.database)
        .busy_timeout(PATIENCE);
    let mut raw = options.connect().await.unwrap();
    commit(&server.store, &[line("one")]).await;
    sqlx::query("UPDATE sqlite_sequence SET seq = 3 WHERE name = 'detections'")
        .execute(&mut raw)
        .await
        .unwrap();
    commit(&server.store, &[line("four")]).await;
    assert_eq!(source.next_detection().await.0, "one");
    let (text, id) = source.next_detection().await;
    assert_eq!((text.as_str(), id.as_str()), ("four", "4:2-3"));
    drop(source);
    let copied = sqlx::query(
        "INSERT INTO detections (sequence, id, entry_id, source_id, scorer, anomaly_label, anomaly_score, severity, text, detected_at) \
         SELECT 2, 'late', 'late', source_id, scorer, anomaly_label, anomaly_score, severity, 'two', detected_at \
         FROM detections WHERE sequence = 4",
    );
    copied.execute(&mut raw).await.unwrap();
    let mut source = EventSource::open(server.address, PATH, &[("last-event-id", &id)]).await;
    assert_eq!(source.next_detection().await.0, "two", "four is not repeated");
    commit(&server.store, &[line("five")]).await;
    assert_eq!(source.next_detection().await.0, "five");
}

#[tokio::test]
async fn a_position_beyond_the_end_begins_afresh() {
    let server = TestServer::start().await;
    commit(&server.store, &[line("old")]).await;
    let mut source = EventSource::open(server.address, PATH, &[("last-event-id", "999999")]).await;
    assert_eq!(source.next().await.unwrap().id, "1");
    commit(&server.store, &[line("new")]).await;
    assert_eq!(source.next_detection().await.0, "new");
}
