//! A limit on the rate of retransmissions.
//!
//! Implements: `rtc_base/rate_limiter.cc` over `rate_statistics.cc` of
//! libwebrtc (2026-07): buckets of 1 ms in a window of 500 ms; until a rate can
//! be told (two samples, two buckets) everything passes.

use std::collections::VecDeque;

use weaknet_core::{Bitrate, Ratio, Time};

/// `kRetransmitWindowSizeMs` of `rtp_transport_controller_send.cc`.
const WINDOW_MS: u64 = 500;

/// Bytes and packets of one millisecond.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    ms: u64,
    bytes: u64,
    packets: u64,
}

/// The limiter.
#[derive(Debug, Clone)]
pub(super) struct RateLimiter {
    /// Of the target.
    share: Ratio,
    max: Bitrate,
    buckets: VecDeque<Bucket>,
    bytes: u64,
    packets: u64,
    first_ms: Option<u64>,
}

impl RateLimiter {
    pub(super) const fn new(share: Ratio) -> Self {
        Self {
            share,
            max: Bitrate::MAX,
            buckets: VecDeque::new(),
            bytes: 0,
            packets: 0,
            first_ms: None,
        }
    }

    pub(super) fn set_target(&mut self, target: Bitrate) {
        self.max = if self.share == Ratio::ONE {
            target
        } else {
            target.mul_f64(self.share.as_f64())
        };
    }

    /// Takes `bytes` from the budget if it allows them.
    pub(super) fn try_use(&mut self, now: Time, bytes: u32) -> bool {
        let now_ms = now.as_millis();
        let recent = self
            .buckets
            .back()
            .is_some_and(|b| b.ms + WINDOW_MS * 3 / 2 > now_ms);
        self.erase_old(now_ms);
        let bytes = u64::from(bytes);
        let addition = bytes * 8_000 / WINDOW_MS;
        if self
            .rate(now_ms)
            .is_some_and(|rate| rate.saturating_add(addition) > self.max.as_bps())
        {
            return false;
        }
        if self.first_ms.is_none() || (self.packets == 0 && !recent) {
            self.first_ms = Some(now_ms);
        }
        match self.buckets.back_mut() {
            Some(bucket) if bucket.ms >= now_ms => {
                bucket.bytes += bytes;
                bucket.packets += 1;
            }
            _ => self.buckets.push_back(Bucket {
                ms: now_ms,
                bytes,
                packets: 1,
            }),
        }
        self.bytes += bytes;
        self.packets += 1;
        true
    }

    /// Bits per second in the window; `None` while there is too little to tell.
    fn rate(&self, now_ms: u64) -> Option<u64> {
        let active = (now_ms.saturating_sub(self.first_ms?) + 1).min(WINDOW_MS);
        let too_few = self.packets == 0 || active <= 1 || (self.packets == 1 && active < WINDOW_MS);
        (!too_few).then(|| (self.bytes * 8_000 + active / 2) / active)
    }

    fn erase_old(&mut self, now_ms: u64) {
        while let Some(bucket) = self
            .buckets
            .front()
            .copied()
            .filter(|b| b.ms + WINDOW_MS <= now_ms)
        {
            self.buckets.pop_front();
            self.bytes -= bucket.bytes;
            self.packets -= bucket.packets;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    #[test]
    fn first_bucket_is_free() {
        let mut limiter = RateLimiter::new(Ratio::ONE);
        limiter.set_target(Bitrate::from_kbps(1));
        assert!((0..50).all(|_| limiter.try_use(at(7), 1200)));
        assert!(
            !limiter.try_use(at(8), 1200),
            "50 packets in 2 ms are 240 Mbit/s"
        );
    }

    #[test]
    fn one_sample_does_not_make_a_rate() {
        let mut limiter = RateLimiter::new(Ratio::ONE);
        limiter.set_target(Bitrate::from_kbps(1));
        assert!(limiter.try_use(at(0), 1200));
        assert!(limiter.try_use(at(400), 1200));
        assert!(!limiter.try_use(at(401), 1200));
    }

    #[test]
    fn long_run_rate_is_the_maximum() {
        let mut limiter = RateLimiter::new(Ratio::ONE);
        limiter.set_target(Bitrate::from_kbps(960));
        let sent = (0..10_000)
            .filter(|ms| limiter.try_use(at(*ms), 1000))
            .count();
        // 960 kbit/s are 1200 packets of 1000 B in 10 s; the window may hold
        // one packet less than the rate allows.
        assert!((1180..=1200).contains(&sent), "{sent}");
    }

    #[test]
    fn the_window_is_500_ms() {
        let mut limiter = RateLimiter::new(Ratio::ONE);
        limiter.set_target(Bitrate::from_bps(16_000));
        assert!(limiter.try_use(at(0), 500) && limiter.try_use(at(0), 400));
        assert!(
            !limiter.try_use(at(499), 200),
            "900 B in 500 ms are 14.4 kbit/s, and 3.2 more"
        );
        assert!(limiter.try_use(at(500), 200));
    }
}
