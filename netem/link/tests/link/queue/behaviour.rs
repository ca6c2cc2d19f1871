//! What disciplines are for: delays, shares and isolation against sources that
//! respond, and CoDel's control law on a link.

use weaknet_core::event::{DropReason, Event};
use weaknet_core::packet::{Class, Ecn, FlowId, Packet};
use weaknet_core::{Span, Time};
use weaknet_netem::queue::{
    Codel, DropHead, Drr, DualPi2, DualPi2Variant, FqCodel, Latency, Pie, Priority, QueueLimit, Red,
};

use super::{constant, link};
use crate::queue::sources::{Control, Outcome, Source, run};
use crate::support::{build, drive, packet, payload};

fn source(control: Control, ecn: Ecn, rtt_ms: u64) -> Source {
    Source {
        control,
        ecn,
        size: 1500,
        rtt: Span::from_millis(rtt_ms),
    }
}

fn classic(n: usize, rtt_ms: u64) -> Vec<Source> {
    let reno = |_| source(Control::Classic, Ecn::NotEct, rtt_ms);
    (0..n).map(reno).collect()
}

fn mean_wait_ms(outcomes: &[Outcome], flow: impl Fn(usize) -> bool, from: Time) -> f64 {
    let waits = outcomes
        .iter()
        .filter(|o| o.at >= from && flow(o.flow))
        .filter_map(|o| o.waited)
        .map(Span::as_millis_f64);
    let (sum, n) = waits.fold((0.0, 0), |(sum, n), wait| (sum + wait, n + 1));
    sum / f64::from(n)
}

fn delivered_bytes(outcomes: &[Outcome], flow: usize, from: Time) -> u64 {
    outcomes
        .iter()
        .filter(|o| o.at >= from && o.flow == flow && o.waited.is_some())
        .map(|o| u64::from(o.size))
        .sum()
}

/// So many packets of 1500 B one by one.
fn paced(n: u64, every: Span) -> Vec<Packet> {
    (0..n)
        .map(|id| packet(id, 1500, Time::ZERO + every * id))
        .collect()
}

fn drops(events: &[(Time, Event)]) -> Vec<Time> {
    let drop = |(at, event): &(Time, Event)| match event {
        Event::LinkDrop { reason, .. } => {
            assert_eq!(*reason, DropReason::Aqm);
            Some(*at)
        }
        _ => None,
    };
    events.iter().filter_map(drop).collect()
}
/// Time that a packet of 1500 B takes at 10 Mbit/s.
const PACKET: Span = Span::from_micros(1200);

/// The waits of all delivered packets with the instants of delivery.
fn waits(events: &[(Time, Event)]) -> Vec<(Time, Span)> {
    let wait = |(at, event): &(Time, Event)| match event {
        Event::LinkDeliver { waited, .. } => Some((*at, *waited)),
        _ => None,
    };
    events.iter().filter_map(wait).collect()
}

/// RFC 8289 section 4.1 on a link with 30 % too much: from the first drop on,
/// drop k + 1 follows at the sum of interval / sqrt(i), i up to k, at the first
/// departure from then on: at most the time of one packet later.
#[test]
fn codel_drops_follow_the_control_law() {
    let mut link = link(constant("10Mbps"), build(&Codel::default(), 1));
    let mut events = Vec::new();
    let every = Span::from_nanos(1_200_000 * 10 / 13);
    drive(&mut link, &paced(2_500, every), &mut events);
    let drops = drops(&events);
    let mut schedule = drops[0].as_nanos() as f64;
    for (k, drop) in (1..).zip(&drops[1..60]) {
        schedule += 1e8 / f64::from(k).sqrt();
        let late = drop.as_nanos() as f64 - schedule;
        // Each term of the schedule is floored: one nanosecond per drop.
        assert!(
            late > -f64::from(k) && late < PACKET.as_nanos() as f64,
            "drop {k}: {late}"
        );
    }
}

/// 5 % too much for ever. When the delay has fallen below the target CoDel
/// rests until it has been above for an interval: the queue grows by 5 % of
/// 100 ms to 5 + 5 ms, and a packet that is on its way. Then CoDel resumes
/// where it was, so that the queue falls.
#[test]
fn codel_holds_a_constant_overload_near_its_target() {
    let mut link = link(constant("10Mbps"), build(&Codel::default(), 1));
    let mut events = Vec::new();
    let every = Span::from_nanos(1_200_000 * 100 / 105);
    drive(&mut link, &paced(30_000, every), &mut events);
    let mut waits = waits(&events);
    waits.retain(|(at, _)| (Time::from_secs(5)..Time::from_secs(33)).contains(at));
    let most = waits.iter().map(|(_, wait)| *wait).max().unwrap();
    assert!(most <= Span::from_millis(10) + PACKET, "{most}");
    let mean = waits
        .iter()
        .map(|(_, wait)| wait.as_millis_f64())
        .sum::<f64>()
        / waits.len() as f64;
    assert!((5.0..10.0).contains(&mean), "{mean}");
}

/// The sixth packet of a burst, at 6 ms, is the first to have waited for the
/// target; a burst that is gone an interval later is a good queue.
#[test]
fn codel_lets_bursts_through() {
    for (burst, dropped) in [(60, false), (88, false), (100, true), (300, true)] {
        let mut link = link(constant("10Mbps"), build(&Codel::default(), 1));
        let mut events = Vec::new();
        drive(&mut link, &paced(burst, Span::ZERO), &mut events);
        assert_eq!(!drops(&events).is_empty(), dropped, "{burst} packets");
    }
}

/// With marks instead of drops sources that respond lose nothing.
#[test]
fn marks_replace_drops() {
    let config = Codel {
        ecn: true,
        ..Codel::default()
    };
    let mut link = link(constant("10Mbps"), build(&config, 1));
    let sources = (0..5)
        .map(|_| source(Control::Classic, Ecn::Ect0, 50))
        .collect();
    let outcomes = run(&mut link, sources, Span::from_secs(20));
    assert!(outcomes.iter().all(|outcome| outcome.waited.is_some()));
    let mean = mean_wait_ms(&outcomes, |_| true, Time::from_secs(5));
    assert!(mean < 20.0, "{mean}");
}

/// The integral part of the controller does not rest before the mean delay is
/// the target: over N updates the mean is off by (p at the end - p at the
/// start) * divisor / (alpha N), below 0.5 ms here. Updates weigh instants
/// alike, this mean weighs packets, the divisor moves with the probability, and
/// a queue cannot be shorter than none: 2.5 ms in all.
#[test]
fn pie_holds_its_target() {
    for (flows, latency, derandomise) in [
        (5, Latency::Timestamp, false),
        (5, Latency::DepartureRate, true),
        (10, Latency::Timestamp, true),
        (10, Latency::DepartureRate, false),
    ] {
        let config = Pie {
            latency,
            derandomise,
            ..Pie::default()
        };
        let mut link = link(constant("10Mbps"), build(&config, 1));
        let outcomes = run(&mut link, classic(flows, 50), Span::from_secs(60));
        let mean = mean_wait_ms(&outcomes, |_| true, Time::from_secs(10));
        assert!(
            (mean - 15.0).abs() < 2.5,
            "{flows} {latency:?} {derandomise}: {mean}"
        );
    }
}

/// Adaptive RED holds its average between 40 and 60 % of the way from `min` to
/// `max`: for 10 ms at 1250 packets/s 6.25 and 18.75, hence 11.25 to 13.75
/// packets of 1.2 ms.
#[test]
fn adaptive_red_holds_the_middle_of_its_thresholds() {
    for flows in [5, 10] {
        let config = Red {
            target_delay: Some(Span::from_millis(10)),
            adaptive: true,
            limit: QueueLimit::Packets(1000),
            ..Red::default()
        };
        let mut link = link(constant("10Mbps"), build(&config, 1));
        let outcomes = run(&mut link, classic(flows, 50), Span::from_secs(60));
        let mean = mean_wait_ms(&outcomes, |_| true, Time::from_secs(10));
        assert!((13.5..16.5).contains(&mean), "{flows}: {mean}");
    }
}

/// One scalable and one classic source, 10 ms apart from the queue, at 0.3 ms
/// per packet: the L queue stays below its own threshold, the C queue at its
/// target, as PIE above. Coupled by k = 2 the windows are as 1 / 1.22 (RFC 9332
/// appendix C.2), the round trips as 25 to 10 ms: rates as 2.05; the laws of
/// both sources are approximations to some 20 %.
#[test]
fn dualpi2_serves_both_kinds_of_sources() {
    for variant in [DualPi2Variant::Rfc9332, DualPi2Variant::Linux] {
        let config = DualPi2 {
            variant,
            ..DualPi2::default()
        };
        let mut link = link(constant("40Mbps"), build(&config, 1));
        let sources = vec![
            source(Control::Scalable, Ecn::Ect1, 10),
            source(Control::Classic, Ecn::NotEct, 10),
        ];
        let outcomes = run(&mut link, sources, Span::from_secs(60));
        let from = Time::from_secs(10);
        let [l4s, classic] = [0, 1].map(|flow| mean_wait_ms(&outcomes, |f| f == flow, from));
        assert!(l4s < 0.8, "{variant:?}: {l4s}");
        assert!((classic - 15.0).abs() < 2.5, "{variant:?}: {classic}");
        let [l4s, classic] = [0, 1].map(|flow| delivered_bytes(&outcomes, flow, from) as f64);
        assert!(
            (l4s / classic / 2.05 - 1.0).abs() < 0.25,
            "{variant:?}: {}",
            l4s / classic
        );
        assert!(l4s + classic > 0.99 * 50.0 * 5e6, "the link is full");
        let lost = outcomes
            .iter()
            .filter(|o| o.flow == 0 && o.waited.is_none());
        assert_eq!(lost.count(), 0, "scalable packets are marked, not dropped");
    }
}

/// A packet of 200 B every 20 ms besides four others. When those always have
/// packets, they are old: it waits for the packet in service at most. When they
/// respond, their queues empty now and then and are new as well: they may be in
/// front of it, with two packets each (1500 B leave 14 B of a quantum of 1514).
#[test]
fn fq_codel_isolates_a_sparse_flow() {
    let flood = Control::Steady(Span::from_micros(2_000));
    for (control, packets) in [(flood, 1), (Control::Classic, 1 + 4 * 2)] {
        let mut sources: Vec<Source> = (0..4).map(|_| source(control, Ecn::NotEct, 50)).collect();
        sources.push(Source {
            size: 200,
            ..source(Control::Steady(Span::from_millis(20)), Ecn::NotEct, 50)
        });
        let mut link = link(constant("10Mbps"), build(&FqCodel::default(), 1));
        let outcomes = run(&mut link, sources, Span::from_secs(30));
        let from = Time::from_secs(5);
        let sparse = outcomes.iter().filter(|o| o.flow == 4 && o.at > from);
        let waits: Vec<Span> = sparse.map(|o| o.waited.expect("none is dropped")).collect();
        assert!(waits.len() >= 1_249);
        let most = waits.iter().max().unwrap();
        assert!(*most <= PACKET * packets, "{control:?}: {most}");
        let shares: Vec<u64> = (0..4)
            .map(|flow| delivered_bytes(&outcomes, flow, from))
            .collect();
        let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
        assert!(*least as f64 > 0.9 * *most as f64, "{shares:?}");
    }
}

/// Two flows that always have packets, of 200 and 1500 B: their bytes differ by
/// less than a quantum and a packet at every instant.
#[test]
fn drr_shares_by_bytes() {
    let mut link = link(constant("10Mbps"), build(&Drr::default(), 1));
    let steady = |size, every_us| Source {
        size,
        ..source(
            Control::Steady(Span::from_micros(every_us)),
            Ecn::NotEct,
            50,
        )
    };
    // Each alone would fill the link.
    let outcomes = run(
        &mut link,
        vec![steady(200, 150), steady(1500, 1100)],
        Span::from_secs(20),
    );
    let mut ahead = 0i64;
    let mut base = None;
    for outcome in outcomes.iter().filter(|o| o.waited.is_some()) {
        let bytes = i64::from(outcome.size);
        ahead += if outcome.flow == 0 { bytes } else { -bytes };
        if outcome.at > Time::from_secs(2) {
            let base = *base.get_or_insert(ahead);
            assert!(
                (ahead - base).abs() <= 2 * (1500 + 1500),
                "{}",
                ahead - base
            );
        }
    }
}

/// Video floods the link; reports wait for the packet in service at most.
#[test]
fn priority_takes_the_urgent_first() {
    let mut link = link(constant("10Mbps"), build(&Priority::default(), 1));
    let mut packets = paced(5_000, Span::from_millis(1));
    for packet in packets.iter_mut().step_by(50) {
        packet.payload = payload(Class::Rtcp);
        packet.flow = FlowId(1);
        packet.size = 100;
    }
    let mut events = Vec::new();
    drive(&mut link, &packets, &mut events);
    let urgent = events.iter().filter_map(|(_, event)| match event {
        Event::LinkDeliver { packet, waited, .. } if packet.class == Class::Rtcp => Some(*waited),
        _ => None,
    });
    let urgent: Vec<Span> = urgent.collect();
    assert_eq!(urgent.len(), 100);
    assert!(urgent.iter().all(|waited| *waited <= PACKET));
    assert!(
        waits(&events)
            .iter()
            .any(|(_, waited)| *waited > Span::from_millis(250))
    );
}

/// Twice too much into 50 packets: behind a tail drop what is delivered waits
/// for 50 services; with drops at the head each arrival takes it a place
/// onwards, so that it waits for 50 arrivals, half as long.
#[test]
fn drops_at_the_head_halve_the_delay_of_a_double_overload() {
    let limit = QueueLimit::Packets(50);
    let config = DropHead {
        limit,
        ..DropHead::default()
    };
    let mut link = link(constant("10Mbps"), build(&config, 1));
    let mut events = Vec::new();
    drive(&mut link, &paced(2_000, PACKET / 2), &mut events);
    let mut waits = waits(&events);
    // While the queue is full, and packets still arrive.
    waits.retain(|(at, _)| (Time::from_millis(200)..Time::from_millis(1_190)).contains(at));
    assert!(waits.len() > 800);
    for (at, wait) in waits {
        let off = wait.as_nanos().abs_diff((PACKET * 25).as_nanos());
        assert!(off <= PACKET.as_nanos(), "{wait} at {at:?}");
    }
}
