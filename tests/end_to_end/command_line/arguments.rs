//! Exit codes: 2 for wrong arguments and a refused configuration, 1 for what failed, with a message that says what and where.

use turnstone_testkit::temp_dir;
use turnstone_tests::{Outcome, program, turnstone};

#[tokio::test]
async fn wrong_arguments_end_with_2() -> anyhow::Result<()> {
    for arguments in [
        &["--no-such-flag"][..],
        &["scan", "--no-such-flag", "x"],
        &["no-such-command"],
        &["scan"],
        &["detections", "list", "--limit", "many"],
        &["detections", "list", "--severity", "LOUD"],
        &["detections", "list", "--fingerprint", "0123"],
        &["detections", "list", "--verdict", "maybe"],
        &["detections", "list", "--suppressed=perhaps"],
        &["detections", "ack", "--group", "only-a-source"],
        &["detections", "ack", "d-1", "--group", "a/B/0123456789abcdef"],
        &["detections", "ack", "--until", "2026-01-01T00:00:00Z", "d-1"],
        &["detections", "undo"],
        &["detections", "suppress", "0123456789abcdef", "--for", "7d"],
        &["detections", "suppress", "0123456789abcdef", "--reason", "x"],
        &[
            "detections",
            "suppress",
            "0123456789abcdef",
            "--reason",
            "x",
            "--for",
            "soon",
        ],
        &["verdicts", "export", "--force"],
        &["search", "--score-min", "high"],
        &[
            "detections",
            "list",
            "--server",
            "http://127.0.0.1:1",
            "--db",
            "sqlite:///x",
        ],
    ] {
        let outcome = Outcome::any(arguments).await?;
        assert_eq!(outcome.code, Some(2), "{arguments:?}: {outcome:?}");
        assert!(
            outcome.stdout.is_empty() && !outcome.stderr.is_empty(),
            "{arguments:?}: {outcome:?}"
        );
    }
    for arguments in [&["--help"][..], &["scan", "--help"], &["--version"]] {
        assert_eq!(Outcome::any(arguments).await?.code, Some(0), "{arguments:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_refused_configuration_ends_with_2_and_names_key_and_line() -> anyhow::Result<()> {
    let folder = temp_dir()?;
    let file = folder.path().join("turnstone.toml");
    let path = file.to_str().unwrap();
    for (text, expected) in [
        (
            "tenant = \"\"\n[anomaly]\ntreshold = 0.5\n",
            &["treshold", "line 3", path][..],
        ),
        (
            "[anomaly]\nthreshold = \"high\"\n",
            &["threshold", "line 2", path],
        ),
        ("[anomaly]\nthreshold = 1.5\n", &["anomaly.threshold", "1.5"]),
        (
            "[[sources]]\nsource_id = \"a\"\nkind = \"pigeons\"\n",
            &["pigeons", "line 3", path],
        ),
    ] {
        std::fs::write(&file, text)?;
        for name in ["turnstone-ingest", "turnstone-scorer", "turnstone-query"] {
            let outcome = Outcome::of(program(name)?.args(["--config", path])).await?;
            assert_eq!(outcome.code, Some(2), "{name}: {outcome:?}");
            for part in expected {
                assert!(
                    outcome.stderr.contains(part),
                    "{name}: no {part:?} in {outcome:?}"
                );
            }
        }
        let outcome = Outcome::any(["stats", "--config", path]).await?;
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        assert!(
            expected.iter().all(|part| outcome.stderr.contains(part)),
            "no {expected:?} in {outcome:?}"
        );
    }
    let outcome = Outcome::of(turnstone(["stats"])?.env("TURNSTONE_ANOMALY_BATCH", "many")).await?;
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(outcome.stderr.contains("TURNSTONE_ANOMALY_BATCH"), "{outcome:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_ends_with_1_and_is_named() -> anyhow::Result<()> {
    let folder = temp_dir()?;
    let missing = folder.path().join("missing");
    let missing = missing.to_str().unwrap();
    let database = format!("sqlite://{missing}");
    let new = format!("sqlite://{}", folder.path().join("new.db").display());
    for arguments in [
        &["scan", missing][..],
        &["classify", missing],
        &["eval", missing],
        &["detections", "list", "--db", &database],
        &["score", "--model", "turnstone-mini", "--db", &database],
        &["model", "check", missing],
        &["db", "import", missing, "--db", &new],
    ] {
        let outcome = Outcome::any(arguments).await?;
        assert_eq!(outcome.code, Some(1), "{arguments:?}: {outcome:?}");
        assert!(
            outcome.stderr.contains(missing),
            "{arguments:?} does not name what is missing: {outcome:?}"
        );
        assert!(outcome.stdout.is_empty(), "{arguments:?}: {outcome:?}");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path())?.collect();
    assert!(left.is_empty(), "made for nothing: {left:?}");
    Ok(())
}

#[tokio::test]
async fn without_a_model_scoring_is_skipped_and_no_failure() -> anyhow::Result<()> {
    let folder = temp_dir()?;
    let url = format!("sqlite://{}", folder.path().join("turnstone.db").display());
    Outcome::success(["db", "migrate", "--db", url.as_str()]).await?;
    for model in [None, Some("")] {
        let command = turnstone(["score", "--db", url.as_str()])?;
        let command = match model {
            Some(model) => command.env("TURNSTONE_ANOMALY_MODEL", model),
            None => command,
        };
        let outcome = Outcome::of(command).await?;
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        let answer: serde_json::Value = serde_json::from_str(&outcome.stdout)?;
        assert_eq!(
            (&answer["skipped"], &answer["scored"]),
            (&true.into(), &0.into()),
            "{answer}"
        );
    }
    // A model that is named and cannot be loaded is another matter.
    let command = turnstone(["score", "--db", url.as_str()])?
        .env("TURNSTONE_ANOMALY_MODEL", folder.path().join("no-model"));
    let outcome = Outcome::of(command).await?;
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(
        outcome.stderr.contains("no-model") && outcome.stdout.is_empty(),
        "{outcome:?}"
    );
    Ok(())
}
