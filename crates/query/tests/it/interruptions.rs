//! Explanations that do not go smoothly: late, cut, refused, resumed, left, stopped. The models are scripted, for real ones do that
//! only when they fail.

use crate::event_source::EventSource;
use crate::explaining::{asking, done_of, error_of, explained, five_lines, open, path, read_all, text_of};
use crate::support::{PATIENCE, TestServer, http, until, within};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use turnstone_proto::v1;
use turnstone_proto::v1::explanation_frame::Frame;
use turnstone_testkit::{ScriptedServer, Step};

#[tokio::test]
async fn whoever_waits_hears_that_the_stream_stands_however_long_requests_may_take() {
    let go_on = Arc::new(Semaphore::new(0));
    let llm = ScriptedServer::always(vec![
        Step::events(),
        Step::Wait(go_on.clone()),
        Step::piece("late"),
        Step::end(1),
    ])
    .await
    .unwrap();
    let server = TestServer::start_explaining(&asking(&llm), |options| {
        options.heartbeat_interval = Duration::from_millis(50);
        options.request_time_max = Duration::from_millis(200);
    })
    .await;
    let ids = five_lines(&server).await;
    let mut source = EventSource::open(server.address, &path(&ids[2]), &[]).await;
    let request = v1::ExplainEntryRequest {
        entry_id: ids[2].to_string(),
        ..v1::ExplainEntryRequest::default()
    };
    let mut stream = open(&server, request).await;
    let mut heartbeats = 0;
    while heartbeats < 8 {
        let frame = within(PATIENCE, "a heartbeat", stream.message())
            .await
            .unwrap()
            .unwrap();
        heartbeats += usize::from(matches!(frame.frame, Some(Frame::Heartbeat(_))));
    }
    go_on.add_permits(1);
    assert_eq!(text_of(&read_all(&mut stream).await), "late");
    assert_eq!(llm.requests().len(), 1, "both read one answer");
    let mut names = Vec::new();
    while let Some(event) = source.next().await {
        names.push(event.name);
    }
    assert_eq!(names, ["context", "token", "done"]);
    // More than four: it stood for longer than a request may take.
    assert!(source.comments > 4, "{}", source.comments);
}

#[tokio::test]
async fn a_model_that_fails_is_told_with_its_reason_and_asked_again() {
    let llm = ScriptedServer::start(|connection| match connection {
        // A cut in the middle: neither an end nor a finish.
        0 => vec![Step::events(), Step::piece("half an ans")],
        1 => vec![Step::answer(
            "429 Too Many Requests",
            "application/json",
            r#"{"error":{"message":"quota of \u001b[31m this key"}}"#,
        )],
        _ => vec![Step::events(), Step::piece("whole"), Step::end(1)],
    })
    .await
    .unwrap();
    let server = TestServer::start_explaining(&asking(&llm), |_| {}).await;
    let ids = five_lines(&server).await;
    let cut = explained(&server, &ids[2], false).await;
    assert_eq!(text_of(&cut), "half an ans");
    assert!(
        error_of(&cut).retryable && !error_of(&cut).reason.is_empty(),
        "{cut:?}"
    );
    let mut source = EventSource::open(server.address, &path(&ids[2]), &[]).await;
    assert_eq!(source.next().await.unwrap().name, "context");
    let refused = source.next().await.unwrap();
    assert_eq!(
        (refused.name.as_str(), refused.data["retryable"].as_bool()),
        ("error", Some(true))
    );
    assert!(source.next().await.is_none());
    let whole = explained(&server, &ids[2], false).await;
    assert!(!done_of(&whole).cached);
    assert_eq!(llm.requests().len(), 3);
}

#[tokio::test]
async fn a_broken_connection_goes_on_where_it_was() {
    let go_on = Arc::new(Semaphore::new(0));
    let llm = ScriptedServer::always(vec![
        Step::events(),
        Step::piece("one "),
        Step::piece("two "),
        Step::Wait(go_on.clone()),
        Step::piece("three"),
        Step::end(3),
    ])
    .await
    .unwrap();
    let server = TestServer::start_explaining(&asking(&llm), |_| {}).await;
    let ids = five_lines(&server).await;
    let mut source = EventSource::open(server.address, &path(&ids[2]), &[]).await;
    source.next().await.unwrap();
    let first = source.next().await.unwrap();
    assert_eq!(first.data["text"], "one ");
    drop(source);
    let mut source = EventSource::open(server.address, &path(&ids[2]), &[("last-event-id", &first.id)]).await;
    assert_eq!(source.next().await.unwrap().data["text"], "two ");
    go_on.add_permits(1);
    assert_eq!(source.next().await.unwrap().data["text"], "three");
    let done = source.next().await.unwrap();
    assert_eq!(done.name, "done");
    assert_eq!(llm.requests().len(), 1);
    // Whoever has read everything is told to stay away; a gRPC stream has its end again, since each has one.
    let answer = http(
        server.address,
        "GET",
        &path(&ids[2]),
        &[("last-event-id", &done.id)],
        &[],
    )
    .await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    let request = v1::ExplainEntryRequest {
        entry_id: ids[2].to_string(),
        resume_after: done.id.clone(),
        ..v1::ExplainEntryRequest::default()
    };
    let frames = read_all(&mut open(&server, request).await).await;
    assert_eq!((frames.len(), &frames[0].0), (1, &done.id));
    done_of(&frames);
    // What cannot be resumed begins again; no new answer is made for somebody who only comes back.
    for unknown in ["ffff.3", "yesterday", ""] {
        let path = format!("{}?refresh=true", path(&ids[2]));
        let headers = [("last-event-id", unknown)];
        let mut source = EventSource::open(
            server.address,
            &path,
            &headers[..usize::from(unknown == "ffff.3")],
        )
        .await;
        assert_eq!(source.next().await.unwrap().name, "context", "{unknown}");
        if unknown == "ffff.3" {
            assert_eq!(llm.requests().len(), 1);
        } else {
            go_on.add_permits(1);
            while source.next().await.is_some() {}
        }
    }
}

#[tokio::test]
async fn the_last_one_who_goes_ends_the_answer() {
    let llm = ScriptedServer::always(vec![Step::events(), Step::piece("for ever"), Step::Hold])
        .await
        .unwrap();
    let server = TestServer::start_explaining(&asking(&llm), |_| {}).await;
    let ids = five_lines(&server).await;
    let request = || v1::ExplainEntryRequest {
        entry_id: ids[2].to_string(),
        ..v1::ExplainEntryRequest::default()
    };
    let mut stays = open(&server, request()).await;
    let mut goes = EventSource::open(server.address, &path(&ids[2]), &[]).await;
    assert_eq!(goes.next().await.unwrap().name, "context");
    drop(goes);
    while !matches!(
        within(PATIENCE, "the token", stays.message())
            .await
            .unwrap()
            .unwrap()
            .frame,
        Some(Frame::Token(_))
    ) {}
    assert_eq!(llm.hangups(), 0, "one still reads");
    drop(stays);
    until("the model is left alone", async || llm.hangups() == 1).await;
}

#[tokio::test]
async fn a_stop_ends_answers_with_a_reason() {
    let llm = ScriptedServer::always(vec![Step::events(), Step::piece("for ever"), Step::Hold])
        .await
        .unwrap();
    let server = TestServer::start_explaining(&asking(&llm), |_| {}).await;
    let ids = five_lines(&server).await;
    let request = v1::ExplainEntryRequest {
        entry_id: ids[2].to_string(),
        ..v1::ExplainEntryRequest::default()
    };
    let mut stream = open(&server, request).await;
    let mut source = EventSource::open(server.address, &path(&ids[2]), &[]).await;
    for name in ["context", "token"] {
        assert_eq!(source.next().await.unwrap().name, name);
    }
    let begun = Instant::now();
    let stopping = tokio::spawn(server.stop());
    let frames = read_all(&mut stream).await;
    let error = error_of(&frames);
    assert!(
        error.retryable && error.reason.contains("shutting down"),
        "{error:?}"
    );
    let last = source.next().await.unwrap();
    assert_eq!(
        (last.name.as_str(), last.data["retryable"].as_bool()),
        ("error", Some(true))
    );
    assert_eq!(last.id, "", "there is nothing to go on behind");
    stopping.await.unwrap().expect("a clean stop");
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "took {:?}",
        begun.elapsed()
    );
}
