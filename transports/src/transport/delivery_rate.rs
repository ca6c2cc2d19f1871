//! The rate at which the path has delivered, measured per report.
//!
//! Implements: draft-ietf-ccwg-bbr, section 4.1 (working copy of 2026-08):
//! the sample is taken over the newest packet of the report: bytes delivered
//! since that packet was sent, over the longer of the time in which they were
//! sent and that in which they were acknowledged.
//! Differs: a sample shorter than the minimum round trip is kept; who asks for
//! its rate says how long it must be.

use weaknet_core::{Bitrate, Bytes, Span, Time};

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
        self.rate_over(Span::ZERO)
    }

    /// The rate of the sample; `None` over less than `least`, the shortest
    /// round trip: such a sample is not reliable (section 4.1.2.3).
    #[must_use]
    pub fn rate_over(&self, least: Span) -> Option<Bitrate> {
        (self.interval > Span::ZERO && self.interval >= least)
            .then(|| self.delivered.per(self.interval))
    }
}

/// Makes samples out of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeliveryRate {
    delivered: Bytes,
    lost: Bytes,
    held_back: Option<HeldBack>,
}

/// A stretch of packets that the controller itself has held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct HeldBack {
    since: Time,
    until_delivered: Bytes,
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
            app_limited: self.is_limited(newest),
            sent_in_flight: newest.sent.in_flight,
        })
    }

    /// Lets what is sent from now on, until more than the present flight is
    /// delivered, count as limited by the application: the controller holds
    /// the flow back on purpose (section 5.3.4.3).
    pub fn hold_back(&mut self, now: Time, in_flight: Bytes) {
        let since = match self.held_back {
            Some(held) if self.delivered <= held.until_delivered => held.since,
            _ => now,
        };
        self.held_back = Some(HeldBack {
            since,
            until_delivered: self.delivered + in_flight,
        });
    }

    /// Whether the rate of a packet says less of the path than of its sender.
    #[must_use]
    pub fn is_limited(&self, packet: &PacketResult) -> bool {
        packet.sent.app_limited
            || self.held_back.is_some_and(|held| {
                packet.sent.at >= held.since && packet.delivery.delivered <= held.until_delivered
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::{FeedbackKind, SentKind, SentPacket};
    use crate::transport::SendHistory;
    use weaknet_core::packet::{Arrival, Ecn};

    const SIZE: Bytes = Bytes::new(1_500);

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    fn send(history: &mut SendHistory, ms: u64) {
        history.on_sent(SentPacket {
            number: history.next_number(),
            at: at(ms),
            size: SIZE,
            kind: SentKind::Data,
            probe: None,
            in_flight: Bytes::ZERO,
            app_limited: false,
        });
    }

    fn acknowledge(
        history: &mut SendHistory,
        rate: &mut DeliveryRate,
        ms: u64,
        numbers: std::ops::Range<u64>,
    ) -> Option<RateSample> {
        let arrivals: Vec<Arrival> = numbers
            .map(|seq| Arrival {
                seq,
                at: Some(at(ms)),
                ecn: Ecn::NotEct,
            })
            .collect();
        let mut packets = Vec::new();
        let told = history.on_report(at(ms), at(ms), &arrivals, &mut packets);
        rate.on_feedback(&Feedback {
            now: at(ms),
            made: None,
            packets: &packets,
            in_flight: history.in_flight(),
            prior_in_flight: told.prior_in_flight,
            kind: FeedbackKind::AckRanges,
        })
    }

    #[test]
    fn a_flight_after_silence_is_measured_from_its_first_packet() {
        let (mut history, mut rate) = (SendHistory::new(), DeliveryRate::default());
        for ms in 0..10 {
            send(&mut history, ms);
        }
        let sample = acknowledge(&mut history, &mut rate, 50, 0..10).unwrap();
        assert_eq!(sample.interval, Span::from_millis(50));
        assert_eq!(sample.delivered, Bytes::new(15_000));
        assert_eq!(sample.rate(), Some(Bitrate::from_kbps(2_400)));
        assert_eq!(sample.rate_over(Span::from_millis(51)), None);
    }

    #[test]
    fn acknowledgements_squeezed_together_do_not_raise_the_rate() {
        let (mut history, mut rate) = (SendHistory::new(), DeliveryRate::default());
        for ms in 0..10 {
            send(&mut history, 10 * ms);
        }
        acknowledge(&mut history, &mut rate, 100, 0..1);
        for ms in 10..20 {
            send(&mut history, 10 * ms);
        }
        acknowledge(&mut history, &mut rate, 200, 1..10);
        // Ten packets, sent over 100 ms, acknowledged within 1 ms.
        let sample = acknowledge(&mut history, &mut rate, 201, 10..20).unwrap();
        assert_eq!(sample.interval, Span::from_millis(190));
        assert_eq!(sample.delivered, Bytes::new(19 * 1_500));
    }

    #[test]
    fn a_flight_held_back_is_limited_until_it_is_gone() {
        let (mut history, mut rate) = (SendHistory::new(), DeliveryRate::default());
        send(&mut history, 0);
        rate.hold_back(at(5), history.in_flight());
        send(&mut history, 6);
        let mut limited = |history: &mut SendHistory, ms, n| {
            let sample = acknowledge(history, &mut rate, ms, n..n + 1);
            sample.unwrap().app_limited
        };
        assert!(!limited(&mut history, 40, 0), "sent before");
        send(&mut history, 41);
        assert!(limited(&mut history, 46, 1));
        send(&mut history, 47);
        assert!(limited(&mut history, 81, 2), "the flight was not over");
        assert!(!limited(&mut history, 87, 3));
    }
}
