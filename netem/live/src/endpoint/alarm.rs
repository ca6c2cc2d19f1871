//! Wake-ups as exact as the kernel's: a timer as a file descriptor.
#![allow(unsafe_code, reason = "one registration; nothing else in here")]

use std::io;
use std::os::fd::{AsFd as _, AsRawFd, RawFd};
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use weaknet_core::{Span, Time};

struct Timer(TimerFd);

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// Rings at one instant at a time.
pub(super) struct Alarm {
    timer: AsyncFd<Timer>,
    set_to: Option<Time>,
}

impl Alarm {
    /// An alarm that is not set. Has to be made within a runtime.
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        // SAFETY: the descriptor is the timer's own and stays open, always the same one,
        // until the timer is dropped, which `AsyncFd` owns.
        let timer = unsafe { AsyncFd::register_with_interest(Timer(timer), Interest::READABLE)? };
        Ok(Self {
            timer,
            set_to: None,
        })
    }

    /// Sets it to an instant, now being another one: each time by the distance from
    /// there, so that nothing adds up.
    pub(super) fn set(&mut self, now: Time, at: Time) -> io::Result<()> {
        if self.set_to == Some(at) {
            return Ok(());
        }
        // Zero would switch it off.
        let left = at.since(now).max(Span::from_nanos(1));
        let left = TimeSpec::from(Duration::from_nanos(left.as_nanos()));
        let once = Expiration::OneShot(left);
        self.timer
            .get_ref()
            .0
            .set(once, TimerSetTimeFlags::empty())?;
        self.set_to = Some(at);
        Ok(())
    }

    /// Waits until it rings.
    pub(super) async fn rings(&mut self) -> io::Result<()> {
        let mut ready = self.timer.readable().await?;
        // What it reads is how often it rang, which is once, or not at all when it was
        // set anew meanwhile.
        match self.timer.get_ref().0.wait() {
            Ok(()) => self.set_to = None,
            Err(nix::errno::Errno::EAGAIN) => {}
            Err(error) => return Err(error.into()),
        }
        ready.clear_ready();
        Ok(())
    }
}
