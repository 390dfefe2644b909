//! How the matrix library's threads wait. By default they spin while idle and take the cores from the tokenizer, the async runtime
//! and every other process: measured on two busy cores, the same work took 2.3 times the processor time and half the speed.

use std::os::unix::process::CommandExt;

/// Read by OpenMP's run-time library when it is loaded, before `main`.
const WAIT_POLICY: &str = "OMP_WAIT_POLICY";

/// Makes idle OpenMP threads sleep. Replaces the process image by itself with the variable set, since the library reads it before
/// any code of ours runs; the process id, files and arguments stay. Does nothing where the variable is set already, so a person's
/// own choice (`OMP_WAIT_POLICY=active`) stands. Call it first, in programs that run a model.
pub fn let_idle_threads_sleep() {
    if std::env::var_os(WAIT_POLICY).is_some() {
        return;
    }
    let Ok(executable) = std::env::current_exe() else {
        return;
    };
    let mut arguments = std::env::args_os();
    let mut command = std::process::Command::new(executable);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // Returns only where it failed; then the process goes on as it is, only slower.
    let _ = command.args(arguments).env(WAIT_POLICY, "passive").exec();
}
