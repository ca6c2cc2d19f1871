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
        let (at, alarm) = self.losses.next_alarm(&self.rtt, &self.history).unwrap();
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
fn before_a_sample_the_timeout_is_a_second_that_doubles_up_to_a_minute() {
    let mut flow = Flow::new(TCP);
    flow.send(5);
    let mut at = 5;
    for (n, wait) in (0..).zip([1, 2, 4, 8, 16, 32, 60, 60]) {
        at += wait * 1_000;
        assert_eq!(flow.expire(), (at, Alarm::Timeout, vec![n]));
        flow.send(at);
    }
}

#[test]
fn the_tail_loss_probe_waits_for_a_held_acknowledgement_of_a_single_packet() {
    // RFC 8985, section 7.2: twice a smoothed round trip of 50 ms, and 200 ms of
    // the other end's delay with one packet out; a timeout that is far away.
    let rules = LossRules {
        max_ack_delay: Span::from_millis(200),
        tail: Tail::Timeout {
            least: Span::from_secs(1),
        },
        ..TCP
    };
    let mut flow = Flow::new(rules);
    flow.rtt
        .on_sample(Time::ZERO, Span::from_millis(50), Span::ZERO);
    flow.send(0);
    assert_eq!(flow.next_alarm(), Some((300_000, Alarm::Probe)));
    flow.send(0);
    assert_eq!(flow.next_alarm(), Some((100_000, Alarm::Probe)));
    assert_eq!(flow.ack(60, &[0]), (vec![], false));
    assert_eq!(flow.next_alarm(), Some((360_000, Alarm::Probe)));
    // Never later than the timeout, which then comes instead.
    let mut soon = Flow::new(LossRules {
        tail: Tail::Timeout {
            least: Span::from_millis(200),
        },
        ..rules
    });
    soon.rtt
        .on_sample(Time::ZERO, Span::from_millis(50), Span::ZERO);
    soon.send(0);
    assert_eq!(soon.next_alarm(), Some((200_000, Alarm::Timeout)));
}

#[test]
fn the_reordering_window_grows_by_quarters_up_to_a_round_trip() {
    // RFC 8985, section 6.2, with a least round trip of 40 and a smoothed one of
    // 50 ms: 10 ms, then 20, 30, 40, 50 and no more.
    let mut losses = LossDetector::new(LossRules {
        adaptive: true,
        ..TCP
    });
    let mut rtt = RttEstimator::new(Span::from_millis(333));
    rtt.on_sample(Time::ZERO, Span::from_millis(40), Span::ZERO);
    while rtt.smoothed() < Span::from_millis(50) {
        rtt.on_sample(Time::ZERO, Span::from_micros(50_080), Span::ZERO);
    }
    let late = |number| {
        let mut flow = Flow::new(TCP);
        (0..=number).for_each(|n| flow.send(n));
        let mut packet = flow
            .history
            .on_acked(ms(99), number, ms(99), Ecn::NotEct)
            .unwrap();
        packet.recovered = true;
        packet
    };
    let mut windows = vec![losses.reordering_window(&rtt).as_millis()];
    for round in 0..5 {
        losses.on_acked(ms(100), round + 1, &[late(round)]);
        // Once a round trip: the same flight again changes nothing.
        losses.on_acked(ms(100), round + 1, &[late(round.saturating_sub(1))]);
        windows.push(losses.reordering_window(&rtt).as_millis());
    }
    assert_eq!(windows, [10, 20, 30, 40, 50, 50]);
}

#[test]
fn an_episode_was_for_nothing_when_all_its_losses_have_arrived() {
    let mut flow = Flow::settled(QUIC);
    (0..8).for_each(|n| flow.send(n));
    assert_eq!(flow.ack(104, &[5]).0, [0, 1, 2]);
    (8..12).for_each(|n| flow.send(104 + n));
    assert!(!flow.ack(105, &[0]).1);
    assert!(!flow.ack(106, &[2]).1, "1 is still missing");
    // One that belongs to the flight after it begins another episode.
    assert_eq!(flow.ack(214, &[3, 4, 6, 7, 11]).0, [8]);
    assert!(!flow.ack(215, &[1]).1, "that episode is over");
    assert!(flow.ack(216, &[8]).1);
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
fn the_example_of_rfc_9002_is_persistent_congestion() {
    // Section 7.6.3 with a probe timeout of 2 s: packets 2 to 8 sent from 1 to 8 s
    // are lost, 7 s are more than 6; one of them acknowledged breaks the period.
    let sent = [1, 2, 3, 4, 5, 6, 8];
    let lasts = |sent: &[u64], acked: &[u64]| {
        let mut flow = Flow::new(QUIC);
        flow.send(0);
        // 658.333 + 4 * 329.167 + 25 = 2000 ms.
        flow.rtt
            .on_sample(Time::ZERO, Span::from_nanos(658_333_334), Span::ZERO);
        flow.ack(500, &[0]);
        let timeout = flow.rtt.probe_timeout(Span::from_millis(25));
        assert_eq!(timeout.as_millis(), 2_000);
        sent.iter().for_each(|at| flow.send(at * 1_000));
        flow.send(12_000);
        let now = ms(12_200);
        let last = sent.len() as u64 + 1;
        let told: Vec<_> = acked
            .iter()
            .chain([&last])
            .filter_map(|n| flow.history.on_acked(now, *n, now, Ecn::NotEct))
            .collect();
        flow.losses.on_acked(now, last + 1, &told);
        let mut lost = Vec::new();
        flow.losses
            .detect(now, &flow.rtt, &mut flow.history, &mut lost);
        flow.losses.is_persistent(&flow.rtt, &flow.history, &lost)
    };
    assert!(lasts(&sent, &[]));
    assert!(!lasts(&sent, &[4]));
    assert!(
        !lasts(&[1, 2, 3, 4, 5, 6, 7], &[]),
        "6 s are not more than 6"
    );
}

#[test]
fn losses_over_three_probe_timeouts_are_persistent_congestion() {
    assert!(persistent(&[1, 2, 6, 7], &[]), "1 to 6 s");
    assert!(!persistent(&[1, 2, 5, 7], &[]), "1 to 5 s");
    assert!(!persistent(&[1, 2, 6, 7], &[2]), "one in between arrived");
    assert!(!persistent(&[0, 6, 7], &[]), "sent before the first sample");
}
