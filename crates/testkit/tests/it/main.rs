//! What tests rely on: servers come up, survive the faults inflicted on them, and leave nothing behind.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::time::Duration;
use turnstone_testkit::{PostgresCluster, Program, wait_for, wait_until};

const LIMIT: Duration = Duration::from_secs(30);
/// Set in the child process of `a_killed_test_leaves_nothing_behind`.
const CHILD_MARK: &str = "TESTKIT_CHILD";

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_survives_a_stop_and_a_kill() {
    let cluster = PostgresCluster::start().unwrap();
    let url = cluster.fresh_database().await.unwrap();
    assert_ne!(url, cluster.fresh_database().await.unwrap());
    cluster
        .execute("test_0", "CREATE TABLE kept (n INT); INSERT INTO kept VALUES (1)")
        .await
        .unwrap();
    cluster.stop().unwrap();
    assert!(
        cluster.execute("test_0", "SELECT 1").await.is_err(),
        "a stopped server must not answer"
    );
    cluster.start_again().unwrap();
    cluster.kill9().unwrap();
    cluster.start_again().unwrap();
    cluster
        .execute("test_0", "INSERT INTO kept SELECT n + 1 FROM kept")
        .await
        .unwrap();
    let folder = cluster.socket_folder().to_owned();
    drop(cluster);
    assert!(!folder.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_test_leaves_nothing_behind() {
    if std::env::var_os(CHILD_MARK).is_some() {
        let cluster = PostgresCluster::start().unwrap();
        let pid_file = cluster.socket_folder().join("data/postmaster.pid");
        let pid = std::fs::read_to_string(pid_file)
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .to_owned();
        eprintln!("cluster {pid} {}", cluster.socket_folder().display());
        std::future::pending::<()>().await;
    }
    let mut child = Program::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_test_leaves_nothing_behind", "--nocapture"])
        .env(CHILD_MARK, "1")
        .spawn()
        .unwrap();
    let found = child.wait_for_line(LIMIT, |line| {
        let (pid, folder) = line.split_once("cluster ")?.1.split_once(' ')?;
        Some((pid.to_owned(), PathBuf::from(folder)))
    });
    let (pid, folder) = found.await.unwrap();
    let process = PathBuf::from(format!("/proc/{pid}"));
    assert!(process.exists() && folder.exists());
    child.kill9().unwrap();
    wait_until(LIMIT, || async { !is_alive(&process) && !folder.exists() })
        .await
        .unwrap();
}

/// A zombie counts as gone: whether it is reaped is up to the machine's init.
fn is_alive(process: &Path) -> bool {
    std::fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn a_programs_output_and_end_are_seen() {
    let script =
        "echo ready; cat; echo trouble >&2; trap 'echo stopped; exit 3' TERM; while :; do sleep 0.05; done";
    let mut program = Program::new("/bin/sh")
        .args(["-c", script])
        .stdin("given")
        .spawn()
        .unwrap();
    program
        .wait_for_line(LIMIT, |line| line.contains("trouble").then_some(()))
        .await
        .unwrap();
    assert!(
        program.wait(Duration::from_millis(50)).await.is_err(),
        "it must still run"
    );
    program.terminate().unwrap();
    assert_eq!(program.wait(LIMIT).await.unwrap().code(), Some(3));
    assert_eq!(program.stdout(), "ready\ngivenstopped\n");
    let error = program
        .wait_for_line(LIMIT, |line| line.contains("never").then_some(()))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("ended without"), "{error}");
}

#[tokio::test]
async fn a_dropped_program_is_gone() {
    let program = Program::new("/bin/sleep").arg("600").spawn().unwrap();
    let process = PathBuf::from(format!("/proc/{}", program.id()));
    assert!(is_alive(&process));
    drop(program);
    assert!(!is_alive(&process));
}

#[tokio::test]
async fn waiting_reports_the_last_error() {
    let error = wait_for::<(), _, _>(Duration::from_millis(50), || async { anyhow::bail!("not yet") })
        .await
        .unwrap_err();
    assert!(format!("{error:#}").contains("not yet"), "{error:#}");
}
