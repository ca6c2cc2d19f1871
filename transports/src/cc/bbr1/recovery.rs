//! The window while losses are repaired.
//!
//! Implements: draft-cardwell-iccrg-bbr-congestion-control-00, section
//! 4.2.3.4: one round of packet conservation, then the usual growth from
//! there; what the window was before comes back in the end.

use weaknet_core::{Bytes, Time};

use super::engine::{Engine, State};
use crate::cc::Feedback;
use crate::cc::recovery::Recovery;

/// Whether losses are being repaired, and the window before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Repair {
    pub(super) recovery: Recovery,
    /// In the first round as much is sent as is delivered.
    pub(super) conserving: bool,
    /// The last window that neither recovery nor ProbeRTT had shrunk.
    prior_cwnd: Bytes,
}

impl Engine {
    /// BBRSaveCwnd.
    pub(super) fn save_cwnd(&mut self) {
        let shrunk = self.repair.recovery.active() || self.state == State::ProbeRtt;
        self.repair.prior_cwnd = if shrunk {
            self.repair.prior_cwnd.max(self.cwnd)
        } else {
            self.cwnd
        };
    }

    /// BBRRestoreCwnd.
    pub(super) fn restore_cwnd(&mut self) {
        self.cwnd = self.cwnd.max(self.repair.prior_cwnd);
    }

    /// Enters, prolongs or leaves recovery.
    pub(super) fn follow_losses(&mut self, feedback: &Feedback<'_>) {
        for packet in feedback.lost() {
            if !self.repair.recovery.is_new(packet.sent.at) {
                continue;
            }
            if !self.repair.recovery.active() {
                self.save_cwnd();
                self.cwnd = feedback.in_flight + feedback.acked_bytes().max(self.mss);
                self.repair.conserving = true;
                self.intake.start_round();
            }
            self.repair.recovery.enter(feedback.now);
        }
        if self.repair.recovery.on_feedback(feedback) {
            self.leave_recovery();
        }
    }

    pub(super) fn leave_recovery(&mut self) {
        self.repair.conserving = false;
        self.repair.recovery.cancel();
        self.restore_cwnd();
    }

    pub(super) fn on_timeout(&mut self, now: Time) {
        self.save_cwnd();
        self.repair.recovery.enter(now);
        self.repair.conserving = false;
        self.cwnd = self.mss;
    }

    /// BBRModulateCwndForRecovery.
    pub(super) fn modulate_cwnd(&mut self, in_flight: Bytes, acked: Bytes, lost: Bytes) {
        if lost > Bytes::ZERO {
            self.cwnd = (self.cwnd - lost).max(self.mss);
        }
        if self.repair.conserving {
            self.cwnd = self.cwnd.max(in_flight + acked);
        }
    }
}
