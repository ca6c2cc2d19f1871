//! Precedence of workers over the applications that they serve.
//!
//! A packet that is due while a browser has the processor would leave when that is done.
//! Niceness is a thread's own on Linux; where it may not be lowered, the error that a run
//! reports says what that costs.
#![allow(
    unsafe_code,
    reason = "no crate that is here has the call; nothing else in here"
)]

use std::fs;

use nix::sys::resource::{Resource, getrlimit};

/// The lowest, which a limit counts as 40.
const NICE: i32 = -20;
const AS_LIMIT: u64 = 40;
/// The bit of `CAP_SYS_NICE`.
const CAPABILITY: u64 = 1 << 23;

/// Lets this thread go before others, where it may; whether it does.
pub(crate) fn raise() -> bool {
    // SAFETY: the call takes three numbers and touches no memory; 0 is this thread.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) == 0 }
}

/// Whether threads of this process may do that.
pub(crate) fn may_raise() -> bool {
    let limit = getrlimit(Resource::RLIMIT_NICE).map_or(0, |(soft, _)| soft);
    limit >= AS_LIMIT || effective_capabilities() & CAPABILITY != 0
}

fn effective_capabilities() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_goes_before_others_where_it_may() {
        let raised = std::thread::spawn(|| {
            let raised = raise();
            let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
            let nice = stat.rsplit(')').next().unwrap().split(' ').nth(17).unwrap();
            assert_eq!(nice == "-20", raised, "{nice}");
            raised
        });
        assert_eq!(raised.join().unwrap(), may_raise());
        // This thread is as it was.
        let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
        assert!(!stat.contains(" -20 "), "{stat}");
    }
}
