//! Questions: which lines are chosen for them, and what is answered where there is none.

use crate::event_source::EventSource;
use crate::explaining::{asking, context_of, done_of, read_all};
use crate::support::{Line, TestServer, commit, get, http, line, of_tenant, stored};
use turnstone_proto::v1::explanation_frame::Frame;
use turnstone_proto::{timestamp_to_proto, v1};
use turnstone_service::Config;
use turnstone_store::{AcknowledgeRequest, DetectionSelection};
use turnstone_testkit::{ScriptedServer, Step};
use turnstone_types::{Severity, TenantId, Timestamp};

fn minutes_ago(minutes: i64) -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second() - 60 * minutes).unwrap()
}

fn old(minutes: i64, source: &'static str, severity: Severity, text: &str) -> Line {
    let mut line = line(text);
    line.timestamp = minutes_ago(minutes);
    line.source = source;
    line.severity = severity;
    line
}

async fn asked(server: &TestServer, request: v1::DiagnoseRequest) -> Vec<(String, Frame)> {
    let mut stream = server
        .explanations()
        .await
        .diagnose(request)
        .await
        .unwrap()
        .into_inner();
    read_all(&mut stream).await
}

fn query(text: &str) -> v1::DiagnoseRequest {
    v1::DiagnoseRequest {
        query: text.into(),
        ..v1::DiagnoseRequest::default()
    }
}

fn texts(frames: &[(String, Frame)]) -> Vec<&str> {
    context_of(frames)
        .lines
        .iter()
        .map(|line| line.text.as_str())
        .collect()
}

fn answering() -> Vec<Step> {
    vec![Step::events(), Step::piece("see [L1]"), Step::end(2)]
}

#[tokio::test]
async fn nothing_found_is_said_without_asking_a_model() {
    let llm = ScriptedServer::always(answering()).await.unwrap();
    let server = TestServer::start_explaining(&asking(&llm), |_| {}).await;
    commit(
        &server.store,
        &[old(90, "web", Severity::Critical, "disk is on fire")],
    )
    .await;
    let frames = asked(&server, query("what is on fire?")).await;
    assert_eq!(texts(&frames), Vec::<&str>::new());
    let context = context_of(&frames);
    let length = context.time_until.unwrap().seconds - context.time_from.unwrap().seconds;
    assert_eq!(length, 3_600, "the hour before now");
    let done = done_of(&frames);
    assert!(
        done.what_happened.starts_with("Nothing found between "),
        "{done:?}"
    );
    assert_eq!((done.model.as_str(), llm.requests().len()), ("", 0));
    // The window is the caller's to choose.
    let request = v1::DiagnoseRequest {
        time_from: Some(timestamp_to_proto(minutes_ago(120))),
        ..query("what is on fire?")
    };
    let frames = asked(&server, request).await;
    assert_eq!(
        (texts(&frames), llm.requests().len()),
        (vec!["disk is on fire"], 1)
    );
    assert_eq!(done_of(&frames).model, "scripted");
    assert!(
        frames.iter().all(|(id, _)| id.is_empty()),
        "a question cannot be resumed"
    );
}

#[tokio::test]
async fn words_severity_and_rarity_choose_the_lines() {
    let mut config = Config::default();
    config.explain.lines_max = 3;
    let server = TestServer::start_explaining(&config, |_| {}).await;
    let mut lines = vec![
        old(
            9,
            "web",
            Severity::Warn,
            "nginx: upstream timed out while connecting",
        ),
        old(8, "db", Severity::Critical, "raid array md0 is degraded"),
        old(7, "db", Severity::Error, "replication slot broke"),
        old(6, "app", Severity::Warn, "queue is slow"),
        old(5, "app", Severity::Info, "user asked for a page"),
    ];
    lines
        .extend((0..40).map(|number| old(4, "web", Severity::Info, &format!("request {number} of a probe"))));
    commit(&server.store, &lines).await;
    let frames = asked(&server, query("Why are the nginx upstreams timing out?")).await;
    // In the order of time.
    assert_eq!(
        texts(&frames),
        [
            "nginx: upstream timed out while connecting",
            "raid array md0 is degraded",
            "replication slot broke"
        ]
    );
    assert!(
        done_of(&frames)
            .what_happened
            .contains("No language model is configured")
    );
    let frames = asked(&server, query("")).await;
    assert_eq!(
        texts(&frames)[..2],
        ["raid array md0 is degraded", "replication slot broke"],
        "the default question begins with the most severe"
    );
    // What somebody has acknowledged is no news any more.
    let degraded = stored(&server.store, "").await;
    let degraded = degraded
        .iter()
        .find(|detection| detection.text.contains("degraded"))
        .unwrap();
    let selection = DetectionSelection::Ids(vec![degraded.id.clone()]);
    let request = AcknowledgeRequest::new(TenantId::shared(), selection, Timestamp::now());
    server.store.acknowledge(&request).await.unwrap();
    let frames = asked(&server, query("")).await;
    assert!(
        !texts(&frames).contains(&"raid array md0 is degraded"),
        "{:?}",
        texts(&frames)
    );
}

#[tokio::test]
async fn only_the_sources_and_the_tenant_asked_for_are_read() {
    let server = TestServer::start().await;
    let mut theirs = old(5, "web", Severity::Critical, "timeout of globex");
    theirs.tenant = "globex";
    let mut ours = old(5, "web", Severity::Critical, "timeout of acme");
    ours.tenant = "acme";
    commit(
        &server.store,
        &[
            theirs,
            ours,
            old(4, "web", Severity::Error, "timeout of all"),
            old(3, "db", Severity::Error, "timeout of the database"),
            old(2, "mail", Severity::Error, "timeout of mail"),
        ],
    )
    .await;
    let request = v1::DiagnoseRequest {
        source_ids: vec!["web".into(), "db".into(), "web".into()],
        ..query("timeouts")
    };
    let mut client = server.explanations().await;
    let mut stream = client
        .diagnose(of_tenant("acme", request))
        .await
        .unwrap()
        .into_inner();
    let frames = read_all(&mut stream).await;
    assert_eq!(
        texts(&frames),
        ["timeout of acme", "timeout of all", "timeout of the database"]
    );

    let path = "/v1/diagnose?query=timeouts&source_id=web&source_id=db&tenant_id=globex";
    let mut source = EventSource::open(server.address, path, &[]).await;
    let context = source.next().await.unwrap();
    assert_eq!((context.name.as_str(), context.id.as_str()), ("context", ""));
    let lines: Vec<&str> = context.data["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["text"].as_str().unwrap())
        .collect();
    assert_eq!(
        lines,
        ["timeout of globex", "timeout of all", "timeout of the database"]
    );
    let mut last = None;
    while let Some(event) = source.next().await {
        last = Some((event.name, event.id));
    }
    assert_eq!(last, Some(("done".into(), "end".into())));
    // Browsers connect again by themselves; whoever has the answer is told to stay away.
    let answer = http(server.address, "GET", path, &[("last-event-id", "end")], &[]).await;
    assert_eq!(answer.status, 204);
}

#[tokio::test]
async fn a_question_is_redacted_and_an_empty_one_is_the_default() {
    let llm = ScriptedServer::always(answering()).await.unwrap();
    let server = TestServer::start_explaining(&asking(&llm), |_| {}).await;
    commit(&server.store, &[old(5, "web", Severity::Error, "login failed")]).await;
    asked(&server, query("login with password=hunter2secret fails, why?")).await;
    let first = llm.requests().pop().unwrap();
    assert!(
        first.contains("login with password=") && !first.contains("hunter2secret"),
        "{first}"
    );
    asked(&server, query("  ")).await;
    let second = llm.requests().pop().unwrap();
    assert!(second.contains("What is going wrong in these lines?"), "{second}");
}

#[tokio::test]
async fn a_flood_of_one_message_hides_no_other() {
    let server = TestServer::start().await;
    let mut lines = vec![old(
        30,
        "kernel",
        Severity::Critical,
        "machine check: uncorrected error",
    )];
    lines.extend((0..1_500).map(|number| {
        old(
            20,
            "ssh",
            Severity::Error,
            &format!("Failed password from port {}", 40_000 + number),
        )
    }));
    let (first, flood) = lines.split_at(1);
    commit(&server.store, first).await;
    crate::support::commit_together(&server.store, flood).await;
    let frames = asked(&server, query("")).await;
    let found = texts(&frames);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0], "machine check: uncorrected error");
}

#[tokio::test]
async fn wrong_questions_are_refused_with_the_field() {
    let server = TestServer::start().await;
    let long = "x".repeat(1_001);
    let many = "&source_id=a".repeat(101);
    for (query, field) in [
        (format!("query={long}"), "query"),
        ("time_from=yesterday".into(), "time_from"),
        (
            "time_from=2026-01-02T00:00:00Z&time_until=2026-01-01T00:00:00Z".into(),
            "time_until",
        ),
        ("time_from=2999-01-01T00:00:00Z".into(), "time_until"),
        ("source_id=a%07b".into(), "source_id[0]"),
        (many[1..].to_owned(), "source_id"),
        ("sources=a".into(), "sources"),
        ("tenant_id=a.b".into(), "tenant_id"),
        ("query=a%00b".into(), "query"),
    ] {
        let answer = get(server.address, &format!("/v1/diagnose?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        assert!(answer.text().contains(field), "{query}: {}", answer.text());
    }
    let request = v1::DiagnoseRequest {
        source_ids: vec!["a".into(), String::new()],
        ..v1::DiagnoseRequest::default()
    };
    let refused = server.explanations().await.diagnose(request).await.unwrap_err();
    assert!(refused.message().contains("source_ids[1]"), "{refused:?}");
    for hostile in [
        "\"open",
        "-x *",
        "a*b",
        "'; DROP TABLE log_entries; --",
        "%00",
        "\u{202e}\u{1b}[31m",
    ] {
        let frames = asked(&server, query(hostile)).await;
        done_of(&frames);
    }
}
