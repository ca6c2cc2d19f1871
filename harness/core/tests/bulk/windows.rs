//! The built-in controllers that give a window, under a bulk flow alone on a
//! link and under a call.

use super::support::{metric, outcome};

const LINK: &str = "
duration: 60s
measure: {from: 15s}
network:
  forward: {rate: 10Mbps, delay: 20ms, queue: {drop_tail: {limit: 50kB}}}
  backward: {delay: 20ms}
flows:
";

#[test]
fn each_fills_a_link_with_a_buffer_of_one_delay_product() {
    for controller in [
        "new_reno",
        "cubic",
        "bbr1",
        "bbr3",
        "copa",
        "ledbat",
        "ledbat_pp",
        "prague",
    ] {
        let flow = format!("  - {{name: flow, bulk: {{}}, congestion_control: {controller}}}");
        let outcome = outcome(&format!("{LINK}{flow}"));
        let used = metric(&outcome, "flow", "utilisation");
        let again = metric(&outcome, "flow", "rtx_overhead_ratio");
        println!(
            "{controller} {used} {again} {}",
            metric(&outcome, "flow", "queue_delay_p50_ms")
        );
        assert!(used > 0.85, "{controller}: {used}");
        assert!(again < 0.06, "{controller}: {again}");
    }
}

#[test]
fn cubic_is_what_a_bulk_flow_has_by_default() {
    let named = "  - {name: flow, bulk: {}, congestion_control: cubic}";
    let (named, default) = (
        format!("{LINK}{named}"),
        format!("{LINK}  - {{name: flow, bulk: {{}}}}"),
    );
    let (named, default) = (outcome(&named), outcome(&default));
    assert_eq!(named.result.flows, default.result.flows);
}

#[test]
fn each_carries_a_call() {
    for controller in [
        "new_reno", "cubic", "bbr1", "bbr3", "copa", "ledbat", "prague",
    ] {
        let flow = format!(
            "  - {{name: call, media: {{video: {{max_bitrate: 20Mbps}}, audio: {{}}}}, congestion_control: {controller}, feedback: ccfb}}"
        );
        let outcome = outcome(&format!("{LINK}{flow}"));
        let rate = metric(&outcome, "call", "receive_rate_kbps");
        let delivered = metric(&outcome, "call", "delivery_ratio");
        println!("{controller} {rate} {delivered}");
        assert!((0.0..=10_000.0).contains(&rate), "{controller}: {rate}");
        assert!(delivered > 0.0, "{controller}: {delivered}");
    }
}
