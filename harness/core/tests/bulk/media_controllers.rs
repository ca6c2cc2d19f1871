//! Controllers made for media under a bulk flow, and windows under a call.

use weaknet_core::{Event, Time};

use super::support::{events, metric, outcome};

const LINK: &str = "
duration: 60s
measure: {from: 20s}
network:
  forward: {rate: 2Mbps, delay: 25ms}
  backward: {delay: 25ms}
flows:
";

#[test]
fn a_constant_rate_is_kept_exactly() {
    let flow = "  - {name: flow, bulk: {}, congestion_control: {fixed: {rate: 1Mbps}}}";
    let outcome = outcome(&format!("{LINK}{flow}"));
    // One packet of 1500 B each 12 ms over 40 s, to within one packet.
    let found = metric(&outcome, "flow", "send_rate_kbps");
    assert!((found - 1_000.0).abs() <= 0.3, "{found}");
    assert_eq!(metric(&outcome, "flow", "target_bitrate_kbps"), 1_000.0);
}

#[test]
fn media_controllers_fill_a_link_with_a_stream() {
    for (controller, least, wait) in [
        ("gcc", 0.75, 60.0),
        ("gcc_draft02", 0.6, 100.0),
        ("nada", 0.6, 100.0),
        ("scream", 0.6, 100.0),
        ("scream_ericsson", 0.6, 100.0),
    ] {
        // NADA's own queue is in proportion to the rate that it may have at most.
        let flow = format!(
            "  - {{name: flow, bulk: {{}}, congestion_control: {controller}, \
             constraints: {{max_bitrate: 4Mbps}}}}"
        );
        let outcome = outcome(&format!("{LINK}{flow}"));
        let used = metric(&outcome, "flow", "utilisation");
        let delay = metric(&outcome, "flow", "queue_delay_p95_ms");
        assert!(used > least, "{controller}: {used}");
        assert!(delay < wait, "{controller}: {delay}");
        let again = metric(&outcome, "flow", "rtx_overhead_ratio");
        assert!(again < 0.02, "{controller}: {again}");
    }
}

#[test]
fn a_controller_that_knows_the_capacity_uses_it() {
    let flow = "  - {name: flow, bulk: {}, congestion_control: oracle}";
    let outcome = outcome(&format!("{LINK}{flow}"));
    let target = metric(&outcome, "flow", "target_bitrate_kbps");
    let sent = metric(&outcome, "flow", "send_rate_kbps");
    assert!((1_500.0..=2_000.0).contains(&target), "{target}");
    assert!((sent - target).abs() < 1.0, "{sent} {target}");
}

#[test]
fn a_window_carries_a_call() {
    let flow = "  - {name: call, media: {video: {}, audio: {}}, congestion_control: textbook}";
    let outcome = outcome(&format!("{LINK}{flow}"));
    let rate = metric(&outcome, "call", "receive_rate_kbps");
    assert!((1_500.0..2_000.0).contains(&rate), "{rate}");
    let target = metric(&outcome, "call", "target_bitrate_kbps");
    assert!((1_500.0..2_800.0).contains(&target), "{target}");
    assert!(metric(&outcome, "call", "delivery_ratio") > 0.9);
}

#[test]
fn counts_of_codepoints_keep_prague_scalable_under_a_stream() {
    let outcome = outcome(
        "
duration: 40s
measure: {from: 10s}
network:
  forward: {rate: 20Mbps, delay: 10ms, queue: {dualpi2: {}}}
  backward: {delay: 10ms}
flows:
  - {name: flow, bulk: {as: quic}, congestion_control: prague}
",
    );
    // Acknowledgements count codepoints and do not say whose. Taken for erased,
    // they would make Prague a classic flow behind the target of 15 ms.
    let delay = metric(&outcome, "flow", "queue_delay_p95_ms");
    let used = metric(&outcome, "flow", "utilisation");
    assert!(delay < 5.0, "{delay}");
    assert!(used > 0.85, "{used}");
    assert_eq!(metric(&outcome, "flow", "loss_ratio"), 0.0);
}

#[test]
fn marks_reach_a_call_by_rfc_8888_only() {
    let text = |feedback: &str| {
        format!(
            "
duration: 30s
measure: {{from: 10s}}
network:
  forward: {{rate: 2Mbps, delay: 25ms, queue: {{dualpi2: {{}}}}}}
  backward: {{delay: 25ms}}
flows:
  - {{name: call, media: {{video: {{}}}}, congestion_control: scream, feedback: {feedback}}}
"
        )
    };
    let marks = |feedback| {
        let events = events(&text(feedback));
        let marked = |event: &&(Time, Event)| matches!(event.1, Event::LinkMark { .. });
        events.iter().filter(marked).count()
    };
    assert_eq!(marks("twcc"), 0, "sent Not-ECT");
    assert!(marks("ccfb") > 10);
    let scalable = outcome(&text("ccfb"));
    let delay = metric(&scalable, "call", "queue_delay_p95_ms");
    assert!(delay < 25.0, "{delay}");
    // A packet takes 4.8 ms, the step threshold is 1 ms: whatever queues at all is
    // marked, and frames come in bursts.
    let used = metric(&scalable, "call", "utilisation");
    assert!((0.3..0.9).contains(&used), "{used}");
}
