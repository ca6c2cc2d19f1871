//! Loss models: rate, runs and correlation.

use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Plugin, Ratio, Streams, Time};
use weaknet_netem::Passage;
use weaknet_netem::loss::{Bernoulli, GilbertElliott};
use weaknet_netem::model::Loss;

use crate::Row;
use crate::estimate::{Estimate, Fit, chi_square, mean, ratio};
use crate::hidden_chain::HiddenChain;

/// Quantities of all loss models in runs of so many packets.
pub(crate) fn rows(packets: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for text in ["2%", "10%", "30%"] {
        let chain = HiddenChain {
            moves: [[1.0]],
            loss: [share(text).as_f64()],
        };
        let name = format!("bernoulli {text}");
        rows.extend(compare(name, &Bernoulli(share(text)), &chain, packets));
    }
    for [p, r, h, k] in [
        ["1%", "25%", "0%", "100%"],
        ["2%", "20%", "30%", "99%"],
        ["0.5%", "10%", "50%", "99.9%"],
    ] {
        let [p, r, h, k] = [p, r, h, k].map(share);
        let config = GilbertElliott {
            p: Some(p),
            r: Some(r),
            h: Some(h),
            k: Some(k),
            ..GilbertElliott::default()
        };
        let name = format!("gilbert_elliott {p} {r} {h} {k}");
        rows.extend(compare(name, &config, &two_states(p, r, h, k), packets));
    }
    rows
}

fn share(text: &str) -> Ratio {
    text.parse().unwrap_or_default()
}

fn two_states(p: Ratio, r: Ratio, h: Ratio, k: Ratio) -> HiddenChain<2> {
    let [p, r, h, k] = [p, r, h, k].map(Ratio::as_f64);
    HiddenChain {
        moves: [[1.0 - p, p], [r, 1.0 - r]],
        loss: [1.0 - k, 1.0 - h],
    }
}

/// The fates of so many packets.
fn fates(plugin: &impl Plugin<Kind = Loss>, packets: u64) -> Vec<bool> {
    let (streams, assets) = (Streams::new(1), Assets::default());
    let Ok(mut model) = plugin.build(&BuildContext {
        path: "forward",
        streams: &streams,
        assets: &assets,
    }) else {
        return Vec::new();
    };
    let passage = |number| Passage {
        draw: number,
        step: number,
        at: Time::from_millis(number),
        size: 1_200,
    };
    (0..packets)
        .map(|number| model.lose(passage(number)))
        .collect()
}

/// A model against its theory. Runs of a chain that can lose and pass packets
/// in one state depend on each other: of those every 20th is compared.
fn compare<const N: usize>(
    name: String,
    plugin: &impl Plugin<Kind = Loss>,
    chain: &HiddenChain<N>,
    packets: u64,
) -> Vec<Row> {
    let fates = fates(plugin, packets);
    let theory = chain.loss_rate();
    let row = |quantity, theory, measured| Row::new(&name, quantity, theory, measured);
    let lost = |fate: &bool| f64::from(u8::from(*fate));
    let size = packets as f64 / chain.variance_inflation();
    let rate = Estimate {
        value: fates.iter().map(lost).sum::<f64>() / packets as f64,
        error: (theory * (1.0 - theory) / size).sqrt(),
        size,
    };
    // Each lost packet counts for the run that it is in, each run where it
    // starts.
    let runs: Vec<(f64, f64)> = fates
        .windows(2)
        .map(|pair| (lost(&pair[1]), f64::from(u8::from(!pair[0] && pair[1]))))
        .collect();
    let neighbours: Vec<f64> = fates
        .windows(2)
        .map(|pair| (lost(&pair[0]) - theory) * (lost(&pair[1]) - theory))
        .map(|product| product / (theory * (1.0 - theory)))
        .collect();
    let clear = chain.loss.iter().all(|loss| *loss == 0.0 || *loss == 1.0);
    let thin = if clear || N == 1 { 1 } else { 20 };
    let fit = run_lengths(&fates, chain, thin);
    vec![
        row("loss rate", theory, rate),
        row("mean run", chain.mean_run(), ratio(&runs)),
        row(
            "correlation at lag 1",
            chain.autocorrelation(),
            mean(&neighbours),
        ),
        Row::fit(&name, "run lengths, chi-square", fit),
    ]
}

/// Every `thin`-th complete run of losses against the distribution of their
/// lengths: bins for 1, 2, .. packets and one for the rest, as many as hold 5
/// expected runs each.
fn run_lengths<const N: usize>(fates: &[bool], chain: &HiddenChain<N>, thin: usize) -> Fit {
    let first = fates.iter().position(|lost| !lost).unwrap_or(0);
    let last = fates.iter().rposition(|lost| !lost).unwrap_or(0);
    let runs: Vec<usize> = fates[first..=last]
        .split(|lost| !lost)
        .map(<[bool]>::len)
        .filter(|length| *length > 0)
        .step_by(thin)
        .collect();
    let enough = |p: &f64| *p * runs.len() as f64 >= 5.0;
    let longer: Vec<f64> = chain.run_longer().take_while(enough).collect();
    let mut probabilities: Vec<f64> = longer.windows(2).map(|pair| pair[0] - pair[1]).collect();
    while probabilities.last().is_some_and(|p| !enough(p)) {
        probabilities.pop();
    }
    let bins = probabilities.len();
    probabilities.push(longer[bins]);
    let mut observed = vec![0.0; bins + 1];
    for run in runs {
        observed[(run - 1).min(bins)] += 1.0;
    }
    chi_square(&observed, &probabilities)
}
