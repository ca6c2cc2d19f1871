//! Rate models with a law of their own: Markov chains and token buckets.

use weaknet_core::plugin::Assets;
use weaknet_core::rng::{Draws, exponential_quantile};
use weaknet_core::{BuildContext, Plugin, Span, Streams, Time};
use weaknet_netem::model::{Rate, RateModel};
use weaknet_netem::rate::{MarkovRate, MarkovState, TokenBucket};

use crate::Row;
use crate::estimate::{Estimate, mean};

/// Quantities of the rate models in runs of so many packets or samples.
pub(crate) fn rows(packets: u64) -> Vec<Row> {
    let mut rows = two_states(packets);
    rows.extend(envelope("1Mbps", "3kB", packets));
    rows.extend(envelope("20Mbps", "64kB", packets));
    rows
}

fn build(name: &str, plugin: &impl Plugin<Kind = Rate>) -> Option<Box<dyn RateModel>> {
    let (streams, assets) = (Streams::new(1), Assets::default());
    let context = BuildContext {
        path: name,
        streams: &streams,
        assets: &assets,
    };
    plugin.build(&context).ok()
}

/// A chain of two states, looked at every 10 ms: its rate is correlated by
/// exp(-t (1/m1 + 1/m2)) after a time t.
fn two_states(samples: u64) -> Vec<Row> {
    let name = "markov 5Mbps 100ms, 300kbps 50ms";
    let state = |rate: &str, mean| MarkovState {
        rate: rate.parse().unwrap_or_default(),
        mean: Span::from_millis(mean),
    };
    let config = MarkovRate {
        states: vec![state("5Mbps", 100), state("300kbps", 50)],
        transitions: None,
    };
    let Some(mut link) = build(name, &config) else {
        return Vec::new();
    };
    let mbps = |i| {
        link.rate_at(Time::from_millis(10 * i))
            .map(|r| r.as_bps() as f64 / 1e6)
    };
    let rates: Vec<f64> = (0..samples).filter_map(mbps).collect();
    let n = rates.len() as f64;
    let (share, swing): (f64, f64) = (2.0 / 3.0, 4.7);
    let theory = 0.3 + swing * share;
    let std = swing * (share * (1.0 - share)).sqrt();
    let lambda = libm::exp(-0.01 * (1.0 / 0.1 + 1.0 / 0.05));
    let size = n * (1.0 - lambda) / (1.0 + lambda);
    let average = Estimate {
        value: rates.iter().sum::<f64>() / n,
        error: std / size.sqrt(),
        size,
    };
    let products = rates
        .windows(2)
        .map(|pair| (pair[0] - theory) * (pair[1] - theory));
    let products: Vec<f64> = products.map(|product| product / (std * std)).collect();
    vec![
        Row::new(name, "mean, Mbit/s", theory, average),
        Row::new(name, "correlation at 10 ms", lambda, mean(&products)),
    ]
}

/// The largest number of bytes that ever leaves beyond what the rate allows,
/// over all pairs of packets: the bucket, reached and never exceeded. Exact, so
/// that any other value is far.
fn envelope(rate: &str, burst: &str, packets: u64) -> Vec<Row> {
    let name = format!("token_bucket {rate} {burst}");
    let config = TokenBucket {
        rate: rate.parse().unwrap_or_default(),
        burst: burst.parse().unwrap_or_default(),
        peak: None,
    };
    let Some(mut shaper) = build(&name, &config) else {
        return Vec::new();
    };
    let (gaps, sizes) = (Draws::from_key(1), Draws::from_key(2));
    // At first twice the bucket at once, then nine tenths of the rate, in
    // packets of 750 bytes on average.
    let at_once = 2 * config.burst.get() / 750;
    let gap = 750.0 * 8e9 / (0.9 * config.rate.as_bps() as f64);
    let (mut arrival, mut finish) = (Time::ZERO, Time::ZERO);
    // In bits x 10^-9.
    let (mut beyond, mut most) = (0u128, 0);
    for i in 0..packets {
        if i >= at_once {
            arrival += Span::from_nanos(exponential_quantile(gaps.unit(i), gap) as u64);
        }
        let size = 1 + (sizes.unit(i) * 1_500.0) as u32;
        let (start, last) = (arrival.max(finish), finish);
        finish = shaper.serve(start, size, arrival < start);
        let allowed = u128::from(config.rate.as_bps()) * u128::from((finish - last).as_nanos());
        beyond = beyond.saturating_sub(allowed) + u128::from(size) * 8_000_000_000;
        most = most.max(beyond);
    }
    let largest = Estimate {
        value: most.div_ceil(8_000_000_000) as f64,
        error: 0.0,
        size: packets as f64,
    };
    let bucket = config.burst.get() as f64;
    vec![Row::new(&name, "largest burst, bytes", bucket, largest)]
}
