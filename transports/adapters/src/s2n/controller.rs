//! A controller of s2n-quic behind weaknet's trait.

use std::collections::BTreeMap;
use std::time::Duration;

use num_rational::Ratio;
use s2n_quic_core::event::builder::{BbrState, SlowStartExitCause};
use s2n_quic_core::packet::number::PacketNumberSpace;
use s2n_quic_core::random::Generator;
use s2n_quic_core::recovery::bandwidth::{Bandwidth, RateSample};
use s2n_quic_core::recovery::congestion_controller::Publisher;
use s2n_quic_core::recovery::{CongestionController as S2nTrait, RttEstimator};
use s2n_quic_core::time::{Clock as _, NoopClock, Timestamp};
use weaknet_core::packet::Ecn;
use weaknet_core::rng::Sequence;
use weaknet_core::{Bitrate, BuildContext, Bytes, Span, Time};
use weaknet_transports::cc::{
    CcEvent, CcOutput, CongestionController, Feedback, SentPacket, Visitor,
};

/// The largest packet before the path is known (s2n-quic's
/// `MINIMUM_MAX_DATAGRAM_SIZE`).
const INITIAL_MTU: u16 = 1_200;

/// A controller of s2n-quic.
#[derive(Clone)]
pub(super) struct S2nController<C: S2nTrait> {
    make: fn(u16) -> C,
    running: C,
    mtu: u16,
    rtt: RttEstimator,
    /// Number of the newest packet that is known to have arrived.
    newest: Option<u64>,
    /// What s2n-quic wants to be told again of packets in flight.
    in_flight: BTreeMap<u64, Flying<C::PacketInfo>>,
    published: Published,
    draws: Draws,
    /// The next losses are those of persistent congestion.
    persistent: bool,
    ecn: bool,
}

/// A packet in flight.
#[derive(Clone, Copy)]
struct Flying<I> {
    info: I,
    at: Timestamp,
    size: u32,
}

impl<C: S2nTrait> S2nController<C> {
    pub(super) fn new(make: fn(u16) -> C, ecn: bool, cx: &BuildContext<'_>) -> Self {
        Self {
            make,
            running: make(INITIAL_MTU),
            mtu: INITIAL_MTU,
            rtt: RttEstimator::default(),
            newest: None,
            in_flight: BTreeMap::new(),
            published: Published::default(),
            draws: Draws(cx.streams.sequence(cx.path, "s2n")),
            persistent: false,
            ecn,
        }
    }

    fn restart(&mut self) {
        self.running = (self.make)(self.mtu);
        self.rtt = RttEstimator::default();
        self.in_flight.clear();
        self.published = Published::default();
        self.persistent = false;
    }

    fn update_rtt(&mut self, feedback: &Feedback<'_>) {
        let newest = feedback.received().next_back().map(|p| p.sent.number);
        let Some(number) = newest.filter(|number| Some(*number) > self.newest) else {
            return;
        };
        self.newest = Some(number);
        let (Some(sample), Some(flying)) = (feedback.rtt(), self.in_flight.get(&number)) else {
            return;
        };
        let (now, sample) = (timestamp(feedback.now), duration(sample));
        let (held, space) = (Duration::ZERO, PacketNumberSpace::ApplicationData);
        self.rtt.update_rtt(held, sample, now, true, space);
        self.running
            .on_rtt_update(flying.at, now, &self.rtt, &mut self.published);
    }

    fn lose(&mut self, feedback: &Feedback<'_>) {
        let persistent = std::mem::take(&mut self.persistent);
        let mut before = None;
        for number in feedback.lost().map(|packet| packet.sent.number) {
            let new_burst = before.is_none_or(|before| before + 1 != number);
            before = Some(number);
            let Some(Flying { info, size, .. }) = self.in_flight.remove(&number) else {
                continue;
            };
            self.running.on_packet_lost(
                size,
                info,
                persistent,
                new_burst,
                &mut self.draws,
                timestamp(feedback.now),
                &mut self.published,
            );
        }
        if persistent {
            self.rtt.on_persistent_congestion();
        }
    }

    fn acknowledge(&mut self, feedback: &Feedback<'_>) {
        let (mut bytes, mut newest) = (0, None);
        for packet in feedback.received() {
            if let Some(flying) = self.in_flight.remove(&packet.sent.number) {
                bytes += flying.size as usize;
                newest = Some(flying);
            }
        }
        if let Some(Flying { info, at, .. }) = newest {
            self.running.on_ack(
                at,
                bytes,
                info,
                &self.rtt,
                &mut self.draws,
                timestamp(feedback.now),
                &mut self.published,
            );
        }
    }
}

impl<C: S2nTrait> CongestionController for S2nController<C> {
    fn on_sent(&mut self, packet: &SentPacket) {
        let at = timestamp(packet.at);
        let size = u32::try_from(packet.size.get()).unwrap_or(u32::MAX);
        let info = self.running.on_packet_sent(
            at,
            size as usize,
            Some(packet.app_limited),
            &self.rtt,
            &mut self.published,
        );
        let flying = Flying { info, at, size };
        self.in_flight.insert(packet.number, flying);
    }

    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        self.update_rtt(feedback);
        let marks = feedback.received().filter(|packet| packet.ecn == Ecn::Ce);
        let marks = marks.count() as u64;
        if marks > 0 {
            let now = timestamp(feedback.now);
            self.running
                .on_explicit_congestion(marks, now, &mut self.published);
        }
        self.lose(feedback);
        self.acknowledge(feedback);
    }

    fn on_event(&mut self, _: Time, event: &CcEvent) {
        match *event {
            CcEvent::Start(_) | CcEvent::RouteChange => self.restart(),
            CcEvent::Mtu(size) => {
                self.mtu = u16::try_from(size.get()).unwrap_or(u16::MAX);
                self.running.on_mtu_update(self.mtu, &mut self.published);
            }
            CcEvent::PersistentCongestion | CcEvent::RetransmissionTimeout => {
                self.persistent = true;
            }
            _ => {}
        }
    }

    fn output(&self) -> CcOutput {
        let (mut cwnd, packet) = (self.running.congestion_window(), u32::from(self.mtu));
        if self.running.requires_fast_retransmission() {
            cwnd = cwnd.max(self.running.bytes_in_flight().saturating_add(packet));
        }
        CcOutput {
            cwnd: Some(Bytes::new(u64::from(cwnd))),
            pacing: self.published.pacing,
            ecn: if self.ecn { Ecn::Ect0 } else { Ecn::NotEct },
            ..CcOutput::default()
        }
    }

    fn snapshot(&self, visitor: &mut dyn Visitor) {
        let window = self.running.congestion_window();
        visitor.number("cwnd_bytes", f64::from(window));
        visitor.number("min_rtt_ms", self.rtt.min_rtt().as_secs_f64() * 1_000.0);
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}

/// Logical time as s2n-quic has it, in microseconds from 1 on.
fn timestamp(time: Time) -> Timestamp {
    let start = NoopClock.get_time();
    let later = start.checked_add(duration(time.since_start()));
    later.unwrap_or(start)
}

const fn duration(span: Span) -> Duration {
    Duration::from_nanos(span.as_nanos())
}

/// What a controller has published.
#[derive(Clone, Copy, Default)]
struct Published {
    pacing: Option<Bitrate>,
}

impl Publisher for Published {
    fn on_slow_start_exited(&mut self, _: SlowStartExitCause, _: u32) {}

    fn on_delivery_rate_sampled(&mut self, _: RateSample) {}

    fn on_pacing_rate_updated(&mut self, rate: Bandwidth, _: u32, _: Ratio<u64>) {
        let bps = rate.as_bytes_per_second().saturating_mul(8);
        self.pacing = Some(Bitrate::from_bps(bps));
    }

    fn on_bbr_state_changed(&mut self, _: BbrState) {}
}

/// The run's random numbers.
#[derive(Clone)]
struct Draws(Sequence);

impl Draws {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let drawn = self.0.bits().to_le_bytes();
            chunk.copy_from_slice(&drawn[..chunk.len()]);
        }
    }
}

impl Generator for Draws {
    fn public_random_fill(&mut self, bytes: &mut [u8]) {
        self.fill(bytes);
    }

    fn private_random_fill(&mut self, bytes: &mut [u8]) {
        self.fill(bytes);
    }
}
