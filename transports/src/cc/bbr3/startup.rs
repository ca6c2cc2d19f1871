//! The end of Startup by loss, and Drain.
//!
//! Implements: draft-ietf-ccwg-bbr, sections 5.3.1.3 and 5.3.2 (working copy
//! of 2026-08). Drain ends in the fourth round at the latest, as its
//! comparison says and its prose does not.

use weaknet_core::Bytes;

use super::Bbr3;
use super::engine::Engine;
use super::state::State;
use crate::cc::bbr::{Ack, scaled};

/// What one round in Startup has lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct RoundLosses {
    ranges: u32,
    bytes: Bytes,
    last: Option<u64>,
    delivered_before: Bytes,
    began_in_recovery: bool,
}

impl RoundLosses {
    /// A packet was lost.
    pub(super) fn on_lost(&mut self, number: u64, size: Bytes) {
        let adjacent = self.last.is_some_and(|last| number == last.wrapping_add(1));
        self.ranges += u32::from(!adjacent);
        self.last = Some(number);
        self.bytes += size;
    }

    /// Begins a round.
    pub(super) fn begin(&mut self, delivered: Bytes, in_recovery: bool) {
        *self = Self {
            delivered_before: delivered,
            began_in_recovery: in_recovery,
            ..Self::default()
        };
    }

    /// Whether the round that ends now was one of recovery, with too many
    /// ranges and too large a share lost.
    pub(super) fn are_high(&self, delivered: Bytes, config: &Bbr3) -> bool {
        let sent = (delivered - self.delivered_before) + self.bytes;
        self.began_in_recovery
            && self.ranges >= config.startup_full_loss_count
            && self.bytes > scaled(sent, config.loss_threshold)
    }
}

impl Engine {
    pub(super) fn check_startup_done(&mut self, ack: &Ack) {
        if ack.round_start {
            let delivered = self.intake.delivered();
            if self.state == State::Startup && self.round_losses.are_high(delivered, &self.config) {
                self.undo.left(State::Startup);
                self.full_pipe.set_full();
                self.long_term.limit = self.bdp().max(self.congestion.latest_in_flight());
            }
            self.round_losses.begin(delivered, self.recovery.active());
        }
        if self.state == State::Startup && self.full_pipe.reached() {
            self.state = State::Drain;
            self.drain_start_round = self.intake.round();
        }
    }

    pub(super) fn check_drain_done(&mut self, ack: &Ack) {
        if self.state != State::Drain {
            return;
        }
        let latest = self.drain_start_round + u64::from(self.config.drain_rounds);
        if ack.in_flight <= self.inflight(self.bandwidth, 1.0) || self.intake.round() > latest {
            self.start_probe_down(ack.now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Bytes = Bytes::new(1_000);

    fn high(numbers: &[u64], delivered: u64, in_recovery: bool) -> bool {
        let mut losses = RoundLosses::default();
        losses.begin(Bytes::new(50_000), in_recovery);
        numbers.iter().for_each(|n| losses.on_lost(*n, SIZE));
        losses.are_high(Bytes::new(50_000 + delivered), &Bbr3::default())
    }

    #[test]
    fn six_ranges_and_more_than_two_percent_in_a_round_of_recovery() {
        let apart = [1, 3, 5, 7, 9, 11];
        assert!(high(&apart, 293_000, true));
        assert!(!high(&apart, 294_000, true), "6 of 300 are 2 %");
        assert!(!high(&apart, 100_000, false));
        assert!(!high(&apart[..5], 100_000, true));
        assert!(!high(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14], 1_000, true));
    }
}
