//! Asking for explanations and reading them, for the tests of them.

use crate::support::{PATIENCE, TestServer, commit_together, line, second, within};
use tonic::Streaming;
use turnstone_proto::v1;
use turnstone_proto::v1::explanation_frame::Frame;
use turnstone_service::Config;
use turnstone_testkit::ScriptedServer;
use turnstone_types::EntryId;

/// A configuration that asks a scripted model.
pub fn asking(llm: &ScriptedServer) -> Config {
    let mut config = Config::default();
    config.llm.address = format!("{}/v1", llm.url());
    config.llm.model = "scripted".into();
    config
}

/// Reads a stream of frames to its end, heartbeats left out.
pub async fn read_all(stream: &mut Streaming<v1::ExplanationFrame>) -> Vec<(String, Frame)> {
    let mut frames = Vec::new();
    while let Some(frame) = within(PATIENCE, "a frame", stream.message()).await.unwrap() {
        match frame.frame.expect("a frame of a known kind") {
            Frame::Heartbeat(_) => assert!(frame.id.is_empty()),
            kind => frames.push((frame.id, kind)),
        }
    }
    frames
}

/// The first frame.
pub fn context_of(frames: &[(String, Frame)]) -> &v1::ExplanationContext {
    match &frames[0].1 {
        Frame::Context(context) => context,
        other => panic!("{other:?}"),
    }
}

/// The last frame of an answer.
pub fn done_of(frames: &[(String, Frame)]) -> &v1::ExplanationDone {
    match &frames.last().expect("frames").1 {
        Frame::Done(done) => done,
        other => panic!("{other:?}"),
    }
}

/// The last frame of a failure.
pub fn error_of(frames: &[(String, Frame)]) -> &v1::ExplanationError {
    match &frames.last().expect("frames").1 {
        Frame::Error(error) => error,
        other => panic!("{other:?}"),
    }
}

/// The text as it came.
pub fn text_of(frames: &[(String, Frame)]) -> String {
    let texts = frames.iter().filter_map(|(_, frame)| match frame {
        Frame::Token(token) => Some(token.text.as_str()),
        _ => None,
    });
    texts.collect()
}

pub async fn open(server: &TestServer, request: v1::ExplainEntryRequest) -> Streaming<v1::ExplanationFrame> {
    server
        .explanations()
        .await
        .explain_entry(request)
        .await
        .unwrap()
        .into_inner()
}

pub async fn explained(server: &TestServer, entry_id: &EntryId, refresh: bool) -> Vec<(String, Frame)> {
    let request = v1::ExplainEntryRequest {
        entry_id: entry_id.to_string(),
        refresh,
        ..v1::ExplainEntryRequest::default()
    };
    read_all(&mut open(server, request).await).await
}

/// Where the explanation of an entry is as events.
pub fn path(entry_id: &EntryId) -> String {
    format!("/v1/entries/{entry_id}/explanation")
}

/// Five lines of one source, ten seconds apart, the third with a password.
pub async fn five_lines(server: &TestServer) -> Vec<EntryId> {
    let lines: Vec<_> = (0..5)
        .map(|number| {
            let text = match number {
                2 => "sshd[7]: Failed password for admin from 203.0.113.9 password=hunter2secret".to_owned(),
                other => format!(
                    "cron[{other}]: job {} started",
                    ["a", "b", "", "d", "e"][other as usize]
                ),
            };
            let mut line = line(text);
            line.timestamp = second(10 * number);
            line
        })
        .collect();
    commit_together(&server.store, &lines).await
}
