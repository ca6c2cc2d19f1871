//! One reaction per window of data.
//!
//! Implements: RFC 9002 section 7.3.2 and RFC 6582: a loss or mark asks for a
//! reaction only if its packet was sent after the last reaction; recovery ends
//! when such a packet is acknowledged.

use weaknet_core::Time;

use super::Feedback;

/// Tells new congestion from the rest of what was already answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Recovery {
    since: Option<Time>,
    active: bool,
}

impl Recovery {
    /// Whether trouble of a packet sent at `sent` has not been answered yet.
    pub(super) fn is_new(&self, sent: Time) -> bool {
        self.since.is_none_or(|since| sent > since)
    }

    /// Congestion has been answered at `now`.
    pub(super) const fn enter(&mut self, now: Time) {
        self.since = Some(now);
        self.active = true;
    }

    /// Takes a report in. Whether recovery has ended with it.
    pub(super) fn on_feedback(&mut self, feedback: &Feedback<'_>) -> bool {
        let ended = self.active && feedback.received().any(|p| self.is_new(p.sent.at));
        self.active &= !ended;
        ended
    }

    /// Whether packets of before the last reaction are still outstanding.
    pub(super) const fn active(&self) -> bool {
        self.active
    }

    /// Whether congestion was answered at this very instant.
    pub(super) fn entered_at(&self, now: Time) -> bool {
        self.since == Some(now)
    }

    /// Forgets the last reaction: it was for nothing, or another began.
    pub(super) const fn cancel(&mut self) {
        self.since = None;
        self.active = false;
    }
}
