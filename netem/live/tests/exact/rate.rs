//! A varying rate, in every 100 ms.

use std::time::{Duration, Instant};

use weaknet_core::{Bitrate, Span, Time};
use weaknet_live::doctor::bins::Curve;
use weaknet_netem::{Parts, rate};

use super::support::{PATIENCE, Site, build, over, plain, send, try_receive};

const SIZE: u32 = 200;
const BIN: Span = Span::from_millis(100);
/// Longer than the time between any two packets.
const QUIET: Duration = Duration::from_millis(200);

/// Rates that change within bins, and how long each holds.
const STEPS: [(u64, u64); 8] = [
    (4_000, 250),
    (2_000, 330),
    (8_000, 170),
    (3_000, 410),
    (6_000, 240),
    (2_500, 350),
    (10_000, 150),
    (3_500, 600),
];

fn steps() -> Vec<(Span, Bitrate)> {
    let mut at = Span::ZERO;
    let step = |(kbps, millis): (u64, u64)| {
        let step = (at, Bitrate::from_kbps(kbps));
        at += Span::from_millis(millis);
        step
    };
    STEPS.into_iter().map(step).collect()
}

/// Bytes that a link carries from its start to then.
fn carried(until: Time) -> f64 {
    let steps = steps();
    let ends = steps.iter().skip(1).map(|(at, _)| *at).chain([Span::MAX]);
    let parts = steps.iter().zip(ends).map(|((from, rate), to)| {
        let to = to.min(until.since_start());
        rate.as_bps_f64() / 8.0 * to.saturating_sub(*from).as_secs_f64()
    });
    parts.sum()
}

/// Errors of what came per bin against what the link carries, of all bins in which it
/// was busy.
fn errors(curve: &Curve, from: Time, to: Time) -> Vec<f64> {
    let come = |at: Time| {
        curve
            .at(at.as_nanos())
            .map(|packets| packets * f64::from(SIZE))
    };
    let edges = std::iter::successors(Some(from), |at| Some(*at + BIN));
    let edges: Vec<Time> = edges.take_while(|at| *at <= to).collect();
    let bins = edges.windows(2).filter_map(|pair| {
        let come = come(pair[1])? - come(pair[0])?;
        let ideal = carried(pair[1]) - carried(pair[0]);
        Some((come / ideal - 1.0).abs())
    });
    bins.collect()
}

/// Sends everything at once, so that the link is busy from then on. When each packet came, by the clock on the wall.
fn flood(site: &Site, packets: u64) -> Vec<(u64, Instant)> {
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            site.right.set_read_timeout(Some(QUIET)).unwrap();
            let mut come: Vec<(u64, Instant)> = Vec::new();
            while come.last().is_none_or(|(number, _)| number + 1 < packets) {
                match try_receive(&site.right) {
                    Some(number) => come.push((number, Instant::now())),
                    // The socket had no room for the last ones while this was away.
                    None if has_delivered(site, packets) => break,
                    None => assert!(site.start.elapsed() < PATIENCE, "nothing comes"),
                }
            }
            come
        });
        for number in 0..packets {
            send(&site.left, number, SIZE);
        }
        reader.join().unwrap()
    })
}

fn has_delivered(site: &Site, packets: u64) -> bool {
    site.witness
        .look(|seen| seen.delivered.len() as u64 == packets)
}

/// By logical times, which are what the link decides: every bin within 1 %. By the clock
/// on the wall, which is what an application sees: nothing is early, and the bin in the
/// middle of all is within 1 %. A worker or the reader may be away from the processor for
/// some milliseconds, each of which is 1 % of a bin; how long is up to the machine, and
/// reported as the emulation error.
#[test]
fn every_tenth_of_a_second_has_what_the_rate_allows() {
    let length: u64 = STEPS.iter().map(|(_, millis)| millis).sum();
    let packets = carried(Time::from_millis(length)) as u64 / u64::from(SIZE);
    assert!(packets < 8_000, "all fit into the device: {packets}");
    let parts = Parts {
        rate: build(&rate::RateSteps(steps())),
        ..plain()
    };
    let Some(((come, start), seen)) = over(parts, |site| (flood(site, packets), site.start)) else {
        return;
    };
    let logical: Vec<(u64, Time)> = seen.delivered;
    assert_eq!(logical.len() as u64, packets, "no drops");
    let mut curve = Curve::default();
    for (number, at) in &logical {
        curve.add(*number, at.as_nanos());
    }
    // When all have arrived the link is busy until the last one has left.
    let (_, busy) = seen.arrived[seen.arrived.len() - 1];
    let (_, end) = logical[logical.len() - 1];
    let found = errors(&curve, busy, end);
    assert!(found.len() >= 10, "{}", found.len());
    for (bin, error) in found.iter().enumerate() {
        assert!(*error < 0.01, "bin {bin}: {error}");
    }

    let mut curve = Curve::default();
    for (number, at) in &come {
        let at = at.duration_since(start);
        let due = logical[*number as usize].1;
        assert!(
            at.as_nanos() >= u128::from(due.as_nanos()),
            "{number} is early"
        );
        curve.add(*number, u64::try_from(at.as_nanos()).unwrap());
    }
    let mut found = errors(&curve, busy, end);
    found.sort_by(f64::total_cmp);
    let median = found[found.len() / 2];
    assert!(median < 0.01, "{found:?}");
}
