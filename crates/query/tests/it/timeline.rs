//! The timeline, the breakdown of the summary, and the health of sources.

use crate::support::{TestServer, commit, line, of_tenant};
use std::time::Duration;
use turnstone_proto::{timestamp_to_proto, v1};
use turnstone_types::{Severity, Timestamp};

#[tokio::test]
async fn buckets_count_what_came_in() {
    let server = TestServer::start().await;
    let now = Timestamp::now();
    let ago = |minutes: u64| now - Duration::from_secs(60 * minutes);
    let mut lines = [line("one"), line("two"), line("three")];
    for (line, minutes) in lines.iter_mut().zip([30, 30, 10]) {
        (line.ingested_at, line.detected_at) = (ago(minutes), ago(minutes));
    }
    lines[1].severity = Severity::Critical;
    lines[2].source = "kernel";
    commit(&server.store, &lines).await;
    let mut client = server.stats().await;
    let request = v1::GetTimelineRequest {
        time_from: Some(timestamp_to_proto(ago(60))),
        ..Default::default()
    };
    let timeline = client.get_timeline(request.clone()).await.unwrap().into_inner();
    assert_eq!(timeline.bucket_seconds, 60);
    let counts = |severity: v1::Severity| v1::SeverityCount {
        severity: severity.into(),
        count: 1,
    };
    let [first, second] = timeline.buckets.as_slice() else {
        panic!("{timeline:?}");
    };
    assert_eq!(
        first.entries,
        [counts(v1::Severity::Error), counts(v1::Severity::Critical)]
    );
    assert_eq!(first.detections, first.entries);
    assert_eq!(second.entries, [counts(v1::Severity::Error)]);
    let start = first.start_time.unwrap();
    assert!(start.seconds % 60 == 0 && start.nanos == 0);
    assert!((0..60).contains(&(ago(30).as_second() - start.seconds)));

    let hours = v1::GetTimelineRequest {
        bucket_seconds: 3_600,
        source_id: "kernel".into(),
        ..request.clone()
    };
    let timeline = client.get_timeline(hours).await.unwrap().into_inner();
    assert_eq!((timeline.bucket_seconds, timeline.buckets.len()), (3_600, 1));
    let foreign = client
        .get_timeline(of_tenant("acme", request))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(foreign.buckets.len(), 2, "a tenant sees the shared ones");
    // A span of long ago is asked for by the hour, which is kept.
    let old = v1::GetTimelineRequest {
        time_from: Some(timestamp_to_proto(ago(60 * 24 * 30))),
        time_until: Some(timestamp_to_proto(ago(60 * 24 * 30 - 60))),
        ..Default::default()
    };
    assert_eq!(
        client
            .get_timeline(old)
            .await
            .unwrap()
            .into_inner()
            .bucket_seconds,
        3_600
    );
}

#[tokio::test]
async fn the_summary_breaks_down_by_severity_source_and_hour() {
    let server = TestServer::start().await;
    let mut lines = [line("one"), line("two"), line("three"), line("foreign")];
    lines[1].severity = Severity::Critical;
    lines[1].label = "SYSTEM_FAILURE";
    lines[2].source = "kernel";
    lines[3].tenant = "globex";
    commit(&server.store, &lines).await;
    let mut client = server.stats().await;
    let summary = client
        .get_stats_summary(v1::GetStatsSummaryRequest {})
        .await
        .unwrap()
        .into_inner();
    let severities: Vec<_> = summary
        .severities
        .iter()
        .map(|row| {
            (
                row.severity(),
                row.entry_count,
                row.detections.unwrap().open_count,
            )
        })
        .collect();
    assert_eq!(
        severities,
        [(v1::Severity::Error, 2, 2), (v1::Severity::Critical, 1, 1)]
    );
    let sources: Vec<_> = summary
        .sources
        .iter()
        .map(|row| {
            (
                row.source_id.as_str(),
                row.entry_count,
                row.detections.unwrap().detection_count,
            )
        })
        .collect();
    assert_eq!(sources, [("kernel", 1, 1), ("ssh", 2, 2)]);
    assert_eq!(summary.hours.len(), 24);
    let last: i64 = summary.hours[22..].iter().map(|hour| hour.entry_count).sum();
    assert_eq!(last, 3, "in the last two, should the hour have turned meanwhile");
    assert!(
        summary.hours.windows(2).all(|pair| {
            pair[1].start_time.unwrap().seconds - pair[0].start_time.unwrap().seconds == 3_600
        })
    );
    let all = summary.detections.unwrap();
    assert_eq!(
        (all.detection_count, all.open_count, all.false_positive_rate),
        (3, 3, None)
    );
    let labels: Vec<_> = summary
        .labels
        .iter()
        .map(|label| {
            (
                label.anomaly_label.as_str(),
                label.detections.unwrap().detection_count,
            )
        })
        .collect();
    assert_eq!(labels, [("SECURITY_ANOMALY", 2), ("SYSTEM_FAILURE", 1)]);
}

#[tokio::test]
async fn sources_say_how_they_do() {
    let server = TestServer::start().await;
    let lines: Vec<_> = (0..30).map(|number| line(format!("line {number}"))).collect();
    commit(&server.store, &lines).await;
    let mut client = server.stats().await;
    let sources = client
        .list_sources(v1::ListSourcesRequest {})
        .await
        .unwrap()
        .into_inner()
        .sources;
    let [ssh] = sources.as_slice() else {
        panic!("{sources:?}")
    };
    assert!(ssh.lines_per_second > 0.0, "{ssh:?}");
    assert_eq!(ssh.usual_lines_per_second, None, "no whole hour yet");
    assert_eq!((ssh.error_share, ssh.undated_share), (Some(1.0), Some(0.0)));
}
