//! A reader of server-sent events.

use crate::support::{PATIENCE, send_http, within};
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;

#[derive(Debug, Default)]
pub struct SseEvent {
    pub name: String,
    pub id: String,
    pub data: serde_json::Value,
}

pub struct EventSource {
    pub head: String,
    /// Comments read: heartbeats.
    pub comments: usize,
    lines: BufReader<TcpStream>,
}

impl EventSource {
    pub async fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut lines = BufReader::new(send_http(address, "GET", path, headers, &[]).await);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(
                within(PATIENCE, "the head", lines.read_line(&mut head))
                    .await
                    .unwrap()
                    > 0,
                "{head}"
            );
        }
        assert!(head.contains(" 200 "), "{head}");
        Self {
            head: head.to_lowercase(),
            comments: 0,
            lines,
        }
    }

    /// The next event that has data; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<SseEvent> {
        let mut event = SseEvent::default();
        loop {
            let mut line = String::new();
            if within(PATIENCE, "an event", self.lines.read_line(&mut line))
                .await
                .unwrap()
                == 0
            {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("", _)) => self.comments += 1,
                Some(("event", name)) => event.name = name.into(),
                Some(("id", id)) => event.id = id.into(),
                Some(("data", data)) => event.data = serde_json::from_str(data).unwrap(),
                _ if !event.name.is_empty() => return Some(event),
                _ => {}
            }
        }
    }

    /// Text and id of the next detection.
    pub async fn next_detection(&mut self) -> (String, String) {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.name == "detection" {
                return (event.data["text"].as_str().unwrap().to_owned(), event.id);
            }
            assert_eq!(event.name, "heartbeat");
        }
    }
}
