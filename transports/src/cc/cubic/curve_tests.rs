use super::*;
use proptest::prelude::*;

fn curve() -> Curve {
    Curve::new(&Cubic::default())
}

fn near(got: f64, expected: f64) -> bool {
    (got - expected).abs() < 1e-4 * (1.0 + expected.abs() / 100.0)
}

/// A curve after a cut from `w_max`, and the window that it left.
fn cut(w_max: f64) -> (Curve, f64) {
    let mut curve = curve();
    let cwnd = curve.reduce(w_max, Congestion::Loss);
    (curve, cwnd)
}

#[test]
fn the_plateau_comes_after_k() {
    for (w_max, k) in [
        (10.0, 1.95743),
        (20.0, 2.46621),
        (50.0, 3.34716),
        (100.0, 4.21716),
        (200.0, 5.31329),
        (500.0, 7.21125),
        (1_000.0, 9.08560),
        (10_000.0, 19.57434),
    ] {
        let (mut curve, cwnd) = cut(w_max);
        let epoch = curve.begin(Time::ZERO, cwnd);
        assert!((epoch.k - k).abs() < 1e-5, "{w_max}: {}", epoch.k);
    }
    assert!((curve().alpha() - 0.529_411_764_7).abs() < 1e-10);
}

#[test]
fn the_curve_after_a_cut_from_100_to_70() {
    let (mut curve, cwnd) = cut(100.0);
    let epoch = curve.begin(Time::ZERO, cwnd);
    for (t, w) in [
        (0.0, 70.0),
        (0.5, 79.4555),
        (1.0, 86.6808),
        (2.0, 95.6403),
        (3.0, 99.2787),
        (4.0, 99.9959),
        (epoch.k, 100.0),
        (5.0, 100.1919),
        (6.0, 102.2667),
        (8.0, 121.6527),
        (10.0, 177.3540),
    ] {
        let got = curve.w_cubic(&epoch, t);
        assert!(near(got, w), "{t} s: {got}");
    }
}

#[test]
fn fast_convergence_moves_the_plateau_and_cuts_once() {
    for (w_max, cwnd, plateau, left, k) in [
        (100.0, 90.0, 76.5, 63.0, 3.23165),
        (100.0, 70.0, 59.5, 49.0, 2.97196),
    ] {
        let (mut curve, _) = cut(w_max);
        assert!(near(curve.reduce(cwnd, Congestion::Loss), left));
        assert!(near(curve.w_max, plateau));
        assert!((curve.begin(Time::ZERO, left).k - k).abs() < 1e-5);
        let mut alone = Curve {
            fast_convergence: false,
            ..cut(w_max).0
        };
        assert!(near(alone.reduce(cwnd, Congestion::Loss), left));
        assert_eq!(alone.w_max, cwnd);
    }
}

#[test]
fn the_target_is_at_most_half_the_window_away() {
    let mut curve = curve();
    curve.w_max = 30.0;
    // Far behind the curve: W(t + RTT) is about 30.
    curve.epoch = Some(Epoch {
        began: Time::ZERO,
        k: 10.0,
        w_est: 10.0,
    });
    let acked = Acked {
        now: Time::from_secs(10),
        packets: 1.0,
        rtt: Span::from_millis(100),
    };
    assert!(near(curve.grow(10.0, &acked), 10.5));
    let all = Acked {
        packets: 100.0,
        ..acked
    };
    assert!(near(curve.grow(10.0, &all), 15.0), "not beyond the target");
}

/// Window and estimate after each round of acknowledgements, one packet each.
fn rounds(rtt_ms: u64, count: usize) -> Vec<(f64, f64)> {
    let rtt = Span::from_millis(rtt_ms);
    let (mut curve, mut cwnd) = cut(100.0);
    curve.epoch = Some(curve.begin(Time::ZERO, cwnd));
    let mut start = Time::ZERO;
    let mut all = vec![(cwnd, cwnd)];
    for _ in 0..count {
        let acks = cwnd as u64;
        for k in 1..=acks {
            let acked = Acked {
                now: start + Span::from_nanos(rtt.as_nanos() * k / acks),
                packets: 1.0,
                rtt,
            };
            cwnd = curve.grow(cwnd, &acked);
        }
        start += rtt;
        all.push((cwnd, curve.epoch.unwrap().w_est));
    }
    all
}

#[test]
fn sixty_rounds_of_100_ms() {
    let all = rounds(100, 60);
    // The reference has a tolerance of 0.1: how many whole packets a window
    // holds is a matter of rounding.
    for (round, cwnd, w_est) in [
        (1, 72.049, 70.522),
        (2, 74.022, 71.044),
        (3, 75.909, 71.566),
        (5, 79.395, 72.603),
        (10, 86.636, 75.212),
        (20, 95.612, 80.444),
        (30, 99.264, 85.702),
        (40, 99.992, 90.955),
        (50, 100.201, 96.231),
    ] {
        let (got, reno) = all[round];
        assert!((got - cwnd).abs() < 0.1, "{round}: {got}");
        assert!((reno - w_est).abs() < 0.1, "{round}: {reno}");
    }
    assert!((all[60].0 - 102.819).abs() < 0.1, "{}", all[60].0);
}

#[test]
fn short_round_trips_are_reno_s() {
    let all = rounds(20, 60);
    for (round, cwnd) in [
        (1, 70.527),
        (5, 72.628),
        (10, 75.249),
        (20, 80.484),
        (40, 90.982),
        (50, 96.236),
        (60, 102.794),
    ] {
        assert!(
            (all[round].0 - cwnd).abs() < 0.1,
            "{round}: {}",
            all[round].0
        );
    }
}

#[test]
fn the_mean_window_follows_the_loss_rate() {
    // RFC 9438 section 5.1: 1.054 (RTT / p)^(3/4), one loss per 1/p packets,
    // at 100 ms; the response function leaves the Reno region aside.
    for (loss, mean) in [(1e-4, 187.4), (1e-5, 1_054.0), (1e-6, 5_926.0)] {
        let rtt = Span::from_millis(100);
        let mut curve = Curve {
            fast_convergence: false,
            ..curve()
        };
        let mut cwnd = curve.reduce(mean, Congestion::Loss);
        let (mut now, mut sum, mut count, mut since) = (Time::ZERO, 0.0, 0.0, 0.0);
        for step in 0..40_000 {
            now += Span::from_millis(10);
            let packets = cwnd / 10.0;
            cwnd = curve.grow(cwnd, &Acked { now, packets, rtt });
            since += packets;
            if since * loss >= 1.0 {
                since = 0.0;
                cwnd = curve.reduce(cwnd, Congestion::Loss);
            }
            if step >= 10_000 {
                sum += cwnd;
                count += 1.0;
            }
        }
        let got = sum / count;
        assert!((got / mean - 1.0).abs() < 0.1, "{loss}: {got}");
    }
}

#[test]
fn after_a_restart_the_plateau_is_where_avoidance_begins() {
    let (mut curve, _) = cut(100.0);
    curve.restart();
    let epoch = curve.begin(Time::from_secs(5), 40.0);
    assert_eq!((epoch.k, epoch.w_est, curve.w_max), (0.0, 40.0, 40.0));
}

#[test]
fn time_without_use_does_not_count() {
    let acked = |ms| Acked {
        now: Time::from_millis(ms),
        packets: 1.0,
        rtt: Span::from_millis(100),
    };
    let (mut busy, cwnd) = cut(100.0);
    busy.grow(cwnd, &acked(0));
    let mut idle = busy;
    let expected = busy.grow(cwnd, &acked(500));
    idle.skip(Span::from_secs(60));
    assert_eq!(idle.grow(cwnd, &acked(60_500)), expected);
}

proptest! {
    #[test]
    fn growth_never_shrinks_a_window_nor_exceeds_half_of_it(
        w_max in 1.0_f64..1e6, cwnd in 1.0_f64..1e6, packets in 0.0_f64..1e6,
        ms in 0_u64..1_000_000_000, rtt in 0_u64..100_000,
    ) {
        let (mut curve, _) = cut(w_max);
        curve.grow(cwnd, &Acked { now: Time::ZERO, packets: 0.0, rtt: Span::ZERO });
        let packets = packets.min(cwnd);
        let acked = Acked { now: Time::from_millis(ms), packets, rtt: Span::from_millis(rtt) };
        let grown = curve.grow(cwnd, &acked);
        prop_assert!(grown >= cwnd && grown <= 1.5 * cwnd + 1.0, "{cwnd} {grown}");
    }
}
