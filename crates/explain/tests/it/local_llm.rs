//! llama.cpp's server with SmolLM2-135M: streaming, loading, too long a question, a kill in the middle, one question for many.
//! What the model says is no subject here; it is too small for that.

use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use turnstone_explain::context::{ContextInput, Evidence, EvidenceInput, EvidenceReason};
use turnstone_explain::flight::FrameReader;
use turnstone_explain::frame::{DoneFrame, Frame};
use turnstone_explain::generate::{DiagnoseRequest, ExplainRequest, Explainer, ExplainerOptions};
use turnstone_explain::input::Line;
use turnstone_explain::llm::{FinishReason, LlmClient, LlmErrorKind, LlmOptions};
use turnstone_explain::prompt::{Message, Role};
use turnstone_explain::summary::Facts;
use turnstone_explain::traits::{CacheError, ExplanationCache, ExplanationKey, StoredExplanation};
use turnstone_testkit::LocalLlm;
use turnstone_types::{EntryId, SourceId, TenantId, Timestamp};

/// The machine may be busy with everything else that is tested.
const LIMIT: Duration = Duration::from_secs(300);

#[derive(Default)]
struct Memory(Mutex<HashMap<ExplanationKey, StoredExplanation>>);

#[async_trait]
impl ExplanationCache for Memory {
    async fn get(&self, key: &ExplanationKey) -> Result<Option<StoredExplanation>, CacheError> {
        Ok(self.0.lock().unwrap().get(key).cloned())
    }

    async fn put(&self, key: &ExplanationKey, explanation: &StoredExplanation) -> Result<(), CacheError> {
        self.0.lock().unwrap().insert(key.clone(), explanation.clone());
        Ok(())
    }
}

fn options(server: &LocalLlm) -> LlmOptions {
    let mut options = LlmOptions::new(server.base_url(), LocalLlm::MODEL);
    options.context_tokens = LocalLlm::CONTEXT_TOKENS;
    options.temperature = Some(0.0);
    options.max_tokens = 48;
    options.limits.first_token = LIMIT;
    options.limits.between_tokens = LIMIT;
    options.limits.whole = LIMIT;
    options
}

fn explainer(options: LlmOptions) -> Explainer {
    let cache: Arc<dyn ExplanationCache> = Arc::new(Memory::default());
    Explainer::new(
        Some(LlmClient::new(options).unwrap()),
        Some(cache),
        ExplainerOptions::default(),
    )
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
        entry: line(2, "write of /var/lib/db/wal failed: no space left on device"),
        detections: Vec::new(),
        lines: vec![
            line(1, "checkpoint starting"),
            line(3, "database system is shut down"),
        ],
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

/// A word of letters for each number.
fn word(mut number: i64) -> String {
    let mut word = String::from(" ");
    while number > 0 {
        word.insert(0, char::from(b'a' + (number % 26) as u8));
        number /= 26;
    }
    word
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

fn text(frames: &[Frame]) -> String {
    let texts = frames.iter().filter_map(|frame| match frame {
        Frame::Token(token) => Some(token.text.as_str()),
        _ => None,
    });
    texts.collect()
}

#[tokio::test]
async fn a_model_that_still_loads_is_waited_for_and_its_answer_streams_once_for_all() {
    // Not waited for: the first question finds it loading.
    let server = LocalLlm::start_loading().await.unwrap();
    let explainer = explainer(options(&server));
    let mut asking = Vec::new();
    for _ in 0..50 {
        let explainer = explainer.clone();
        asking.push(tokio::spawn(async move {
            read(explainer.explain(request()).await).await
        }));
    }
    let mut all = Vec::new();
    for one in asking {
        all.push(one.await.unwrap());
    }
    let first = &all[0];
    assert!(
        all.iter().all(|frames| frames == first),
        "50 who ask read one generation"
    );
    assert!(matches!(first[0], Frame::Context(_)));
    assert!(
        first
            .iter()
            .filter(|frame| matches!(frame, Frame::Token(_)))
            .count()
            > 3,
        "{first:?}"
    );
    let answer = done(first);
    assert_eq!(answer.model.as_deref(), Some(LocalLlm::MODEL));
    assert!((1..=48).contains(&answer.token_count), "{answer:?}");
    assert!(!text(first).trim().is_empty());

    // The fastest of a few, since other tests may have the processor.
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let asked = Instant::now();
        let again = read(explainer.explain(request()).await).await;
        fastest = fastest.min(asked.elapsed());
        assert!(done(&again).cached);
    }
    assert!(
        fastest < Duration::from_millis(20),
        "the kept answer took {fastest:?}"
    );

    let evidence = |line| Evidence {
        line,
        reason: EvidenceReason::Found,
        rank: 1.0,
    };
    let question = DiagnoseRequest {
        tenant: TenantId::new("acme").unwrap(),
        question: String::new(),
        input: EvidenceInput {
            lines: vec![
                evidence(line(1, "no space left on device")),
                evidence(line(2, "shut down")),
            ],
            time_from: None,
            time_until: None,
            unread: 0,
        },
    };
    let diagnosed = read(explainer.diagnose(question)).await;
    assert!(done(&diagnosed).token_count > 0);
}

#[tokio::test]
async fn a_server_killed_in_the_middle_ends_in_an_error_frame() {
    let mut server = LocalLlm::start().await.unwrap();
    let mut options = options(&server);
    // Long enough that it is not done before the kill.
    options.max_tokens = 900;
    let explainer = explainer(options);
    let mut reader = explainer.explain(request()).await;
    loop {
        let (_, frame) = tokio::time::timeout(LIMIT, reader.next()).await.unwrap().unwrap();
        if matches!(*frame, Frame::Token(_)) {
            break;
        }
        assert!(matches!(*frame, Frame::Context(_)), "{frame:?}");
    }
    server.kill9().unwrap();
    let rest = read(reader).await;
    let Some(Frame::Error(error)) = rest.last() else {
        panic!("{rest:?}")
    };
    assert!(
        error.retryable && error.reason.contains("ended in the middle"),
        "{}",
        error.reason
    );
    // Nothing of it was kept, and the next question says that nobody is there.
    let frames = read(explainer.explain(request()).await).await;
    let Some(Frame::Error(error)) = frames.last() else {
        panic!("{frames:?}")
    };
    assert!(error.reason.contains("nothing listens at"), "{}", error.reason);
}

#[tokio::test]
async fn the_server_tells_that_a_question_is_too_long_and_fewer_lines_are_asked() {
    let server = LocalLlm::start().await.unwrap();
    let client = LlmClient::new(options(&server)).unwrap();
    let message = |words: usize| {
        [Message {
            role: Role::User,
            content: "word ".repeat(words),
        }]
    };
    let error = client.ask(&message(5_000)).await.unwrap_err();
    let LlmErrorKind::ContextTooLong {
        context_tokens,
        prompt_tokens,
    } = error.kind()
    else {
        panic!("{error}")
    };
    assert_eq!(context_tokens, Some(LocalLlm::CONTEXT_TOKENS));
    assert!(
        prompt_tokens.is_some_and(|tokens| tokens > 5_000),
        "{prompt_tokens:?}"
    );

    // Configured for more context than the server has.
    let mut options = options(&server);
    options.context_tokens = 4 * LocalLlm::CONTEXT_TOKENS;
    options.max_tokens = 8;
    let limits = turnstone_explain::context::ContextOptions {
        lines_max: 500,
        tokens_max: 100_000,
        line_chars_max: 2_000,
        ..Default::default()
    };
    let explainer = Explainer::new(
        Some(LlmClient::new(options).unwrap()),
        None,
        ExplainerOptions {
            context: limits,
            ..ExplainerOptions::default()
        },
    );
    let mut long = request();
    // Words of letters: lines that differ only in numbers would be folded to one.
    long.input.lines = (10..250)
        .map(|number| {
            line(
                number,
                &(0..40)
                    .map(|place| word(number * 97 + place * 131))
                    .collect::<String>(),
            )
        })
        .collect();
    let frames = read(explainer.explain(long).await).await;
    let contexts = frames
        .iter()
        .filter(|frame| matches!(frame, Frame::Context(_)))
        .count();
    assert_eq!(contexts, 2, "{:?}", frames.last());
    done(&frames);
}

#[tokio::test]
async fn an_answer_ends_at_its_limit_and_is_counted() {
    let server = LocalLlm::start().await.unwrap();
    let client = LlmClient::new(LlmOptions {
        max_tokens: 5,
        ..options(&server)
    })
    .unwrap();
    let mut answer = client
        .ask(&[Message {
            role: Role::User,
            content: "Count to one hundred.".to_owned(),
        }])
        .await
        .unwrap();
    let mut pieces = 0;
    while let Some(piece) = answer.next().await.unwrap() {
        assert!(!piece.is_empty());
        pieces += 1;
    }
    assert!(pieces > 1);
    assert_eq!(
        (answer.end().finish, answer.end().answer_tokens),
        (FinishReason::Length, Some(5))
    );
    assert!(answer.end().prompt_tokens.is_some_and(|tokens| tokens > 5));

    let lost = LlmOptions {
        base_url: server.base_url().replace("/v1", "/v9"),
        ..options(&server)
    };
    let error = LlmClient::new(lost).unwrap().ask(&[]).await.unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::PathNotFound);
}
