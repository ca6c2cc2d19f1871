//! Piecewise-constant rates against their closed forms.

use proptest::prelude::*;
use weaknet_core::plugin::Assets;
use weaknet_core::{Bitrate, Plugin, Span, Time};

use super::*;
use crate::model::{Rate, RateModel};
use crate::testing::{self, File};
use crate::trace::Format;

fn build_with(
    plugin: &impl Plugin<Kind = Rate>,
    file: &'static str,
) -> Result<Box<dyn RateModel>, String> {
    testing::build_with(plugin, 1, &Assets::new(File(file))).map_err(|e| e.to_string())
}

fn constant(rate: &str) -> Box<dyn RateModel> {
    build_with(&ConstantRate(rate.parse().unwrap()), "").unwrap()
}

fn steps(list: &[(u64, &str)]) -> Box<dyn RateModel> {
    let list = list
        .iter()
        .map(|(ms, rate)| (Span::from_millis(*ms), rate.parse().unwrap()));
    build_with(&RateSteps(list.collect()), "").unwrap()
}

fn seconds_mbps(file: &'static str) -> Result<Box<dyn RateModel>, String> {
    build_with(
        &RateTrace {
            file: "trace".into(),
            format: Some(Format::SecondsMbps),
            ..RateTrace::default()
        },
        file,
    )
}

fn ms(t: u64) -> Time {
    Time::from_millis(t)
}

#[test]
fn a_lone_packet_takes_its_time_rounded_up() {
    assert_eq!(
        constant("7Mbps").serve(ms(1), 1_500, false),
        Time::from_nanos(1_000_000 + 1_714_286)
    );
    assert_eq!(
        constant("3Mbps").serve(ms(0), 1_400, false),
        Time::from_nanos(3_733_334)
    );
    assert_eq!(
        constant("1bps").serve(ms(0), u32::MAX, false),
        Time::MAX,
        "beyond the end of time"
    );
}

#[test]
fn a_busy_server_never_drifts() {
    let mut link = constant("7Mbps");
    let mut now = Time::ZERO;
    for k in 1..=1_000_000u64 {
        now = link.serve(now, 1_500, true);
        let exact = (u128::from(k) * 8 * 1_500_000_000_000).div_ceil(7_000_000);
        assert_eq!(u128::from(now.as_nanos()), exact, "packet {k}");
    }
}

proptest! {
    #[test]
    fn a_constant_rate_is_a_curve_of_one_step(
        bps in 1u64..400_000_000_000,
        packets in prop::collection::vec((prop_oneof![Just(0), 0u64..1_000_000], prop_oneof![0u32..1_600, any::<u32>()]), 1..40),
    ) {
        let rate = format!("{bps}bps");
        let (mut constant, mut curve) = (constant(&rate), steps(&[(0, &rate)]));
        let mut finish = Time::ZERO;
        for (pause, bytes) in packets {
            let start = finish + Span::from_nanos(pause);
            prop_assert_eq!(constant.rate_at(start), curve.rate_at(start));
            prop_assert_eq!(constant.capacity(finish, start), curve.capacity(finish, start));
            finish = constant.serve(start, bytes, pause == 0);
            prop_assert_eq!(finish, curve.serve(start, bytes, pause == 0));
        }
    }
}

#[test]
fn a_pause_forfeits_the_remainder() {
    let mut link = constant("7Mbps");
    let first = link.serve(Time::ZERO, 1_500, false);
    let later = first + Span::from_nanos(1);
    assert_eq!(
        link.serve(later, 1_500, false) - later,
        Span::from_nanos(1_714_286)
    );
}

#[test]
fn packets_shorter_than_a_nanosecond_share_it() {
    // 100 Gbit/s: 12.5 bytes a nanosecond.
    let mut link = constant("100Gbps");
    let mut now = Time::ZERO;
    let finishes: Vec<u64> = (0..6)
        .map(|_| {
            now = link.serve(now, 5, true);
            now.as_nanos()
        })
        .collect();
    assert_eq!(finishes, [1, 1, 2, 2, 2, 3]);
}

#[test]
fn steps_apply_within_a_packet() {
    // 12 000 bits: 4 ms at 2 Mbit/s do 8 000, the rest takes 4 ms at 1 Mbit/s.
    let mut link = steps(&[(0, "2Mbps"), (4, "1Mbps")]);
    assert_eq!(link.serve(ms(0), 1_500, false), ms(8));
    assert_eq!(link.capacity(ms(0), ms(8)), Some(12_000.0));
    // Up: 4 000 bits in 4 ms at 1 Mbit/s, 8 000 in 1 ms at 8 Mbit/s.
    assert_eq!(
        steps(&[(0, "1Mbps"), (4, "8Mbps")]).serve(ms(0), 1_500, false),
        ms(5)
    );
}

#[test]
fn nothing_moves_at_zero() {
    let mut link = steps(&[(0, "1Mbps"), (4, "0bps"), (100, "1Mbps"), (200, "0bps")]);
    assert_eq!(link.serve(ms(0), 1_500, false), ms(108));
    assert_eq!(link.serve(ms(195), 1_500, false), Time::MAX);
    assert_eq!(link.serve(Time::MAX, 1_500, true), Time::MAX);
    assert_eq!(link.capacity(ms(0), ms(1_000)), Some(104_000.0));
}

#[test]
fn limits_count_with_the_last_rate_above_zero() {
    let mut link = steps(&[(0, "0bps"), (4, "2Mbps"), (8, "0bps"), (100, "1Mbps")]);
    let mut rate = |t| link.rate_at(ms(t)).unwrap();
    assert_eq!(
        [rate(0), rate(4), rate(8), rate(99)],
        [Bitrate::from_mbps(2); 4]
    );
    assert_eq!(rate(100), Bitrate::from_mbps(1));
    assert_eq!(steps(&[(0, "0bps")]).rate_at(ms(1)), Some(Bitrate::ZERO));
    // In a loop the last rate of the round before stands.
    let mut looped = seconds_mbps("0 0\n1 2\n2 3\n").unwrap();
    assert_eq!(looped.rate_at(ms(0)), Some(Bitrate::from_mbps(3)));
    assert_eq!(looped.rate_at(ms(1_000)), Some(Bitrate::from_mbps(2)));
    assert_eq!(looped.rate_at(ms(3_000)), Some(Bitrate::from_mbps(3)));
}

#[test]
fn unlimited_passes_at_once() {
    let mut link = build_with(&UnlimitedRate {}, "").unwrap();
    assert_eq!(link.serve(ms(3), u32::MAX, false), ms(3));
    assert_eq!(
        (link.rate_at(ms(3)), link.capacity(ms(0), ms(3))),
        (None, None)
    );
}

#[test]
fn seconds_mbps_holds_and_loops() {
    // Time counts from the first row; the last row holds for half a second as
    // well; then all over again: 2 + 1 Mbit per second.
    let mut link = seconds_mbps("10.0 4\n10.5\t2\n").unwrap();
    assert_eq!(link.rate_at(ms(499)), Some(Bitrate::from_mbps(4)));
    assert_eq!(link.rate_at(ms(500)), Some(Bitrate::from_mbps(2)));
    assert_eq!(link.rate_at(ms(1_000)), Some(Bitrate::from_mbps(4)));
    assert_eq!(link.capacity(ms(250), ms(10_250)), Some(30e6));
    // 375 000 bytes are 3 Mbit, exactly a round; 1000 rounds are skipped whole.
    assert_eq!(link.serve(ms(100), 375_000, false), ms(1_100));
    assert_eq!(link.serve(ms(1_100), 375_000_000, true), ms(1_001_100));
}

#[test]
fn a_single_row_holds_for_ever() {
    let mut link = seconds_mbps("5 2.5").unwrap();
    assert_eq!(link.rate_at(ms(99_999)), Some(Bitrate::from_kbps(2_500)));
    assert_eq!(link.capacity(ms(0), ms(10_000)), Some(25e6));
}

#[test]
fn a_rate_of_zero_for_ever_never_delivers() {
    let mut link = seconds_mbps("0 0\n1 0\n").unwrap();
    assert_eq!(link.serve(ms(0), 1, false), Time::MAX);
    assert_eq!(link.rate_at(ms(5)), Some(Bitrate::ZERO));
    assert_eq!(link.capacity(ms(0), ms(9_000)), Some(0.0));
}

#[test]
fn refusals_name_what_is_wrong() {
    let message = build_with(&ConstantRate(Bitrate::ZERO), "").err().unwrap();
    assert!(
        message.starts_with("a constant rate of 0bps would never carry a packet"),
        "{message}"
    );
    let steps = |list: &[u64]| {
        let list = list
            .iter()
            .map(|ms| (Span::from_millis(*ms), Bitrate::ZERO));
        build_with(&RateSteps(list.collect()), "").err().unwrap()
    };
    assert_eq!(
        steps(&[]),
        "no steps: expected a list such as [[0s, 3Mbps]]"
    );
    assert_eq!(steps(&[1]), "the first step must be at 0s");
    assert_eq!(
        steps(&[0, 20, 20]),
        "step 3 is not after the step before it"
    );
    let message = seconds_mbps("0 1\n1 fast\n").err().unwrap();
    assert_eq!(
        message,
        "`trace`: line 2: `fast` is not a rate (column rate_mbps)"
    );
    assert_eq!(
        build_with(&RateTrace::default(), "").err().unwrap(),
        "expected the name of a trace file"
    );
}
