//! Entries: one, search, context.

use crate::support::{TestServer, commit, line, of_tenant, second};
use tonic::Code;
use turnstone_proto::{timestamp_to_proto, v1};

#[tokio::test]
async fn an_entry_with_its_score() {
    let server = TestServer::start().await;
    let mut own = line("oom killed postgres");
    (own.tenant, own.timestamp, own.detected_at) = ("acme", second(5), second(6));
    let id = commit(&server.store, &[own]).await.remove(0).to_string();
    let mut client = server.entries().await;
    let get = v1::GetEntryRequest { id: id.clone() };
    let entry = client
        .get_entry(of_tenant("acme", get.clone()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (entry.id, entry.tenant_id.as_str(), entry.text.as_str()),
        (id, "acme", "oom killed postgres")
    );
    assert_eq!(entry.timestamp, Some(timestamp_to_proto(second(5))));
    assert_eq!(
        (entry.anomaly_label.as_str(), entry.anomaly_score),
        ("SECURITY_ANOMALY", 0.9)
    );
    assert_eq!(entry.anomaly_scored_at, Some(timestamp_to_proto(second(6))));
    assert_eq!(
        client
            .get_entry(of_tenant("globex", get))
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
}

#[tokio::test]
async fn search_finds_words_phrases_and_prefixes_in_pages() {
    let server = TestServer::start().await;
    let lines: Vec<_> = (0..7)
        .map(|number| {
            let mut line = line(format!("connection refused by upstream host{number}"));
            line.timestamp = second(number);
            line
        })
        .chain([line("disk full")])
        .collect();
    commit(&server.store, &lines).await;
    let mut client = server.entries().await;
    let search = |query: &str| v1::SearchEntriesRequest {
        query: query.into(),
        page_size: 3,
        ..Default::default()
    };
    for (query, count) in [
        ("disk", 1),
        ("\"disk full\"", 1),
        ("\"full disk\"", 0),
        ("connect* -host3 -host4 -host5 -host6", 3),
    ] {
        let answer = client.search_entries(search(query)).await.unwrap().into_inner();
        assert_eq!(answer.entries.len(), count, "{query}");
    }
    let mut request = search("refused");
    let mut texts = Vec::new();
    loop {
        let answer = client.search_entries(request.clone()).await.unwrap().into_inner();
        texts.extend(answer.entries.into_iter().map(|entry| entry.text));
        if answer.next_page_token.is_empty() {
            break;
        }
        request.page_token = answer.next_page_token;
    }
    let wanted: Vec<String> = (0..7)
        .rev()
        .map(|number| format!("connection refused by upstream host{number}"))
        .collect();
    assert_eq!(texts, wanted);

    let mut narrow = search("refused");
    (narrow.time_from, narrow.time_until) = (
        Some(timestamp_to_proto(second(2))),
        Some(timestamp_to_proto(second(4))),
    );
    assert_eq!(
        client
            .search_entries(narrow)
            .await
            .unwrap()
            .into_inner()
            .entries
            .len(),
        2
    );
    let everything = v1::SearchEntriesRequest::default();
    assert_eq!(
        client
            .search_entries(everything)
            .await
            .unwrap()
            .into_inner()
            .entries
            .len(),
        8
    );
}

#[tokio::test]
async fn context_is_in_order_of_time_and_of_the_same_source() {
    let server = TestServer::start().await;
    let mut lines: Vec<_> = (0..9)
        .map(|number| {
            let mut line = line(format!("line {number}"));
            line.timestamp = second(number * 60);
            line
        })
        .collect();
    lines[3].source = "kernel";
    let ids = commit(&server.store, &lines).await;
    let mut client = server.entries().await;
    let mut around = async |request: v1::ListEntryContextRequest| {
        let answer = client.list_entry_context(request).await?.into_inner();
        Ok::<Vec<String>, tonic::Status>(answer.entries.into_iter().map(|entry| entry.text).collect())
    };
    let request = |entry_id: String| v1::ListEntryContextRequest {
        entry_id,
        ..Default::default()
    };
    let texts = around(request(ids[4].to_string())).await.unwrap();
    assert_eq!(
        texts,
        [
            "line 0", "line 1", "line 2", "line 4", "line 5", "line 6", "line 7", "line 8"
        ]
    );
    let near = v1::ListEntryContextRequest {
        window_seconds: 60,
        ..request(ids[6].to_string())
    };
    assert_eq!(around(near).await.unwrap(), ["line 5", "line 6", "line 7"]);
    let few = v1::ListEntryContextRequest {
        max_before: 1,
        max_after: 2,
        ..request(ids[4].to_string())
    };
    assert_eq!(
        around(few).await.unwrap(),
        ["line 2", "line 4", "line 5", "line 6"]
    );
    assert_eq!(
        around(request("nowhere".into())).await.unwrap_err().code(),
        Code::NotFound
    );
}
