//! Every model of a link but its queue, with random parameters.

use proptest::prelude::*;
use serde_json::json;
use weaknet_netem::model::{Corruption, Delay, Duplication, Loss, Rate, Reordering};
use weaknet_netem::{corrupt, delay, duplicate, loss, rate, reorder};

use super::part::{Part, Strategies, kbps, ms, of, one_of, percent, read};

/// Rate models, and the bytes that they let pass at once after a pause.
pub(crate) fn rates() -> BoxedStrategy<(Part<Rate>, u64)> {
    let buckets = (0..100u64, 0..100u64, any::<bool>()).prop_map(|(a, b, peak)| {
        let (peak, burst) = (peak.then(|| kbps(a + 5 * b)), 1500 + 100 * b);
        let bucket = read::<rate::TokenBucket>(
            json!({"rate": kbps(a), "burst": format!("{burst}B"), "peak": peak}),
        );
        (bucket, burst)
    });
    let steady = steady_rates().prop_map(|rate| (rate, 0));
    prop_oneof![1 => buckets, 8 => steady].boxed()
}

/// Rate models that keep nothing for later.
fn steady_rates() -> Strategies<Rate> {
    one_of(vec![
        of(|a, _, _| read::<rate::ConstantRate>(json!(kbps(a)))),
        of(|a, b, stops| {
            let last = if stops { "0bps".into() } else { kbps(b) };
            read::<rate::RateSteps>(json!([
                ["0s", kbps(a)],
                ["7ms", "0bps"],
                ["9ms", kbps(b)],
                ["90ms", last]
            ]))
        }),
        of(|a, b, _| read::<rate::RateRamps>(json!([["0s", kbps(a)], ["40ms", kbps(b)]]))),
        of(|a, b, _| {
            let state = |rate, mean| json!({"rate": rate, "mean": ms(mean)});
            read::<rate::MarkovRate>(json!({"states": [
                state(kbps(a), 20), state("0bps".into(), 5), state(kbps(b), 3)
            ]}))
        }),
        of(|a, _, packets| {
            let unit = if packets { "packets" } else { "bytes" };
            let opportunity = format!("{}B", 1500 + 4 * (a % 2));
            read::<rate::RateTrace>(json!({
                "file": "opportunities", "format": "mahimahi", "unit": unit,
                "opportunity": opportunity
            }))
        }),
        of(|_, _, _| read::<rate::RateTrace>(json!({"file": "rates", "format": "seconds_mbps"}))),
        of(|a, b, _| {
            let period = format!("{}us", 500 + 50 * b);
            read::<rate::GrantedRate>(
                json!({"rate": kbps(10 * a), "slot": "500us", "period": period}),
            )
        }),
        of(|a, b, _| {
            let overhead = format!("{}us", 10 * b);
            read::<rate::AirtimeRate>(json!({"phy": kbps(5 * a), "overhead": overhead}))
        }),
    ])
}

pub(super) fn any_rates() -> Strategies<Rate> {
    one_of(vec![
        rates().prop_map(|(rate, _)| rate).boxed(),
        of(|_, _, _| read::<rate::UnlimitedRate>(json!({}))),
    ])
}

pub(super) fn delays() -> Strategies<Delay> {
    let reorder = |allowed| if allowed { "allowed" } else { "forbidden" };
    one_of(vec![
        of(|a, _, _| read::<delay::ConstantDelay>(json!(ms(a)))),
        of(|a, b, _| read::<delay::DelaySteps>(json!([["0s", ms(a)], ["20ms", ms(b)]]))),
        of(|a, b, _| read::<delay::DelayRamps>(json!([["0s", ms(a)], ["50ms", ms(b)]]))),
        of(move |a, b, allowed| {
            let max = ms(a + b);
            read::<delay::UniformDelay>(json!({
                "min": ms(a), "max": max, "correlation": percent(b), "reorder": reorder(allowed)
            }))
        }),
        of(move |a, b, allowed| {
            read::<delay::NormalDelay>(json!({
                "mean": ms(a), "std": ms(b), "correlation": percent(a), "reorder": reorder(allowed)
            }))
        }),
        of(move |a, b, allowed| {
            let (median, p95) = (ms(1 + a), ms(1 + a + b));
            read::<delay::LognormalDelay>(
                json!({"median": median, "p95": p95, "reorder": reorder(allowed)}),
            )
        }),
        of(move |a, b, allowed| {
            let (mean, std) = (ms(1 + a), ms(1 + b.min(a)));
            read::<delay::GammaDelay>(
                json!({"mean": mean, "std": std, "reorder": reorder(allowed)}),
            )
        }),
        of(move |a, b, allowed| {
            let shape = 1.1 + b as f64 / 10.0;
            read::<delay::ParetoDelay>(
                json!({"scale": ms(1 + a), "shape": shape, "reorder": reorder(allowed)}),
            )
        }),
        of(move |a, b, allowed| {
            read::<delay::ParetoNormalDelay>(
                json!({"mean": ms(a), "jitter": ms(b), "reorder": reorder(allowed)}),
            )
        }),
        of(move |a, b, allowed| {
            read::<delay::TableDelay>(json!({
                "file": "table", "mean": ms(a), "jitter": ms(b), "reorder": reorder(allowed)
            }))
        }),
        of(move |a, _, allowed| {
            read::<delay::SampledDelay>(
                json!({"file": "samples", "base": ms(a), "reorder": reorder(allowed)}),
            )
        }),
        of(|a, b, _| {
            let (every, length) = (ms(1 + a + b), ms(b));
            read::<delay::Stalls>(
                json!({"base": "5ms", "every": every, "length": length, "phase": ms(a)}),
            )
        }),
        of(|a, b, fixed| {
            let spacing = if fixed { "fixed" } else { "exponential" };
            let (every, median) = (ms(200 + 10 * b), ms(1 + a / 4));
            let p95 = ms(2 + a / 2);
            read::<delay::Handovers>(json!({
                "base": "5ms", "every": every, "spacing": spacing, "stop_median": median,
                "stop_p95": p95, "around": "20ms"
            }))
        }),
        of(|a, b, _| {
            let blocked = percent(b.min(90));
            read::<delay::MicrowaveOven>(json!({"base": ms(a), "blocked": blocked}))
        }),
        of(|a, b, _| {
            read::<delay::Starlink>(json!({
                "base": ms(a), "slot": "50ms", "phase": ms(b % 50), "before": "4ms",
                "after": "6ms"
            }))
        }),
        of(|a, b, _| read::<delay::NrBpdv>(json!({"base": ms(a), "std": ms(b / 10)}))),
        of(|_, _, _| read::<delay::DelayTrace>(json!({"file": "delays"}))),
    ])
}

pub(super) fn losses() -> Strategies<Loss> {
    let bytes = |n: u64| format!("{}B", 1500 + 50 * n);
    one_of(vec![
        of(|_, _, _| read::<loss::NoLoss>(json!({}))),
        of(|a, _, _| read::<loss::Bernoulli>(json!(percent(a)))),
        of(|a, b, _| {
            let burst = 1.0 + a as f64 / 10.0;
            // A mean burst must leave room for the average.
            let average = percent(b.min(50));
            read::<loss::GilbertElliott>(json!({"average": average, "burst": 2.0 + burst}))
        }),
        of(|a, b, _| {
            read::<loss::FourState>(json!({
                "p13": percent(a / 2), "p31": percent(b), "p32": percent((100 - b) / 2),
                "p23": "30%", "p14": percent(a / 4)
            }))
        }),
        of(|a, b, _| {
            let (every, count) = (1 + a, 1 + b.min(a));
            read::<loss::Periodic>(json!({"every": every, "count": count, "offset": b % every}))
        }),
        of(|a, b, _| {
            read::<loss::Packets>(
                json!({"lost": [a, format!("{}-{}", 100 + b, 110 + b)], "repeat": 210}),
            )
        }),
        of(|a, b, _| {
            let (every, length) = (ms(1 + a + b), ms(b));
            read::<loss::Outages>(
                json!({"every": every, "length": length, "first": ms(a), "loss": "80%"}),
            )
        }),
        of(|a, b, _| {
            let (to, from) = (ms(a + 5), ms(a + 10 + b));
            let end = ms(a + 200);
            read::<loss::LossWindows>(json!([
                {"from": ms(a), "to": to, "loss": "50%"}, {"from": from, "to": end}
            ]))
        }),
        of(|a, b, _| {
            read::<loss::NetemCompat>(json!({"probability": percent(a), "correlation": percent(b)}))
        }),
        of(|_, _, shares| match shares {
            true => read::<loss::LossTrace>(json!({"file": "losses"})),
            false => read::<loss::LossTrace>(json!({"file": "fates", "format": "packets"})),
        }),
        of(move |a, b, peak| {
            let peak = peak.then(|| kbps(a + b));
            read::<loss::Policer>(json!({"rate": kbps(a), "burst": bytes(b), "peak": peak}))
        }),
        of(move |a, b, yellow| {
            let drop = if yellow { "yellow" } else { "red" };
            read::<loss::SingleRateThreeColours>(json!({
                "rate": kbps(a), "burst": bytes(b), "excess_burst": bytes(a), "drop": drop
            }))
        }),
        of(move |a, b, yellow| {
            let drop = if yellow { "yellow" } else { "red" };
            read::<loss::TwoRatesThreeColours>(json!({
                "rate": kbps(a), "burst": bytes(b), "peak": kbps(a + b), "peak_burst": bytes(a),
                "drop": drop
            }))
        }),
    ])
}

pub(super) fn corruptions() -> Strategies<Corruption> {
    one_of(vec![
        of(|a, _, _| read::<corrupt::IndependentCorruption>(json!(percent(a)))),
        of(|a, _, _| read::<corrupt::BitErrors>(json!({"rate": a as f64 * 1e-6}))),
    ])
}

pub(super) fn duplications() -> Strategies<Duplication> {
    of(|a, b, _| {
        read::<duplicate::IndependentDuplication>(json!({"probability": percent(a), "lag": ms(b)}))
    })
}

pub(super) fn reorderings() -> Strategies<Reordering> {
    one_of(vec![
        of(|a, b, _| read::<reorder::Early>(json!({"probability": percent(a), "gap": 1 + b / 10}))),
        of(|a, b, _| read::<reorder::Late>(json!({"probability": percent(a), "by": ms(b)}))),
        of(|a, b, _| {
            read::<reorder::Behind>(json!({
                "probability": percent(a), "packets": 1 + b / 10, "at_most": ms(b)
            }))
        }),
    ])
}
