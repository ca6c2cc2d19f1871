//! What a congestion controller hears from a transport in steady state, open
//! loop: packets go out and reports come back on a fixed schedule, whatever it
//! decides.

use std::collections::VecDeque;
use std::hint::black_box;
use std::time::{Duration, Instant};

use weaknet_core::packet::{Arrival, Ecn};
use weaknet_core::plugin::{Assets, BuildContext, Kind};
use weaknet_core::{Bitrate, Bytes, Span, Streams, Time};
use weaknet_harness::registry::Registry;
use weaknet_transports::cc::{
    CcEvent, CongestionControl, CongestionController, Constraints, Feedback, FeedbackKind,
    PacketResult, SentKind, SentPacket,
};
use weaknet_transports::transport::SendHistory;

/// Every so manieth packet is lost.
const LOST: u64 = 997;
/// Propagation, each way.
const DELAY: Span = Span::from_millis(25);

/// Names of all built-in controllers.
///
/// # Panics
/// Never: the registry of built-in plug-ins is sound.
#[must_use]
pub fn controllers() -> Vec<&'static str> {
    let registry = Registry::builtin();
    let entries = registry.of_kind(CongestionControl::NAME);
    entries.map(|entry| entry.name).collect()
}

/// What reports are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// A call of 2.3 Mbit/s over 3 Mbit/s: frames of 8 packets of 1,200 B, 30 a
    /// second, a report with arrival times each 50 ms. 12 packets per report on
    /// average.
    Call,
    /// A download of 20 Mbit/s: packets of 1,500 B, every second one
    /// acknowledged at once, without arrival times. 2 packets per report.
    Bulk,
}

impl Pattern {
    const fn packet(self) -> Bytes {
        match self {
            Self::Call => Bytes::new(1_200),
            Self::Bulk => Bytes::new(1_500),
        }
    }

    /// When packet `number` is sent, after the start.
    const fn sent(self, number: u64) -> Span {
        match self {
            Self::Call => Span::from_nanos(number / 8 * 33_333_333 + number % 8 * 100_000),
            Self::Bulk => Span::from_nanos(number * 600_000),
        }
    }

    /// Time that a packet takes on the bottleneck.
    const fn service(self) -> Span {
        match self {
            Self::Call => Span::from_micros(3_200),
            Self::Bulk => Span::from_micros(500),
        }
    }

    /// Time from report to report.
    const fn interval(self) -> Span {
        match self {
            Self::Call => Span::from_millis(50),
            Self::Bulk => Span::from_micros(1_200),
        }
    }
}

/// A controller and the transport that it hears from.
pub struct Feed {
    controller: Box<dyn CongestionController>,
    pattern: Pattern,
    history: SendHistory,
    /// Sent and not reported yet: number and arrival, if it arrives.
    pending: VecDeque<(u64, Time)>,
    link_free: Time,
    reports: u64,
    arrivals: Vec<Arrival>,
    results: Vec<PacketResult>,
}

impl Feed {
    /// The controller of that name with its defaults, after 30 s.
    ///
    /// # Panics
    /// Where there is no such controller.
    #[must_use]
    pub fn new(name: &str, pattern: Pattern) -> Self {
        let spec = Registry::builtin().default_of::<CongestionControl>(name);
        let spec = spec.unwrap_or_else(|error| panic!("{}", error.message));
        let (streams, assets) = (Streams::new(1), Assets::default());
        let context = BuildContext {
            path: "flow",
            streams: &streams,
            assets: &assets,
        };
        let mut controller = spec.build(&context).expect("defaults are valid");
        let bounds = Constraints {
            min: Bitrate::from_kbps(50),
            start: Bitrate::from_kbps(300),
            max: Bitrate::from_mbps(100),
        };
        for event in [
            CcEvent::Mtu(pattern.packet()),
            CcEvent::Start(bounds),
            CcEvent::TrueCapacity(Bitrate::from_mbps(3)),
        ] {
            controller.on_event(Time::ZERO, &event);
        }
        let mut feed = Self {
            controller,
            pattern,
            history: SendHistory::new(),
            pending: VecDeque::new(),
            link_free: Time::ZERO,
            reports: 0,
            arrivals: Vec::new(),
            results: Vec::new(),
        };
        let warm_up = Span::from_secs(30).as_nanos() / pattern.interval().as_nanos();
        feed.time(warm_up);
        feed
    }

    /// Goes through so many reports: the time that the controller took for
    /// them, its answer included, and the number of packets that they told of.
    pub fn time(&mut self, reports: u64) -> (Duration, u64) {
        let (mut time, mut packets) = (Duration::ZERO, 0);
        for _ in 0..reports {
            let (now, made, prior_in_flight) = self.prepare();
            packets += self.results.len() as u64;
            let feedback = Feedback {
                now,
                made,
                packets: &self.results,
                in_flight: self.history.in_flight(),
                prior_in_flight,
                kind: match self.pattern {
                    Pattern::Call => FeedbackKind::PerPacket,
                    Pattern::Bulk => FeedbackKind::AckRanges,
                },
            };
            let start = Instant::now();
            self.controller.on_feedback(black_box(&feedback));
            black_box(self.controller.output());
            time += start.elapsed();
            while self.controller.poll_probe().is_some() {}
        }
        (time, packets)
    }

    /// Everything up to the next report: when it arrives, when it was made, and
    /// what was in flight before it.
    fn prepare(&mut self) -> (Time, Option<Time>, Bytes) {
        self.reports += 1;
        let made = Time::ZERO + self.pattern.interval() * self.reports + DELAY;
        let now = made + DELAY;
        loop {
            let at = Time::ZERO + self.pattern.sent(self.history.next_number());
            if at > now {
                break;
            }
            self.send(at);
        }
        self.tick(now);
        self.results.clear();
        self.arrivals.clear();
        while let Some((seq, at)) = self.pending.front().copied().filter(|p| p.1 <= made) {
            self.pending.pop_front();
            let at = (seq % LOST != LOST - 1).then_some(at);
            let ecn = Ecn::NotEct;
            self.arrivals.push(Arrival { seq, at, ecn });
        }
        let prior = self.history.in_flight();
        if self.pattern == Pattern::Call {
            self.history
                .on_report(now, made, &self.arrivals, &mut self.results);
            return (now, Some(made), prior);
        }
        for arrival in &self.arrivals {
            self.results.extend(match arrival.at {
                Some(_) => self.history.on_acked(now, arrival.seq, now, arrival.ecn),
                None => self.history.on_lost(now, arrival.seq),
            });
        }
        let kept = now.since(Time::ZERO) - Span::from_secs(1);
        self.history.forget(Time::ZERO + kept);
        (now, None, prior)
    }

    fn send(&mut self, at: Time) {
        self.tick(at);
        let number = self.history.next_number();
        let packet = self.history.on_sent(SentPacket {
            number,
            at,
            size: self.pattern.packet(),
            kind: match self.pattern {
                Pattern::Call => SentKind::Video,
                Pattern::Bulk => SentKind::Data,
            },
            probe: None,
            in_flight: Bytes::ZERO,
            app_limited: false,
        });
        self.controller.on_sent(&packet);
        self.link_free = self.link_free.max(at) + self.pattern.service();
        self.pending.push_back((number, self.link_free + DELAY));
    }

    fn tick(&mut self, now: Time) {
        while self.controller.next_timer().is_some_and(|at| at <= now) {
            self.controller.on_timer(now);
        }
    }
}
