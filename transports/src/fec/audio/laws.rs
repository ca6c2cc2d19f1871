//! What is left of losses, in closed form.

use std::collections::BTreeSet;

use weaknet_core::Time;
use weaknet_core::rng::Streams;

use super::testing::{MS20, opus, scheme};
use super::{AudioProtection, Dred, OpusLbrr, RedAudio};

const PACKETS: u64 = 200_000;

/// The share of packets that neither come nor are copied in one that does.
fn residual(mut protection: AudioProtection, lost: impl Fn(u64) -> bool) -> f64 {
    protection.on_loss(Time::ZERO, 0.1);
    let mut there = BTreeSet::new();
    for seq in 0..PACKETS {
        let rtp = opus(seq, 80);
        let packet = protection.protect(rtp, MS20);
        if !lost(seq) {
            there.insert(seq);
            there.extend(
                packet
                    .iter()
                    .flat_map(|packet| &packet.copies)
                    .map(|copy| copy.seq),
            );
        }
    }
    1.0 - there.len() as f64 / PACKETS as f64
}

fn red(distance: u8) -> AudioProtection {
    scheme(&RedAudio { distance })
}

#[test]
fn random_losses_leave_a_power() {
    let draws = Streams::new(3).draws("call", "loss");
    for p in [0.1, 0.3] {
        for distance in 1..=3 {
            let left = residual(red(distance), |seq| draws.unit(seq) < p);
            let expected = libm::pow(p, f64::from(distance) + 1.0);
            // Runs overlap: neighbours are correlated, which widens the standard
            // error of a mean by at most sqrt((1 + p) / (1 - p)); 5 of them.
            let correlation = (1.0 + p) / (1.0 - p);
            let error = (expected * (1.0 - expected) * correlation / PACKETS as f64).sqrt();
            assert!(
                (left - expected).abs() < 5.0 * error,
                "{p} {distance}: {left}"
            );
        }
    }
}

#[test]
fn of_a_burst_a_copy_one_back_repairs_the_last() {
    let bursts = |length: u64| move |seq: u64| seq % 20 < length && seq >= 20;
    let share = |missing: u64| (missing * (PACKETS / 20 - 1)) as f64 / PACKETS as f64;
    for length in 1..=5 {
        let left = residual(scheme(&OpusLbrr::default()), bursts(length));
        assert!(
            (left - share(length - 1)).abs() < 1e-9,
            "LBRR {length}: {left}"
        );
        let left = residual(red(2), bursts(length));
        assert!(
            (left - share(length.saturating_sub(2))).abs() < 1e-9,
            "RED {length}: {left}"
        );
    }
    // Six packets back at this rate and loss.
    for (length, missing) in [(6, 0), (7, 1), (9, 3)] {
        let left = residual(scheme(&Dred::default()), bursts(length));
        assert!(
            (left - share(missing)).abs() < 1e-9,
            "DRED {length}: {left}"
        );
    }
}

#[test]
fn red_carries_what_is_in_band_too() {
    let mut both = AudioProtection::default();
    for scheme in [red(1), scheme(&OpusLbrr::default())] {
        for scheme in scheme.schemes {
            both.add(scheme).unwrap();
        }
    }
    both.on_loss(Time::ZERO, 0.1);
    for seq in 0..5 {
        both.protect(opus(seq, 80), MS20);
    }
    let packet = both.protect(opus(5, 80), MS20).unwrap();
    let copies: Vec<(u64, u8, u8)> = packet
        .copies
        .iter()
        .map(|copy| (copy.seq, copy.codec, copy.red))
        .collect();
    assert_eq!(copies, [(4, 1, 0), (3, 1, 1), (4, 0, 1)]);
    assert_eq!((packet.rtp.payload, packet.redundant), (165, 32 + 85));
    let again = both.add(red(2).schemes.remove(0));
    assert!(again.unwrap_err().message.contains("once"));
}
