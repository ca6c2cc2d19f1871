//! Policers against the vectors of queues reference 1.8 and their envelope.

use proptest::prelude::*;
use weaknet_core::event::DropReason;
use weaknet_core::{Bitrate, Bytes, Time};

use super::three_colours::Meter;
use super::*;
use crate::loss::tests::try_build;
use crate::model::{LossAt, LossModel, Passage};

fn passes(model: &mut dyn LossModel, at: Time, size: u32) -> bool {
    !model.lose(Passage {
        draw: 0,
        step: 0,
        at,
        size,
    })
}

fn pattern(policer: &Policer, packets: impl Iterator<Item = (u64, u32)>) -> String {
    let mut model = try_build(policer, 1).unwrap();
    packets
        .map(|(ms, size)| passes(&mut *model, Time::from_millis(ms), size))
        .map(|passes| if passes { '1' } else { '0' })
        .collect()
}

#[test]
fn one_bucket() {
    let policer = Policer::default();
    // Vector TB1: 1 Mbit/s, 10 000 B, 1500 B every 5 ms.
    assert_eq!(
        pattern(&policer, (0..40).map(|i| (5 * i, 1_500))),
        "1111111111010100101010010100101010010100"
    );
    // TB2: ten at once, and ten 50 ms later.
    assert_eq!(
        pattern(&policer, (0..20).map(|i| (50 * (i / 10), 1_500))),
        "11111100001111000000"
    );
    let model = try_build(&policer, 1).unwrap();
    assert_eq!(model.reason(), DropReason::Policed);
    assert_eq!(model.place(), Some(LossAt::BeforeQueue));
}

#[test]
fn a_peak_rate_spreads_the_burst() {
    // 2 Mbit/s carry 1500 B in 6 ms; the bucket would take six at once.
    let policer = Policer {
        peak: Some(Bitrate::from_mbps(2)),
        ..Policer::default()
    };
    assert_eq!(
        pattern(
            &policer,
            [0, 0, 5, 6, 7, 12].map(|ms| (ms, 1_500)).into_iter()
        ),
        "100101"
    );
    assert_eq!(
        pattern(&policer, [(0, 1_501)].into_iter()),
        "0",
        "larger than a bucket"
    );
}

fn colours(mut meter: impl Meter) -> String {
    (0..24)
        .map(|i| meter.colour(Time::from_millis(2 * i), 1_000))
        .map(|colour| match colour {
            Colour::Green => 'G',
            Colour::Yellow => 'Y',
            Colour::Red => 'R',
        })
        .collect()
}

#[test]
fn three_colours() {
    let size = Bytes::new(3_000);
    // Vector TB4: 125 000 B/s, two buckets of 3000 B.
    let single = SingleRateThreeColours {
        burst: size,
        excess_burst: size,
        ..SingleRateThreeColours::default()
    };
    assert_eq!(colours(single.meter()), "GGGYGYYRGRRRGRRRGRRRGRRR");
    // TB5: 250 000 and 125 000 B/s.
    let two = TwoRatesThreeColours {
        burst: size,
        peak_burst: size,
        ..TwoRatesThreeColours::default()
    };
    assert_eq!(colours(two.meter()), "GGGYGRYRGRYRGRYRGRYRGRYR");
    // Dropping yellow leaves what the committed bucket grants.
    let strict = SingleRateThreeColours {
        drop: Colour::Yellow,
        ..single.clone()
    };
    let mut models = [
        try_build(&single, 1).unwrap(),
        try_build(&strict, 1).unwrap(),
    ];
    let passed = models.each_mut().map(|model| {
        let all = 0..24;
        all.filter(|i| passes(&mut **model, Time::from_millis(2 * i), 1_000))
            .count()
    });
    assert_eq!(passed, [11, 8]);
}

#[test]
fn says_what_is_wrong() {
    let error = |policer: Policer| try_build(&policer, 1).err().unwrap();
    let rate = Bitrate::ZERO;
    assert_eq!(
        error(Policer {
            rate,
            ..Policer::default()
        }),
        "expected a rate above 0bps"
    );
    let peak = Some(Bitrate::from_kbps(500));
    assert_eq!(
        error(Policer {
            peak,
            ..Policer::default()
        }),
        "expected at least `rate`, 1Mbps, found 500kbps"
    );
    let burst = Bytes::ZERO;
    assert_eq!(
        error(Policer {
            burst,
            ..Policer::default()
        }),
        "expected a size above 0B"
    );
}

proptest! {
    /// Between any two packets that pass there is no more than the burst and
    /// what the rate carries.
    #[test]
    fn the_envelope_holds(
        packets in prop::collection::vec((0u64..20_000_000, 40u32..1_500), 1..60),
        kbps in 10u64..5_000,
        burst in 100u64..10_000,
    ) {
        let policer = Policer { rate: Bitrate::from_kbps(kbps), burst: Bytes::new(burst), ..Policer::default() };
        let mut model = try_build(&policer, 1).unwrap();
        let mut now = Time::ZERO;
        let mut passed: Vec<(Time, u64)> = Vec::new();
        for (gap, size) in packets {
            now += weaknet_core::Span::from_nanos(gap);
            if passes(&mut *model, now, size) {
                passed.push((now, u64::from(size)));
            }
        }
        for (i, (from, _)) in passed.iter().enumerate() {
            let mut bits = 0u128;
            for (to, size) in &passed[i..] {
                bits += u128::from(*size) * 8;
                let carried = u128::from(to.since(*from).as_nanos()) * u128::from(kbps * 1_000);
                prop_assert!(bits * 1_000_000_000 <= u128::from(burst) * 8_000_000_000 + carried);
            }
        }
    }
}
