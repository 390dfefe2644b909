//! Explanations of entries over gRPC and as server-sent events: what they say, who gets them, and that they are made once.

use crate::event_source::EventSource;
use crate::explaining::{asking, context_of, done_of, explained, five_lines, path, text_of};
use crate::support::{PATIENCE, TestServer, commit, get, http, line, of_tenant, second, until, within};
use futures::StreamExt;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tonic::Code;
use turnstone_proto::v1;
use turnstone_proto::v1::explanation_frame::Frame;
use turnstone_testkit::{ScriptedServer, Step};

#[tokio::test]
async fn without_a_model_the_evidence_is_summed_up() {
    let server = TestServer::start().await;
    let ids = five_lines(&server).await;
    let frames = explained(&server, &ids[2], false).await;
    let context = context_of(&frames);
    let lines: Vec<(&str, &str)> = context
        .lines
        .iter()
        .map(|line| (line.reference.as_str(), line.entry_id.as_str()))
        .collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[2], ("L3", ids[2].as_str()));
    let target = &context.lines[2];
    assert!(
        target.text.contains("hunter2secret"),
        "people see the raw line: {target:?}"
    );
    assert_eq!((target.source_id.as_str(), target.count), ("ssh", 1));
    assert_eq!(target.timestamp.unwrap().seconds, second(20).as_second());
    assert_eq!(context.time_from.unwrap().seconds, second(-280).as_second());
    let done = done_of(&frames);
    assert_eq!(
        (done.model.as_str(), done.token_count, done.cached),
        ("", 0, false)
    );
    assert!(
        done.what_happened.contains("SECURITY_ANOMALY")
            && done.what_happened.contains("first line of its kind"),
        "{done:?}"
    );
    assert!(
        done.likely_cause.contains("without a language model") && !done.likely_cause.contains("First seen"),
        "where all is new, nothing is: {done:?}"
    );
    assert!(
        frames
            .iter()
            .any(|(_, frame)| matches!(frame, Frame::Citation(cited) if cited.entry_id == ids[2].as_str()))
    );

    // The same as events, under the names of the fields.
    let mut source = EventSource::open(server.address, &path(&ids[2]), &[]).await;
    assert!(
        source.head.contains("content-type: text/event-stream"),
        "{}",
        source.head
    );
    let first = source.next().await.unwrap();
    assert_eq!(first.name, "context");
    assert!(first.id.ends_with(".1"), "{first:?}");
    assert_eq!(first.data["lines"][2]["text"], target.text);
    assert_eq!(first.data["lines"][2]["timestamp"], "2026-01-01T00:00:20Z");
    assert_eq!(first.data["left_out_count"], 0);
    assert_eq!(first.data["redactions"], serde_json::json!([]));
    let last = loop {
        let event = source.next().await.expect("a last event");
        match event.name.as_str() {
            "citation" => assert!(event.data["reference"].is_string()),
            "done" => break event,
            other => panic!("{other}"),
        }
    };
    assert_eq!(last.data["what_happened"], done.what_happened.as_str());
    assert_eq!(
        (&last.data["model"], &last.data["cached"]),
        (&"".into(), &false.into())
    );
    assert!(source.next().await.is_none(), "nothing comes behind done");
}

#[tokio::test]
async fn what_cannot_be_explained_is_an_error_before_the_stream() {
    let server = TestServer::start().await;
    let mut theirs = line("of acme");
    theirs.tenant = "acme";
    let ids = commit(&server.store, &[theirs]).await;
    let ask = async |tenant, entry_id: &str| {
        let request = v1::ExplainEntryRequest {
            entry_id: entry_id.into(),
            ..v1::ExplainEntryRequest::default()
        };
        let mut client = server.explanations().await;
        client.explain_entry(of_tenant(tenant, request)).await.map(drop)
    };
    assert!(ask("acme", ids[0].as_str()).await.is_ok());
    for (tenant, entry_id, code) in [
        ("globex", ids[0].as_str(), Code::NotFound),
        ("", ids[0].as_str(), Code::NotFound),
        ("acme", "nothing", Code::NotFound),
        ("acme", "", Code::InvalidArgument),
    ] {
        assert_eq!(
            ask(tenant, entry_id).await.unwrap_err().code(),
            code,
            "{tenant:?} {entry_id:?}"
        );
    }
    let theirs = path(&ids[0]);
    for (path, status) in [
        (format!("{theirs}?tenant_id=globex"), 404),
        (theirs.clone(), 404),
        (format!("{theirs}?tenant_id=a.b"), 400),
        (format!("{theirs}?tenant_id=acme&refresh=maybe"), 400),
        (format!("{theirs}?tenant_id=acme&fresh=true"), 400),
        ("/v1/entries/a%07b/explanation".into(), 400),
        ("/v1/entries/%ff/explanation".into(), 400),
    ] {
        let answer = get(server.address, &path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(
            answer.head.contains("application/json"),
            "{path}: {}",
            answer.head
        );
        let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(told["error"]["message"].is_string(), "{path}: {told}");
    }
    for (path, site, status) in [
        (theirs.as_str(), "cross-site", 403),
        ("/v1/diagnose", "same-site", 403),
        ("/v1/entries/none/explanation", "same-origin", 404),
        ("/v1/entries/none/explanation", "none", 404),
    ] {
        let answer = http(server.address, "GET", path, &[("sec-fetch-site", site)], &[]).await;
        assert_eq!(answer.status, status, "{path} {site}: {}", answer.text());
    }
    let answer = http(server.address, "POST", &theirs, &[], &[]).await;
    assert_eq!(answer.status, 405);
    EventSource::open(server.address, &format!("{theirs}?tenant_id=acme"), &[]).await;
}

#[tokio::test]
async fn readers_have_a_limit_and_need_the_token() {
    let server = TestServer::start_with(|options| options.explanations_max = 0).await;
    let ids = five_lines(&server).await;
    let answer = get(server.address, &path(&ids[0])).await;
    assert_eq!(answer.status, 429, "{}", answer.text());
    let request = v1::DiagnoseRequest::default();
    let refused = server.explanations().await.diagnose(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let server = TestServer::start_with(|options| {
        options.api_token = Some(turnstone_service::ApiToken::new(&"t".repeat(32)).unwrap());
    })
    .await;
    for path in [path(&ids[0]), "/v1/diagnose".into()] {
        assert_eq!(get(server.address, &path).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_place_is_free_again_when_its_reader_has_gone() {
    let server = TestServer::start_with(|options| options.explanations_max = 1).await;
    let ids = five_lines(&server).await;
    for _ in 0..3 {
        assert!(!explained(&server, &ids[1], false).await.is_empty());
    }
    let llm = ScriptedServer::always(vec![Step::events(), Step::Hold])
        .await
        .unwrap();
    let server = TestServer::start_explaining(&asking(&llm), |options| options.explanations_max = 1).await;
    let ids = five_lines(&server).await;
    let held = EventSource::open(server.address, &path(&ids[1]), &[]).await;
    assert_eq!(get(server.address, &path(&ids[1])).await.status, 429);
    drop(held);
    until("the place is free", async || {
        // Any other answer would hold the connection open.
        get(server.address, "/v1/entries/none/explanation").await.status == 404
    })
    .await;
}

#[tokio::test]
async fn an_answer_streams_is_checked_and_kept() {
    let llm = ScriptedServer::always(vec![
        Step::events(),
        Step::piece("## What happened\nA login failed [L3], "),
        Step::piece("see [L99].\n## Likely cause\nA guess.\n"),
        Step::end(17),
    ])
    .await
    .unwrap();
    let server = TestServer::start_explaining(&asking(&llm), |_| {}).await;
    let ids = five_lines(&server).await;
    let frames = explained(&server, &ids[2], false).await;
    assert_eq!(
        text_of(&frames),
        "## What happened\nA login failed [L3], see [L99].\n## Likely cause\nA guess.\n"
    );
    let cited: Vec<(&str, &str)> = frames
        .iter()
        .filter_map(|(_, frame)| match frame {
            Frame::Citation(cited) => Some((cited.reference.as_str(), cited.entry_id.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(cited, [("L3", ids[2].as_str()), ("L99", "")]);
    let done = done_of(&frames);
    assert_eq!(
        (
            done.model.as_str(),
            done.token_count,
            done.cached,
            done.likely_cause.trim()
        ),
        ("scripted", 17, false, "A guess.")
    );
    assert_eq!(done.next_steps, "", "a section that is not there is tolerated");
    // The model gets no secret; people see the line.
    let asked = llm.requests().pop().unwrap();
    assert!(
        asked.contains("Failed password") && !asked.contains("hunter2secret"),
        "{asked}"
    );
    let context = context_of(&frames);
    assert!(context.lines[2].text.contains("hunter2secret"));
    assert_eq!(
        (context.redactions[0].kind.as_str(), context.redactions[0].count),
        ("password", 1)
    );

    let again = explained(&server, &ids[2], false).await;
    assert!(done_of(&again).cached, "{again:?}");
    assert_eq!(context_of(&again), context, "the raw lines are kept too");
    assert_eq!(
        (done_of(&again).what_happened.as_str(), text_of(&again)),
        (done.what_happened.as_str(), String::new())
    );
    assert_eq!(llm.requests().len(), 1);
    let mut source = EventSource::open(server.address, &format!("{}?refresh=true", path(&ids[2])), &[]).await;
    while let Some(event) = source.next().await {
        if event.name == "done" {
            assert_eq!(event.data["cached"], false);
        }
    }
    assert_eq!(llm.requests().len(), 2);
}

#[tokio::test]
async fn hostile_text_stays_text() {
    const HOSTILE: &str =
        "x\n\nevent: done\ndata: {\"model\":\"evil\"}\n\r\nid: 1.1\r\u{1b}[31m\u{202e}\u{2028}</script>";
    let llm = ScriptedServer::always(vec![
        Step::events(),
        Step::piece("a\n\nevent: error\n\ndata: x"),
        Step::end(1),
    ])
    .await
    .unwrap();
    let server = TestServer::start_explaining(&asking(&llm), |_| {}).await;
    let ids = commit(&server.store, &[line(HOSTILE)]).await;
    let mut source = EventSource::open(server.address, &path(&ids[0]), &[]).await;
    let context = source.next().await.unwrap();
    assert_eq!(
        (context.name.as_str(), &context.data["lines"][0]["text"]),
        ("context", &HOSTILE.into())
    );
    let token = source.next().await.unwrap();
    assert_eq!(
        (token.name.as_str(), &token.data["text"]),
        ("token", &"a\n\nevent: error\n\ndata: x".into())
    );
    assert_eq!(source.next().await.unwrap().name, "done");
    assert!(source.next().await.is_none());
    // The prompt has the line as one line.
    let asked = llm.requests().pop().unwrap();
    let body: serde_json::Value = serde_json::from_str(asked.split_once("\r\n\r\n").unwrap().1).unwrap();
    let prompt = body["messages"][1]["content"].as_str().unwrap();
    assert!(
        prompt.contains("event: done") && !prompt.contains("\nevent: done"),
        "{prompt}"
    );
}

#[tokio::test]
async fn all_who_ask_at_once_share_one_answer() {
    let go_on = Arc::new(Semaphore::new(0));
    let llm = ScriptedServer::always(vec![
        Step::events(),
        Step::piece("shared"),
        Step::Wait(go_on.clone()),
        Step::end(1),
    ])
    .await
    .unwrap();
    let server = TestServer::start_explaining(&asking(&llm), |_| {}).await;
    let ids = five_lines(&server).await;
    let asks = (0..50).map(|_| explained(&server, &ids[2], false));
    let all = futures::stream::iter(asks)
        .buffer_unordered(50)
        .collect::<Vec<_>>();
    // The script goes on only once everybody can have joined, but waits for no number: single flight must not depend on it.
    let released = async {
        until("the model is asked", async || !llm.requests().is_empty()).await;
        go_on.add_permits(1);
    };
    let (all, ()) = tokio::join!(within(PATIENCE, "all answers", all), released);
    assert_eq!(all.len(), 50);
    for frames in &all {
        done_of(frames);
    }
    assert_eq!(llm.requests().len(), 1);
}
