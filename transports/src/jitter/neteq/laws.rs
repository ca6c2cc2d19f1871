//! Laws of NetEQ that hold whatever arrives.

use proptest::prelude::*;
use weaknet_core::event::AudioCounter;
use weaknet_core::{Span, Time};

use super::super::{AudioBuffer, AudioLevel, AudioPacket};
use super::vectors::{Bench, packet, speech};
use super::{Neteq, units};

proptest! {
    /// What is played and what is left was decoded, made up or inserted, less what
    /// was removed.
    #[test]
    fn sound_is_conserved(
        arrivals in proptest::collection::vec((0u64..3_000, 0u64..150, 0u8..3), 1..300),
        stretching in any::<bool>(),
    ) {
        let mut arrivals = arrivals;
        arrivals.sort_unstable();
        let config = Neteq { time_stretching: stretching, ..Neteq::default() };
        let mut bench = Bench::new(&config, speech());
        for (ms, n, codec) in arrivals {
            let level = AudioLevel { codec, red: 0 };
            bench.arrive(Time::from_millis(ms), AudioPacket { level, ..packet(n) });
        }
        bench.play(Time::from_secs(4));
        let of = |counter| i128::from(bench.heard.count(counter));
        let (left, bank) = bench.buffer.left_and_bank();
        let made = i128::from(units::samples(bench.heard.decoded))
            + of(AudioCounter::ConcealedSamples)
            - i128::from(bank)
            + of(AudioCounter::InsertedSamples)
            - of(AudioCounter::RemovedSamples);
        let played = bench.heard.pulls.len() as i128 * 480;
        prop_assert_eq!(played + i128::from(left), made);
    }

    /// Every 10 ms something is played, and real sound in the order of its
    /// capture, but for the length of a stretch.
    #[test]
    fn pulls_are_regular_and_in_order(
        arrivals in proptest::collection::vec((0u64..3_000, 0u64..150), 1..300),
    ) {
        let mut arrivals = arrivals;
        arrivals.sort_unstable();
        let mut bench = Bench::new(&Neteq::default(), speech());
        for (ms, n) in arrivals {
            bench.arrive(Time::from_millis(ms), packet(n));
        }
        bench.play(Time::from_secs(4));
        let pulls = &bench.heard.pulls;
        prop_assert!(pulls.windows(2).all(|w| w[1].0 - w[0].0 == Span::from_millis(10)));
        let captured: Vec<Time> = pulls.iter().filter_map(|(_, captured)| *captured).collect();
        prop_assert!(
            captured.windows(2).all(|w| w[1] + Span::from_millis(30) > w[0]),
            "{:?}", captured
        );
    }

    #[test]
    fn survives_any_packet(
        packets in proptest::collection::vec(
            (any::<u32>(), prop_oneof![any::<u64>(), 0u64..1_000_000, (u64::MAX >> 1) - 100_000..],
             prop_oneof![any::<u64>(), 0u64..200_000_000], any::<bool>(), any::<u8>()),
            1..80,
        ),
    ) {
        let mut packets = packets;
        packets.sort_unstable();
        let mut bench = Bench::new(&Neteq::default(), speech());
        for (now, timestamp, length, silence, codec) in packets {
            let now = Time::from_nanos(u64::from(now));
            let level = AudioLevel { codec, red: 0 };
            let length = Span::from_nanos(length);
            bench.arrive(now, AudioPacket { timestamp, length, silence, level, ..packet(0) });
            bench.play(now);
            prop_assert!(bench.buffer.next_wake().is_none_or(|wake| wake > now || wake == Time::ZERO));
        }
        bench.play(Time::from_secs(6));
    }
}
