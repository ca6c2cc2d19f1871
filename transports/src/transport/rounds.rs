//! Round trips counted by packets instead of by a clock.
//!
//! Implements: draft-ietf-ccwg-bbr, section 5.5.1: a round ends when a packet
//! is acknowledged that was sent after the round began.

use weaknet_core::Bytes;

use crate::cc::Feedback;

/// Counts the round trips of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoundCounter {
    /// Bytes delivered so far.
    delivered: Bytes,
    /// Bytes delivered when the round began.
    began: Bytes,
    count: u64,
}

impl RoundCounter {
    /// Takes a report in. Whether a round has ended with it.
    pub fn on_feedback(&mut self, feedback: &Feedback<'_>) -> bool {
        self.delivered += feedback.acked_bytes();
        let ended = feedback
            .received()
            .any(|packet| packet.delivery.delivered >= self.began);
        if ended {
            self.restart();
            self.count += 1;
        }
        ended
    }

    /// Lets the round end with the packets that are sent from now on.
    pub const fn restart(&mut self) {
        self.began = self.delivered;
    }

    /// Rounds that have ended.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Bytes delivered so far.
    #[must_use]
    pub const fn delivered(&self) -> Bytes {
        self.delivered
    }
}
