//! The first process of an end's process namespace.
//!
//! When it ends, the kernel ends all others of the namespace: nothing is left behind,
//! whatever a command started. A command cannot be the first process itself, because
//! signals like SIGINT do nothing to that one unless it handles them.

use std::process::Command;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::error::LiveError;

/// Runs a command as the first process of a namespace does: with a `/proc` of the
/// namespace, taking over orphans. Returns the exit code of the command, 128 and the
/// signal when it was killed, 127 when it is not there.
///
/// # Errors
/// When the command cannot be started for another reason.
pub fn run_as_first_process(command: &[String]) -> Result<u8, LiveError> {
    see_own_processes();
    let Some((program, arguments)) = command.split_first() else {
        return Ok(0);
    };
    // Taken one at a time below; a child starts with none of them blocked.
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGHUP);
    signals
        .thread_block()
        .map_err(LiveError::system("block signals"))?;
    let child = match Command::new(program).args(arguments).spawn() {
        Ok(child) => child,
        Err(source) => {
            return Err(LiveError::Command {
                command: program.clone(),
                source,
            });
        }
    };
    let child = Pid::from_raw(i32::try_from(child.id()).map_err(|_| LiveError::Worker)?);
    loop {
        match signals
            .wait()
            .map_err(LiveError::system("wait for signals"))?
        {
            Signal::SIGCHLD => {
                if let Some(code) = reap(child)? {
                    return Ok(code);
                }
            }
            // It may have ended meanwhile.
            signal => drop(kill(child, signal)),
        }
    }
}

/// Takes in all processes that have ended; the exit code of `child` if it is among
/// them.
fn reap(child: Pid) -> Result<Option<u8>, LiveError> {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => {
                return Ok(Some(u8::try_from(code).unwrap_or(1)));
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => {
                return Ok(Some(u8::try_from(128 + signal as i32).unwrap_or(1)));
            }
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(None),
            // An orphan, or a signal.
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(LiveError::system("wait for a command")(error)),
        }
    }
}

/// Mounts a `/proc` of this namespace, for `ps` and the like. Containers forbid it at
/// times; then they see that of the machine.
fn see_own_processes() {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let mounted = unshare(CloneFlags::CLONE_NEWNS)
        .and_then(|()| {
            let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
            mount(None::<&str>, "/", None::<&str>, private, None::<&str>)
        })
        .and_then(|()| mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>));
    let _ = mounted;
}
