//! Packets leave their place as configured, by RFC 4737.

use std::time::Duration;

use weaknet_core::{Ratio, Span, Time};
use weaknet_netem::{Parts, delay, reorder};

use super::support::{build, exchange, over, plain, receive, send};

const SIZE: u32 = 60;

/// Which packets are overtaken (RFC 4737 section 3.3: behind one of a higher number), by
/// how many, and their extent (section 4.2.2): how many places behind the first that
/// overtook them.
fn reordered(order: &[u64]) -> Vec<(u64, usize, usize)> {
    let mut found = Vec::new();
    for (place, number) in order.iter().enumerate() {
        let higher = |earlier: &&u64| *earlier > number;
        let by = order[..place].iter().filter(higher).count();
        if let Some(first) = order[..place].iter().position(|earlier| earlier > number) {
            found.push((*number, by, place - first));
        }
    }
    found
}

#[test]
fn the_example_of_rfc_4737() {
    // Section 9.1, example 1: packet 4 comes behind 5, 6, 7 and 8.
    let found = reordered(&[1, 2, 3, 5, 6, 7, 8, 4, 9, 10]);
    assert_eq!(found, [(4, 4, 4)]);
}

#[test]
fn packets_let_as_many_pass_as_configured() {
    const PACKETS: u64 = 4_000;
    const SHARE: f64 = 0.03;
    for extent in [1, 3, 8] {
        let behind = reorder::Behind {
            probability: Ratio::from_f64(SHARE),
            packets: extent,
            // Those that nothing follows any more wait as long.
            at_most: Span::from_secs(2),
        };
        let parts = Parts {
            reorder: Some(build(&behind)),
            ..plain()
        };
        let Some((come, seen)) = over(parts, |site| exchange(site, PACKETS, SIZE)) else {
            return;
        };
        assert_eq!(come.len() as u64, PACKETS);
        let logical: Vec<u64> = seen.delivered.iter().map(|(number, _)| *number).collect();
        assert_eq!(come, logical, "the far end sees the order of the link");
        let found = reordered(&come);
        // All but those at the very end let exactly so many pass.
        let last = PACKETS - 3 * u64::from(extent);
        let found = found.iter().filter(|(number, ..)| *number < last);
        let found: Vec<_> = found.copied().collect();
        for (number, by, _) in &found {
            assert_eq!(*by, extent as usize, "{number}");
        }
        let expected = PACKETS as f64 * SHARE;
        let deviation = (expected * (1.0 - SHARE)).sqrt();
        let off = (found.len() as f64 - expected).abs();
        assert!(off < 4.0 * deviation + 1.0, "{extent}: {}", found.len());
        // Alone among others that keep their place, one has that extent too.
        let near = |a: u64, b: u64| a != b && a.abs_diff(b) <= 2 * u64::from(extent);
        let alone = found
            .iter()
            .filter(|(number, ..)| !found.iter().any(|(other, ..)| near(*number, *other)));
        let extents: Vec<usize> = alone.map(|(.., extent)| *extent).collect();
        assert!(extents.len() > 20, "{}", extents.len());
        assert!(
            extents.iter().all(|found| *found == extent as usize),
            "{extents:?}"
        );
    }
}

/// A packet that is held back is overtaken by exactly those that arrive within the time
/// that it is held back for. When they arrive is up to the machine; the link tells.
#[test]
fn late_packets_are_overtaken_by_those_of_that_time() {
    const PACKETS: u64 = 400;
    let late = reorder::Late {
        probability: Ratio::from_f64(0.1),
        by: Span::from_millis(20),
    };
    let delay = Span::from_millis(5);
    let parts = Parts {
        delay: vec![build(&delay::ConstantDelay(delay))],
        reorder: Some(build(&late)),
        ..plain()
    };
    let run = over(parts, |site| {
        std::thread::scope(|scope| {
            let read = || (0..PACKETS).map(|_| receive(&site.right)).collect();
            let reader = scope.spawn(read);
            for number in 0..PACKETS {
                send(&site.left, number, SIZE);
                std::thread::sleep(Duration::from_millis(1));
            }
            let come: Vec<u64> = reader.join().unwrap();
            come
        })
    });
    let Some((come, seen)) = run else { return };
    let held: Vec<u64> = {
        let arrived = |number: u64| seen.arrived[number as usize].1;
        let held = seen.delivered.iter().filter(|(number, at)| {
            let took = at.since(arrived(*number));
            assert!(took == delay || took == delay + late.by, "{number}: {took}");
            took > delay
        });
        held.map(|(number, _)| *number).collect()
    };
    assert!((15..=65).contains(&held.len()), "{}", held.len());
    let release = |number: u64| -> Time {
        let by = if held.contains(&number) {
            late.by
        } else {
            Span::ZERO
        };
        seen.arrived[number as usize].1 + delay + by
    };
    let mut expected: Vec<u64> = (0..PACKETS).collect();
    expected.sort_by_key(|number| release(*number));
    assert_eq!(come, expected);
    assert!(
        reordered(&come)
            .iter()
            .all(|(number, ..)| held.contains(number))
    );
}
