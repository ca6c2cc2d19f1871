//! How a report is taken in: delivery rate, rounds, and whether the window was
//! the limit.
//!
//! Implements: draft-ietf-ccwg-bbr, sections 2.2 (C.is_cwnd_limited), 4.1.2 and
//! 5.5.1 (working copy of 2026-08), on top of the transport's estimators.
//! Differs: a report may tell of many packets; then all of them are one ACK.

use weaknet_core::{Bitrate, Bytes, Span, Time};

use crate::cc::{Feedback, PacketResult, SentPacket};
use crate::transport::{DeliveryRate, RateSample, RoundCounter};

/// A report that tells of at least one packet received.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::cc) struct Ack {
    /// When it arrived.
    pub(in crate::cc) now: Time,
    /// Bytes that it acknowledges.
    pub(in crate::cc) acked: Bytes,
    /// Bytes that it tells lost or marked.
    pub(in crate::cc) lost: Bytes,
    /// Bytes in flight after it.
    pub(in crate::cc) in_flight: Bytes,
    /// Bytes in flight before it.
    pub(in crate::cc) prior_in_flight: Bytes,
    /// Round trip of the newest packet.
    pub(in crate::cc) rtt: Option<Span>,
    /// Whether a round has ended with it.
    pub(in crate::cc) round_start: bool,
    /// The delivery rate sample.
    pub(in crate::cc) sample: RateSample,
    /// Its rate; zero when the sample is not reliable.
    pub(in crate::cc) rate: Bitrate,
}

/// Takes reports in.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::cc) struct Intake {
    delivery: DeliveryRate,
    rounds: RoundCounter,
    /// Whether the window was the limit in this round and in the last.
    window_full: bool,
    window_was_full: bool,
}

impl Intake {
    /// A packet was sent under a window.
    pub(in crate::cc) fn on_sent(&mut self, packet: &SentPacket, cwnd: Bytes) {
        self.window_full |= packet.in_flight + packet.size > cwnd;
    }

    /// Takes a report in; `least` is the shortest round trip known.
    pub(in crate::cc) fn on_feedback(
        &mut self,
        feedback: &Feedback<'_>,
        least: Option<Span>,
    ) -> Option<Ack> {
        let sample = self.delivery.on_feedback(feedback);
        let round_start = self.rounds.on_feedback(feedback);
        if round_start {
            self.window_was_full = std::mem::take(&mut self.window_full);
        }
        let mut sample = sample?;
        sample.lost += feedback.marked_bytes();
        Some(Ack {
            now: feedback.now,
            acked: feedback.acked_bytes(),
            lost: feedback.lost_bytes() + feedback.marked_bytes(),
            in_flight: feedback.in_flight,
            prior_in_flight: feedback.prior_in_flight,
            rtt: feedback.rtt(),
            round_start,
            rate: sample
                .rate_over(least.unwrap_or(Span::ZERO))
                .unwrap_or(Bitrate::ZERO),
            sample,
        })
    }

    /// Lets the round end with the packets that are sent from now on.
    pub(in crate::cc) const fn start_round(&mut self) {
        self.rounds.restart();
    }

    /// Lets what is sent now count as limited by the application.
    pub(in crate::cc) fn hold_back(&mut self, now: Time, in_flight: Bytes) {
        self.delivery.hold_back(now, in_flight);
    }

    /// Whether the application, or a hold, limited a packet.
    pub(in crate::cc) fn is_limited(&self, packet: &PacketResult) -> bool {
        self.delivery.is_limited(packet)
    }

    /// Whether the window was the limit within the last round.
    pub(in crate::cc) const fn is_window_limited(&self) -> bool {
        self.window_full || self.window_was_full
    }

    /// Rounds that have ended.
    pub(in crate::cc) const fn round(&self) -> u64 {
        self.rounds.count()
    }

    /// Bytes delivered so far.
    pub(in crate::cc) const fn delivered(&self) -> Bytes {
        self.delivery.delivered()
    }

    /// Bytes reported lost so far.
    pub(in crate::cc) const fn lost(&self) -> Bytes {
        self.delivery.lost()
    }
}
