//! Tests of servers that fail: silent, slow, cut, or speaking something else.

use super::*;
use std::time::Instant;

#[tokio::test]
async fn nobody_there_is_told_from_an_unknown_host() {
    let port = turnstone_testkit::free_port().unwrap();
    let error = ask_with(options(&format!("http://127.0.0.1:{port}")))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (LlmErrorKind::Refused, true)
    );
    assert!(error.to_string().contains("nothing listens at"), "{error}");

    let error = ask_with(options("http://no-such-host.invalid"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::UnknownHost);
    assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
}

#[tokio::test]
async fn silence_is_given_up_and_the_server_hung_up_on() {
    for (steps, words) in [
        (vec![Step::Hold], "did not begin"),
        (
            vec![Step::events(), Step::send(": ping\n\n"), Step::Hold],
            "did not begin",
        ),
        (vec![Step::events(), Step::piece("a"), Step::Hold], "fell silent"),
    ] {
        let server = ScriptedServer::always(steps).await.unwrap();
        let mut options = options(&server.url());
        options.limits.first_token = Duration::from_millis(400);
        options.limits.between_tokens = Duration::from_millis(200);
        let error = ask_with(options).await.unwrap_err();
        assert_eq!(error.kind(), LlmErrorKind::Silent);
        assert!(error.to_string().contains(words), "{error}");
        wait_until(LIMIT, || async { server.hangups() == 1 })
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_endless_answer_ends() {
    let pings = (0..200).flat_map(|_| [Step::send(": ping\n\n"), Step::piece("x")]);
    let server = ScriptedServer::always([vec![Step::events()], pings.collect(), vec![Step::Hold]].concat())
        .await
        .unwrap();
    let mut options = options(&server.url());
    options.limits.whole = Duration::from_millis(600);
    let asked = Instant::now();
    let error = ask_with(options).await.unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::TooSlow);
    assert!(asked.elapsed() < LIMIT / 2);
}

#[tokio::test]
async fn a_dropped_answer_closes_the_connection() {
    let server = ScriptedServer::always(vec![Step::events(), Step::piece("a"), Step::Hold])
        .await
        .unwrap();
    let mut answer = LlmClient::new(options(&server.url()))
        .unwrap()
        .ask(&question())
        .await
        .unwrap();
    assert_eq!(answer.next().await.unwrap().as_deref(), Some("a"));
    assert_eq!(server.hangups(), 0);
    drop(answer);
    wait_until(LIMIT, || async { server.hangups() == 1 })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_cut_stream_is_no_answer() {
    for steps in [
        vec![Step::events(), Step::piece("half an")],
        vec![
            Step::send(
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
            ),
            Step::send("ff\r\ndata: {"),
        ],
        vec![Step::send(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"choices\":[",
        )],
    ] {
        let (kind, reason) = failure(steps).await;
        assert_eq!(kind, LlmErrorKind::Cut, "{reason}");
    }
    // The error stays: nobody may take the text before it for the answer.
    let server = ScriptedServer::always(vec![Step::events(), Step::piece("half")])
        .await
        .unwrap();
    let mut answer = LlmClient::new(options(&server.url()))
        .unwrap()
        .ask(&question())
        .await
        .unwrap();
    assert!(answer.next().await.is_ok());
    assert!(answer.next().await.is_err());
    assert_eq!(answer.next().await.unwrap_err().kind(), LlmErrorKind::Cut);
}

#[tokio::test]
async fn garbage_is_told_from_an_answer() {
    use LlmErrorKind::*;
    for (steps, wanted) in [
        (vec![Step::send("220 mail.local ESMTP\r\n")], Garbled),
        (vec![Step::send("\x15\x03\x01\x00\x02\x02\x46")], Garbled),
        (vec![], Unreachable),
        (
            vec![Step::answer("200 OK", "text/html", "<html>welcome</html>")],
            Garbled,
        ),
        (
            vec![Step::answer("200 OK", "application/json", "{\"status\":\"ok\"}")],
            Garbled,
        ),
        (
            vec![Step::answer("200 OK", "application/json", "not json")],
            Garbled,
        ),
        (
            vec![Step::answer("200 OK", "text/plain", "hello\n\nthere\n\n")],
            Garbled,
        ),
        (
            vec![Step::events(), Step::send("data: \u{1b}[31moops\n\n")],
            Garbled,
        ),
        (
            vec![
                Step::events(),
                Step::piece("a"),
                Step::send("data: {\"choices\"\n\n"),
            ],
            Garbled,
        ),
        (
            vec![
                Step::events(),
                Step::piece("a"),
                Step::send("data: {\"error\":{\"message\":\"out of memory\"}}\n\n"),
            ],
            Reported,
        ),
        (vec![Step::events(), Step::send("data: [DONE]\n\n")], Empty),
    ] {
        let (kind, reason) = failure(steps.clone()).await;
        assert_eq!(kind, wanted, "{steps:?}: {reason}");
        assert!(!reason.contains('\u{1b}'));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_nobody_else_gets_the_key() {
    let elsewhere = ScriptedServer::always(vec![Step::events(), Step::piece("hello"), Step::end(1)])
        .await
        .unwrap();
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let target = format!("{}/v1/chat/completions?key=sk-very-secret", elsewhere.url());
        let moved = format!("HTTP/1.1 {status}\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
        let (kind, reason) = failure(vec![Step::send(moved)]).await;
        assert_eq!(kind, LlmErrorKind::PathNotFound, "{reason}");
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_compressed_answer_is_refused_unread() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n\r\n";
    let server = ScriptedServer::always(vec![Step::send(head), Step::Hold])
        .await
        .unwrap();
    let error = ask_with(options(&server.url())).await.unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Garbled);
    assert!(error.to_string().contains("compressed"), "{error}");
    assert!(server.requests()[0].contains("accept-encoding: identity\r\n"));
}

#[tokio::test]
async fn a_line_without_an_end_is_given_up() {
    let endless = Step::send("data: ".to_owned() + &"x".repeat(3 << 20));
    let server = ScriptedServer::always(vec![Step::events(), endless, Step::Hold])
        .await
        .unwrap();
    let error = ask_with(options(&server.url())).await.unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Garbled);
    assert!(error.to_string().contains("an endless line"), "{error}");
}

#[tokio::test]
async fn bytes_that_are_no_text_are_marked_and_the_rest_is_read() {
    let mut event = b"data: {\"choices\":[{\"delta\":{\"content\":\"a".to_vec();
    event.extend([0xff, 0xc3]);
    event.extend(b"b\"}}]}\n\n");
    let (text, _) = ask(vec![Step::events(), Step::Send(event), Step::end(1)])
        .await
        .unwrap();
    assert_eq!(text, "a\u{fffd}\u{fffd}b");
}

#[tokio::test]
async fn a_server_cannot_make_us_wait_for_ever_or_fail_on_the_number() {
    let busy =
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 18446744073709551615\r\ncontent-length: 0\r\n\r\n";
    let error = ask(vec![Step::send(busy)]).await.unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::ServerFailed);

    let server = ScriptedServer::always(vec![Step::events(), Step::piece("a"), Step::end(1)])
        .await
        .unwrap();
    let mut patient = options(&server.url());
    patient.limits.first_token = Duration::MAX;
    patient.limits.between_tokens = Duration::MAX;
    patient.limits.whole = Duration::MAX;
    assert_eq!(ask_with(patient).await.unwrap().0, "a");
}

#[tokio::test]
async fn half_a_key_is_not_shown_either() {
    // The key is cut by the limit of what is quoted, and it has a line end, as keys from files do.
    let server = ScriptedServer::always(vec![Step::answer(
        "200 OK",
        "text/plain",
        &format!("data: {}sk-very-secret\n\n", "x".repeat(70)),
    )])
    .await
    .unwrap();
    let mut from_file = options(&server.url());
    from_file.api_key = Some(SecretString::from("sk-very-secret\n"));
    let error = ask_with(from_file).await.unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Garbled);
    assert!(!error.to_string().contains("sk-"), "{error}");
}
