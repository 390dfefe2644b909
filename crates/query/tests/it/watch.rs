//! Watching over gRPC: what arrives, when, once, and who is sent away.

use crate::support::{PATIENCE, TestServer, commit, commit_together, line, of_tenant, stored, until, within};
use sqlx::{ConnectOptions as _, Connection as _};
use std::time::{Duration, Instant};
use tonic::{Code, Status, Streaming};
use turnstone_proto::v1;
use turnstone_proto::v1::detection_service_client::DetectionServiceClient;
use turnstone_proto::v1::watch_detections_response::Event;

type Watch = Streaming<v1::WatchDetectionsResponse>;

async fn next(watch: &mut Watch) -> Result<Event, Status> {
    let response = within(PATIENCE, "an event", watch.message()).await?;
    Ok(response.expect("the stream goes on").event.expect("an event"))
}

/// The text of the next detection, past any heartbeats.
async fn next_text(watch: &mut Watch) -> Result<String, Status> {
    loop {
        if let Event::Detection(detection) = next(watch).await? {
            return Ok(detection.text);
        }
    }
}

/// Begins a watch and waits for the heartbeat that says that it stands.
async fn begin(server: &TestServer, tenant: &'static str, filter: Option<v1::DetectionFilter>) -> Watch {
    let request = of_tenant(tenant, v1::WatchDetectionsRequest { filter });
    let mut watch = server
        .detections()
        .await
        .watch_detections(request)
        .await
        .unwrap()
        .into_inner();
    assert!(
        matches!(next(&mut watch).await, Ok(Event::Heartbeat(_))),
        "a heartbeat comes first"
    );
    watch
}

#[tokio::test]
async fn a_commit_of_another_handle_arrives_within_a_second() {
    // The default interval, not the shorter one of the other tests.
    let server = TestServer::start_with(|options| options.poll_interval = Duration::from_millis(200)).await;
    commit(&server.store, &[line("before the watch")]).await;
    let other = server.other_handle().await;
    let mut watch = begin(&server, "", None).await;
    for number in 0..5 {
        commit(&other, &[line(format!("number {number}"))]).await;
        let committed = Instant::now();
        assert_eq!(next_text(&mut watch).await.unwrap(), format!("number {number}"));
        assert!(
            committed.elapsed() < Duration::from_secs(1),
            "took {:?}",
            committed.elapsed()
        );
    }
}

#[tokio::test]
async fn every_watcher_gets_its_own_share_once() {
    let server = TestServer::start().await;
    let critical = v1::DetectionFilter {
        severity: v1::Severity::Critical.into(),
        ..Default::default()
    };
    let mut shared = begin(&server, "", None).await;
    let mut acme = begin(&server, "acme", None).await;
    let mut acme_critical = begin(&server, "acme", Some(critical)).await;
    let mut lines = Vec::new();
    for tenant in ["", "acme", "globex"] {
        for severity in [
            turnstone_types::Severity::Error,
            turnstone_types::Severity::Critical,
        ] {
            let mut line = line(format!("{tenant} {severity}"));
            (line.tenant, line.severity) = (tenant, severity);
            lines.push(line);
        }
    }
    lines.push(line("last"));
    let mut last = line("last");
    (last.tenant, last.severity) = ("acme", turnstone_types::Severity::Critical);
    lines.push(last);
    commit(&server.store, &lines).await;
    let expected: [(&mut Watch, &[&str]); 3] = [
        (&mut shared, &[" ERROR", " CRITICAL", "last"]),
        (
            &mut acme,
            &[
                " ERROR",
                " CRITICAL",
                "acme ERROR",
                "acme CRITICAL",
                "last",
                "last",
            ],
        ),
        (&mut acme_critical, &[" CRITICAL", "acme CRITICAL", "last"]),
    ];
    for (watch, texts) in expected {
        for text in texts {
            assert_eq!(&next_text(watch).await.unwrap(), text);
        }
    }
}

#[tokio::test]
async fn a_large_burst_arrives_whole_and_in_order() {
    let server = TestServer::start().await;
    let mut watch = begin(&server, "", None).await;
    let lines: Vec<_> = (0..5_000).map(|number| line(number.to_string())).collect();
    for part in lines.chunks(2_500) {
        commit_together(&server.store, part).await;
    }
    for number in 0..5_000 {
        assert_eq!(next_text(&mut watch).await.unwrap(), number.to_string());
    }
}

#[tokio::test]
async fn heartbeats_go_on() {
    let server =
        TestServer::start_with(|options| options.heartbeat_interval = Duration::from_millis(100)).await;
    let mut watch = begin(&server, "", None).await;
    for _ in 0..3 {
        assert!(
            matches!(next(&mut watch).await, Ok(Event::Heartbeat(heartbeat)) if heartbeat.time.is_some())
        );
    }
}

#[tokio::test]
async fn a_slow_watcher_is_sent_away_and_the_others_do_not_notice() {
    let server = TestServer::start_with(|options| options.watcher_queue_max = 20).await;
    let mut fast = begin(&server, "", None).await;
    // The smallest window, so that little hides in buffers on the way.
    let channel = server
        .endpoint()
        .initial_stream_window_size(65_535)
        .connect()
        .await
        .unwrap();
    let request = v1::WatchDetectionsRequest::default();
    let mut slow = DetectionServiceClient::new(channel)
        .watch_detections(request)
        .await
        .unwrap()
        .into_inner();
    assert!(matches!(next(&mut slow).await, Ok(Event::Heartbeat(_))));
    for part in 0..10 {
        let lines: Vec<_> = (0..50)
            .map(|number| line(format!("{part}.{number} {}", "𝄞".repeat(1_990))))
            .collect();
        commit_together(&server.store, &lines).await;
        for number in 0..50 {
            let text = next_text(&mut fast).await.unwrap();
            assert!(
                text.starts_with(&format!("{part}.{number} ")),
                "the fast watcher gets everything"
            );
        }
    }
    let mut received = 0;
    let status = loop {
        match next_text(&mut slow).await {
            Ok(_) => received += 1,
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("fell behind"), "{}", status.message());
    assert!(received < 500, "it was sent away before the end");
}

#[tokio::test]
async fn watchers_have_a_limit_and_give_their_place_back() {
    let server = TestServer::start_with(|options| options.watchers_max = 1).await;
    let first = begin(&server, "", None).await;
    let refused = server
        .detections()
        .await
        .watch_detections(v1::WatchDetectionsRequest::default())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    drop(first);
    until("the place of the first watcher", async || {
        server
            .detections()
            .await
            .watch_detections(v1::WatchDetectionsRequest::default())
            .await
            .is_ok()
    })
    .await;
}

/// Writers that commit out of order, seen from the file: a row of a lower sequence appears after one of a higher.
#[tokio::test]
async fn sequences_out_of_order_arrive_once_each() {
    let server = TestServer::start_with(|options| options.gap_wait_max = Duration::from_secs(60)).await;
    commit(&server.store, &[line("early")]).await;
    let mut watch = begin(&server, "", None).await;
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&server.database)
        .busy_timeout(PATIENCE);
    let mut raw = options.connect().await.unwrap();
    sqlx::query("UPDATE sqlite_sequence SET seq = 10 WHERE name = 'detections'")
        .execute(&mut raw)
        .await
        .unwrap();
    commit(&server.store, &[line("eleven")]).await;
    assert_eq!(next_text(&mut watch).await.unwrap(), "eleven");
    for (sequence, text) in [(7, "seven"), (4, "four"), (10, "ten"), (2, "two")] {
        let copied = sqlx::query(
            "INSERT INTO detections (sequence, id, tenant_id, entry_id, source_id, scorer, anomaly_label, anomaly_score, severity, text, detected_at) \
             SELECT ?1, 'late-' || ?1, tenant_id, 'late-' || ?1, source_id, scorer, anomaly_label, anomaly_score, severity, ?2, detected_at \
             FROM detections WHERE sequence = 11",
        );
        copied.bind(sequence).bind(text).execute(&mut raw).await.unwrap();
        assert_eq!(next_text(&mut watch).await.unwrap(), text);
    }
    commit(&server.store, &[line("twelve")]).await;
    assert_eq!(next_text(&mut watch).await.unwrap(), "twelve");
    assert_eq!(stored(&server.store, "").await.len(), 7);
    raw.close().await.unwrap();
}

#[tokio::test]
async fn a_gap_that_stays_is_given_up() {
    let server = TestServer::start_with(|options| options.gap_wait_max = Duration::from_millis(300)).await;
    let mut watch = begin(&server, "", None).await;
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&server.database)
        .busy_timeout(PATIENCE);
    let mut raw = options.connect().await.unwrap();
    commit(&server.store, &[line("one")]).await;
    sqlx::query("UPDATE sqlite_sequence SET seq = 5000 WHERE name = 'detections'")
        .execute(&mut raw)
        .await
        .unwrap();
    commit(&server.store, &[line("after the gap")]).await;
    assert_eq!(next_text(&mut watch).await.unwrap(), "one");
    assert_eq!(next_text(&mut watch).await.unwrap(), "after the gap");
    until("the gap is given up", async || {
        crate::support::METRICS
            .render()
            .contains("turnstone_query_feed_gaps_given_up_total")
    })
    .await;
    commit(&server.store, &[line("and on")]).await;
    assert_eq!(next_text(&mut watch).await.unwrap(), "and on");
}
