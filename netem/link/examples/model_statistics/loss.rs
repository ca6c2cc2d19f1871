//! Loss models: rate, runs and correlation.

use weaknet_core::event::DropReason;
use weaknet_core::packet::{Ecn, FlowId, Leg, LinkId, Packet, Payload, Protocol};
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Event, EventSink, Kind, Plugin, Ratio, Span, Streams, Time};
use weaknet_netem::delay::ConstantDelay;
use weaknet_netem::loss::{Bernoulli, FourState, GilbertElliott, NetemCompat, actual_loss};
use weaknet_netem::model::Loss;
use weaknet_netem::queue::{Netem, NetemGemodel, NetemLoss, NetemState};
use weaknet_netem::rate::UnlimitedRate;
use weaknet_netem::{Link, Parts, Passage};

use crate::Row;
use crate::estimate::{Estimate, Fit, chi_square, mean, ratio};
use crate::hidden_chain::HiddenChain;

/// p, r, h and k of chains with two states.
const TWO_STATES: [[&str; 4]; 3] = [
    ["1%", "25%", "0%", "100%"],
    ["2%", "20%", "30%", "99%"],
    ["0.5%", "10%", "50%", "99.9%"],
];

/// p13, p31, p32, p23 and p14 of chains with four states.
const FOUR_STATES: [[&str; 5]; 2] = [
    ["1%", "10%", "20%", "30%", "0.5%"],
    ["2%", "30%", "10%", "20%", "1%"],
];

/// Probability and correlation that netem does not keep.
const CORRELATED: [[&str; 2]; 3] = [["5%", "25%"], ["10%", "10%"], ["30%", "50%"]];

/// Quantities of all loss models in runs of so many packets.
pub(crate) fn rows(packets: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for text in ["2%", "10%", "30%"] {
        let chain = HiddenChain {
            moves: [[1.0]],
            loss: [share(text).as_f64()],
        };
        let fates = fates(&Bernoulli(share(text)), packets);
        rows.extend(compare(&format!("bernoulli {text}"), &fates, &chain));
    }
    for texts in TWO_STATES {
        let [p, r, h, k] = texts.map(share);
        let chain = two_states(p, r, h, k);
        let name = texts.join(" ");
        let config = GilbertElliott {
            p: Some(p),
            r: Some(r),
            h: Some(h),
            k: Some(k),
            ..GilbertElliott::default()
        };
        let plain = fates(&config, packets);
        rows.extend(compare(&format!("gilbert_elliott {name}"), &plain, &chain));
        let netem = netem_fates(
            NetemLoss::Gemodel(NetemGemodel {
                p,
                r: Some(r),
                one_minus_h: Some(Ratio::ONE - h),
                one_minus_k: Ratio::ONE - k,
            }),
            packets,
        );
        rows.extend(compare(&format!("netem gemodel {name}"), &netem, &chain));
    }
    for texts in FOUR_STATES {
        let [p13, p31, p32, p23, p14] = texts.map(share);
        let chain = four_states([p13, p31, p32, p23, p14].map(Ratio::as_f64));
        let name = texts.join(" ");
        let (p31, p23) = (Some(p31), Some(p23));
        let config = FourState {
            p13,
            p31,
            p32,
            p23,
            p14,
        };
        let plain = fates(&config, packets);
        rows.extend(compare(&format!("four_state {name}"), &plain, &chain));
        let netem = netem_fates(
            NetemLoss::State(NetemState {
                p13,
                p31,
                p32,
                p23,
                p14,
            }),
            packets,
        );
        rows.extend(compare(&format!("netem state {name}"), &netem, &chain));
    }
    for texts in CORRELATED {
        let [probability, correlation] = texts.map(share);
        let config = NetemCompat {
            probability,
            correlation,
        };
        let theory = actual_loss(probability.as_f64(), correlation.as_f64());
        let lost: Vec<f64> = fates(&config, packets).iter().map(count).collect();
        let name = format!("netem_compat {}", texts.join(" "));
        rows.push(Row::new(&name, "loss rate", theory, mean(&lost)));
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

/// The states in which packets are lost come last.
fn four_states([p13, p31, p32, p23, p14]: [f64; 5]) -> HiddenChain<4> {
    HiddenChain {
        moves: [
            [1.0 - p13 - p14, 0.0, p13, p14],
            [0.0, 1.0 - p23, p23, 0.0],
            [p31, p32, 1.0 - p31 - p32, 0.0],
            [1.0, 0.0, 0.0, 0.0],
        ],
        loss: [0.0, 0.0, 1.0, 1.0],
    }
}

fn count(lost: &bool) -> f64 {
    f64::from(u8::from(*lost))
}

fn build<P: Plugin>(plugin: &P) -> <P::Kind as Kind>::Product {
    let (streams, assets) = (Streams::new(1), Assets::default());
    let cx = BuildContext {
        path: "forward",
        streams: &streams,
        assets: &assets,
    };
    plugin.build(&cx).expect("parameters are in range")
}

/// The fates of so many packets.
fn fates(plugin: &impl Plugin<Kind = Loss>, packets: u64) -> Vec<bool> {
    let mut model = build(plugin);
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

/// Notes which packets are lost.
struct Losses(Vec<bool>);

impl EventSink for Losses {
    fn event(&mut self, _: Time, event: &Event) {
        match event {
            Event::LinkArrive { .. } => self.0.push(false),
            Event::LinkDrop { reason, .. } => {
                assert_eq!(*reason, DropReason::Loss);
                if let Some(last) = self.0.last_mut() {
                    *last = true;
                }
            }
            _ => {}
        }
    }
}

/// The fates of so many packets on a link with a netem queue.
fn netem_fates(loss: NetemLoss, packets: u64) -> Vec<bool> {
    let queue = build(&Netem {
        loss: Some(loss),
        ..Netem::default()
    });
    let delay = build(&ConstantDelay(Span::ZERO));
    let mut link = Link::new(
        LinkId(0),
        Parts::new(build(&UnlimitedRate {}), queue, delay),
    );
    let mut losses = Losses(Vec::new());
    for id in 0..packets {
        let now = Time::from_millis(id);
        let packet = Packet {
            id,
            flow: FlowId(0),
            leg: Leg::Outward,
            path: 0,
            hop: 0,
            ecn: Ecn::NotEct,
            damaged: false,
            protocol: Protocol::Udp,
            size: 1_200,
            sent: now,
            payload: Payload::Opaque,
        };
        link.arrive(now, packet, &mut losses);
        while link.deliver(now, &mut losses).is_some() {}
    }
    losses.0
}

/// A model against its theory. Runs of a chain that can lose and pass packets
/// in one state depend on each other: of those every 20th is compared.
fn compare<const N: usize>(name: &str, fates: &[bool], chain: &HiddenChain<N>) -> Vec<Row> {
    let packets = fates.len() as f64;
    let theory = chain.loss_rate();
    let row = |quantity, theory, measured| Row::new(name, quantity, theory, measured);
    let size = packets / chain.variance_inflation();
    let rate = Estimate {
        value: fates.iter().map(count).sum::<f64>() / packets,
        error: (theory * (1.0 - theory) / size).sqrt(),
        size,
    };
    // Each lost packet counts for the run that it is in, each run where it
    // starts.
    let runs: Vec<(f64, f64)> = fates
        .windows(2)
        .map(|pair| (count(&pair[1]), f64::from(u8::from(!pair[0] && pair[1]))))
        .collect();
    let neighbours: Vec<f64> = fates
        .windows(2)
        .map(|pair| (count(&pair[0]) - theory) * (count(&pair[1]) - theory))
        .map(|product| product / (theory * (1.0 - theory)))
        .collect();
    let clear = chain.loss.iter().all(|loss| *loss == 0.0 || *loss == 1.0);
    let thin = if clear || N == 1 { 1 } else { 20 };
    let fit = run_lengths(fates, chain, thin);
    vec![
        row("loss rate", theory, rate),
        row("mean run", chain.mean_run(), ratio(&runs)),
        row(
            "correlation at lag 1",
            chain.autocorrelation(),
            mean(&neighbours),
        ),
        Row::fit(name, "run lengths, chi-square", fit),
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
