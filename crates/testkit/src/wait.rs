//! Waiting in tests: polls with a limit instead of sleeping and hoping.

use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

const POLL_EVERY: Duration = Duration::from_millis(20);

/// Polls until the check answers true; an error once `limit` has passed.
pub async fn wait_until<F, Fut>(limit: Duration, mut check: F) -> anyhow::Result<()>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    let waiting = wait_for(limit, || {
        let checked = check();
        async move {
            if checked.await {
                Ok(())
            } else {
                Err(anyhow::anyhow!("the condition does not hold"))
            }
        }
    });
    waiting.await
}

/// Polls until the attempt succeeds and returns its value; the last error, with the limit, once `limit` has passed.
/// An attempt that hangs is cut off at the limit as well.
pub async fn wait_for<T, F, Fut>(limit: Duration, mut attempt: F) -> anyhow::Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = anyhow::Result<T>>,
{
    let deadline = Instant::now() + limit;
    let mut last_error = anyhow::anyhow!("the first attempt did not end");
    loop {
        match tokio::time::timeout_at(deadline, attempt()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => last_error = error,
            Err(_) => return Err(last_error.context(format!("gave up after {limit:?}"))),
        }
        if Instant::now() + POLL_EVERY >= deadline {
            return Err(last_error.context(format!("gave up after {limit:?}")));
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
}
