//! Signals: the first SIGINT or SIGTERM asks everything to finish, a second one ends the process at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Watches for the signals that stop a service.
#[derive(Debug, Clone)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// Starts to watch. Must be called inside a tokio runtime, once in a process.
    pub fn listen() -> std::io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let token = CancellationToken::new();
        let cancelled = token.clone();
        tokio::spawn(async move {
            let name = next_signal(&mut interrupt, &mut terminate).await.0;
            tracing::info!(signal = name, "stopping; a second signal ends at once");
            cancelled.cancel();
            let (name, number) = next_signal(&mut interrupt, &mut terminate).await;
            tracing::warn!(signal = name, "second signal, ending at once");
            exit_at_once(128 + number);
        });
        Ok(Self { token })
    }

    /// The token that is cancelled by the first signal.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }
}

async fn next_signal(interrupt: &mut Signal, terminate: &mut Signal) -> (&'static str, i32) {
    tokio::select! {
        _ = interrupt.recv() => ("SIGINT", 2),
        _ = terminate.recv() => ("SIGTERM", 15),
    }
}

/// Ends the process with the code that shells give one ended by a signal.
#[expect(
    clippy::disallowed_methods,
    reason = "a second signal asks for exactly this: no more waiting, whatever is in hand"
)]
fn exit_at_once(code: i32) -> ! {
    std::process::exit(code)
}
