use weaknet_core::{Bitrate, Span};

use weaknet_netem::trace::{Options, Segment, TraceReader};

use super::{Gaps, Lognormal, Markov, Model, canonical, generate};
use crate::trace::{Description, describe};

/// 50,000 s. One-second means with autocorrelation a^k have n (1-a)/(1+a)
/// independent values: for a = 0.85 these are 4050, and the mean of a variable
/// of CV 0.6 has a relative standard error of 0.6/sqrt(4050) = 0.94 %.
const LENGTH: Span = Span::from_secs(50_000);

/// What `weaknet trace info` says of it.
fn measure(segments: &[Segment]) -> Description {
    let text = canonical(segments, LENGTH, "test").unwrap();
    let reader = TraceReader::open(&text[..], &Options::default()).unwrap();
    describe(reader, &[]).unwrap().0
}

fn wandering() -> Model {
    Model::Lognormal(Lognormal {
        mean: Bitrate::from_mbps(5),
        cv: 0.6,
        autocorrelation: 0.85,
    })
}

#[test]
fn a_wandering_rate_has_what_was_asked() {
    let segments = generate(&wandering(), None, LENGTH, 1).unwrap();
    let found = measure(&segments);
    let rate = found.rate.unwrap();
    let (cv, autocorrelation) = (rate.cv.unwrap(), rate.autocorrelation_1s.unwrap());
    // Four standard errors of the mean.
    assert!(
        (rate.mean_mbps / 5.0 - 1.0).abs() < 0.038,
        "{}",
        rate.mean_mbps
    );
    // The squares have a CV of about 2.5 and the square of the correlation:
    // sqrt(1.72/0.28/50000) * 2.5 / 2 = 1.4 %; four of them.
    assert!((cv / 0.6 - 1.0).abs() < 0.056, "{cv}");
    // Bartlett: sqrt((1 - a^2) / n) = 0.24 % for normal values; heavy tails
    // double it. Four of them.
    assert!((autocorrelation - 0.85).abs() < 0.02, "{autocorrelation}");
    assert!(found.gaps.is_none_or(|gaps| gaps.count == 0));
}

#[test]
fn gaps_have_what_was_asked() {
    let gaps = Gaps {
        per_minute: 6.0,
        p50: Span::from_millis(400),
        p95: Span::from_millis(1500),
    };
    let segments = generate(&wandering(), Some(&gaps), LENGTH, 2).unwrap();
    let found = measure(&segments);
    let measured = found.gaps.unwrap();
    // Of the gaps, those of 200 ms or more: P(z > ln(0.5)/sigma), sigma =
    // ln(3.75)/1.645 = 0.8035, is 0.806. 5000 gaps, renewals with CV below 1.
    let expected = 6.0 * 0.806;
    assert!((measured.per_minute / expected - 1.0).abs() < 4.0 / 4030f64.sqrt());
    // Quantiles of what is left: P = 0.194 is cut off.
    let sigma = 0.8035;
    let at = |p: f64| {
        let z = weaknet_core::rng::normal_quantile(0.194 + 0.806 * p);
        0.4 * libm::exp(sigma * z)
    };
    // Standard error sigma sqrt(p(1-p)/n)/density is 1.2 % and 2.8 %.
    for (p, millis, error) in [(0.5, measured.p50_ms, 0.05), (0.95, measured.p95_ms, 0.12)] {
        let got = millis.unwrap() / 1e3;
        assert!((got / at(p) - 1.0).abs() < error, "{p}: {got} {}", at(p));
    }
    // The mean is that of the whole, gaps included.
    let mean = found.rate.unwrap().mean_mbps;
    assert!((mean / 5.0 - 1.0).abs() < 0.045, "{mean}");
}

#[test]
fn states_take_their_share_of_time() {
    let states = ["5Mbps:4s:0%:40ms", "1Mbps:2s:3%:120ms", "0bps:500ms"];
    let markov = Markov {
        states: states.iter().map(|text| text.parse().unwrap()).collect(),
    };
    let segments = generate(&Model::Markov(markov.clone()), None, LENGTH, 3).unwrap();
    let ends = segments
        .iter()
        .skip(1)
        .map(|segment| segment.start)
        .chain([LENGTH]);
    let mut time = [0.0; 3];
    for (segment, end) in segments.iter().zip(ends) {
        let state = markov
            .states
            .iter()
            .position(|s| Some(s.rate) == segment.rate)
            .unwrap();
        assert_eq!(
            (segment.loss, segment.delay),
            (markov.states[state].loss, markov.states[state].delay)
        );
        time[state] += (end - segment.start).as_secs_f64();
    }
    // 7700 visits of each: the share of time has a standard error of about
    // sqrt(2/7700) = 1.6 %.
    for (time, mean) in time.iter().zip([4.0, 2.0, 0.5]) {
        let share = time / 50_000.0;
        assert!((share / (mean / 6.5) - 1.0).abs() < 0.065, "{share}");
    }
}

#[test]
fn the_seed_decides() {
    let trace = |seed| generate(&wandering(), None, Span::from_secs(60), seed).unwrap();
    assert_eq!(trace(1), trace(1));
    assert_ne!(trace(1), trace(2));
    assert_eq!(trace(1).len(), 300);
}

#[test]
fn impossible_models_are_refused() {
    let lognormal = |cv, autocorrelation| {
        let mean = Bitrate::from_mbps(5);
        let model = Model::Lognormal(Lognormal {
            mean,
            cv,
            autocorrelation,
        });
        generate(&model, None, LENGTH, 1).unwrap_err().to_string()
    };
    assert!(lognormal(-1.0, 0.5).contains("coefficient of variation of -1"));
    assert!(lognormal(f64::NAN, 0.5).contains("coefficient of variation of NaN"));
    assert!(lognormal(0.5, 1.0).contains("autocorrelation of 1"));
    let gaps = Gaps {
        per_minute: 60.0,
        p50: Span::from_secs(1),
        p95: Span::from_secs(2),
    };
    let refused = generate(&wandering(), Some(&gaps), LENGTH, 1).unwrap_err();
    assert!(
        refused.to_string().contains("leave no time between them"),
        "{refused}"
    );
    assert!("5Mbps".parse::<super::State>().is_err());
    assert!("5Mbps:1s:2:3:4".parse::<super::State>().is_err());
}
