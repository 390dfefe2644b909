//! Tests of generation against a server that follows a script: one question for all, kept answers, errors, fewer lines.

mod no_answer;

use super::*;
use crate::context::{Evidence, EvidenceReason};
use crate::input::Line;
use crate::llm::LlmOptions;
use crate::summary;
use crate::traits::CacheError;
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use turnstone_testkit::{ScriptedServer, Step, wait_until};
use turnstone_types::{SourceId, Timestamp};

const LIMIT: Duration = Duration::from_secs(30);

/// Keeps in memory; can be told to fail.
#[derive(Default)]
struct Memory {
    kept: Mutex<HashMap<ExplanationKey, StoredExplanation>>,
    looks: AtomicUsize,
    fails: AtomicBool,
}

impl Memory {
    fn fail(&self) -> Result<(), CacheError> {
        if self.fails.load(Ordering::SeqCst) {
            Err(CacheError("the disk is gone".into()))
        } else {
            Ok(())
        }
    }

    fn len(&self) -> usize {
        self.kept.lock().unwrap().len()
    }
}

#[async_trait]
impl ExplanationCache for Memory {
    async fn get(&self, key: &ExplanationKey) -> Result<Option<StoredExplanation>, CacheError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        self.fail()?;
        Ok(self.kept.lock().unwrap().get(key).cloned())
    }

    async fn put(&self, key: &ExplanationKey, explanation: &StoredExplanation) -> Result<(), CacheError> {
        self.fail()?;
        self.kept.lock().unwrap().insert(key.clone(), explanation.clone());
        Ok(())
    }
}

fn line(number: i64, text: &str) -> Line {
    Line {
        entry_id: EntryId::new(format!("entry-{number}")).unwrap(),
        source_id: SourceId::new("app").unwrap(),
        timestamp: Timestamp::from_second(1_795_372_800 + number).unwrap(),
        text: text.to_owned(),
        severity: None,
        score: None,
    }
}

fn request() -> ExplainRequest {
    let input = ContextInput {
        entry: line(2, "disk full, key=AKIAIOSFODNN7EXAMPLE password=hunter2hunter2"),
        detections: Vec::new(),
        lines: vec![line(1, "backup started"), line(3, "backup failed")],
        unread_before: 0,
        unread_after: 0,
    };
    ExplainRequest {
        tenant: TenantId::new("acme").unwrap(),
        input,
        facts: Facts::default(),
        refresh: false,
    }
}

fn question(lines: Vec<Line>) -> DiagnoseRequest {
    let evidence = |line| Evidence {
        line,
        reason: EvidenceReason::Found,
        rank: 1.0,
    };
    DiagnoseRequest {
        tenant: TenantId::new("acme").unwrap(),
        question: "why did the backup of password=hunter2hunter2 fail?".to_owned(),
        input: EvidenceInput {
            lines: lines.into_iter().map(evidence).collect(),
            time_from: Some(Timestamp::from_second(1_795_372_800).unwrap()),
            time_until: None,
            unread: 0,
        },
    }
}

fn options() -> ExplainerOptions {
    let flights = FlightOptions {
        linger: Duration::ZERO,
        ..FlightOptions::default()
    };
    ExplainerOptions {
        flights,
        ..ExplainerOptions::default()
    }
}

fn explainer(server: &ScriptedServer, cache: Option<Arc<Memory>>) -> Explainer {
    let llm = LlmClient::new(LlmOptions::new(server.url(), "small")).unwrap();
    Explainer::new(
        Some(llm),
        cache.map(|cache| cache as Arc<dyn ExplanationCache>),
        options(),
    )
}

fn good_answer() -> Vec<Step> {
    vec![
        Step::events(),
        Step::piece("## What happened\nThe disk is full [L"),
        Step::piece("2]. See L99.\n## Likely cause\n"),
        Step::piece("The backup [L1].\n## Evidence\n[L3]\n"),
        Step::piece("## What to check next\nFree space"),
        Step::end(33),
    ]
}

async fn read(mut reader: FrameReader) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some((_, frame)) = tokio::time::timeout(LIMIT, reader.next()).await.unwrap() {
        frames.push(Frame::clone(&frame));
    }
    frames
}

fn done(frames: &[Frame]) -> &DoneFrame {
    match frames.last() {
        Some(Frame::Done(done)) => done,
        other => panic!("no answer: {other:?}"),
    }
}

fn reason(frames: &[Frame]) -> (&str, bool) {
    match frames.last() {
        Some(Frame::Error(error)) => (&error.reason, error.retryable),
        other => panic!("no error: {other:?}"),
    }
}

fn citations(frames: &[Frame]) -> Vec<(&str, Option<&str>)> {
    let cited = frames.iter().filter_map(|frame| match frame {
        Frame::Citation(one) => Some((one.reference.as_str(), one.entry_id.as_ref().map(EntryId::as_str))),
        _ => None,
    });
    cited.collect()
}

const CITED: [(&str, Option<&str>); 4] = [
    ("L2", Some("entry-2")),
    ("L99", None),
    ("L1", Some("entry-1")),
    ("L3", Some("entry-3")),
];

#[tokio::test]
async fn an_explanation_is_context_tokens_citations_and_done() {
    let server = ScriptedServer::always(good_answer()).await.unwrap();
    let frames = read(explainer(&server, None).explain(request()).await).await;
    let Frame::Context(context) = &frames[0] else {
        panic!("{frames:?}")
    };
    let references: Vec<&str> = context.lines.iter().map(|line| line.reference.as_str()).collect();
    assert_eq!(references, ["L1", "L2", "L3"]);
    assert_eq!(citations(&frames), CITED);
    let text: String = frames
        .iter()
        .filter_map(|frame| match frame {
            Frame::Token(token) => Some(token.text.as_str()),
            _ => None,
        })
        .collect();
    assert!(
        text.starts_with("## What happened\nThe disk is full [L2]."),
        "{text}"
    );
    let done = done(&frames);
    assert_eq!(done.what_happened, "The disk is full [L2]. See L99.");
    assert_eq!(
        (done.model.as_deref(), done.token_count, done.cached),
        (Some("small"), 33, false)
    );
    assert_eq!(done.next_steps, "Free space");
}

#[tokio::test]
async fn no_secret_leaves_the_process() {
    let server = ScriptedServer::always(good_answer()).await.unwrap();
    let explainer = explainer(&server, None);
    let frames = read(explainer.explain(request()).await).await;
    let Frame::Context(context) = &frames[0] else {
        panic!("{frames:?}")
    };
    assert!(
        context.redacted.iter().map(|(_, count)| count).sum::<u32>() >= 2,
        "{:?}",
        context.redacted
    );
    read(explainer.diagnose(question(vec![line(1, "token=hunter2hunter2 backup failed")]))).await;
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert!(request.contains("[secret 1]"), "{request}");
        assert!(
            !request.contains("hunter2") && !request.contains("AKIAIOSFODNN7EXAMPLE"),
            "{request}"
        );
    }
}

#[tokio::test]
async fn fifty_who_ask_at_once_cause_one_question() {
    let permits = Arc::new(Semaphore::new(0));
    let mut steps = good_answer();
    steps.insert(2, Step::Wait(permits.clone()));
    let server = ScriptedServer::always(steps).await.unwrap();
    let memory = Arc::new(Memory::default());
    let explainer = explainer(&server, Some(memory.clone()));
    let mut asking = Vec::new();
    for _ in 0..50 {
        let explainer = explainer.clone();
        asking.push(tokio::spawn(async move {
            read(explainer.explain(request()).await).await
        }));
    }
    wait_until(LIMIT, || async { server.requests().len() == 1 })
        .await
        .unwrap();
    permits.add_permits(1);
    let mut all = Vec::new();
    for one in asking {
        all.push(one.await.unwrap());
    }
    assert!(
        all.iter().all(|frames| frames.len() > 5 && *frames == all[0]),
        "not all read the same"
    );
    assert_eq!(server.requests().len(), 1);
    assert_eq!(memory.len(), 1);
}

#[tokio::test]
async fn a_kept_answer_is_given_again_until_another_is_wanted() {
    let server = ScriptedServer::always(good_answer()).await.unwrap();
    let explainer = explainer(&server, Some(Arc::default()));
    let first = read(explainer.explain(request()).await).await;
    let second = read(explainer.explain(request()).await).await;
    assert_eq!(server.requests().len(), 1);
    assert_eq!(first[0], second[0]);
    assert_eq!(citations(&second), CITED);
    assert_eq!(
        *done(&second),
        DoneFrame {
            cached: true,
            ..done(&first).clone()
        }
    );

    let anew = read(
        explainer
            .explain(ExplainRequest {
                refresh: true,
                ..request()
            })
            .await,
    )
    .await;
    assert!(!done(&anew).cached);
    // Other lines, or another tenant, are another explanation.
    let mut more = request();
    more.input.lines.push(line(4, "and another"));
    assert!(!done(&read(explainer.explain(more).await).await).cached);
    let other = ExplainRequest {
        tenant: TenantId::new("other").unwrap(),
        ..request()
    };
    assert!(!done(&read(explainer.explain(other).await).await).cached);
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn only_whole_answers_are_kept() {
    let half = vec![Step::events(), Step::piece("The disk")];
    let filtered =
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n\ndata: [DONE]\n\n";
    let filtered = vec![Step::events(), Step::piece("The disk"), Step::send(filtered)];
    let scripts = [
        half,
        vec![Step::answer("500 Oops", "text/plain", "")],
        filtered,
        good_answer(),
    ];
    let server = ScriptedServer::start(move |connection| scripts[connection].clone())
        .await
        .unwrap();
    let memory = Arc::new(Memory::default());
    let explainer = explainer(&server, Some(memory.clone()));

    let frames = read(explainer.explain(request()).await).await;
    assert!(matches!(frames[1], Frame::Token(_)));
    assert!(matches!(reason(&frames), (reason, true) if reason.contains("ended in the middle")));
    let frames = read(explainer.explain(request()).await).await;
    assert!(matches!(reason(&frames), (reason, true) if reason.contains("500")));
    let frames = read(explainer.explain(request()).await).await;
    assert!(
        done(&frames)
            .what_happened
            .ends_with("(The provider's filter stopped the answer here.)")
    );
    assert_eq!(memory.len(), 0);
    let frames = read(explainer.explain(request()).await).await;
    assert!(!done(&frames).cached);
    assert_eq!(memory.len(), 1);
}

#[tokio::test]
async fn an_answer_that_reached_its_limit_says_so() {
    let end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n";
    let steps = vec![
        Step::events(),
        Step::piece("## What happened\nThe disk\n## Evidence\n[L2] and"),
        Step::send(end),
    ];
    let server = ScriptedServer::always(steps).await.unwrap();
    let frames = read(explainer(&server, None).explain(request()).await).await;
    assert_eq!(
        done(&frames).evidence,
        "[L2] and\n\n(The answer was cut at its limit of 700 tokens.)"
    );
}

#[tokio::test]
async fn a_cache_that_fails_keeps_nobody_from_an_answer() {
    let server = ScriptedServer::always(good_answer()).await.unwrap();
    let memory = Arc::new(Memory::default());
    memory.fails.store(true, Ordering::SeqCst);
    let explainer = explainer(&server, Some(memory));
    for _ in 0..2 {
        assert!(!done(&read(explainer.explain(request()).await).await).cached);
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn the_last_one_to_go_hangs_up_on_the_model() {
    let server = ScriptedServer::always(vec![Step::events(), Step::piece("a"), Step::Hold])
        .await
        .unwrap();
    let explainer = explainer(&server, None);
    let mut first = explainer.explain(request()).await;
    let second = explainer.explain(request()).await;
    first.next().await.unwrap();
    let (id, _) = first.next().await.unwrap();
    assert_eq!(explainer.running_count(), 1);
    drop(second);
    // Somebody who comes back reads on.
    let tenant = TenantId::new("acme").unwrap();
    let entry = request().input.entry.entry_id;
    assert!(explainer.resume(&tenant, &entry, id).is_some());
    assert!(
        explainer
            .resume(&TenantId::new("other").unwrap(), &entry, id)
            .is_none()
    );
    assert_eq!(server.hangups(), 0);
    drop(first);
    wait_until(LIMIT, || async { server.hangups() == 1 })
        .await
        .unwrap();
    assert_eq!(explainer.running_count(), 0);
}

#[tokio::test]
async fn a_question_that_is_too_long_is_asked_once_more_with_fewer_lines() {
    let too_long = r#"{"error":{"message":"too long","type":"exceed_context_size_error","n_prompt_tokens":3900,"n_ctx":2048}}"#;
    let refusal = vec![Step::answer("400 Bad Request", "application/json", too_long)];
    let scripts = [refusal.clone(), good_answer(), refusal.clone(), refusal];
    let server = ScriptedServer::start(move |connection| scripts[connection].clone())
        .await
        .unwrap();
    let explainer = explainer(&server, None);
    let mut long = request();
    long.input.lines = (10..60)
        .map(|number| {
            line(
                number,
                &format!(
                    "{} is a word of its own",
                    "abcdefghij".repeat(number as usize % 7 + 1)
                ),
            )
        })
        .collect();
    let frames = read(explainer.explain(long.clone()).await).await;
    let contexts: Vec<&ContextFrame> = frames
        .iter()
        .filter_map(|frame| match frame {
            Frame::Context(context) => Some(context),
            _ => None,
        })
        .collect();
    assert_eq!(contexts.len(), 2);
    assert!(contexts[1].lines.len() < contexts[0].lines.len());
    assert!(
        contexts[1].left_out.contains("left out"),
        "{}",
        contexts[1].left_out
    );
    done(&frames);
    let requests = server.requests();
    assert!(requests[1].len() < requests[0].len());

    // Refused again: the reason, and no third attempt.
    let frames = read(explainer.explain(long).await).await;
    assert!(matches!(reason(&frames), (reason, false) if reason.contains("longer than what fits")));
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_question_is_answered_from_the_lines_found_and_shared() {
    let permits = Arc::new(Semaphore::new(0));
    let mut steps = good_answer();
    steps.insert(2, Step::Wait(permits.clone()));
    let server = ScriptedServer::always(steps).await.unwrap();
    let explainer = explainer(&server, None);
    let lines = vec![
        line(1, "backup started"),
        line(2, "disk full"),
        line(3, "backup failed"),
    ];
    let first = explainer.diagnose(question(lines.clone()));
    let second = explainer.diagnose(question(lines.clone()));
    let mut other = question(lines);
    other.question = "who did it?".to_owned();
    let other = explainer.diagnose(other);
    permits.add_permits(2);
    let (first, second) = (read(first).await, read(second).await);
    assert_eq!(first, second);
    assert_eq!(citations(&first), CITED);
    done(&read(other).await);
    assert_eq!(server.requests().len(), 2);
}
