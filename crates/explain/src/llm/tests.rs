//! Tests of the client against a server that follows a script: streams, refusals, and every way in which one can fail.

mod faults;
mod tls;

use super::*;
use crate::prompt::{Message, Role};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use turnstone_testkit::{ScriptedServer, Step, wait_until};

const LIMIT: Duration = Duration::from_secs(20);

fn options(base_url: &str) -> LlmOptions {
    let mut options = LlmOptions::new(format!("{base_url}/v1"), "small");
    options.api_key = Some(SecretString::from("sk-very-secret"));
    options
}

fn question() -> Vec<Message> {
    vec![
        Message {
            role: Role::System,
            content: "be brief".to_owned(),
        },
        Message {
            role: Role::User,
            content: "why?".to_owned(),
        },
    ]
}

async fn ask_with(options: LlmOptions) -> Result<(String, AnswerEnd), LlmError> {
    let client = LlmClient::new(options).unwrap();
    let asking = async {
        let mut answer = client.ask(&question()).await?;
        let mut text = String::new();
        while let Some(piece) = answer.next().await? {
            assert!(!piece.is_empty());
            text.push_str(&piece);
        }
        assert_eq!(answer.next().await, Ok(None));
        Ok((text, answer.end()))
    };
    tokio::time::timeout(LIMIT, asking).await.unwrap()
}

/// The answer of a server that does the same on every connection.
async fn ask(steps: Vec<Step>) -> Result<(String, AnswerEnd), LlmError> {
    let server = ScriptedServer::always(steps).await.unwrap();
    ask_with(options(&server.url())).await
}

async fn failure(steps: Vec<Step>) -> (LlmErrorKind, String) {
    let error = ask(steps).await.unwrap_err();
    assert!(!error.to_string().contains("very-secret"), "{error}");
    (error.kind(), error.to_string())
}

#[tokio::test]
async fn an_answer_comes_in_pieces_with_its_counts() {
    let steps = vec![
        Step::events(),
        Step::piece("The disk "),
        Step::send(": still here\n\n"),
        Step::piece("is\n\"full\""),
        Step::end(7),
    ];
    let server = ScriptedServer::always(steps).await.unwrap();
    let (text, end) = ask_with(options(&server.url())).await.unwrap();
    assert_eq!(text, "The disk is\n\"full\"");
    assert_eq!(
        end,
        AnswerEnd {
            finish: FinishReason::Stop,
            prompt_tokens: Some(40),
            answer_tokens: Some(7)
        }
    );

    let request = &server.requests()[0];
    assert!(
        request.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("authorization: Bearer sk-very-secret\r\n"));
    assert!(request.contains(r#""messages":[{"role":"system","content":"be brief"},{"role":"user","content":"why?"}],"stream":true"#));
}

#[tokio::test]
async fn a_piece_is_handed_out_when_it_arrives() {
    let permits = Arc::new(Semaphore::new(0));
    let steps = vec![
        Step::events(),
        Step::piece("a"),
        Step::Wait(permits.clone()),
        Step::piece("b"),
        Step::end(2),
    ];
    let server = ScriptedServer::always(steps).await.unwrap();
    let mut answer = LlmClient::new(options(&server.url()))
        .unwrap()
        .ask(&question())
        .await
        .unwrap();
    // The server sends no more before it is let.
    assert_eq!(answer.next().await.unwrap().as_deref(), Some("a"));
    permits.add_permits(1);
    assert_eq!(answer.next().await.unwrap().as_deref(), Some("b"));
    assert_eq!(answer.next().await.unwrap(), None);
}

#[tokio::test]
async fn bytes_may_be_cut_anywhere() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let body = "data: {\"choices\":[{\"delta\":{\"content\":\"Größe 😀\"}}]}\r\n\r\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\r\n\r\ndata: [DONE]\r\n\r\n";
    let mut steps = vec![Step::send(head)];
    for byte in body.as_bytes() {
        steps.push(Step::Send([b"1\r\n".as_slice(), &[*byte], b"\r\n"].concat()));
    }
    steps.push(Step::send("0\r\n\r\n"));
    assert_eq!(ask(steps).await.unwrap().0, "Größe 😀");
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_read_as_well() {
    let body = r#"{"choices":[{"message":{"role":"assistant","content":"whole"},"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#;
    let (text, end) = ask(vec![Step::answer(
        "200 OK",
        "application/json; charset=utf-8",
        body,
    )])
    .await
    .unwrap();
    assert_eq!(text, "whole");
    assert_eq!((end.finish, end.answer_tokens), (FinishReason::Length, Some(1)));
}

#[tokio::test]
async fn events_without_blank_lines_and_without_done_are_read() {
    let piece = |text: &str| format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n");
    let end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n";
    let stream = piece("a") + &piece("b") + end;
    assert_eq!(
        ask(vec![Step::events(), Step::send(stream)]).await.unwrap().0,
        "ab"
    );
}

#[tokio::test]
async fn counts_that_never_come_are_not_waited_for_long() {
    let end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let (text, end) = ask(vec![
        Step::events(),
        Step::piece("a"),
        Step::send(end),
        Step::Hold,
    ])
    .await
    .unwrap();
    assert_eq!(
        (text.as_str(), end.finish, end.answer_tokens),
        ("a", FinishReason::Stop, None)
    );
}

#[tokio::test]
async fn what_a_model_thinks_is_left_out() {
    let pieces = ["<th", "ink>The user wants</thi", "nk>\n\nFull", " disk"].map(Step::piece);
    let steps = [vec![Step::events()], pieces.to_vec(), vec![Step::end(9)]].concat();
    assert_eq!(ask(steps).await.unwrap().0, "Full disk");

    let only_thoughts =
        "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"},\"finish_reason\":\"length\"}]}\n\n";
    let (kind, reason) = failure(vec![Step::events(), Step::send(only_thoughts)]).await;
    assert_eq!(kind, LlmErrorKind::Empty);
    assert!(reason.contains("used up its tokens for thinking"), "{reason}");
}

#[tokio::test]
async fn a_server_that_ignores_the_limit_is_cut_off() {
    let mut steps = vec![Step::events()];
    steps.extend((0..100).map(|_| Step::piece(&"x".repeat(1_000))));
    steps.push(Step::Hold);
    let server = ScriptedServer::always(steps).await.unwrap();
    let options = LlmOptions {
        max_tokens: 100,
        ..options(&server.url())
    };
    let (text, end) = ask_with(options).await.unwrap();
    assert_eq!(end.finish, FinishReason::Length);
    assert_eq!(text.len(), 4_096);
    // All in one piece, in each form: what is handed out has the same limit.
    let long = "ä".repeat(200_000);
    let whole = format!(r#"{{"choices":[{{"message":{{"content":"{long}"}},"finish_reason":"stop"}}]}}"#);
    for steps in [
        vec![Step::events(), Step::piece(&long), Step::Hold],
        vec![Step::answer("200 OK", "application/json", &whole)],
    ] {
        let (text, end) = ask(steps).await.unwrap();
        assert_eq!((text.len(), end.finish), (700 * 32, FinishReason::Length));
    }
}

#[tokio::test]
async fn refusals_have_their_reasons() {
    let json = "application/json";
    let steps = |status: &str, body: &str| vec![Step::answer(status, json, body)];
    let (kind, reason) = failure(steps(
        "401 Unauthorized",
        r#"{"error":{"message":"bad key sk-very-secret"}}"#,
    ))
    .await;
    assert_eq!(kind, LlmErrorKind::Unauthorised);
    assert!(reason.contains("refuses the API key"), "{reason}");
    let (kind, _) = failure(steps(
        "404 Not Found",
        r#"{"error":{"message":"model 'small' not found"}}"#,
    ))
    .await;
    assert_eq!(kind, LlmErrorKind::ModelNotFound);
    let (kind, reason) = failure(steps("404 Not Found", "nope")).await;
    assert_eq!(kind, LlmErrorKind::PathNotFound);
    assert!(reason.contains("/v1/chat/completions"), "{reason}");
    let too_long = r#"{"error":{"message":"too long","type":"exceed_context_size_error","n_prompt_tokens":9031,"n_ctx":2048}}"#;
    let (kind, _) = failure(steps("400 Bad Request", too_long)).await;
    assert_eq!(
        kind,
        LlmErrorKind::ContextTooLong {
            context_tokens: Some(2048),
            prompt_tokens: Some(9031)
        }
    );
    let (kind, _) = failure(steps("500 Oops", "")).await;
    assert_eq!(kind, LlmErrorKind::ServerFailed);
    let moved =
        "HTTP/1.1 308 Permanent Redirect\r\nlocation: https://elsewhere/v1\r\ncontent-length: 0\r\n\r\n";
    let (kind, reason) = failure(vec![Step::send(moved)]).await;
    assert_eq!(kind, LlmErrorKind::PathNotFound);
    assert!(reason.contains("https://elsewhere/v1"), "{reason}");
    let busy = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n";
    let error = ask(vec![Step::send(busy)]).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.retry_after()),
        (LlmErrorKind::TooManyRequests, Some(Duration::from_secs(9)))
    );
}

#[tokio::test]
async fn a_server_that_loads_its_model_is_waited_for() {
    let loading = r#"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#;
    let server = ScriptedServer::start(move |connection| match connection {
        0 | 1 => vec![Step::answer(
            "503 Service Unavailable",
            "application/json",
            loading,
        )],
        _ => vec![Step::events(), Step::piece("here"), Step::end(1)],
    });
    let server = server.await.unwrap();
    assert_eq!(ask_with(options(&server.url())).await.unwrap().0, "here");
    assert_eq!(server.requests().len(), 3);

    let server = ScriptedServer::always(vec![Step::answer(
        "503 Service Unavailable",
        "application/json",
        loading,
    )]);
    let server = server.await.unwrap();
    let mut impatient = options(&server.url());
    impatient.limits.first_token = Duration::from_millis(900);
    let error = ask_with(impatient).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (LlmErrorKind::Loading, true)
    );
    assert!(server.requests().len() >= 2);
}

#[tokio::test]
async fn a_server_that_is_down_for_another_reason_is_asked_three_times() {
    let server = ScriptedServer::always(vec![Step::answer(
        "503 Service Unavailable",
        "text/html",
        "<html>",
    )]);
    let server = server.await.unwrap();
    let error = ask_with(options(&server.url())).await.unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::ServerFailed);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn an_option_that_the_server_refuses_is_left_out_from_then_on() {
    let refusal = |param: &str| {
        let message =
            format!("Unsupported parameter: '{param}'. Use 'max_completion_tokens' for 'max_tokens'.");
        serde_json::json!({"error": {"message": message, "param": param}}).to_string()
    };
    let no_temperature =
        serde_json::json!({"error": {"message": "only the default", "param": "temperature"}}).to_string();
    let bodies = [refusal("max_tokens"), no_temperature];
    let server = ScriptedServer::start(move |connection| match bodies.get(connection) {
        Some(body) => vec![Step::answer("400 Bad Request", "application/json", body)],
        None => vec![Step::events(), Step::piece("ok"), Step::end(1)],
    });
    let server = server.await.unwrap();
    let client = LlmClient::new(options(&server.url())).unwrap();
    for _ in 0..2 {
        let mut answer = client.ask(&question()).await.unwrap();
        assert_eq!(answer.next().await.unwrap().as_deref(), Some("ok"));
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    assert!(requests[0].contains("\"max_tokens\":700") && requests[0].contains("\"temperature\""));
    assert!(requests[1].contains("\"max_completion_tokens\":700") && !requests[1].contains("\"max_tokens\""));
    assert!(
        requests[2..]
            .iter()
            .all(|request| !request.contains("\"temperature\"") && request.contains("max_completion_tokens"))
    );
}

#[test]
fn debug_shows_no_key() {
    let client = LlmClient::new(options("http://localhost")).unwrap();
    assert!(!format!("{client:?} {:?}", client.options()).contains("very-secret"));
    for base_url in ["http://a/v1?key=sk-very-secret", "http://me:sk-very-secret@a/v1"] {
        let shown = format!("{:?}", LlmOptions::new(base_url, "m"));
        assert!(!shown.contains("very-secret"), "{shown}");
    }
}

#[test]
fn a_key_that_no_header_can_carry_is_refused() {
    let mut options = options("http://localhost");
    options.api_key = Some(SecretString::from("two\nlines"));
    let error = LlmClient::new(options).unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Configuration);
    assert!(!error.to_string().contains("two"));
}
