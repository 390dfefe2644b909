//! Counts and sources.

use crate::support::{TestServer, commit, line, of_tenant};
use turnstone_proto::v1;
use turnstone_types::Severity;

#[tokio::test]
async fn the_summary_counts_what_the_tenant_sees() {
    let server = TestServer::start().await;
    let mut critical = line("node down");
    (critical.label, critical.severity) = ("SYSTEM_FAILURE", Severity::Critical);
    let mut foreign = line("foreign");
    foreign.tenant = "globex";
    commit(&server.store, &[line("one"), line("two"), critical, foreign]).await;
    let mut client = server.stats().await;
    let summary = client
        .get_stats_summary(v1::GetStatsSummaryRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (
            summary.entry_count,
            summary.unscored_entry_count,
            summary.quarantined_entry_count
        ),
        (3, 0, 0)
    );
    let mut labels: Vec<(String, i64)> = summary
        .labels
        .into_iter()
        .map(|label| (label.anomaly_label, label.open_count))
        .collect();
    labels.sort();
    assert_eq!(
        labels,
        [
            ("SECURITY_ANOMALY".to_owned(), 2),
            ("SYSTEM_FAILURE".to_owned(), 1)
        ]
    );
    let timeline: Vec<&str> = summary
        .timeline_events
        .iter()
        .map(|event| event.text.as_str())
        .collect();
    assert_eq!(timeline, ["node down"]);
    let request = of_tenant("globex", v1::GetStatsSummaryRequest {});
    assert_eq!(
        client
            .get_stats_summary(request)
            .await
            .unwrap()
            .into_inner()
            .entry_count,
        4
    );
}

#[tokio::test]
async fn sources_are_listed_by_name() {
    let server = TestServer::start().await;
    let mut kernel = line("oops");
    kernel.source = "kernel";
    commit(&server.store, &[line("one"), line("two"), kernel]).await;
    let mut client = server.stats().await;
    let sources = client
        .list_sources(v1::ListSourcesRequest {})
        .await
        .unwrap()
        .into_inner()
        .sources;
    let listed: Vec<(&str, i64, i64)> = sources
        .iter()
        .map(|source| {
            (
                source.source_id.as_str(),
                source.entry_count,
                source.repaired_line_count,
            )
        })
        .collect();
    assert_eq!(listed, [("kernel", 1, 1), ("ssh", 2, 2)]);
    assert!(
        sources
            .iter()
            .all(|source| source.kind == "files" && source.last_gleaned_time.is_some())
    );
}
