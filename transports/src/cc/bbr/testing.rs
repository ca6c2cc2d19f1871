//! What the closed-loop tests of both versions, and of Copa, share.

use weaknet_core::{Bitrate, Bytes, Span, Time};

use crate::cc::CongestionController;
use crate::conformance::{IdealLink, PACKET, value};

/// The link of most tests: 10 Mbit/s and 40 ms.
pub(in crate::cc) const RATE: Bitrate = Bitrate::from_mbps(10);
pub(in crate::cc) const RTT: Span = Span::from_millis(40);
/// Shortest round trip with the packet's own transmission, in milliseconds.
pub(in crate::cc) const LEAST_RTT_MS: f64 = 40.96;

pub(in crate::cc) const fn secs(n: u64) -> Span {
    Span::from_secs(n)
}

/// The link of most tests with room for so many packets.
pub(in crate::cc) fn link(packets: u64) -> IdealLink {
    IdealLink::new(RATE, RTT, Bytes::new(PACKET.get() * packets))
}

/// Runs a link and shows the controller every millisecond.
pub(in crate::cc) fn watch(
    link: &mut IdealLink,
    flow: usize,
    span: Span,
    mut see: impl FnMut(Time, &dyn CongestionController),
) {
    let end = link.now() + span;
    while link.now() < end {
        link.run(Span::from_millis(1));
        see(link.now(), link.controller(flow));
    }
}

/// A stay in a state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::cc) struct Stay {
    pub(in crate::cc) state: u32,
    pub(in crate::cc) from_ms: u64,
    pub(in crate::cc) ms: u64,
    pub(in crate::cc) rounds: f64,
}

/// The states that a flow goes through, seen every millisecond.
pub(in crate::cc) fn stays(link: &mut IdealLink, flow: usize, span: Span, name: &str) -> Vec<Stay> {
    let mut stays: Vec<Stay> = Vec::new();
    let mut round = 0.0;
    watch(link, flow, span, |now, controller| {
        let (state, rounds) = (
            value(controller, name) as u32,
            value(controller, "round_count"),
        );
        if let Some(last) = stays.last_mut() {
            last.ms = now.as_millis() - last.from_ms;
            last.rounds = rounds - round;
            if last.state == state {
                return;
            }
        }
        round = rounds;
        stays.push(Stay {
            state,
            from_ms: now.as_millis(),
            ms: 0,
            rounds: 0.0,
        });
    });
    stays
}

/// Throughput over the last two seconds as a share of a rate.
pub(in crate::cc) fn utilisation(link: &IdealLink, flow: usize, rate: Bitrate) -> f64 {
    link.throughput(flow, secs(2)).as_bps_f64() / rate.as_bps_f64()
}

/// Runs until the flow delivers nine tenths of a rate over half a second;
/// returns the time that this took, in milliseconds.
pub(in crate::cc) fn time_to_reach(link: &mut IdealLink, flow: usize, rate: Bitrate) -> u64 {
    let began = link.now();
    loop {
        link.run(Span::from_millis(100));
        let got = link.throughput(flow, Span::from_millis(500));
        let took = (link.now() - began).as_millis();
        if got.as_bps_f64() >= 0.9 * rate.as_bps_f64() || took > 60_000 {
            return took;
        }
    }
}

/// Share of packets dropped over the last intervals.
pub(in crate::cc) fn loss_ratio(link: &IdealLink, flow: usize, intervals: usize) -> f64 {
    let all = link.intervals(flow);
    let last = &all[all.len().saturating_sub(intervals)..];
    let sum = |size: fn(&crate::conformance::Interval) -> Bytes| {
        last.iter().map(size).sum::<Bytes>().get() as f64
    };
    let (dropped, delivered) = (sum(|i| i.dropped), sum(|i| i.delivered));
    dropped / (dropped + delivered)
}
