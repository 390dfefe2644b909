//! Spawns child processes that die with this process, from one thread that lives as long as it does.

use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::{Mutex, OnceLock, mpsc};

struct Request {
    command: Command,
    reply: mpsc::SyncSender<io::Result<Child>>,
}

/// Spawns `command` so that the kernel sends it `death_signal` when this process ends, be it by a kill -9.
///
/// The kernel ties the signal to the *thread* that spawned the child, not to its process: a child spawned on the thread of
/// one test would die with that test. So all children are spawned by one thread that never ends.
pub(crate) fn spawn(mut command: Command, death_signal: Signal) -> io::Result<Child> {
    let parent = getpid();
    // SAFETY: the closure runs between fork and exec, where only async-signal-safe calls are allowed; it makes two plain
    // system calls and allocates nothing. It runs after std has changed user and group, which would clear the signal.
    unsafe {
        command.pre_exec(move || die_with_parent(parent, death_signal));
    }
    let (reply, answer) = mpsc::sync_channel(1);
    let gone = || io::Error::other("the spawner thread is gone");
    let requests = requests()
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    requests.send(Request { command, reply }).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

fn die_with_parent(parent: Pid, death_signal: Signal) -> io::Result<()> {
    set_parent_process_death_signal(Some(death_signal))?;
    // The parent may have died between the fork and the call above; then nobody would send the signal.
    if getppid() == Some(parent) {
        Ok(())
    } else {
        Err(io::Error::other("the parent process is gone"))
    }
}

fn requests() -> &'static Mutex<mpsc::Sender<Request>> {
    static REQUESTS: OnceLock<Mutex<mpsc::Sender<Request>>> = OnceLock::new();
    REQUESTS.get_or_init(|| {
        let (sender, receiver) = mpsc::channel::<Request>();
        std::thread::spawn(move || {
            // Ends only if the static sender is dropped, which never happens.
            for Request { mut command, reply } in receiver {
                // Whoever asked may have panicked meanwhile; then the child is reaped by the process' end.
                let _ = reply.send(command.spawn());
            }
        });
        Mutex::new(sender)
    })
}
