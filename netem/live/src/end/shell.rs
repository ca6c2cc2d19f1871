//! A command at an end.
#![allow(
    unsafe_code,
    reason = "what a child does before it starts; nothing else in here"
)]

use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::address::Addresses;
use crate::error::LiveError;

/// How often ended commands are looked for.
const LOOK: Duration = Duration::from_millis(20);
/// Time to end for commands that are asked to.
const PATIENCE: Duration = Duration::from_secs(1);

/// A command to run at an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shell {
    /// The command and its arguments, started by the first process of the end's
    /// namespace: see [`super::run_as_first_process`].
    pub command: Vec<String>,
    /// The program that becomes that first process, with its arguments.
    pub first: (PathBuf, Vec<String>),
    /// The addresses of the other end, in `WEAKNET_PEER` and `WEAKNET_PEER6`.
    pub peer: Addresses,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; 128 and the signal when it was killed, as shells say it.
    pub code: u8,
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
        let code = status
            .code()
            .or_else(|| status.signal().map(|signal| 128 + signal));
        Self {
            code: code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1),
        }
    }
}

/// A command that runs.
pub(super) struct Running {
    child: Child,
}

impl Shell {
    pub(super) fn start(&self) -> Result<Running, LiveError> {
        let (program, arguments) = &self.first;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .args(&self.command)
            .env("WEAKNET_PEER", self.peer.v4.to_string())
            .env("WEAKNET_PEER6", self.peer.v6.to_string());
        // SAFETY: between fork and exec the child makes one system call and allocates
        // nothing.
        unsafe {
            command.pre_exec(|| {
                // The child does not outlive this process, however that ends.
                nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
                Ok(())
            });
        }
        let child = command.spawn().map_err(|source| LiveError::Command {
            command: self.command.join(" "),
            source,
        })?;
        Ok(Running { child })
    }
}

impl Running {
    fn ask_to_end(&self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            // It may have ended meanwhile.
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGTERM);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both do nothing to a child that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How each ended, in any order.
pub(super) fn wait_for_all(
    mut running: Vec<(usize, Running)>,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<(usize, Ended)>, LiveError> {
    let mut ended = Vec::new();
    let mut asked: Option<Instant> = None;
    while !running.is_empty() {
        let mut still = Vec::new();
        for (at, mut command) in running {
            match command.child.try_wait() {
                Ok(Some(status)) => ended.push((at, status.into())),
                Ok(None) => still.push((at, command)),
                Err(error) => return Err(waiting(error)),
            }
        }
        running = still;
        match asked {
            None if stop() => {
                asked = Some(Instant::now());
                running.iter().for_each(|(_, command)| command.ask_to_end());
            }
            Some(since) if since.elapsed() > PATIENCE => {
                for (at, mut command) in running {
                    let _ = command.child.kill();
                    let status = command.child.wait().map_err(waiting)?;
                    ended.push((at, status.into()));
                }
                return Ok(ended);
            }
            _ => {}
        }
        thread::sleep(LOOK);
    }
    Ok(ended)
}

fn waiting(error: io::Error) -> LiveError {
    LiveError::system("wait for a command")(error)
}
