//! The API token: needed beyond loopback, and a wrong one gets nothing.

use serde_json::Value;
use turnstone_testkit::{ProgramBuilder, temp_dir};
use turnstone_tests::{Outcome, STEP_LIMIT, program, turnstone};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A query service on a new database, listening on every address of the machine.
fn public_query(folder: &std::path::Path) -> anyhow::Result<ProgramBuilder> {
    let url = format!("sqlite://{}", folder.join("turnstone.db").display());
    Ok(program("turnstone-query")?
        .env("TURNSTONE_DATABASE_URL", url)
        .env("TURNSTONE_SERVER_LISTEN", "0.0.0.0:0")
        .env("TURNSTONE_TELEMETRY_LOG_FORMAT", "json"))
}

#[tokio::test]
async fn a_public_address_without_a_token_is_refused() -> anyhow::Result<()> {
    let folder = temp_dir()?;
    let query = Outcome::of(public_query(folder.path())?).await?;
    let data_dir = folder.path().join("data");
    let up = Outcome::of(turnstone(["up", "--listen", "0.0.0.0:0", "--data-dir"])?.arg(&data_dir)).await?;
    for outcome in [query, up] {
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        assert!(
            outcome.stderr.contains("TURNSTONE_API_TOKEN"),
            "the message does not say what to do: {outcome:?}"
        );
        assert!(
            !outcome.stdout.contains("listens") && !outcome.stderr.contains("listening"),
            "{outcome:?}"
        );
    }
    let short = Outcome::of(public_query(folder.path())?.env("TURNSTONE_API_TOKEN", "hunter2")).await?;
    assert_eq!(short.code, Some(1), "{short:?}");
    assert!(
        !short.stderr.contains("hunter2"),
        "the message repeats the token: {short:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_gets_nothing() -> anyhow::Result<()> {
    let folder = temp_dir()?;
    let mut query = public_query(folder.path())?
        .env("TURNSTONE_API_TOKEN", TOKEN)
        .spawn()?;
    let port = query.wait_for_line(STEP_LIMIT, |line| {
        serde_json::from_str::<Value>(line).ok()?["address"]
            .as_str()?
            .rsplit(':')
            .next()
            .map(str::to_owned)
    });
    let server = format!("http://127.0.0.1:{}", port.await?);
    let list = ["detections", "list", "--server", server.as_str()];
    for wrong in [None, Some("ffffffffffffffffffffffffffffffff")] {
        let command = turnstone(list)?;
        let command = match wrong {
            Some(token) => command.env("TURNSTONE_API_TOKEN", token),
            None => command,
        };
        let outcome = Outcome::of(command).await?;
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        assert!(
            outcome.stderr.contains("TURNSTONE_API_TOKEN") || outcome.stderr.contains("token"),
            "{outcome:?}"
        );
        assert!(
            outcome.stdout.is_empty() && !outcome.stderr.contains(TOKEN),
            "{outcome:?}"
        );
    }
    let right = Outcome::of(turnstone(list)?.env("TURNSTONE_API_TOKEN", TOKEN)).await?;
    assert_eq!(right.code, Some(0), "{right:?}");
    assert!(!query.stderr().contains(TOKEN), "the token is in the log");
    Ok(())
}
