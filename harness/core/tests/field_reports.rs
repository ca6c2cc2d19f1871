//! What users of other stacks ran into, where it takes a whole call to show it.
//! The others, and the list of all, are in
//! `transports/tests/field_reports/main.rs`.

#[path = "support/events.rs"]
mod events;

use weaknet_core::{Event, Time};

use events::events;

/// Targets in kbit/s, with the second of their publication.
fn targets(events: &[(Time, Event)]) -> Vec<(f64, f64)> {
    let mut targets = Vec::new();
    for (at, event) in events {
        if let Event::Target { target, .. } = event {
            targets.push((at.as_secs_f64(), target.as_kbps_f64()));
        }
    }
    targets
}

fn call(controller: &str, rest: &str) -> String {
    format!(
        "
duration: 60s
seeds: [1]
network:
  forward: {{rate: 2Mbps, delay: 25ms}}
  backward: {{delay: 25ms}}
flows:
  - name: call
    congestion_control: {controller}
{rest}"
    )
}

/// jitsi#871: changes below a share of the target were kept back, and upscaling
/// that consists of such changes never came.
#[test]
fn changes_of_a_thousandth_reach_the_encoder() {
    let media = "    media: {video: {max_bitrate: 5Mbps}}";
    let targets = targets(&events(&call("gcc", media)));
    let small = targets.windows(2).filter(|pair| {
        let change = (pair[1].1 / pair[0].1 - 1.0).abs();
        change > 0.0 && change < 1e-3
    });
    assert!(small.count() > 20, "of {}", targets.len());
}

/// Ericsson/scream#44: an encoder that takes up a target half a second late,
/// each time with a burst of five mean frames, made the rate swing.
#[test]
fn a_slow_encoder_with_bursts_does_not_make_the_target_swing() {
    let media = "    media:
      video:
        max_bitrate: 5Mbps
        source: {rfc8593: {reaction: 500ms, burst_ratio: 5.0, big_change: 5%}}
";
    for controller in ["scream", "scream_ericsson", "gcc"] {
        let targets = targets(&events(&call(controller, media)));
        let settled = targets.iter().filter(|(at, _)| *at > 20.0);
        let (least, most) = settled.fold((f64::MAX, 0.0_f64), |(least, most), (_, kbps)| {
            (least.min(*kbps), most.max(*kbps))
        });
        eprintln!("{controller}: {least} to {most}");
        assert!(most < 4.0 * least, "{controller}: {least} to {most}");
        assert!(least > 400.0, "{controller}: {least} to {most}");
    }
}

/// str0m#1018: at the start there is no packet yet that padding could repeat,
/// and no retransmission that keeps any: probes go out as plain padding.
#[test]
fn probes_need_no_old_packets() {
    let media = "    media: {video: {max_bitrate: 5Mbps}}\n    arq: none\n";
    let targets = targets(&events(&call("gcc", media)));
    let early = targets.iter().find(|(_, kbps)| *kbps > 1_200.0);
    assert!(early.is_some_and(|(at, _)| *at < 5.0), "{early:?}");
}

/// quiche#2249: data that only the pacer holds back made a flow look limited by
/// its application; BBR believes no such sample and never finds the capacity.
#[test]
fn what_the_pacer_holds_back_is_not_missing() {
    let events = events(&call("bbr3", "    bulk: {}"));
    let bytes = |from: f64| {
        let mut sum = 0_u64;
        for (at, event) in &events {
            if let Event::StreamDelivered { bytes, .. } = event
                && at.as_secs_f64() > from
            {
                sum += bytes;
            }
        }
        sum as f64 * 8.0 / (60.0 - from)
    };
    // Of 2 Mbit/s, less headers.
    assert!(bytes(5.0) > 1.75e6, "{}", bytes(5.0));
}
