//! What the evidence summary says is what is stored: how often, what is new, what is rare, what people said, how much came.

use crate::explaining::{context_of, done_of, explained};
use crate::support::{Line, TestServer, commit, commit_together, line, second, stored};
use turnstone_store::{AcknowledgeRequest, DetectionSelection};
use turnstone_types::{Severity, TenantId, Timestamp, Verdict};

const HOUR: i64 = 3_600;

/// A line at a second, read and scored when it was written.
fn at(number: i64, text: &str) -> Line {
    let mut line = line(text);
    let then = second(number);
    (line.timestamp, line.ingested_at, line.detected_at) = (then, then, then);
    line
}

async fn summary(server: &TestServer, line: Line) -> (String, String, String) {
    let ids = commit(&server.store, &[line]).await;
    let frames = explained(server, &ids[0], false).await;
    let done = done_of(&frames);
    assert!(
        context_of(&frames)
            .lines
            .iter()
            .any(|line| line.entry_id == ids[0].as_str())
    );
    (
        done.what_happened.clone(),
        done.likely_cause.clone(),
        done.evidence.clone(),
    )
}

#[tokio::test]
async fn counts_are_by_the_times_of_the_lines() {
    let server = TestServer::start().await;
    let login = |number: i64| {
        at(
            number,
            &format!(
                "sshd: Failed password for root from 203.0.113.9 port {}",
                40_022 + number % 100
            ),
        )
    };
    // Two days before, in the day before, in the last hour. All were read today, as a log that was found.
    let mut lines = vec![login(-50 * HOUR), login(-20 * HOUR), login(-10 * HOUR)];
    lines.extend((1..=20).map(|minute| login(-60 * minute)));
    lines.push(at(-30 * HOUR, "cron: job started"));
    lines.push(at(-30, "cron: job started"));
    for line in &mut lines {
        if line.text.starts_with("cron") {
            line.severity = Severity::Info;
        }
        (line.ingested_at, line.detected_at) = (Timestamp::now(), Timestamp::now());
    }
    commit_together(&server.store, &lines).await;
    let mut target = login(0);
    (target.ingested_at, target.detected_at) = (Timestamp::now(), Timestamp::now());
    let (what, changed, evidence) = summary(&server, target).await;
    assert!(
        what.contains(
            "21 in the hour before it, 23 in the day; first seen 2025-12-29 22:00:00, last before it 2025-12-31 23:59:00. It comes in a burst."
        ),
        "{what}"
    );
    assert!(
        !changed.contains("First seen"),
        "nothing here began in this window: {changed}"
    );
    assert!(
        evidence.contains("the only line of its kind in the day: \"cron: job started\""),
        "{evidence}"
    );
}

#[tokio::test]
async fn a_first_line_is_called_so_only_where_it_is() {
    let server = TestServer::start().await;
    let (what, ..) = summary(&server, at(0, "raid: array md0 is degraded")).await;
    assert!(
        what.contains(
            "It is the first line of its kind from this source (lines are kept since 2026-01-01 00:00:00)"
        ),
        "{what}"
    );
    let (what, ..) = summary(&server, at(10, "42 10.0.0.1 0x7f")).await;
    assert!(
        what.contains("was not counted"),
        "there is no word to count it by: {what}"
    );
    let many: Vec<Line> = (0..1_200)
        .map(|number| at(20 + number, "heartbeat of the pump is missing"))
        .collect();
    commit_together(&server.store, &many).await;
    let (what, ..) = summary(&server, at(2_000, "heartbeat of the pump is missing")).await;
    assert!(
        what.contains("at least 1000 in the hour before it and 1000 in the day"),
        "{what}"
    );
}

#[tokio::test]
async fn what_is_new_and_what_people_said_is_named() {
    let server = TestServer::start().await;
    let known = |number: i64| at(number, "nginx: upstream timed out while connecting");
    let mut judged = Vec::new();
    for day in 2..5 {
        judged.extend(commit(&server.store, &[known(-24 * HOUR * day)]).await);
    }
    let ids = stored(&server.store, "")
        .await
        .into_iter()
        .map(|detection| detection.id)
        .collect();
    let request = AcknowledgeRequest {
        verdict: Some(Verdict::FalsePositive),
        notes: "the nightly \u{1b}[31mbackup".into(),
        ..AcknowledgeRequest::new(
            TenantId::shared(),
            DetectionSelection::Ids(ids),
            second(-24 * HOUR),
        )
    };
    server.store.acknowledge(&request).await.unwrap();
    // Another message that came before, and one that never did.
    for number in [-30 * HOUR, -5 * HOUR, -4 * HOUR, -3 * HOUR, -120] {
        let mut slow = at(number, "db: slow query");
        slow.severity = Severity::Info;
        commit(&server.store, &[slow]).await;
    }
    let mut new = at(-60, "db: connection pool is exhausted");
    new.severity = Severity::Critical;
    commit(&server.store, &[new, at(-50, "db: connection pool is exhausted")]).await;
    let (_, changed, evidence) = summary(&server, known(0)).await;
    assert!(
        changed.contains("First seen 60 s before it [L2] (2 times): \"db: connection pool is exhausted\""),
        "{changed}"
    );
    let new: Vec<&str> = changed
        .lines()
        .filter(|line| line.contains("First seen"))
        .collect();
    assert_eq!(new.len(), 1, "the slow query is a day old: {changed}");
    assert!(
        evidence.contains("People judged 3 similar lines: 3 as ")
            && evidence
                .contains("4 detections of this message since 2025-12-28 00:00:00, 1 not acknowledged")
            && evidence.contains("backup"),
        "{evidence}"
    );
    assert!(!evidence.contains('\u{1b}'), "{evidence}");
    assert!(
        evidence.contains("is a detection too (SECURITY_ANOMALY, 0.90)"),
        "{evidence}"
    );
}

#[tokio::test]
async fn a_source_that_writes_much_more_than_usual_is_noticed() {
    let server = TestServer::start().await;
    // Ten lines an hour for a day, then three hundred within five minutes.
    for hour in 1..=26 {
        let lines: Vec<Line> = (0..10)
            .map(|number| at(-HOUR * hour - number, "app: request served"))
            .collect();
        commit_together(&server.store, &lines).await;
    }
    for minute in 1..=5 {
        let lines: Vec<Line> = (0..60)
            .map(|number| at(-60 * minute + number, "app: request failed"))
            .collect();
        commit_together(&server.store, &lines).await;
    }
    let (_, changed, _) = summary(&server, at(1, "app: gave up")).await;
    assert!(
        changed.contains("lines in five minutes where 1 are usual"),
        "{changed}"
    );
}
