//! What a sender knows of the packets that it has under way: the one place
//! where acknowledgements become what controllers are told.
//!
//! Implements: the sender's side of RFC 9002 for any flow whose packets are
//! numbered and acknowledged by ranges, be it a byte stream or media in
//! datagrams (RFC 9221): send history, round trips (section 5), losses (section
//! 6), persistent congestion (section 7.6) and counts of ECN codepoints (RFC
//! 9000 section 13.4). Reports that name each packet go to the same history.

use weaknet_core::packet::{Ack, Arrival, Ecn};
use weaknet_core::{Bytes, Span, Time};

use super::ack_ranges::AckedNumbers;
use super::ecn_counts::EcnCounts;
use super::history::SendHistory;
use super::loss::{Alarm, LossDetector, LossRules};
use super::rtt::RttEstimator;
use crate::cc::{CcEvent, CongestionController, Feedback, FeedbackKind, PacketResult, SentPacket};

/// Stands in for round trips before the first (RFC 9002, section 6.2.2).
const INITIAL_RTT: Span = Span::from_millis(333);

/// A packet declared lost is remembered for so many smoothed round trips.
const LATE: u64 = 3;

/// The packets of a flow, sent and not yet forgotten.
#[derive(Debug, Clone)]
pub(crate) struct Flight {
    rules: LossRules,
    /// How reports name packets: acknowledgements may carry arrival times.
    kind: FeedbackKind,
    pub(crate) history: SendHistory,
    pub(crate) rtt: RttEstimator,
    losses: LossDetector,
    acked: AckedNumbers,
    ecn: EcnCounts,
}

/// What an acknowledgement or an alarm has told, besides the packets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct News {
    prior_in_flight: Bytes,
    made: Option<Time>,
    /// Round-trip time of the highest number, when that is news, without the
    /// time that the other end says it held it back.
    pub(crate) rtt: Option<Span>,
    spurious: bool,
    persistent: bool,
    timeout: bool,
}

impl News {
    /// Whether it tells of more than packets.
    pub(crate) const fn is_event(&self) -> bool {
        self.spurious || self.persistent || self.timeout
    }
}

impl Flight {
    pub(crate) fn new(rules: LossRules, kind: FeedbackKind) -> Self {
        Self {
            rules,
            kind,
            history: SendHistory::new(),
            rtt: RttEstimator::new(INITIAL_RTT),
            losses: LossDetector::new(rules),
            acked: AckedNumbers::default(),
            ecn: EcnCounts::default(),
        }
    }

    /// A new connection begins. Packet numbers go on, and so do the counts of
    /// the other end.
    pub(crate) fn restart(&mut self) {
        self.history = SendHistory::starting_at(self.history.next_number());
        self.rtt = RttEstimator::new(INITIAL_RTT);
        self.losses = LossDetector::new(self.rules);
        self.ecn.restart();
    }

    /// The codepoint to send with when the controller asks for `wanted`.
    pub(crate) const fn codepoint(&self, wanted: Ecn) -> Ecn {
        self.ecn.codepoint(wanted)
    }

    /// A packet is sent now; it is returned with what the history fills in.
    pub(crate) fn on_sent(&mut self, packet: SentPacket, ecn: Ecn) -> SentPacket {
        self.losses.on_sent(packet.at, self.history.in_flight());
        let sent = self.history.on_sent(packet);
        self.history.set_codepoint(ecn);
        sent
    }

    /// When the next alarm is due, and which.
    pub(crate) fn next_alarm(&self) -> Option<(Time, Alarm)> {
        self.losses.next_alarm(&self.rtt, &self.history)
    }

    /// Takes an acknowledgement in. What it tells of packets replaces
    /// `results`: first those received, then those lost. `arrived` is called
    /// with each number that is received for the first time.
    pub(crate) fn on_ack(
        &mut self,
        now: Time,
        ack: &Ack,
        results: &mut Vec<PacketResult>,
        mut arrived: impl FnMut(u64),
    ) -> News {
        let prior_in_flight = self.history.in_flight();
        let delay = Span::from_micros(u64::from(ack.delay_us));
        let arrivals = ack.more.as_ref().map_or(&[][..], |more| &more.arrivals);
        let arrival_of = |number| arrivals.iter().rev().find(|arrival| arrival.seq == number);
        // When the other end made it, by its own clock or, for want of that, as
        // if it had come without any delay on the way.
        let largest_at = arrival_of(ack.largest).and_then(|arrival| arrival.at);
        let made = largest_at.unwrap_or(now) + delay;
        results.clear();
        let mut capable = 0;
        let (floor, end) = (self.history.oldest(), self.history.next_number());
        for number in self.acked.on_ack(ack, floor, end) {
            // What no arrival says has the codepoint that it was sent with, until
            // the counts say otherwise.
            let sent_with = self.history.codepoint(number);
            let (at, ecn) = match arrival_of(number) {
                Some(arrival) => (arrival.at.unwrap_or(made), arrival.ecn),
                None if self.kind == FeedbackKind::PerPacket => (made, sent_with),
                None => (now, sent_with),
            };
            if let Some(told) = self.history.on_acked(now, number, at, ecn) {
                capable += u64::from(sent_with != Ecn::NotEct);
                arrived(number);
                results.push(told);
            }
        }
        self.ecn.on_ack(ack, capable, results);
        let newest = results.last().filter(|p| p.sent.number == ack.largest);
        let held = delay.min(self.rules.max_ack_delay);
        let sample = newest.map(|packet| now.since(packet.sent.at));
        if let Some(sample) = sample {
            self.rtt.on_sample(now, sample, held);
        }
        let spurious = self.losses.on_acked(now, end, results);
        let acked = results.len();
        if acked > 0 {
            self.losses
                .detect(now, &self.rtt, &mut self.history, results);
        }
        let persistent = self
            .losses
            .is_persistent(&self.rtt, &self.history, &results[acked..]);
        if persistent {
            self.rtt.reset_min(now);
        }
        News {
            prior_in_flight,
            made: Some(made),
            rtt: sample.map(|sample| sample - held),
            spurious,
            persistent,
            timeout: false,
        }
    }

    /// Takes a report in that names each packet. What is new replaces `results`,
    /// ascending by number.
    pub(crate) fn on_report(
        &mut self,
        now: Time,
        made: Time,
        arrivals: &[Arrival],
        results: &mut Vec<PacketResult>,
    ) -> News {
        let told = self.history.on_report(now, made, arrivals, results);
        if let Some(rtt) = told.rtt {
            self.rtt.on_sample(now, rtt, Span::ZERO);
        }
        let received = results.iter().any(|packet| packet.received.is_some());
        if received {
            let next = self.history.next_number();
            self.losses.on_acked(now, next, results);
        }
        News {
            prior_in_flight: told.prior_in_flight,
            made: Some(made),
            rtt: told.rtt,
            ..News::default()
        }
    }

    /// A round trip was measured that no single packet is named with.
    pub(crate) fn on_round_trip(&mut self, now: Time, rtt: Span) {
        self.rtt.on_sample(now, rtt, Span::ZERO);
    }

    /// Forgets packets whose fate is known and old.
    pub(crate) fn forget(&mut self, now: Time) {
        let late = self.rtt.smoothed() * LATE;
        self.history.forget(now.saturating_sub(late));
    }

    /// An alarm has come. The packets that it declares lost replace `results`.
    pub(crate) fn on_alarm(
        &mut self,
        now: Time,
        alarm: Alarm,
        results: &mut Vec<PacketResult>,
    ) -> News {
        let prior_in_flight = self.history.in_flight();
        results.clear();
        self.losses
            .on_alarm(now, alarm, &self.rtt, &mut self.history, results);
        News {
            prior_in_flight,
            timeout: alarm == Alarm::Timeout,
            ..News::default()
        }
    }

    /// Tells the controller the news. Afterwards `results` ascend by number.
    pub(crate) fn tell(
        &self,
        now: Time,
        news: &News,
        results: &mut [PacketResult],
        controller: &mut dyn CongestionController,
    ) {
        for (happened, event) in [
            (news.timeout, CcEvent::RetransmissionTimeout),
            (news.spurious, CcEvent::SpuriousLoss),
            (news.persistent, CcEvent::PersistentCongestion),
        ] {
            if happened {
                controller.on_event(now, &event);
            }
        }
        if results.is_empty() {
            return;
        }
        results.sort_unstable_by_key(|packet| packet.sent.number);
        controller.on_feedback(&Feedback {
            now,
            made: news.made,
            packets: results,
            in_flight: self.history.in_flight(),
            prior_in_flight: news.prior_in_flight,
            kind: self.kind,
        });
    }
}
