//! Whether a flow makes use of its window.
//!
//! Implements: RFC 9002 section 7.8 and RFC 9438 section 4.2: a window that is
//! not used must not grow, but a pacer that holds packets back is no reason.
//! As in Linux (`tcp_is_cwnd_limited`), slow start needs only half of the
//! window in flight.

use weaknet_core::Bytes;

use crate::cc::{Feedback, PacketResult};

/// Packets that may be missing from a full window: the pacer's burst.
const SLACK: f64 = 3.0;

/// The largest flight of this round trip and of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::cc) struct FlightUse {
    current: Bytes,
    previous: Bytes,
}

impl FlightUse {
    pub(in crate::cc) fn on_sent(&mut self, in_flight: Bytes) {
        self.current = self.current.max(in_flight);
    }

    /// Takes a report in that may be the first of a new round.
    pub(in crate::cc) fn on_feedback(&mut self, feedback: &Feedback<'_>, round_ended: bool) {
        if round_ended {
            self.previous = self.current;
            self.current = feedback.in_flight;
        }
    }

    /// Whether a window of `cwnd` bytes may grow because `packet` arrived.
    pub(in crate::cc) fn justifies_growth(
        &self,
        cwnd: f64,
        packet_size: f64,
        is_slow_start: bool,
        packet: &PacketResult,
    ) -> bool {
        let most = self.current.max(self.previous).get() as f64;
        if most + SLACK * packet_size >= cwnd {
            return true;
        }
        // Less than half of the window in flight is no doing of a pacer.
        2.0 * most >= cwnd && (is_slow_start || !packet.sent.app_limited)
    }
}
