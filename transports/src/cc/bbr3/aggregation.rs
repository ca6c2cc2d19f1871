//! How much more is acknowledged at once than the bandwidth explains.
//!
//! Implements: draft-ietf-ccwg-bbr, section 5.5.9 (working copy of 2026-08).

use weaknet_core::{Bitrate, Bytes, Time};

use crate::transport::WindowedMax;

/// The degree of aggregation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Aggregation {
    since: Option<Time>,
    delivered: Bytes,
    rounds: u64,
    most: WindowedMax<Bytes>,
    extra: Bytes,
}

impl Aggregation {
    /// Remembers over so many rounds once the pipe was full, before over one.
    pub(super) const fn new(rounds: u32) -> Self {
        Self {
            since: None,
            delivered: Bytes::ZERO,
            rounds: rounds as u64,
            most: WindowedMax::new(1),
            extra: Bytes::ZERO,
        }
    }

    /// After silence measuring begins anew.
    pub(super) const fn restart(&mut self, now: Time) {
        self.since = Some(now);
    }

    /// Takes an ACK in.
    pub(super) fn on_ack(
        &mut self,
        now: Time,
        acked: Bytes,
        bandwidth: Bitrate,
        cwnd: Bytes,
        round: u64,
        full: bool,
    ) {
        let since = *self.since.get_or_insert(now);
        let mut expected = bandwidth.bytes_in(now - since);
        if self.delivered <= expected {
            self.delivered = Bytes::ZERO;
            self.since = Some(now);
            expected = Bytes::ZERO;
        }
        self.delivered += acked;
        let extra = (self.delivered - expected).min(cwnd);
        self.most.set_window(if full { self.rounds } else { 1 });
        self.extra = self.most.update(round, extra);
    }

    /// Bytes on top of what the bandwidth explains.
    pub(super) const fn extra(&self) -> Bytes {
        self.extra
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bursts_of_ten_packets_are_nine_more_than_expected_at_once() {
        let bandwidth = Bitrate::from_mbps(10);
        let mut aggregation = Aggregation::new(10);
        let mut extra = |ms, acked, full| {
            let (at, cwnd) = (Time::from_millis(ms), Bytes::new(100_000));
            aggregation.on_ack(at, Bytes::new(acked), bandwidth, cwnd, ms / 40, full);
            aggregation.extra().get()
        };
        // 12 ms at 10 Mbit/s are 15,000 bytes: every burst starts anew.
        for burst in 0..20 {
            assert_eq!(extra(12 * burst, 15_000, true), 15_000);
        }
        // Packets one by one are worth themselves; the bursts are forgotten
        // after ten rounds, or after one.
        assert_eq!(extra(600, 1_500, true), 15_000);
        assert_eq!(extra(640, 1_500, true), 1_500);
    }

    #[test]
    fn never_more_than_the_window() {
        let mut aggregation = Aggregation::new(10);
        let at = Time::from_millis(1);
        let (acked, cwnd) = (Bytes::new(9_000), Bytes::new(6_000));
        aggregation.on_ack(at, acked, Bitrate::ZERO, cwnd, 0, false);
        assert_eq!(aggregation.extra(), cwnd);
    }
}
