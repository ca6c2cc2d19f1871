//! CPU time of this thread.

/// What `work` yields, and the CPU time that it took in seconds. Where the
/// system has no such clock, the time that passed.
#[cfg(unix)]
pub(super) fn cpu<T>(work: impl FnOnce() -> T) -> (T, f64) {
    use rustix::time::{ClockId, clock_gettime};
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    };
    let before = now();
    let done = work();
    (done, now() - before)
}

/// What `work` yields, and the time that passed in seconds.
#[cfg(not(unix))]
pub(super) fn cpu<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let before = std::time::Instant::now();
    let done = work();
    (done, before.elapsed().as_secs_f64())
}
