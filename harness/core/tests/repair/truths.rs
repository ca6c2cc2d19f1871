//! What everybody in the field knows about repair, as this simulator has it. The
//! networks are those of `scenarios/repair`.

use super::support::{metric, outcome};

/// Medians of the metrics over five seeds.
fn medians<const N: usize>(network: &str, call: &str, metrics: [&str; N]) -> [f64; N] {
    let runs: Vec<[f64; N]> = (1..=5)
        .map(|seed| {
            let outcome = outcome(&format!(
                "
duration: 40s
seeds: [{seed}]
measure: {{from: 3s}}
network: {{{network}}}
flows:
  - name: call
    media: {{video: {{max_bitrate: 1Mbps}}}}
    congestion_control: {{fixed: {{rate: 1.2Mbps}}}}
    {call}
"
            ));
            metrics.map(|name| metric(&outcome, "call", name))
        })
        .collect();
    std::array::from_fn(|at| {
        let mut values: Vec<f64> = runs.iter().map(|run| run[at]).collect();
        values.sort_by(f64::total_cmp);
        values[2]
    })
}

const SHORT: &str =
    "forward: {rate: 4Mbps, delay: 10ms, loss: 5%}, backward: {delay: 10ms, loss: 5%}";
const LONG: &str =
    "forward: {rate: 4Mbps, delay: 150ms, loss: 5%}, backward: {delay: 150ms, loss: 5%}";
const BURSTS: &str = "forward: {rate: 4Mbps, delay: 60ms, \
     loss: {gilbert_elliott: {average: 4%, burst: 4}}}, backward: {delay: 60ms}";

const NACK: &str = "arq: nack";
const FEC: &str = "fec: rlc
    protection: {fixed: {rate: 0.35}}
    arq: none";

#[test]
fn nack_wins_at_20_ms_of_round_trip_and_fec_at_300_ms() {
    let metrics = [
        "freeze_ratio",
        "frame_delay_p95_ms",
        "repair_overhead_ratio",
    ];
    let [nack_freezes, _, nack_spends] = medians(SHORT, NACK, metrics);
    let [fec_freezes, _, fec_spends] = medians(SHORT, FEC, metrics);
    assert!(nack_freezes <= fec_freezes, "{nack_freezes} {fec_freezes}");
    assert!(nack_spends < fec_spends / 4.0, "{nack_spends} {fec_spends}");

    let [nack_freezes, nack_delay, _] = medians(LONG, NACK, metrics);
    let [fec_freezes, fec_delay, _] = medians(LONG, FEC, metrics);
    assert!(
        fec_freezes < nack_freezes / 2.0,
        "{nack_freezes} {fec_freezes}"
    );
    assert!(fec_delay < nack_delay / 2.0, "{nack_delay} {fec_delay}");
}

/// Repair packets of a block follow their frame, and a burst takes both.
#[test]
fn burst_codes_beat_block_codes_on_bursts_though_they_spend_less() {
    let metrics = ["residual_loss_ratio", "freeze_ratio", "fec_overhead_ratio"];
    let scheme = |fec: &str, rate: f64| {
        let call =
            format!("fec: {fec}\n    protection: {{fixed: {{rate: {rate}}}}}\n    arq: none");
        medians(BURSTS, &call, metrics)
    };
    let [block_loses, block_freezes, block_spends] = scheme("reed_solomon", 0.4);
    for fec in ["streaming", "rlc"] {
        let [loses, freezes, spends] = scheme(fec, 0.34);
        assert!(spends < block_spends, "{fec}: {spends} {block_spends}");
        assert!(loses < 0.7 * block_loses, "{fec}: {loses} {block_loses}");
        assert!(freezes < block_freezes, "{fec}: {freezes} {block_freezes}");
    }
}

/// media.md section 3.1: with any loss and more than one packet per frame, a fifth
/// of all packets are repair packets, a quarter of the media.
#[test]
fn libwebrtc_spends_a_fifth_on_repair_at_1_percent_of_loss() {
    let network = "forward: {rate: 4Mbps, delay: 50ms, loss: 1%}, backward: {delay: 50ms}";
    let [spent] = medians(network, "fec: ulpfec", ["fec_overhead_ratio"]);
    assert!((0.2..0.32).contains(&spent), "{spent}");
    let clean = "forward: {rate: 4Mbps, delay: 50ms}, backward: {delay: 50ms}";
    let [spent] = medians(clean, "fec: ulpfec", ["fec_overhead_ratio"]);
    assert_eq!(spent, 0.0);
}

/// What it predicts to come too late it does not ask for; some comes too late all
/// the same, and is counted.
#[test]
fn deadline_arq_forgoes_what_is_late_and_tells_what_was_in_vain() {
    let call = "arq: {deadline: {grace: 0ms}}\n    fec: rlc\n    protection: {fixed: {rate: 0.2}}";
    let [forgone] = medians(LONG, call, ["rtx_predicted_late"]);
    let [asked_anyway] = medians(LONG, "arq: nack", ["rtx_predicted_late"]);
    assert!(forgone > 20.0, "{forgone}");
    assert_eq!(asked_anyway, 0.0);
    let [wasted, late] = medians(
        BURSTS,
        "arq: deadline",
        ["rtx_wasted_ratio", "rtx_late_ratio"],
    );
    assert!(wasted < 0.5, "{wasted}");
    assert!(late > 0.0, "{late}");
}
