//! A server that speaks bytes as a script tells it, for what a real one does only when it fails: garbage, silence, a cut.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// What the server does next on a connection. After the last step it closes.
#[derive(Debug, Clone)]
pub enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Waits for a permit, which the test adds when the server may go on.
    Wait(Arc<Semaphore>),
    /// Says nothing until the client hangs up, and counts that.
    Hold,
}

impl Step {
    /// Sends a text.
    pub fn send(text: impl Into<String>) -> Self {
        Self::Send(text.into().into_bytes())
    }

    /// A complete HTTP answer that closes the connection.
    pub fn answer(status: &str, content_type: &str, body: &str) -> Self {
        Self::send(format!(
            "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ))
    }

    /// The head of a stream of server-sent events that ends with the connection.
    pub fn events() -> Self {
        Self::send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
    }

    /// One event of a chat completion with a piece of text.
    pub fn piece(text: &str) -> Self {
        // Debug of a str is JSON for what tests write: quotes, backslashes and line feeds.
        Self::send(format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":{text:?}}}}}]}}\n\n"
        ))
    }

    /// The end of a chat completion, with the counts of 40 tokens asked and `answer_tokens` answered.
    pub fn end(answer_tokens: u32) -> Self {
        Self::send(format!(
            "data: {{\"choices\":[{{\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n\
             data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":40,\"completion_tokens\":{answer_tokens}}}}}\n\n\
             data: [DONE]\n\n"
        ))
    }
}

/// An HTTP/1.1 server on a loopback port that reads one request of each connection and then follows a script.
#[derive(Debug)]
pub struct ScriptedServer {
    address: SocketAddr,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Seen {
    requests: Mutex<Vec<String>>,
    hangups: AtomicUsize,
}

impl ScriptedServer {
    /// Starts it. `script` is asked for the steps of each connection, counted from 0.
    pub async fn start<F>(script: F) -> anyhow::Result<Self>
    where
        F: Fn(usize) -> Vec<Step> + Send + Sync + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Seen::default());
        let task = tokio::spawn(serve(listener, Arc::new(script), seen.clone()));
        Ok(Self { address, seen, task })
    }

    /// Starts a server that does the same on every connection.
    pub async fn always(steps: Vec<Step>) -> anyhow::Result<Self> {
        Self::start(move |_| steps.clone()).await
    }

    /// Where it listens, as `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, head and body as they came, in the order in which they were complete.
    pub fn requests(&self) -> Vec<String> {
        self.seen
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How many connections the client has closed while the server held them.
    pub fn hangups(&self) -> usize {
        self.seen.hangups.load(Ordering::SeqCst)
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<F>(listener: TcpListener, script: Arc<F>, seen: Arc<Seen>)
where
    F: Fn(usize) -> Vec<Step> + Send + Sync + 'static,
{
    // Dropped, and with it every connection, when the server is.
    let mut connections = tokio::task::JoinSet::new();
    let mut count = 0;
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(follow(stream, script(count), seen.clone()));
        count += 1;
    }
}

async fn follow(mut stream: TcpStream, steps: Vec<Step>, seen: Arc<Seen>) {
    let Some(request) = read_request(&mut stream).await else {
        return;
    };
    seen.requests
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request);
    for step in steps {
        match step {
            Step::Send(bytes) => {
                if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
                    return;
                }
            }
            Step::Wait(permits) => match permits.acquire().await {
                Ok(permit) => permit.forget(),
                Err(_) => return,
            },
            Step::Hold => {
                while stream.read(&mut [0; 64]).await.is_ok_and(|length| length > 0) {}
                seen.hangups.fetch_add(1, Ordering::SeqCst);
                return;
            }
        }
    }
}

/// Reads head and body of a request; `None` where the client goes away before.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let (mut bytes, mut piece) = (Vec::new(), vec![0; 16 << 10]);
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(text.into_owned());
            }
        }
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
        }
    }
}
