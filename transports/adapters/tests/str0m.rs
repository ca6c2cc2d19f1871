//! Calls of str0m over simulated links.

mod support;

use support::{metric, run};
use weaknet_adapters::str0m::ends;
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::Outcome;

/// A call of 2.5 Mbit/s at most over 25 ms each way.
fn call(rate: &str, loss: &str, measure: &str) -> Outcome {
    let text = format!(
        "
name: call
duration: 40s
seeds: [1]
measure: {measure}
network:
  forward:
    rate: {rate}
    delay: 25ms
    loss: {loss}
  backward: {{delay: 25ms}}
flows:
  - name: call
    media:
      video: {{max_bitrate: 2.5Mbps}}
"
    );
    run(&text, &Registry::builtin(), &ends)
}

#[test]
fn connects_and_shows_every_frame_where_there_is_room() {
    let outcome = call("10Mbps", "0%", "{from: 10s}");
    let call = |name| metric(&outcome, "call", name);
    // ICE takes a round trip of 50 ms, DTLS 1.3 with a cookie two more; all but
    // the serialisation of a few kilobytes.
    let setup = call("setup_time_ms");
    assert!((150.0..155.0).contains(&setup), "{setup} ms");
    assert_eq!(call("delivery_ratio"), 1.0);
    assert_eq!(call("residual_loss_ratio"), 0.0);
    assert_eq!(call("freeze_count"), 0.0);
    // What the encoder made is what the player got, but for the frames that are
    // under way at an edge of the window: two of 900.
    let (made, got) = (call("video_bitrate_kbps"), call("goodput_kbps"));
    assert!((got / made - 1.0).abs() < 0.003, "{made} {got}");
    // str0m is told to look for 2.5 Mbit/s of media with its headers.
    assert!(call("target_bitrate_kbps") >= 2_500.0);
}

#[test]
fn target_reaches_what_the_link_has_and_falls_with_it() {
    let steps = "{steps: [[0s, 2.5Mbps], [20s, 1Mbps]]}";
    let target = |measure| {
        let outcome = call(steps, "0%", measure);
        metric(&outcome, "call", "target_bitrate_kbps")
    };
    let (before, after) = (target("{from: 10s, to: 20s}"), target("{from: 30s}"));
    assert!(before >= 0.8 * 2_500.0, "{before} kbit/s before the drop");
    assert!(after <= 1.1 * 1_000.0, "{after} kbit/s after the drop");
    assert!(after >= 0.5 * 1_000.0, "{after} kbit/s after the drop");
}

#[test]
fn what_is_lost_is_sent_again() {
    let outcome = call("10Mbps", "2%", "{from: 10s}");
    let call = |name| metric(&outcome, "call", name);
    let (lost, residual) = (call("loss_ratio"), call("residual_loss_ratio"));
    assert!((0.015..0.025).contains(&lost), "{lost}");
    assert!(residual < lost / 10.0, "{residual} of {lost}");
    assert!(call("rtx_overhead_ratio") > 0.015);
}

#[test]
fn the_same_call_twice_is_the_same_to_the_last_event() {
    let once = || call("2.5Mbps", "2%", "{from: 0s}").result;
    let (first, second) = (once(), once());
    assert_eq!(first.trajectory, second.trajectory);
    assert_eq!(first.digest, second.digest);
}
