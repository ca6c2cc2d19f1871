//! Delay models: moments, distribution and correlation.

use weaknet_core::plugin::{Assets, ReadFile};
use weaknet_core::{BuildContext, Plugin, Ratio, Span, Streams, Time};
use weaknet_netem::Passage;
use weaknet_netem::delay::{
    GammaDelay, Handovers, LognormalDelay, NormalDelay, NrBpdv, ParetoDelay, ParetoNormalDelay,
    SampledDelay, Starlink, TableDelay, UniformDelay,
};
use weaknet_netem::model::Delay;

use crate::Row;
use crate::distribution::{Distribution, SHARES};
use crate::estimate::{Estimate, mean};

const SECOND: Span = Span::from_secs(1);

/// Quantities of all delay models in runs of so many packets.
pub(crate) fn rows(packets: u64) -> Vec<Row> {
    let mut rows = light_tails(packets);
    rows.extend(heavy_tails(packets));
    rows.extend(from_files(packets));
    for text in ["50%", "90%"] {
        rows.extend(correlated(text, packets));
    }
    rows.extend(satellite_slots(packets));
    rows.extend(stops(packets));
    rows
}

/// A table of netem and a list of samples.
struct Files;

impl ReadFile for Files {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        match name {
            "five.dist" => Ok(b"# skewed\n0 -8192 16384\n0 8192\n".to_vec()),
            _ => Ok(b"owd_ms\n10\n60\n20\n".to_vec()),
        }
    }
}

/// Delays in milliseconds of packets that leave the serialiser so long after
/// each other. Each run draws from a stream of its own.
fn delays(name: &str, plugin: &impl Plugin<Kind = Delay>, packets: u64, spacing: Span) -> Vec<f64> {
    let (streams, assets) = (Streams::new(1), Assets::new(Files));
    let Ok(mut model) = plugin.build(&BuildContext {
        path: name,
        streams: &streams,
        assets: &assets,
    }) else {
        return Vec::new();
    };
    let delay = |number| {
        let at = Time::ZERO + spacing * number;
        let passage = Passage {
            draw: number,
            step: number,
            at,
            size: 1_200,
        };
        (model.release(passage) - at).as_millis_f64()
    };
    (0..packets).map(delay).collect()
}

/// Independent delays against their distribution.
fn check(
    name: &str,
    plugin: &impl Plugin<Kind = Delay>,
    packets: u64,
    theory: &Distribution,
) -> Vec<Row> {
    let delays = delays(name, plugin, packets, SECOND);
    compare(name, &delays, theory, 0.0, Some(0.0))
}

/// Delays against their distribution. Delays that are correlated through normal
/// scores are worth at least n (1 - rho) / (1 + rho) independent ones, whatever
/// is measured of each: no function of two normal variables of correlation r
/// has a larger correlation (Kolmogorov's remark, see Biometrika 53, 1966, p. 585).
fn compare(
    name: &str,
    delays: &[f64],
    theory: &Distribution,
    rho: f64,
    lag_1: Option<f64>,
) -> Vec<Row> {
    let n = delays.len() as f64;
    let size = n * (1.0 - rho) / (1.0 + rho);
    let average = |f: &dyn Fn(f64) -> f64| delays.iter().map(|delay| f(*delay)).sum::<f64>() / n;
    let row = |quantity, theory, value, deviation: f64| {
        let error = deviation / size.sqrt();
        Row::new(name, quantity, theory, Estimate { value, error, size })
    };
    let mut rows = vec![row("mean", theory.mean, average(&|x| x), theory.std)];
    for ((limit, share), (_, quantity)) in theory.shares.iter().zip(&SHARES) {
        let below = average(&|x| f64::from(u8::from(x <= *limit)));
        rows.push(row(quantity, *share, below, (share * (1.0 - share)).sqrt()));
    }
    if theory.kurtosis.is_finite() {
        let variance = average(&|x| (x - theory.mean).powi(2));
        // That of the variance is std^2 sqrt(kurtosis - 1).
        let deviation = theory.std * (theory.kurtosis - 1.0).sqrt() / 2.0;
        let (quantity, std) = ("standard deviation", theory.std);
        rows.push(row(quantity, std, variance.sqrt(), deviation));
        rows.extend(lag_1.map(|lag_1| {
            let scores = delays.iter().map(|delay| (delay - theory.mean) / std);
            let scores: Vec<f64> = scores.collect();
            let products: Vec<f64> = scores.windows(2).map(|pair| pair[0] * pair[1]).collect();
            Row::new(name, "correlation at lag 1", lag_1, mean(&products))
        }));
    }
    rows
}

fn light_tails(packets: u64) -> Vec<Row> {
    let gamma = |std, count| {
        let (name, theory) = (format!("gamma 25 + 10 +- {std}"), waits(count));
        check(&name, &gamma(std, Ratio::ZERO), packets, &theory)
    };
    let (uniform, normal) = (UniformDelay::default(), NormalDelay::default());
    let (bpdv, folded) = (NrBpdv::default(), Distribution::clamped_normal(5.0, 3.0));
    [
        check("uniform 20..80", &uniform, packets, &uniform_theory()),
        check("normal 50 +- 10", &normal, packets, &normal_theory()),
        // Standard deviations of one and of four exponential waits.
        gamma("10ms", 1),
        gamma("5ms", 4),
        check(
            "nr_bpdv 50 + |5| to 15",
            &bpdv,
            packets,
            &folded.after(50.0),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn heavy_tails(packets: u64) -> Vec<Row> {
    let pareto = |shape| {
        let config = ParetoDelay {
            shape,
            ..ParetoDelay::default()
        };
        let theory = Distribution::pareto(2.0, shape).after(25.0);
        let name = format!("pareto 25 + 2, shape {shape}");
        check(&name, &config, packets, &theory)
    };
    let mix = Distribution::pareto_normal(50.0, 10.0);
    let (lognormal, name) = (lognormal(Ratio::ZERO), "lognormal 25 + 5, p95 12");
    [
        check(name, &lognormal, packets, &lognormal_theory()),
        pareto(10.0),
        // No fourth moment: no error of the standard deviation.
        pareto(2.5),
        check(
            "pareto_normal 50, jitter 10",
            &ParetoNormalDelay::default(),
            packets,
            &mix,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn from_files(packets: u64) -> Vec<Row> {
    let table = TableDelay {
        file: "five.dist".into(),
        ..TableDelay::default()
    };
    let five = Distribution::discrete(&[40.0, 50.0, 50.0, 60.0, 70.0]);
    let samples = SampledDelay {
        file: "samples.csv".into(),
        ..SampledDelay::default()
    };
    let lines = Distribution::lines(&[10.0, 20.0, 60.0]);
    let mut rows = check("table of five entries", &table, packets, &five);
    rows.extend(check("samples 10, 20, 60", &samples, packets, &lines));
    rows
}

fn uniform_theory() -> Distribution {
    Distribution::uniform(20.0, 80.0)
}

fn normal_theory() -> Distribution {
    Distribution::normal(50.0, 10.0)
}

fn lognormal_theory() -> Distribution {
    Distribution::lognormal(5.0, 12.0).after(25.0)
}

fn lognormal(correlation: Ratio) -> LognormalDelay {
    LognormalDelay {
        p95: Span::from_millis(12),
        correlation,
        ..LognormalDelay::default()
    }
}

/// So many exponential waits of 10 ms in all.
fn waits(count: u32) -> Distribution {
    Distribution::waits(count, 10.0).after(25.0)
}

fn gamma(std: &str, correlation: Ratio) -> GammaDelay {
    GammaDelay {
        std: std.parse().unwrap_or_default(),
        correlation,
        ..GammaDelay::default()
    }
}

fn correlated(text: &str, packets: u64) -> Vec<Row> {
    let correlation: Ratio = text.parse().unwrap_or_default();
    let rho = correlation.as_f64();
    let uniform = UniformDelay {
        correlation,
        ..UniformDelay::default()
    };
    let normal = NormalDelay {
        correlation,
        ..NormalDelay::default()
    };
    // Of scores correlated by rho: 6/pi arcsin(rho/2) for their ranks, and
    // (exp(rho s^2) - 1) / (exp(s^2) - 1) for their exponentials.
    let ranks = 6.0 / std::f64::consts::PI * libm::asin(rho / 2.0);
    let width = Distribution::lognormal_sigma(5.0, 12.0).powi(2);
    let exponentials = libm::expm1(rho * width) / libm::expm1(width);
    let name = |name: &str| format!("{name}, correlation {text}");
    let names = [
        "uniform 20..80",
        "normal 50 +- 10",
        "lognormal 25 + 5",
        "gamma 25 + 10 +- 5",
    ]
    .map(name);
    let run = |i: usize, plugin: &dyn Fn(&str) -> Vec<f64>, theory, lag_1| {
        compare(&names[i], &plugin(&names[i]), &theory, rho, lag_1)
    };
    let (lognormal, gamma) = (lognormal(correlation), gamma("5ms", correlation));
    [
        run(
            0,
            &|name| delays(name, &uniform, packets, SECOND),
            uniform_theory(),
            Some(ranks),
        ),
        run(
            1,
            &|name| delays(name, &normal, packets, SECOND),
            normal_theory(),
            Some(rho),
        ),
        run(
            2,
            &|name| delays(name, &lognormal, packets, SECOND),
            lognormal_theory(),
            Some(exponentials),
        ),
        run(
            3,
            &|name| delays(name, &gamma, packets, SECOND),
            waits(4),
            None,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// One packet per slot, in its middle.
fn satellite_slots(packets: u64) -> Vec<Row> {
    let config = Starlink {
        base: Span::from_millis(100),
        phase: Span::from_millis(7_500),
        ..Starlink::default()
    };
    let name = "starlink 100 +- 5";
    let levels = delays(name, &config, packets, config.slot);
    let theory = Distribution::normal(100.0, 5.0);
    compare(name, &levels, &theory, 0.0, Some(0.0))
}

/// A packet each 10 ms on a path with handovers. A round is a time of 2 s on
/// average and a stop; what is due within the stop waits for half the square
/// of its length in all.
fn stops(packets: u64) -> Vec<Row> {
    let config = Handovers {
        every: Span::from_secs(2),
        stop_median: Span::from_millis(100),
        stop_p95: Span::from_millis(200),
        raise: 1.0,
        ..Handovers::default()
    };
    let name = "handovers each 2 s, 100 ms, p95 200";
    let delays = delays(name, &config, packets, Span::from_millis(10));
    let base = config.base.as_millis_f64();
    let waits: Vec<f64> = delays.iter().map(|delay| delay - base).collect();
    let stopped = waits.iter().map(|wait| f64::from(u8::from(*wait > 0.0)));
    let stopped: Vec<f64> = stopped.collect();
    let stop = Distribution::lognormal(100.0, 200.0);
    let round = 2_000.0 + stop.mean;
    let square = stop.std * stop.std + stop.mean * stop.mean;
    let row = |quantity, theory, samples: &[f64]| Row::new(name, quantity, theory, mean(samples));
    vec![
        row("share of time stopped", stop.mean / round, &stopped),
        row("mean wait", square / 2.0 / round, &waits),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_or_wider_distribution_is_far() {
        let delays = delays("normal", &NormalDelay::default(), 100_000, SECOND);
        let far = |mean, std| {
            let theory = Distribution::normal(mean, std);
            let rows = compare("normal", &delays, &theory, 0.0, Some(0.0));
            let far = rows.iter().filter(|row| row.is_far());
            far.map(|row| row.quantity).collect::<Vec<_>>()
        };
        assert_eq!(far(50.0, 10.0), [""; 0]);
        assert!(far(50.2, 10.0).contains(&"mean"));
        assert!(far(50.0, 10.3).contains(&"standard deviation"));
        assert!(far(50.0, 10.3).contains(&"share below p05"));
    }
}
