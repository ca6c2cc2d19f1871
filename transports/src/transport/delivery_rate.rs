//! The rate at which the path has delivered, measured per report.
//!
//! Implements: draft-ietf-ccwg-bbr, section 4.1 (working copy of 2026-08):
//! the sample is taken over the newest packet of the report: bytes delivered
//! since that packet was sent, over the longer of the time in which they were
//! sent and that in which they were acknowledged.
//! Differs: a sample shorter than the minimum round trip is kept and marked by
//! its interval; who uses it decides.

use weaknet_core::{Bitrate, Bytes, Span};

use crate::cc::{Feedback, PacketResult};

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSample {
    /// Bytes delivered over the interval.
    pub delivered: Bytes,
    /// Bytes delivered before the newest packet was sent.
    pub prior_delivered: Bytes,
    /// Bytes reported lost over the interval.
    pub lost: Bytes,
    /// The longer of sending and acknowledging.
    pub interval: Span,
    /// Whether the newest packet was sent while the application limited the
    /// flow.
    pub app_limited: bool,
    /// Bytes in flight just after the newest packet was sent.
    pub sent_in_flight: Bytes,
}

impl RateSample {
    /// The rate of the sample; `None` over no time at all.
    #[must_use]
    pub fn rate(&self) -> Option<Bitrate> {
        (self.interval > Span::ZERO).then(|| self.delivered.per(self.interval))
    }
}

/// Makes samples out of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeliveryRate {
    delivered: Bytes,
    lost: Bytes,
}

impl DeliveryRate {
    /// Takes a report in; a sample, if it tells of a packet received.
    pub fn on_feedback(&mut self, feedback: &Feedback<'_>) -> Option<RateSample> {
        self.delivered += feedback.acked_bytes();
        self.lost += feedback.lost_bytes();
        let newest: &PacketResult = feedback
            .received()
            .max_by_key(|packet| (packet.delivery.delivered, packet.sent.number))?;
        let sending = newest.sent.at.since(newest.delivery.first_sent_at);
        let acking = feedback.now.since(newest.delivery.delivered_at);
        Some(RateSample {
            delivered: self.delivered - newest.delivery.delivered,
            prior_delivered: newest.delivery.delivered,
            lost: self.lost - newest.delivery.lost,
            interval: sending.max(acking),
            app_limited: newest.sent.app_limited,
            sent_in_flight: newest.sent.in_flight,
        })
    }

    /// Bytes delivered so far.
    #[must_use]
    pub const fn delivered(&self) -> Bytes {
        self.delivered
    }

    /// Bytes reported lost so far.
    #[must_use]
    pub const fn lost(&self) -> Bytes {
        self.lost
    }
}
