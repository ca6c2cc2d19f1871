//! Flows that share a bottleneck, as the literature says that they do.

use super::support::{metric, outcome};

/// Jain's index of two rates.
fn jain(a: f64, b: f64) -> f64 {
    (a + b).powi(2) / (2.0 * (a * a + b * b))
}

/// The rates of two flows that run side by side for 120 s, of which the last 60
/// count, over 20 ms each way and a queue of `queue` bytes.
fn side_by_side(rate: &str, queue: &str, one: &str, two: &str) -> (f64, f64) {
    let outcome = outcome(&format!(
        "
duration: 120s
seeds: [1]
measure: {{from: 60s}}
network:
  forward: {{rate: {rate}, delay: 20ms, queue: {{drop_tail: {{limit: {queue}}}}}}}
  backward: {{delay: 20ms}}
flows:
  - {{name: one, {one}}}
  - {{name: two, start: 2s, {two}}}
"
    ));
    assert!(metric(&outcome, "forward", "utilisation") > 0.93);
    let rate = |flow| metric(&outcome, flow, "receive_rate_kbps");
    (rate("one"), rate("two"))
}

#[test]
fn two_of_a_kind_share_alike() {
    for (controller, least) in [("cubic", 0.95), ("new_reno", 0.95)] {
        let flow = format!("bulk: {{}}, congestion_control: {controller}");
        let (one, two) = side_by_side("10Mbps", "100kB", &flow, &flow);
        assert!(jain(one, two) > least, "{controller}: {one} {two}");
    }
}

#[test]
fn cubic_is_as_reno_on_short_paths() {
    // RFC 9438, section 4.3: where Reno's window grows faster than the cubic
    // function, CUBIC follows Reno's throughput. 10 Mbit/s and 40 ms are far
    // inside that region: 33 packets of window.
    let bulk = |controller: &str| format!("bulk: {{}}, congestion_control: {controller}");
    let (cubic, reno) = side_by_side("10Mbps", "100kB", &bulk("cubic"), &bulk("new_reno"));
    assert!((0.5..2.0).contains(&(cubic / reno)), "{cubic} {reno}");
    // Beyond it (window 830 packets) CUBIC takes more, as it is meant to.
    let outcome = outcome(
        "
duration: 120s
seeds: [1]
measure: {from: 40s}
network:
  forward: {rate: 100Mbps, delay: 50ms, queue: {drop_tail: {limit: 1MB}}}
  backward: {delay: 50ms}
flows:
  - {name: cubic, bulk: {}, congestion_control: cubic}
  - {name: reno, bulk: {}, congestion_control: new_reno}
",
    );
    let rate = |flow| metric(&outcome, flow, "receive_rate_kbps");
    assert!(rate("cubic") > 1.2 * rate("reno"));
}

#[test]
fn a_call_yields_to_tcp_on_a_long_queue_and_is_not_starved() {
    // GCC measures the queue that a loss-based flow keeps full, and gives way; its
    // adaptive threshold is there so that it is not starved (Carlucci et al. 2016,
    // section 4; draft-ietf-rmcat-gcc-02, section 5.4).
    // With an encoder that takes all that it is told.
    let call = "media: {video: {max_bitrate: 10Mbps, \
                source: {rfc8593: {overshoot_window: 0s}}}}, congestion_control: gcc";
    let tcp = "bulk: {}, congestion_control: cubic";
    let (call, tcp) = side_by_side("4Mbps", "150kB", call, tcp);
    let share = call / (call + tcp);
    assert!((0.06..0.3).contains(&share), "{share}");
}

#[test]
fn short_flows_are_scored_by_their_completion() {
    let outcome = outcome(
        "
duration: 120s
seeds: [1]
network:
  forward: {rate: 2Mbps, delay: 50ms, queue: {drop_tail: {limit: 75kB}}}
  backward: {delay: 50ms}
flows:
  - {name: call, media: {video: {max_bitrate: 1.5Mbps}}}
  - {name: web, bulk: {size: 30kB, max_size: 50kB, idle: 10s}, congestion_control: new_reno}
",
    );
    // A transfer of 21 to 35 packets takes two or three round trips of 100 ms and
    // its time on the link, 0.13 to 0.21 s; then 10 s pass on average: 120 s hold
    // eleven, give or take twice the root of that.
    let count = metric(&outcome, "web", "transfers_finished");
    assert!((4.0..=18.0).contains(&count), "{count}");
    let time = metric(&outcome, "web", "transfer_time_p50_ms");
    assert!((330.0..1_500.0).contains(&time), "{time}");
    // What was transferred: that many times 30 to 50 kB.
    let bits = metric(&outcome, "web", "goodput_kbps") * 120.0;
    let each = bits / 8.0 / count;
    assert!((30.0..=52.0).contains(&each), "{each} kB");
}
