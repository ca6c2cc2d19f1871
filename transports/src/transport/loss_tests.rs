use weaknet_core::packet::Ecn;

use super::*;
use crate::cc::{SentKind, SentPacket};

const fn ms(n: u64) -> Time {
    Time::from_millis(n)
}

const QUIC: LossRules = LossRules {
    packet_threshold: 3,
    adaptive: false,
    tail: Tail::Probe,
    max_ack_delay: Span::from_millis(25),
};
const TCP: LossRules = LossRules {
    tail: Tail::Timeout {
        least: Span::from_millis(200),
    },
    max_ack_delay: Span::from_millis(40),
    ..QUIC
};

/// A flow whose packets of 1000 B are acknowledged by hand.
struct Flow {
    history: SendHistory,
    rtt: RttEstimator,
    losses: LossDetector,
}

impl Flow {
    fn new(rules: LossRules) -> Self {
        Self {
            history: SendHistory::new(),
            rtt: RttEstimator::new(Span::from_millis(333)),
            losses: LossDetector::new(rules),
        }
    }

    /// With round trips that were 100 ms so far.
    fn settled(rules: LossRules) -> Self {
        let mut flow = Self::new(rules);
        flow.rtt
            .on_sample(Time::ZERO, Span::from_millis(100), Span::ZERO);
        flow
    }

    fn send(&mut self, at: u64) {
        self.losses.on_sent(ms(at), self.history.in_flight());
        self.history.on_sent(SentPacket {
            number: self.history.next_number(),
            at: ms(at),
            size: Bytes::new(1_000),
            kind: SentKind::Data,
            probe: None,
            in_flight: Bytes::ZERO,
            app_limited: false,
        });
    }

    /// Losses that the acknowledgement shows, and whether one was none.
    fn ack(&mut self, at: u64, numbers: &[u64]) -> (Vec<u64>, bool) {
        let mut results: Vec<_> = numbers
            .iter()
            .filter_map(|n| self.history.on_acked(ms(at), *n, ms(at), Ecn::NotEct))
            .collect();
        let next = self.history.next_number();
        let spurious = self.losses.on_acked(ms(at), next, &results);
        results.clear();
        self.losses
            .detect(ms(at), &self.rtt, &mut self.history, &mut results);
        (numbers_of(&results), spurious)
    }

    fn next_alarm(&self) -> Option<(u64, Alarm)> {
        let next = self.losses.next_alarm(&self.rtt, &self.history);
        next.map(|(at, alarm)| (at.as_micros(), alarm))
    }

    /// Lets the next alarm come: when, which, what it declares lost.
    fn expire(&mut self) -> (u64, Alarm, Vec<u64>) {
        let (at, alarm) = self
            .losses
            .next_alarm(&self.rtt, &self.history)
            .unwrap();
        let mut results = Vec::new();
        self.losses
            .on_alarm(at, alarm, &self.rtt, &mut self.history, &mut results);
        (at.as_millis(), alarm, numbers_of(&results))
    }
}

fn numbers_of(results: &[PacketResult]) -> Vec<u64> {
    results.iter().map(|packet| packet.sent.number).collect()
}

#[test]
fn three_higher_numbers_make_a_loss() {
    let mut flow = Flow::settled(QUIC);
    (0..10).for_each(|n| flow.send(n));
    assert_eq!(flow.ack(100, &[2]), (vec![], false));
    assert_eq!(flow.ack(101, &[3]), (vec![0], false));
    assert_eq!(
        flow.ack(102, &[6]),
        (vec![1], false),
        "4 and 5 are within 3"
    );
    assert_eq!(flow.history.in_flight(), Bytes::new(5_000));
}

#[test]
fn nine_eighths_of_a_round_trip_make_a_loss() {
    let mut flow = Flow::settled(QUIC);
    flow.send(0);
    flow.send(1);
    assert_eq!(flow.ack(101, &[1]), (vec![], false));
    // 9/8 of the larger of smoothed and latest, both 100 ms.
    assert_eq!(flow.next_alarm(), Some((112_500, Alarm::Loss)));
    assert_eq!(flow.expire().2, [0]);
    assert_eq!(flow.next_alarm(), None, "nothing is in flight");
    let mut late = Flow::settled(QUIC);
    late.send(0);
    late.send(1);
    assert_eq!(late.ack(113, &[1]), (vec![0], false));
}

#[test]
fn the_granularity_is_a_millisecond() {
    let mut flow = Flow::new(QUIC);
    flow.rtt
        .on_sample(Time::ZERO, Span::from_micros(100), Span::ZERO);
    flow.send(0);
    flow.send(0);
    flow.ack(0, &[1]);
    assert_eq!(flow.next_alarm(), Some((1_000, Alarm::Loss)));
}

#[test]
fn a_late_acknowledgement_shows_that_a_loss_was_none() {
    let mut flow = Flow::settled(QUIC);
    (0..5).for_each(|n| flow.send(n));
    assert_eq!(flow.ack(104, &[1, 2, 3, 4]), (vec![0], false));
    assert_eq!(flow.ack(105, &[0]), (vec![], true));
    assert_eq!(flow.history.in_flight(), Bytes::ZERO, "it left only once");
    assert_eq!(flow.ack(106, &[0]), (vec![], false), "and is told once");
}

#[test]
fn reordering_that_was_seen_widens_the_window() {
    let rules = LossRules {
        adaptive: true,
        ..QUIC
    };
    let mut flow = Flow::settled(rules);
    (0..5).for_each(|n| flow.send(n));
    assert_eq!(flow.ack(104, &[3, 4]).0, [0, 1]);
    assert_eq!(
        flow.next_alarm(),
        Some((127_000, Alarm::Loss)),
        "2 + 100 + 100 / 4"
    );
    assert!(!flow.ack(105, &[0]).1, "the other loss still stands");
    // Twice a quarter now, and no more numbers.
    assert_eq!(flow.next_alarm(), Some((152_000, Alarm::Loss)));
    (0..8).for_each(|n| flow.send(200 + n));
    assert_eq!(
        flow.ack(300, &[1, 2, 12]),
        (vec![], true),
        "one round trip, once more"
    );
    assert_eq!(
        flow.next_alarm(),
        Some((375_000, Alarm::Loss)),
        "200 + 100 + 75"
    );
}

#[test]
fn probes_back_off_and_lose_nothing_for_30_s() {
    // RFC 9002, section 6.2.1: 333 + 4 * 166.5 + 25 = 1024 ms.
    let mut flow = Flow::new(QUIC);
    flow.send(0);
    let mut at = 0;
    for wait in [1_024, 2_048, 4_096, 8_192] {
        at += wait;
        assert_eq!(flow.expire(), (at, Alarm::Probe, vec![]));
    }
    assert_eq!(flow.expire(), (at + 16_384, Alarm::Probe, vec![0]));
    assert_eq!(flow.next_alarm(), None);
}

#[test]
fn a_timeout_follows_a_probe_and_backs_off_to_a_minute() {
    let mut flow = Flow::settled(TCP);
    flow.send(0);
    // The first probe after twice 100 ms and the other end's delay, the timeout
    // after 100 + 4 * 50.
    assert_eq!(flow.expire(), (240, Alarm::Probe, vec![]));
    assert_eq!(flow.expire(), (540, Alarm::Timeout, vec![0]));
    let mut at = 540;
    flow.send(at);
    for (n, wait) in (1..).zip([
        600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 60_000, 60_000,
    ]) {
        at += wait;
        assert_eq!(flow.expire(), (at, Alarm::Timeout, vec![n]));
        flow.send(at);
    }
    flow.ack(at + 100, &[10]);
    flow.send(at + 100);
    assert_eq!(
        flow.expire().0,
        at + 100 + 240,
        "an answer ends the backoff"
    );
}

#[test]
fn before_a_sample_the_timeout_is_a_second() {
    let mut flow = Flow::new(TCP);
    flow.send(5);
    assert_eq!(flow.expire(), (1_005, Alarm::Timeout, vec![0]));
}

/// Whether packets sent at these seconds are persistent congestion once the
/// last is acknowledged, which is not part of it.
fn persistent(sent: &[u64], acked: &[u64]) -> bool {
    let mut flow = Flow::new(QUIC);
    flow.send(0);
    flow.rtt
        .on_sample(ms(100), Span::from_millis(475), Span::ZERO);
    // A first sample at 0.1 s; 475 + 4 * 237.5 + 25 = 1450 ms, thrice 4.35 s.
    flow.ack(100, &[0]);
    sent.iter().for_each(|at| flow.send(at * 1_000));
    let last = sent.len() as u64;
    let mut results = Vec::new();
    for number in acked.iter().chain([&last]) {
        let now = ms(20_000);
        let told = flow.history.on_acked(now, *number, now, Ecn::NotEct);
        let told: Vec<_> = told.into_iter().collect();
        flow.losses.on_acked(now, 99, &told);
    }
    flow.losses
        .detect(ms(20_000), &flow.rtt, &mut flow.history, &mut results);
    flow.losses
        .is_persistent(&flow.rtt, &flow.history, &results)
}

#[test]
fn losses_over_three_probe_timeouts_are_persistent_congestion() {
    assert!(persistent(&[1, 2, 6, 7], &[]), "1 to 6 s");
    assert!(!persistent(&[1, 2, 5, 7], &[]), "1 to 5 s");
    assert!(!persistent(&[1, 2, 6, 7], &[2]), "one in between arrived");
    assert!(!persistent(&[0, 6, 7], &[]), "sent before the first sample");
}
