//! Tests of what is said where no model answers: none configured, nothing found, no room, no server.

use super::*;

#[tokio::test]
async fn a_model_without_room_for_a_line_is_not_asked() {
    let server = ScriptedServer::always(good_answer()).await.unwrap();
    let llm = LlmOptions {
        context_tokens: 512,
        ..LlmOptions::new(server.url(), "tiny")
    };
    let explainer = Explainer::new(Some(LlmClient::new(llm).unwrap()), None, options());
    let frames = read(explainer.explain(request()).await).await;
    assert!(matches!(reason(&frames), (reason, false) if reason.contains("512 tokens")));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn nothing_found_is_said_without_asking() {
    let server = ScriptedServer::always(good_answer()).await.unwrap();
    let frames = read(explainer(&server, None).diagnose(question(Vec::new()))).await;
    assert!(matches!(frames[0], Frame::Context(_)));
    let done = done(&frames);
    assert!(
        done.what_happened.starts_with("Nothing found since 2026-11-22"),
        "{}",
        done.what_happened
    );
    assert_eq!(done.model, None);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn without_a_model_the_summary_and_the_lines_are_given() {
    let explainer = Explainer::new(None, None, options());
    assert!(explainer.needs_facts());
    let frames = read(explainer.explain(request()).await).await;
    assert!(matches!(frames[0], Frame::Context(_)));
    let explained = done(&frames);
    assert_eq!(explained.model, None);
    // People see the raw line.
    assert!(
        explained.what_happened.contains("hunter2"),
        "{}",
        explained.what_happened
    );
    assert!(explained.likely_cause.contains(summary::WITHOUT_MODEL));
    assert!(citations(&frames).contains(&("L2", Some("entry-2"))));

    let frames = read(explainer.diagnose(question(vec![line(1, "backup failed")]))).await;
    let found = done(&frames);
    assert!(
        found.what_happened.contains("1 kind of line was chosen"),
        "{}",
        found.what_happened
    );
    assert_eq!(found.evidence, "- [L1] app: \"backup failed\"");
    assert_eq!(citations(&frames), [("L1", Some("entry-1"))]);
}

#[tokio::test]
async fn a_fault_of_the_model_is_told_as_it_is() {
    let port = turnstone_testkit::free_port().unwrap();
    let llm = LlmClient::new(LlmOptions::new(format!("http://127.0.0.1:{port}/v1"), "small")).unwrap();
    let explainer = Explainer::new(Some(llm), None, options());
    let frames = read(explainer.explain(request()).await).await;
    assert!(matches!(frames[0], Frame::Context(_)));
    assert!(matches!(reason(&frames), (reason, true) if reason.contains("nothing listens at")));
}
