//! Send history: turns reports about packet numbers into reports about
//! packets.
//!
//! Implements: for reports that name each packet ([`SendHistory::on_report`])
//! the bookkeeping of libwebrtc's transport feedback adapter (2026-07): a packet
//! leaves the flight once a report covers its number or a higher one. For
//! acknowledgements of ranges ([`SendHistory::on_acked`],
//! [`SendHistory::on_lost`]) that of RFC 9002, appendix A: a packet leaves the
//! flight when it is acknowledged or declared lost. Either way one reported lost
//! may be reported received later, once; nothing is told twice. Delivery
//! snapshots follow draft-ietf-ccwg-bbr, section 4.1.1.2.
//!
//! Differs: numbers come unwrapped; packets older than [`SendHistory::KEEP`]
//! are forgotten in order of sending; times are exact (libwebrtc cuts those of
//! sending and, in transport-wide feedback, of arrival down to milliseconds).
//! A packet that is reported lost again is not told again (libwebrtc tells it
//! with every report that covers it).

use std::collections::VecDeque;
use std::ops::Range;

use weaknet_core::packet::{Arrival, Ecn};
use weaknet_core::{Bytes, Span, Time};

use crate::cc::{DeliverySnapshot, PacketResult, SentPacket};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Unknown,
    Lost,
    Received,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    sent: SentPacket,
    delivery: DeliverySnapshot,
    fate: Fate,
    /// The codepoint that it was sent with.
    ecn: Ecn,
}

/// What a report told that was not known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported {
    /// Bytes in flight before the report.
    pub prior_in_flight: Bytes,
    /// Round-trip time of the newest packet reported received, without the
    /// time that the receiver held the report back.
    pub rtt: Option<Span>,
}

/// The packets of a flow that are or were in flight.
#[derive(Debug, Clone)]
pub struct SendHistory {
    entries: VecDeque<Entry>,
    /// Number of the first entry.
    base: u64,
    /// Number after the highest one that a report has covered.
    covered: u64,
    /// No lower number has an unknown fate.
    open: u64,
    in_flight: Bytes,
    delivered: DeliverySnapshot,
    /// The application limits the flow until more than so many bytes are
    /// delivered.
    app_limited_until: Option<Bytes>,
}

impl SendHistory {
    /// How long a packet is remembered.
    pub const KEEP: Span = Span::from_secs(60);

    /// An empty history.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(0)
    }

    /// An empty history whose first packet will have that number.
    #[must_use]
    pub fn starting_at(number: u64) -> Self {
        Self {
            entries: VecDeque::with_capacity(1024),
            base: number,
            covered: number,
            open: number,
            in_flight: Bytes::ZERO,
            delivered: DeliverySnapshot::default(),
            app_limited_until: None,
        }
    }

    /// The number that the next packet will have.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    /// Bytes sent and neither covered by a report nor acknowledged nor lost.
    #[must_use]
    pub const fn in_flight(&self) -> Bytes {
        self.in_flight
    }

    /// The application has nothing more to send though more might be in
    /// flight: what is sent until more than the present flight is delivered
    /// counts as limited by it (draft-ietf-ccwg-bbr, section 4.1.2.4), so that
    /// the first flight after a pause does.
    pub fn set_app_limited(&mut self) {
        self.app_limited_until = Some(self.delivered.delivered + self.in_flight);
    }

    /// Records a packet that is being sent; its number must be
    /// [`SendHistory::next_number`]. Returns it with `in_flight` and
    /// `app_limited` filled in.
    pub fn on_sent(&mut self, mut packet: SentPacket) -> SentPacket {
        debug_assert_eq!(packet.number, self.next_number(), "numbers have no holes");
        while let Some(first) = self.entries.front() {
            if packet.at.since(first.sent.at) <= Self::KEEP {
                break;
            }
            if self.base >= self.covered {
                if first.fate == Fate::Unknown {
                    self.in_flight = self.in_flight - first.sent.size;
                }
                self.covered = self.base + 1;
            }
            self.entries.pop_front();
            self.base += 1;
        }
        if self.open < self.base {
            self.find_open();
        }
        if self.in_flight == Bytes::ZERO {
            self.delivered.delivered_at = packet.at;
            self.delivered.first_sent_at = packet.at;
        }
        self.in_flight += packet.size;
        packet.in_flight = self.in_flight;
        packet.app_limited = self
            .app_limited_until
            .is_some_and(|until| self.delivered.delivered <= until);
        self.entries.push_back(Entry {
            sent: packet,
            delivery: self.delivered,
            fate: Fate::Unknown,
            ecn: Ecn::NotEct,
        });
        packet
    }

    /// The packet sent last has this codepoint.
    pub(crate) fn set_codepoint(&mut self, ecn: Ecn) {
        if let Some(last) = self.entries.back_mut() {
            last.ecn = ecn;
        }
    }

    /// The codepoint that packet `number` was sent with, if it is still known.
    pub(crate) fn codepoint(&self, number: u64) -> Ecn {
        let index = self.index(number);
        index.map_or(Ecn::NotEct, |index| self.entries[index].ecn)
    }

    /// Takes a report in. What is new goes to `results`, ascending by number;
    /// unknown, forgotten and repeated numbers are passed over.
    pub fn on_report(
        &mut self,
        now: Time,
        made: Time,
        arrivals: &[Arrival],
        results: &mut Vec<PacketResult>,
    ) -> Reported {
        results.clear();
        let prior_in_flight = self.in_flight;
        let mut rtt = None;
        for arrival in arrivals {
            let Some(index) = self.index(arrival.seq) else {
                continue;
            };
            self.cover(arrival.seq);
            let told = self.tell(now, index, arrival.at, arrival.ecn);
            if let (Some(told), Some(at)) = (told, arrival.at) {
                rtt = Some(now.since(told.sent.at) - made.since(at));
            }
            results.extend(told);
        }
        self.find_open();
        Reported {
            prior_in_flight,
            rtt,
        }
    }

    /// An acknowledgement that arrives now names packet `number`, which arrived
    /// at `received`. What is new is returned and leaves the flight.
    pub fn on_acked(
        &mut self,
        now: Time,
        number: u64,
        received: Time,
        ecn: Ecn,
    ) -> Option<PacketResult> {
        self.settle(now, number, Some(received), ecn)
    }

    /// Packet `number` is declared lost. It leaves the flight and is returned
    /// unless its fate was known.
    pub fn on_lost(&mut self, now: Time, number: u64) -> Option<PacketResult> {
        self.settle(now, number, None, Ecn::NotEct)
    }

    /// Acknowledged or declared lost.
    fn settle(
        &mut self,
        now: Time,
        number: u64,
        received: Option<Time>,
        ecn: Ecn,
    ) -> Option<PacketResult> {
        let told = self.tell(now, self.index(number)?, received, ecn)?;
        if number >= self.covered && !told.recovered {
            self.in_flight = self.in_flight - told.sent.size;
        }
        self.find_open();
        Some(told)
    }

    fn find_open(&mut self) {
        self.open = self.open.max(self.base);
        while self
            .index(self.open)
            .is_some_and(|index| self.entries[index].fate != Fate::Unknown)
        {
            self.open += 1;
        }
    }

    /// The first packet below number `end` whose fate is not known.
    #[must_use]
    pub fn oldest_outstanding(&self, end: u64) -> Option<SentPacket> {
        let index = self.index(self.open).filter(|_| self.open < end)?;
        Some(self.entries[index].sent)
    }

    /// Whether all packets with these numbers are known and were lost.
    #[must_use]
    pub fn all_lost(&self, mut numbers: Range<u64>) -> bool {
        numbers.all(|number| {
            let entry = self.index(number).map(|index| &self.entries[index]);
            entry.is_some_and(|entry| entry.fate == Fate::Lost)
        })
    }

    /// Forgets what needs no further thought: from the oldest on packets that
    /// were received, and those lost that were sent before `before`.
    pub fn forget(&mut self, before: Time) {
        while let Some(first) = self.entries.front() {
            let done = match first.fate {
                Fate::Received => true,
                Fate::Lost => first.sent.at < before,
                Fate::Unknown => false,
            };
            if !done {
                break;
            }
            self.entries.pop_front();
            self.base += 1;
        }
    }

    /// Everything sent before `at` has left the path, and nothing more will be
    /// heard of it. Only for flows whose packets nobody reports on.
    pub(crate) fn leave_path(&mut self, at: Time) {
        while let Some(first) = self.entries.front().filter(|first| first.sent.at < at) {
            self.in_flight = self.in_flight - first.sent.size;
            self.entries.pop_front();
            self.base += 1;
        }
        self.covered = self.covered.max(self.base);
        self.open = self.open.max(self.base);
    }

    /// The lowest number that is still known.
    #[must_use]
    pub const fn oldest(&self) -> u64 {
        self.base
    }

    fn index(&self, number: u64) -> Option<usize> {
        let index = usize::try_from(number.checked_sub(self.base)?).ok()?;
        (index < self.entries.len()).then_some(index)
    }

    /// Notes the fate of a packet; the packet, if that is news.
    fn tell(
        &mut self,
        now: Time,
        index: usize,
        received: Option<Time>,
        ecn: Ecn,
    ) -> Option<PacketResult> {
        let entry = &mut self.entries[index];
        let before = entry.fate;
        let fate = if received.is_some() {
            Fate::Received
        } else {
            Fate::Lost
        };
        if before == Fate::Received || before == fate {
            return None;
        }
        entry.fate = fate;
        if received.is_some() {
            self.delivered.delivered += entry.sent.size;
            self.delivered.delivered_at = now;
            self.delivered.first_sent_at = self.delivered.first_sent_at.max(entry.sent.at);
        } else {
            self.delivered.lost += entry.sent.size;
        }
        Some(PacketResult {
            sent: entry.sent,
            received,
            ecn,
            recovered: before == Fate::Lost,
            delivery: entry.delivery,
        })
    }

    fn cover(&mut self, number: u64) {
        while self.covered <= number {
            let entry = self.index(self.covered).map(|index| &self.entries[index]);
            if let Some(entry) = entry.filter(|entry| entry.fate == Fate::Unknown) {
                self.in_flight = self.in_flight - entry.sent.size;
            }
            self.covered += 1;
        }
    }
}

impl Default for SendHistory {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::SentKind;
    use proptest::prelude::*;

    fn sent(number: u64, at_ms: u64) -> SentPacket {
        SentPacket {
            number,
            at: Time::from_millis(at_ms),
            size: Bytes::new(1000),
            kind: SentKind::Video,
            probe: None,
            in_flight: Bytes::ZERO,
            app_limited: false,
        }
    }

    fn status(seq: u64, at_ms: Option<u64>) -> Arrival {
        Arrival {
            seq,
            at: at_ms.map(Time::from_millis),
            ecn: Ecn::NotEct,
        }
    }

    #[test]
    fn lost_then_received_is_told_once_each() {
        let mut history = SendHistory::new();
        for n in 0..4 {
            assert_eq!(
                history.on_sent(sent(n, n * 10)).in_flight.get(),
                (n + 1) * 1000
            );
        }
        let mut results = Vec::new();
        let report = [status(0, Some(25)), status(1, None), status(2, Some(45))];
        let told = history.on_report(
            Time::from_millis(80),
            Time::from_millis(50),
            &report,
            &mut results,
        );
        assert_eq!(told.prior_in_flight.get(), 4000);
        // Packet 2: 80 - 20 at the sender, of which 50 - 45 held back.
        assert_eq!(told.rtt, Some(Span::from_millis(55)));
        assert_eq!(history.in_flight().get(), 1000);
        assert_eq!(
            results
                .iter()
                .map(|r| (r.sent.number, r.received.is_some()))
                .collect::<Vec<_>>(),
            [(0, true), (1, false), (2, true)]
        );
        // The same report again, then the late one.
        history.on_report(
            Time::from_millis(90),
            Time::from_millis(60),
            &report,
            &mut results,
        );
        assert!(results.is_empty());
        history.on_report(
            Time::from_millis(90),
            Time::from_millis(60),
            &[status(1, Some(58))],
            &mut results,
        );
        assert!(results[0].recovered && results.len() == 1);
        history.on_report(
            Time::from_millis(95),
            Time::from_millis(60),
            &[status(1, None)],
            &mut results,
        );
        assert!(results.is_empty());
    }

    #[test]
    fn the_limit_of_the_application_ends_with_its_flight() {
        let mut history = SendHistory::new();
        history.on_sent(sent(0, 0));
        history.set_app_limited();
        assert!(history.on_sent(sent(1, 1)).app_limited);
        let mut results = Vec::new();
        let report = [status(0, Some(25)), status(1, None)];
        let at = Time::from_millis(30);
        history.on_report(at, at, &report, &mut results);
        assert!(history.on_sent(sent(2, 31)).app_limited);
        assert_eq!(results[1].delivery.lost, Bytes::ZERO);
        let report = [status(2, Some(50))];
        history.on_report(at, at, &report, &mut results);
        assert_eq!(results[0].delivery.lost, Bytes::new(1000));
        assert!(!history.on_sent(sent(3, 51)).app_limited);
    }

    #[test]
    fn the_first_flight_after_a_pause_is_limited_by_the_application() {
        let mut history = SendHistory::new();
        assert!(!history.on_sent(sent(0, 0)).app_limited);
        let (at, mut results) = (Time::from_millis(30), Vec::new());
        history.on_report(at, at, &[status(0, Some(25))], &mut results);
        history.set_app_limited();
        assert!(history.on_sent(sent(1, 100)).app_limited);
        assert!(history.on_sent(sent(2, 101)).app_limited);
        let at = Time::from_millis(130);
        history.on_report(at, at, &[status(1, Some(125))], &mut results);
        assert!(!history.on_sent(sent(3, 131)).app_limited);
    }

    #[test]
    fn forgets_after_a_minute() {
        let mut history = SendHistory::new();
        history.on_sent(sent(0, 0));
        history.on_sent(sent(1, 61_000));
        assert_eq!(history.in_flight().get(), 1000);
        let mut results = Vec::new();
        history.on_report(
            Time::from_secs(62),
            Time::from_secs(62),
            &[status(0, Some(10))],
            &mut results,
        );
        assert!(results.is_empty());
    }

    proptest! {
        #[test]
        fn any_reports_conserve_the_flight(
            reports in proptest::collection::vec(proptest::collection::vec((0u64..60, proptest::option::of(0u64..500)), 0..20), 0..30)
        ) {
            let mut history = SendHistory::new();
            for n in 0..50 {
                history.on_sent(sent(n, n));
            }
            let (mut results, mut received) = (Vec::new(), std::collections::BTreeSet::new());
            let mut highest = None;
            for report in reports {
                let statuses: Vec<Arrival> = report.iter().map(|(seq, at)| status(*seq, *at)).collect();
                history.on_report(Time::from_millis(600), Time::from_millis(500), &statuses, &mut results);
                highest = highest.max(report.iter().map(|r| r.0).filter(|n| *n < 50).max());
                for r in results.iter().filter(|r| r.received.is_some()) {
                    prop_assert!(received.insert(r.sent.number), "told twice");
                }
                let open = 50 - highest.map_or(0, |h| h + 1);
                prop_assert_eq!(history.in_flight().get(), open * 1000);
            }
        }
    }
}
