//! Packets and a small closed loop for tests.

use std::collections::VecDeque;

use weaknet_core::packet::Ecn;
use weaknet_core::rng::Draws;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use crate::cc::{
    CcEvent, CongestionController, Constraints, DeliverySnapshot, Feedback, FeedbackKind,
    PacketResult, ProbeCluster, SentKind, SentPacket,
};

use super::Gcc;
use super::controller::Controller;

/// A packet as it is sent.
pub(super) fn sent(number: u64, at: Time, size: u64) -> SentPacket {
    SentPacket {
        number,
        at,
        size: Bytes::new(size),
        kind: SentKind::Video,
        probe: None,
        in_flight: Bytes::new(size),
        app_limited: false,
    }
}

/// What became of it.
pub(super) fn result(sent: SentPacket, received: Option<Time>) -> PacketResult {
    let delivery = DeliverySnapshot::default();
    PacketResult {
        sent,
        received,
        ecn: Ecn::NotEct,
        recovered: false,
        delivery,
    }
}

/// A packet reported lost.
pub(super) fn lost(number: u64, sent_ms: u64, size: u64) -> PacketResult {
    result(sent(number, Time::from_millis(sent_ms), size), None)
}

/// A packet that arrived.
pub(super) fn received(number: u64, sent_ms: u64, received_ms: u64, size: u64) -> PacketResult {
    let received = Some(Time::from_millis(received_ms));
    result(sent(number, Time::from_millis(sent_ms), size), received)
}

/// A report of `packets`.
pub(super) fn report(now: Time, packets: &[PacketResult], in_flight: u64) -> Feedback<'_> {
    Feedback {
        now,
        made: None,
        packets,
        in_flight: Bytes::new(in_flight),
        prior_in_flight: Bytes::new(in_flight),
        kind: FeedbackKind::PerPacket,
    }
}

/// 50 kbps, 300 kbps, 5 Mbps.
pub(super) fn constraints() -> Constraints {
    Constraints {
        min: Bitrate::from_kbps(50),
        start: Bitrate::from_kbps(300),
        max: Bitrate::from_mbps(5),
    }
}

/// A call over one bottleneck: media and probes in, reports every 50 ms back.
/// Steps of 1 ms.
pub(super) struct Call {
    pub(super) controller: Box<dyn CongestionController>,
    /// Capacity of the link.
    pub(super) link: Bitrate,
    /// Most that the application sends.
    pub(super) source: Bitrate,
    /// Share of packets lost at random, in 256ths.
    pub(super) loss: u64,
    /// Whether reports come back.
    pub(super) reporting: bool,
    /// Whether packets are sent.
    pub(super) sending: bool,
    /// What the receiver's clock shows at the sender's time 0.
    pub(super) clock: Time,
    /// Distance between packet numbers.
    pub(super) stride: u64,
    /// The sender's clock at the beginning.
    epoch: Time,
    step: u64,
    number: u64,
    credit_bits: u64,
    link_free: Time,
    /// Packets on their way, with their arrival by the sender's clock.
    flying: VecDeque<(SentPacket, Option<Time>)>,
    probe: Option<(ProbeCluster, u32, u64)>,
    results: Vec<PacketResult>,
    /// Target after each step, in bit/s.
    pub(super) targets: Vec<u64>,
}

const SIZE: u64 = 1_000;
const ONE_WAY: Span = Span::from_millis(25);
const LONGEST_QUEUE: Span = Span::from_millis(300);

impl Call {
    pub(super) fn new(config: &Gcc, link: Bitrate) -> Self {
        Self::starting_at(config, link, Time::ZERO, constraints())
    }

    pub(super) fn starting_at(
        config: &Gcc,
        link: Bitrate,
        epoch: Time,
        constraints: Constraints,
    ) -> Self {
        let mut controller: Box<dyn CongestionController> = Box::new(Controller::new(config));
        controller.on_event(
            epoch,
            &CcEvent::Allocated {
                min: Bitrate::ZERO,
                max: constraints.max,
            },
        );
        controller.on_event(epoch, &CcEvent::Start(constraints));
        Self {
            controller,
            link,
            source: constraints.max,
            loss: 0,
            reporting: true,
            sending: true,
            clock: epoch,
            stride: 1,
            epoch,
            step: 0,
            number: 0,
            credit_bits: 0,
            link_free: Time::ZERO,
            flying: VecDeque::new(),
            probe: None,
            results: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// Runs for `seconds`; the targets of that time.
    pub(super) fn run(&mut self, seconds: u64) -> &[u64] {
        let from = self.targets.len();
        for _ in 0..seconds * 1_000 {
            self.millisecond();
        }
        &self.targets[from..]
    }

    /// Now by the sender's clock.
    pub(super) fn now(&self) -> Time {
        self.epoch + Span::from_millis(self.step)
    }

    fn millisecond(&mut self) {
        let now = self.now();
        self.send(now);
        if self.step % 50 == 49 {
            self.report(now);
        }
        if self.controller.next_timer().is_some_and(|due| due <= now) {
            self.controller.on_timer(now);
        }
        self.probe = self
            .probe
            .or_else(|| Some((self.controller.poll_probe()?, 0, 0)));
        self.targets
            .push(self.controller.output().target.map_or(0, Bitrate::as_bps));
        self.step += 1;
    }

    fn send(&mut self, now: Time) {
        if !self.sending {
            return;
        }
        let target = self
            .controller
            .output()
            .target
            .unwrap_or(Bitrate::ZERO)
            .min(self.source);
        let rate = self.probe.map_or(target, |(cluster, ..)| cluster.rate);
        self.credit_bits += rate.as_bps() / 1_000;
        while self.credit_bits >= SIZE * 8 {
            self.credit_bits -= SIZE * 8;
            let mut packet = sent(self.number * self.stride, now, SIZE);
            self.number += 1;
            if let Some((cluster, packets, bytes)) = &mut self.probe {
                packet.probe = Some(*cluster);
                *packets += 1;
                *bytes += SIZE;
                if *packets >= cluster.min_packets && *bytes >= cluster.min_bytes.get() {
                    self.probe = None;
                    self.credit_bits = 0;
                }
            }
            packet.in_flight = Bytes::new((self.flying.len() as u64 + 1) * SIZE);
            let arrival = self.cross(now);
            self.flying.push_back((packet, arrival));
            self.controller.on_sent(&packet);
        }
    }

    /// When a packet that leaves now arrives.
    fn cross(&mut self, now: Time) -> Option<Time> {
        let begin = self.link_free.max(now);
        let lost = Draws::from_key(7).bits(self.number) % 256 < self.loss;
        if lost || begin - now > LONGEST_QUEUE {
            return None;
        }
        self.link_free = begin + self.link.time_for(Bytes::new(SIZE));
        Some(self.link_free + ONE_WAY)
    }

    fn report(&mut self, now: Time) {
        let is_seen = |(_, arrival): &(SentPacket, Option<Time>)| {
            arrival.is_some_and(|at| at + ONE_WAY <= now)
        };
        let Some(last) = self
            .flying
            .iter()
            .rposition(is_seen)
            .filter(|_| self.reporting)
        else {
            return;
        };
        let (clock, epoch) = (self.clock, self.epoch);
        self.results.clear();
        self.results.extend(
            self.flying
                .drain(..=last)
                .map(|(packet, arrival)| result(packet, arrival.map(|at| clock + (at - epoch)))),
        );
        if self.step % 1_000 == 999 {
            let lost = self
                .results
                .iter()
                .filter(|packet| packet.received.is_none())
                .count() as u32;
            let received = self.results.len() as u32 - lost;
            let rtt = now - self.results[last].sent.at;
            self.controller.on_event(now, &CcEvent::Rtt(rtt));
            let interval = Span::from_secs(1);
            self.controller.on_event(
                now,
                &CcEvent::LossReport {
                    lost,
                    received,
                    interval,
                },
            );
        }
        let in_flight = self.flying.len() as u64 * SIZE;
        self.controller
            .on_feedback(&report(now, &self.results, in_flight));
    }
}
