//! What to return to when a loss turns out to be none.
//!
//! Implements: draft-ietf-ccwg-bbr, sections 5.5.11 and 5.6.4.4 (working copy
//! of 2026-08).

use weaknet_core::{Bitrate, Bytes};

use super::congestion::ShortTerm;
use super::engine::Engine;
use super::state::State;

/// The model and the window before the last loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Undo {
    /// The probing state that the loss ended.
    state: Option<State>,
    short_term: ShortTerm,
    long_term: Bytes,
    /// The last window that neither recovery nor ProbeRTT had shrunk.
    cwnd: Bytes,
}

impl Default for Undo {
    fn default() -> Self {
        Self {
            state: None,
            short_term: ShortTerm {
                bandwidth: Bitrate::ZERO,
                in_flight: Bytes::ZERO,
            },
            long_term: Bytes::ZERO,
            cwnd: Bytes::ZERO,
        }
    }
}

impl Undo {
    /// A loss has ended a probing state.
    pub(super) const fn left(&mut self, state: State) {
        self.state = Some(state);
    }
}

impl Engine {
    /// SaveCwnd.
    pub(super) fn save_cwnd(&mut self) {
        let shrunk = self.recovery.active() || self.state == State::ProbeRtt;
        self.undo.cwnd = if shrunk {
            self.undo.cwnd.max(self.cwnd)
        } else {
            self.cwnd
        };
    }

    /// RestoreCwnd.
    pub(super) fn restore_cwnd(&mut self) {
        self.cwnd = self.cwnd.max(self.undo.cwnd);
    }

    /// SaveStateUponLoss.
    pub(super) fn save_state(&mut self) {
        self.save_cwnd();
        self.undo.state = None;
        self.undo.short_term = self.congestion.bounds();
        self.undo.long_term = self.long_term.limit;
    }

    /// HandleSpuriousLossDetection.
    pub(super) fn on_spurious_loss(&mut self) {
        self.restore_cwnd();
        self.recovery.cancel();
        self.full_pipe.restart(Bitrate::ZERO);
        self.congestion.undo(self.undo.short_term);
        self.long_term.limit = self.long_term.limit.max(self.undo.long_term);
        match self.undo.state.take() {
            Some(State::Startup) if self.state != State::Startup => {
                self.full_pipe.unset_reached();
                if self.state != State::ProbeRtt {
                    self.state = State::Startup;
                }
            }
            Some(State::ProbeUp) if !matches!(self.state, State::ProbeUp | State::ProbeRtt) => {
                self.start_probe_refill();
            }
            _ => {}
        }
    }
}
