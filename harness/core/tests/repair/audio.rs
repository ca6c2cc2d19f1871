//! Audio that carries older audio.

use std::path::Path;

use weaknet_harness::plan::{Plan, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::Outcome;

use super::support::{metric, outcome};

fn call(loss: &str, fec: &str) -> Outcome {
    outcome(&format!(
        "
duration: 60s
measure: {{from: 10s}}
network:
  forward: {{rate: 2Mbps, delay: 40ms, loss: {loss}}}
  backward: {{delay: 40ms}}
flows:
  - name: call
    media: {{audio: {{bitrate: 32kbps}}}}
    fec: {fec}
"
    ))
}

#[test]
fn two_copies_leave_less_than_a_tenth_of_the_concealment() {
    let concealed = |fec| metric(&call("10%", fec), "call", "concealed_ratio");
    let (without, red) = (concealed("none"), concealed("{red_audio: 2}"));
    assert!(without > 0.05, "{without}");
    assert!(red < without / 10.0, "{red} {without}");
}

#[test]
fn copies_are_paid_for_and_counted() {
    let [red, lbrr, none] = ["red_audio", "opus_lbrr", "none"].map(|fec| call("10%", fec));
    let share = |outcome: &Outcome, name| metric(outcome, "call", name);
    // 85 bytes more on packets of 80 + 66.
    let overhead = share(&red, "repair_overhead_ratio");
    assert!((overhead - 85.0 / 146.0).abs() < 1e-3, "{overhead}");
    // 32 of 146 bytes are the copy's.
    let overhead = share(&lbrr, "repair_overhead_ratio");
    assert!((overhead - 32.0 / 114.0).abs() < 1e-3, "{overhead}");
    for (outcome, reduced) in [(&red, false), (&lbrr, true)] {
        // 9 of 10 lost packets have their copy in the next one; some come too late.
        let recovered = share(outcome, "audio_recovered_ratio");
        assert!((0.06..0.11).contains(&recovered), "{recovered}");
        let worse = share(outcome, "audio_reduced_ratio");
        assert_eq!(worse > 0.0, reduced, "{worse}");
        // 0.1 squared, over 2,400 packets: five standard errors are 0.01.
        let residual = share(outcome, "residual_loss_ratio");
        assert!((residual - 0.01).abs() < 0.01, "{residual}");
    }
    assert_eq!(none.result.metric("call", "audio_recovered_ratio"), None);
}

#[test]
fn in_band_copies_wait_for_losses() {
    let clean = call("none", "[opus_lbrr, dred]");
    assert_eq!(metric(&clean, "call", "repair_overhead_ratio"), 0.0);
}

/// In bursts what is one packet back repairs one packet, what reaches further
/// repairs more.
#[test]
fn bursts_need_reach() {
    let bursts = "{gilbert_elliott: {average: 8%, burst: 3}}";
    let residual = |fec| metric(&call(bursts, fec), "call", "residual_loss_ratio");
    let [none, lbrr, red, dred] = ["none", "opus_lbrr", "{red_audio: 4}", "dred"].map(residual);
    // Of bursts of mean 3 one packet each is repaired.
    assert!((lbrr / none - 2.0 / 3.0).abs() < 0.1, "{lbrr} {none}");
    assert!(red < lbrr / 2.0 && dred < lbrr / 2.0, "{red} {dred} {lbrr}");
}

#[test]
fn video_and_audio_are_protected_side_by_side() {
    let both = outcome(
        "
duration: 20s
network:
  forward: {rate: 4Mbps, delay: 40ms, loss: 5%}
  backward: {delay: 40ms}
flows:
  - name: call
    media: {video: {max_bitrate: 1Mbps}, audio: {min_bitrate: 8kbps, bitrate: 64kbps, source: {opus: {dtx: {}}}}}
    fec: [flexfec, {red_audio: {distance: 2}}, opus_lbrr]
",
    );
    assert!(metric(&both, "call", "fec_recovered") > 0.0);
    assert!(metric(&both, "call", "audio_recovered_ratio") > 0.0);
    // Of 5 % lost; pauses that are not sent are no loss.
    assert!(metric(&both, "call", "residual_loss_ratio") < 0.005);
}

#[test]
fn schemes_that_are_in_each_others_way_are_refused() {
    let error = |sets: &[&str]| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        let request = Request {
            paths: vec![folder.join("quickstart.yaml").display().to_string()],
            sets: sets.iter().map(|set| (*set).to_owned()).collect(),
            ..Request::default()
        };
        let plan = Plan::load(&request, &Registry::builtin());
        plan.err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    for (fec, wanted) in [
        (
            "[flexfec, ulpfec]",
            "fec `ulpfec`: video has a scheme already",
        ),
        (
            "[red_audio, {red_audio: 2}]",
            "fec `red_audio`: audio has this scheme already",
        ),
        (
            "{red_audio: 10}",
            "fec `red_audio`: distance: expected 1 to 9 packets, found 10",
        ),
        ("[]", "expected at least one fec"),
        ("[red_audio, red_vidio]", "unknown fec `red_vidio`"),
    ] {
        let found = error(&[&format!("flows.call.fec={fec}")]);
        assert!(found.contains(wanted), "{found}");
    }
    let found = error(&["flows.call.fec=dred", "flows.call.media.audio=null"]);
    assert!(
        found.contains("fec `dred`: protects audio, of which this flow has none"),
        "{found}"
    );
    assert_eq!(
        error(&["flows.call.fec=[red_audio, dred, opus_lbrr, flexfec]"]),
        ""
    );
}
