//! The embedded server: quick, private, alone in its folder, started again when it dies, and never left behind.

use crate::harness::{
    LIMIT, batch, embedded_options, eventually, is_running, nats_program, pull_one, queue_options,
};
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, getpgid, getpid, kill_process};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use turnstone_bus::Bus;
use turnstone_bus::embedded::{EmbeddedError, EmbeddedOptions, NatsServer, ServerStatus};

fn pid_of(server: &NatsServer) -> u32 {
    match *server.status().borrow() {
        ServerStatus::Running { pid, .. } => pid,
        ref other => panic!("{other:?}"),
    }
}

fn signal(pid: u32, signal: Signal) -> Result<()> {
    kill_process(Pid::from_raw(i32::try_from(pid)?).context("a pid")?, signal)?;
    Ok(())
}

#[tokio::test]
async fn it_starts_quickly_and_keeps_its_messages_over_a_stop() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let started = Instant::now();
    let server = NatsServer::start(embedded_options(&folder)).await?;
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
    server.health().await?;
    let sent = batch("");
    {
        let bus = Bus::connect(&server.bus_options()).await?;
        bus.publish_batch(&sent, "id", None).await?;
    }
    let pid = pid_of(&server);
    server.stop().await;
    assert!(!is_running(pid));

    let server = NatsServer::start(embedded_options(&folder)).await?;
    let bus = Bus::connect(&server.bus_options()).await?;
    let queue = bus.score_queue(&queue_options(Duration::from_secs(30))).await?;
    assert_eq!(pull_one(&queue).await?.body.as_ref().unwrap(), &sent);
    Ok(())
}

#[tokio::test]
async fn other_users_can_read_neither_its_token_nor_its_data() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = NatsServer::start(embedded_options(&folder)).await?;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(server.store_dir()), 0o700);
    assert_eq!(mode(&server.store_dir().join("nats-server.conf")), 0o600);
    assert!(server.address().starts_with("nats://127.0.0.1:"));
    let shown = format!("{server:?} {:?}", server.bus_options());
    let config = std::fs::read_to_string(server.store_dir().join("nats-server.conf"))?;
    let token = config
        .split("token: \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .context("token")?;
    assert!(token.len() == 64 && !shown.contains(token));
    let command_line = std::fs::read(format!("/proc/{}/cmdline", pid_of(&server)))?;
    assert!(!String::from_utf8_lossy(&command_line).contains(token));
    Ok(())
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let first = NatsServer::start(embedded_options(&folder)).await?;
    let error = NatsServer::start(embedded_options(&folder)).await.unwrap_err();
    assert!(matches!(error, EmbeddedError::InUse { .. }), "{error}");
    let shown = error.to_string();
    assert!(
        shown.contains(&std::process::id().to_string()) && shown.contains("nats"),
        "{shown}"
    );
    first.health().await?;
    first.stop().await;
    NatsServer::start(embedded_options(&folder)).await?.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_killed_child_is_started_again_on_its_port_and_clients_come_back() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = NatsServer::start(embedded_options(&folder)).await?;
    let bus = Bus::connect(&server.bus_options()).await?;
    let queue = bus.score_queue(&queue_options(Duration::from_secs(30))).await?;
    let sent = batch("acme");
    bus.publish_batch(&sent, "before", None).await?;
    let (first_pid, mut status) = (pid_of(&server), server.status());
    for restarts_expected in 1..=2 {
        signal(pid_of(&server), Signal::KILL)?;
        let running_again = |status: &ServerStatus| matches!(status, ServerStatus::Running { restarts, .. } if *restarts == restarts_expected);
        timeout(LIMIT, status.wait_for(running_again)).await??;
    }
    assert_ne!(pid_of(&server), first_pid);
    server.health().await?;
    eventually("published", async || {
        bus.publish_batch(&batch("acme"), "after", None).await.is_ok()
    })
    .await;
    assert_eq!(pull_one(&queue).await?.body.as_ref().unwrap(), &sent);
    Ok(())
}

#[tokio::test]
async fn the_child_outlives_the_thread_that_asked_for_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let options = embedded_options(&folder);
    let start = move || -> Result<NatsServer> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(runtime.block_on(NatsServer::start(options))?)
    };
    let Ok(server) = std::thread::spawn(start).join() else {
        bail!("the thread panicked")
    };
    let server = server?;
    let mut status = server.status();
    // A child that went with the thread would be noticed and started again within this time.
    assert!(
        timeout(Duration::from_millis(500), status.changed())
            .await
            .is_err()
    );
    server.health().await?;
    Ok(())
}

#[tokio::test]
async fn ctrl_c_in_a_terminal_does_not_reach_the_child() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = NatsServer::start(embedded_options(&folder)).await?;
    let pid = Pid::from_raw(i32::try_from(pid_of(&server))?);
    assert_eq!(getpgid(pid)?, pid.context("a pid")?);
    assert_ne!(getpgid(pid)?, getpgid(Some(getpid()))?);
    Ok(())
}

#[tokio::test]
async fn dropping_the_server_ends_the_child() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = NatsServer::start(embedded_options(&folder)).await?;
    let pid = pid_of(&server);
    drop(server);
    assert!(!is_running(pid));
    Ok(())
}

#[tokio::test]
async fn a_caller_that_gives_up_waiting_leaves_no_child_behind() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for wait_ms in [1, 5, 20, 40] {
        let _ = timeout(
            Duration::from_millis(wait_ms),
            NatsServer::start(embedded_options(&folder)),
        )
        .await;
    }
    // The lock is inherited by the child: a start that succeeds proves that none is left.
    NatsServer::start(embedded_options(&folder)).await?.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_server_that_does_not_start_shows_why() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("broken-nats-server");
    std::fs::write(
        &program,
        "#!/bin/sh\necho 'nats-server: no such thing' >&2\nexit 3\n",
    )?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    let options = EmbeddedOptions {
        program: Some(program),
        ..embedded_options(&folder)
    };
    let error = NatsServer::start(options).await.unwrap_err().to_string();
    assert!(
        error.contains("no such thing") && error.contains("exit status: 3"),
        "{error}"
    );

    let options = EmbeddedOptions {
        program: Some("/nowhere/nats-server".into()),
        ..embedded_options(&folder)
    };
    let error = NatsServer::start(options).await.unwrap_err();
    assert!(
        matches!(error, EmbeddedError::NoProgram { .. }) && error.to_string().contains("/nowhere"),
        "{error}"
    );

    // What nats-server itself says of a store that it cannot use.
    std::fs::write(
        folder.path().join("nats/jetstream"),
        "a file where a folder belongs",
    )?;
    let error = NatsServer::start(embedded_options(&folder))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("storage directory is not a directory"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_program_that_hangs_is_given_up_and_killed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("hanging-nats-server");
    std::fs::write(&program, "#!/bin/sh\necho $$ > pid\nexec sleep 600\n")?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    let options = EmbeddedOptions {
        program: Some(program),
        start_timeout: Duration::from_millis(500),
        ..embedded_options(&folder)
    };
    let error = NatsServer::start(options).await.unwrap_err().to_string();
    assert!(error.contains("does not listen"), "{error}");
    let pid: u32 = std::fs::read_to_string(folder.path().join("nats/pid"))?
        .trim()
        .parse()?;
    assert!(!is_running(pid));
    Ok(())
}

/// The folder for the copy of this test that plays the parent.
const PARENT_FOLDER_VARIABLE: &str = "TURNSTONE_BUS_TEST_PARENT_FOLDER";

/// This test starts itself as another process, which starts a server and is then killed without a chance to tidy up.
#[tokio::test]
async fn the_child_is_gone_after_its_parent_was_killed() -> Result<()> {
    if let Some(folder) = std::env::var_os(PARENT_FOLDER_VARIABLE) {
        let options = EmbeddedOptions {
            program: Some(nats_program()),
            ..EmbeddedOptions::new(Path::new(&folder).join("nats"))
        };
        let server = NatsServer::start(options).await?;
        std::fs::write(Path::new(&folder).join("pid.new"), pid_of(&server).to_string())?;
        std::fs::rename(Path::new(&folder).join("pid.new"), Path::new(&folder).join("pid"))?;
        return std::future::pending().await;
    }
    let folder = tempfile::tempdir()?;
    let mut parent = Command::new(std::env::current_exe()?)
        .args([
            "--exact",
            "embedded::the_child_is_gone_after_its_parent_was_killed",
        ])
        .env(PARENT_FOLDER_VARIABLE, folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let pid_file = folder.path().join("pid");
    eventually("the parent started a server", async || pid_file.exists()).await;
    let pid: u32 = std::fs::read_to_string(&pid_file)?.parse()?;
    assert!(is_running(pid));
    parent.kill()?;
    parent.wait()?;
    // Started at once on the same folder, while the old child may still be ending.
    let server = NatsServer::start(embedded_options(&folder)).await?;
    assert!(!is_running(pid));
    server.health().await?;
    Ok(())
}
