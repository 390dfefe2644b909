//! Search: where the query matched, order, score span, pages that hold still.

use crate::support::{TestServer, commit, line, second};
use turnstone_proto::v1;

fn search(query: &str) -> v1::SearchEntriesRequest {
    v1::SearchEntriesRequest {
        query: query.into(),
        ..Default::default()
    }
}

fn marked(answer: &v1::SearchEntriesResponse) -> Vec<Vec<&str>> {
    assert_eq!(answer.matches.len(), answer.entries.len());
    let parts = |(entry, matched): (&'_ v1::Entry, &v1::EntryMatch)| -> Vec<(usize, usize)> {
        assert!(!entry.text.is_empty());
        matched
            .highlights
            .iter()
            .map(|range| (range.start as usize, range.end as usize))
            .collect()
    };
    answer
        .entries
        .iter()
        .zip(&answer.matches)
        .map(|(entry, matched)| {
            parts((entry, matched))
                .into_iter()
                .map(|(start, end)| &entry.text[start..end])
                .collect()
        })
        .collect()
}

#[tokio::test]
async fn highlights_are_bytes_of_the_text() {
    let server = TestServer::start().await;
    let mut lines = [
        line("Größe der Platte: GRÖßE überschritten"),
        line("\u{1b}[31m Platte 日本語 <b>"),
    ];
    lines[0].timestamp = second(1);
    lines[1].timestamp = second(2);
    commit(&server.store, &lines).await;
    let mut client = server.entries().await;
    let cases = [
        ("größe", vec![vec!["Größe", "GRÖßE"]]),
        ("platte -größe", vec![vec!["Platte"]]),
        ("\"der platte\" über*", vec![vec!["der Platte", "überschritten"]]),
        ("platte", vec![vec!["Platte"], vec!["Platte"]]),
        ("日本*", vec![vec!["日本語"]]),
        ("nothing", vec![]),
    ];
    for (query, expected) in cases {
        for order in [v1::SearchOrder::Newest, v1::SearchOrder::Relevance] {
            let request = v1::SearchEntriesRequest {
                order: order.into(),
                ..search(query)
            };
            let answer = client.search_entries(request).await.unwrap().into_inner();
            assert_eq!(marked(&answer), expected, "{query}");
        }
    }
    let everything = client.search_entries(search(" ")).await.unwrap().into_inner();
    assert_eq!(
        (everything.entries.len(), everything.matches.len()),
        (2, 0),
        "no query, no matches"
    );
}

#[tokio::test]
async fn the_best_match_comes_first_by_relevance() {
    let server = TestServer::start().await;
    let texts = [
        "disk error on disk sda, disk replaced",
        "disk error",
        "a long line that says a lot before it says disk and then goes on about other things",
    ];
    let mut lines: Vec<_> = texts.into_iter().map(line).collect();
    for (number, line) in lines.iter_mut().enumerate() {
        line.timestamp = second(number as i64);
    }
    commit(&server.store, &lines).await;
    let mut client = server.entries().await;
    let texts_of = |answer: &v1::SearchEntriesResponse| -> Vec<String> {
        answer.entries.iter().map(|entry| entry.text.clone()).collect()
    };
    let newest = client.search_entries(search("disk")).await.unwrap().into_inner();
    assert_eq!(texts_of(&newest), [texts[2], texts[1], texts[0]]);
    assert!(newest.matches.iter().all(|matched| matched.relevance == 0.0));
    let mut request = v1::SearchEntriesRequest {
        order: v1::SearchOrder::Relevance.into(),
        page_size: 1,
        ..search("disk")
    };
    let (mut best, mut relevance) = (Vec::new(), Vec::new());
    loop {
        let answer = client.search_entries(request.clone()).await.unwrap().into_inner();
        best.extend(texts_of(&answer));
        relevance.extend(answer.matches.iter().map(|matched| matched.relevance));
        if answer.next_page_token.is_empty() {
            break;
        }
        request.page_token = answer.next_page_token;
        // A better match that arrives meanwhile changes no place.
        commit(&server.store, &[line("disk disk disk")]).await;
    }
    assert_eq!(best, [texts[0], texts[1], texts[2]]);
    assert!(
        relevance.windows(2).all(|pair| pair[0] > pair[1]) && relevance[2] > 0.0,
        "{relevance:?}"
    );
}

#[tokio::test]
async fn pages_hold_still_while_older_lines_arrive() {
    let server = TestServer::start().await;
    let lines: Vec<_> = (0..9)
        .map(|number| {
            let mut line = line(format!("disk {number}"));
            line.timestamp = second(number * 10);
            line
        })
        .collect();
    commit(&server.store, &lines).await;
    let mut client = server.entries().await;
    let mut request = v1::SearchEntriesRequest {
        page_size: 4,
        ..search("disk")
    };
    let mut texts = Vec::new();
    loop {
        let answer = client.search_entries(request.clone()).await.unwrap().into_inner();
        texts.extend(answer.entries.into_iter().map(|entry| entry.text));
        if answer.next_page_token.is_empty() {
            break;
        }
        request.page_token = answer.next_page_token;
        // Stored now, but of a time that the next page would show.
        let mut late = line("disk late");
        late.timestamp = second(5);
        commit(&server.store, &[late]).await;
    }
    let wanted: Vec<String> = (0..9).rev().map(|number| format!("disk {number}")).collect();
    assert_eq!(texts, wanted);
    let again = client.search_entries(search("late")).await.unwrap().into_inner();
    assert_eq!(again.entries.len(), 2, "a new search finds them");
}

#[tokio::test]
async fn scores_have_two_ends() {
    let server = TestServer::start().await;
    let lines: Vec<_> = [0.1, 0.5, 0.9]
        .into_iter()
        .map(|score| {
            let mut line = line(format!("score {score}"));
            line.score = score;
            line
        })
        .collect();
    commit(&server.store, &lines).await;
    let mut client = server.entries().await;
    for (min, max, count) in [
        (None, Some(0.5), 2),
        (Some(0.5), None, 2),
        (Some(0.5), Some(0.5), 1),
        (None, Some(0.05), 0),
        (Some(0.0), Some(1.0), 3),
    ] {
        let request = v1::SearchEntriesRequest {
            anomaly_score_min: min,
            anomaly_score_max: max,
            ..Default::default()
        };
        let answer = client.search_entries(request).await.unwrap().into_inner();
        assert_eq!(answer.entries.len(), count, "{min:?} to {max:?}");
    }
}

#[tokio::test]
async fn a_context_without_a_limit_in_time() {
    let server = TestServer::start().await;
    let mut lines = [line("years before"), line("now"), line("years after")];
    for (line, at) in lines.iter_mut().zip([0, 100_000_000, 200_000_000]) {
        line.timestamp = second(at);
    }
    let ids = commit(&server.store, &lines).await;
    let mut client = server.entries().await;
    for (any_time, expected) in [
        (false, vec!["now"]),
        (true, vec!["years before", "now", "years after"]),
    ] {
        let request = v1::ListEntryContextRequest {
            entry_id: ids[1].to_string(),
            any_time,
            ..Default::default()
        };
        let answer = client.list_entry_context(request).await.unwrap().into_inner();
        let texts: Vec<String> = answer.entries.into_iter().map(|entry| entry.text).collect();
        assert_eq!(texts, expected);
    }
}
