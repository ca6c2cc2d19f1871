//! Parameters come back within 10 % from a capture of the link itself.

use std::path::PathBuf;

use weaknet_core::Time;
use weaknet_harness::fit::{self, Family, LinkFit, LossModel, QueueFit, RateShape};
use weaknet_netem::{delay, loss, rate};

use crate::support::{
    Known, build, drive, drop_tail, independent, pcap, pcapng, plain, traffic, uniform,
};

pub(crate) fn write(name: &str, bytes: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Captures both sides of the link, and fits.
fn fitted(name: &str, known: Known, packets: &[(Time, u32)]) -> LinkFit {
    let [entered, left] = drive(known, packets);
    let file = write(
        &format!("{name}.pcapng"),
        &pcapng(&[("in", &entered), ("out", &left)]),
    );
    let measurement = fit::read(&[file]).unwrap();
    fit::fit(&measurement.forward).unwrap()
}

#[track_caller]
fn near(got: f64, want: f64) {
    assert!(
        (got / want - 1.0).abs() <= 0.1,
        "{got}, expected {want} within 10 %"
    );
}

#[track_caller]
fn constant_rate(fit: &LinkFit) -> f64 {
    match fit.rate.shape {
        RateShape::Constant(rate) => rate,
        ref other => panic!(
            "expected a constant rate, found {}",
            &format!("{other:?}")[..200]
        ),
    }
}

#[track_caller]
fn constant_delay(fit: &LinkFit) -> f64 {
    match fit.delay.family {
        Family::Constant(millis) => millis,
        other => panic!("expected a constant delay, found {other:?}"),
    }
}

#[test]
fn constant_rate_and_delay_with_independent_loss() {
    let known = Known {
        loss: independent("2%"),
        ..plain()
    };
    let fit = fitted("bernoulli", known, &traffic(6_000_000, 1));
    near(constant_rate(&fit), 5e6);
    near(constant_delay(&fit), 30.0);
    near(fit.loss.average, 0.02);
    assert_eq!(fit.loss.model, LossModel::Bernoulli);
    assert_eq!(fit.loss.overflow, 0);
    // Lost behind the serialiser: all of the loss took link time.
    near(fit.rate.lost_use_link.unwrap(), 1.0);
}

#[test]
fn loss_in_bursts() {
    let known = Known {
        loss: build(
            &loss::GilbertElliott {
                average: Some("3%".parse().unwrap()),
                burst: Some(6.0),
                ..loss::GilbertElliott::default()
            },
            3,
        ),
        ..plain()
    };
    let fit = fitted("gilbert", known, &traffic(6_000_000, 6));
    near(constant_rate(&fit), 5e6);
    near(constant_delay(&fit), 30.0);
    near(fit.loss.average, 0.03);
    near(fit.loss.burst.unwrap().0, 6.0);
    let LossModel::Gilbert { p, r } = fit.loss.model else {
        panic!("{:?}", fit.loss.model);
    };
    near(r, 1.0 / 6.0);
    near(p, 0.03 / (6.0 * 0.97));
    assert!(fit.loss.runs.unwrap().p > 0.001);
}

#[test]
fn rate_in_steps() {
    let steps = [(0, 5.0), (20, 2.5), (30, 4.0), (80, 1.5), (90, 5.0)];
    let known = Known {
        rate: build(
            &rate::RateSteps(
                steps
                    .iter()
                    .map(|(s, mbps)| {
                        (
                            format!("{s}s").parse().unwrap(),
                            format!("{mbps}Mbps").parse().unwrap(),
                        )
                    })
                    .collect(),
            ),
            1,
        ),
        ..plain()
    };
    let fit = fitted("steps", known, &traffic(6_000_000, 1));
    let RateShape::Steps(found) = &fit.rate.shape else {
        panic!("{:?}", fit.rate.shape);
    };
    assert_eq!(found.len(), steps.len(), "{found:?}");
    for ((at, rate), (want_at, want)) in found.iter().zip(steps) {
        near(*rate, want * 1e6);
        assert!((at - f64::from(want_at)).abs() < 0.1, "{at} {want_at}");
    }
    near(constant_delay(&fit), 30.0);
}

#[test]
fn uniform_jitter() {
    let known = Known {
        delay: uniform("20ms", "50ms"),
        ..plain()
    };
    let fit = fitted("uniform", known, &traffic(6_000_000, 1));
    near(constant_rate(&fit), 5e6);
    let Family::Uniform { min, max } = fit.delay.family else {
        panic!("{:?}", fit.delay.family);
    };
    near(min, 20.0);
    near(max, 50.0);
    assert!(fit.delay.ks.unwrap().0 < 0.03);
}

#[test]
fn normal_jitter() {
    let known = Known {
        delay: build(
            &delay::NormalDelay {
                mean: "60ms".parse().unwrap(),
                std: "8ms".parse().unwrap(),
                ..delay::NormalDelay::default()
            },
            1,
        ),
        ..plain()
    };
    let fit = fitted("normal", known, &traffic(6_000_000, 1));
    near(constant_rate(&fit), 5e6);
    let Family::Normal { mean, std } = fit.delay.family else {
        panic!("{:?}", fit.delay.family);
    };
    near(mean, 60.0);
    near(std, 8.0);
}

#[test]
fn a_full_queue_beside_random_loss() {
    let known = Known {
        queue: drop_tail("100ms"),
        loss: independent("2%"),
        ..plain()
    };
    let fit = fitted("overflow", known, &traffic(6_000_000, 1));
    near(constant_rate(&fit), 5e6);
    near(constant_delay(&fit), 30.0);
    near(fit.loss.average, 0.02);
    let QueueFit::Time(limit, _) = fit.queue else {
        panic!("{:?}", fit.queue);
    };
    near(limit, 0.1);
}

/// Everything at once: jitter that hides single losses, bursts, and a queue that
/// overflows for most of the time.
#[test]
fn jitter_bursts_and_a_full_queue() {
    let normal = delay::NormalDelay {
        mean: "60ms".parse().unwrap(),
        std: "6ms".parse().unwrap(),
        ..delay::NormalDelay::default()
    };
    let bursts = loss::GilbertElliott {
        average: Some("3%".parse().unwrap()),
        burst: Some(5.0),
        ..loss::GilbertElliott::default()
    };
    let known = Known {
        delay: build(&normal, 1),
        queue: drop_tail("200ms"),
        loss: build(&bursts, 3),
        ..plain()
    };
    let fit = fitted("everything", known, &traffic(6_000_000, 6));
    near(constant_rate(&fit), 5e6);
    let Family::Normal { mean, std } = fit.delay.family else {
        panic!("{:?}", fit.delay.family);
    };
    near(mean, 60.0);
    near(std, 6.0);
    let QueueFit::Time(limit, _) = fit.queue else {
        panic!("{:?}", fit.queue);
    };
    near(limit, 0.2);
    near(fit.loss.average, 0.03);
    near(fit.loss.burst.unwrap().0, 5.0);
}

/// Frames of nine packets each 33 ms over a link that needs 29 ms for them, with
/// jitter that is as long as that and keeps the order: no wait can be seen.
#[test]
fn frames_tell_the_rate_behind_heavy_jitter() {
    let lognormal = delay::LognormalDelay {
        base: "30ms".parse().unwrap(),
        median: "5ms".parse().unwrap(),
        p95: "40ms".parse().unwrap(),
        ..delay::LognormalDelay::default()
    };
    let known = Known {
        rate: build(&rate::ConstantRate("3Mbps".parse().unwrap()), 1),
        delay: build(&lognormal, 1),
        loss: independent("2%"),
        ..plain()
    };
    let packets: Vec<(Time, u32)> = (0..27_000_u64)
        .map(|at| (Time::from_millis(at / 9 * 33), 1_200))
        .collect();
    let fit = fitted("frames", known, &packets);
    near(constant_rate(&fit), 3e6);
    let Family::Lognormal { shift, mu, sigma } = fit.delay.family else {
        panic!("{:?}", fit.delay.family);
    };
    near(shift, 30.0);
    near(mu, 5.0_f64.ln());
    // The 95th percentile is 1.645 deviations above the median.
    near(sigma, 8.0_f64.ln() / 1.645);
    near(fit.loss.average, 0.02);
}

/// Packets of one size that never wait say nothing of the rate, however much the
/// jitter bunches them.
#[test]
fn jitter_alone_is_no_rate() {
    let known = Known {
        delay: build(
            &delay::GammaDelay {
                base: "30ms".parse().unwrap(),
                mean: "10ms".parse().unwrap(),
                std: "7ms".parse().unwrap(),
                ..delay::GammaDelay::default()
            },
            1,
        ),
        ..plain()
    };
    let packets: Vec<(Time, u32)> = (0..20_000_u64)
        .map(|at| (Time::from_millis(at * 6), 1_200))
        .collect();
    let fit = fitted("even", known, &packets);
    assert!(!fit.rate.known(), "{:?}", fit.rate.shape);
    let Family::Gamma {
        shift,
        shape,
        scale,
    } = fit.delay.family
    else {
        panic!("{:?}", fit.delay.family);
    };
    // 1.9 ms for a packet at 5 Mbit/s are within.
    near(shift, 31.9);
    near(shape * scale, 10.0);
    near(shape.sqrt() * scale, 7.0);
}

/// A link that is never idle shows its shortest delay only before the queue
/// builds up.
#[test]
fn a_link_that_never_rests() {
    let known = Known {
        queue: drop_tail("100ms"),
        ..plain()
    };
    let packets: Vec<(Time, u32)> = (0..40_000_u64)
        .map(|at| (Time::from_micros(at * 1_600), 1_200))
        .collect();
    let fit = fitted("never", known, &packets);
    near(constant_rate(&fit), 5e6);
    near(constant_delay(&fit), 30.0);
    assert_eq!(fit.loss.model, LossModel::None);
    let QueueFit::Time(limit, _) = fit.queue else {
        panic!("{:?}", fit.queue);
    };
    near(limit, 0.1);
}

/// A capture ends while the queue is full: a quarter of a second of packets is on
/// its way then, and none of them is lost.
#[test]
fn packets_on_their_way_at_the_end_are_not_lost() {
    let known = Known {
        queue: drop_tail("200ms"),
        loss: independent("4%"),
        delay: build(
            &delay::NormalDelay {
                mean: "60ms".parse().unwrap(),
                std: "6ms".parse().unwrap(),
                ..delay::NormalDelay::default()
            },
            1,
        ),
        ..plain()
    };
    let [mut entered, mut left] = drive(known, &traffic(6_000_000, 4));
    let stop = Time::from_secs(450);
    entered.retain(|seen| seen.at < stop);
    left.retain(|seen| seen.at < stop);
    let missing = entered.len() - left.len();
    let file = write("cut.pcapng", &pcapng(&[("in", &entered), ("out", &left)]));
    let measurement = fit::read(&[file]).unwrap();
    let fit = fit::fit(&measurement.forward).unwrap();
    assert!(
        entered.len() - fit.packets > 100,
        "{} left out",
        entered.len() - fit.packets
    );
    assert!(missing > fit.loss.overflow + 100, "{missing}");
    near(constant_rate(&fit), 5e6);
    near(fit.loss.average, 0.04);
    assert_eq!(fit.loss.model, LossModel::Bernoulli);
}

#[test]
fn two_captures_whose_clocks_differ() {
    let [entered, left] = drive(plain(), &traffic(6_000_000, 1));
    let sender = write("sender.pcap", &pcap(&entered, 0));
    for ahead in [0, 5_000_000] {
        let receiver = write(&format!("receiver-{ahead}.pcap"), &pcap(&left, ahead));
        let measurement = fit::read(&[sender.clone(), receiver]).unwrap();
        let fit = fit::fit(&measurement.forward).unwrap();
        near(constant_rate(&fit), 5e6);
        near(constant_delay(&fit), 30.0 + ahead as f64 / 1e6);
    }
}
