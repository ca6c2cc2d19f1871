//! The built-in controllers that give a window, under a bulk flow alone on a
//! link and under a call.

use super::support::{metric, outcome, outcomes};

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

/// A call over each window: the rate that it reaches at least and the frame
/// delay of 95 % at most. Means of three seeds: one frame that is lost in a bad
/// moment moves a percentile of 45 s by as much as 70 ms.
fn carries(link: &str, flow: &str, controllers: &[(&str, f64, f64)]) {
    // An encoder that takes all that it is told: what a browser's holds back for
    // frames above the mean is no matter of windows.
    let video = "max_bitrate: 20Mbps, source: {rfc8593: {overshoot_window: 0s}}";
    for (controller, least, most) in controllers {
        let outcomes = outcomes(&format!(
            "seeds: 3{link}  - {{name: call, media: {{video: {{{video}}}, audio: {{}}}}, \
             congestion_control: {controller}, {flow}}}"
        ));
        let of = |name| {
            let values = outcomes.iter().map(|outcome| metric(outcome, "call", name));
            values.sum::<f64>() / outcomes.len() as f64
        };
        let (rate, delay) = (of("receive_rate_kbps"), of("frame_delay_p95_ms"));
        assert!(rate >= *least, "{controller}, {flow}: {rate}");
        assert!(delay <= *most, "{controller}, {flow}: {delay}");
        assert!(
            of("loss_ratio") < 0.03,
            "{controller}: {}",
            of("loss_ratio")
        );
        assert!(of("freeze_ratio") < 0.05, "{controller}");
        // What the encoder is asked for is what the path delivers.
        let target = of("target_bitrate_kbps");
        assert!(
            (0.95..1.08).contains(&(target / rate)),
            "{controller}: {target} {rate}"
        );
    }
}

#[test]
fn each_carries_a_call_in_datagrams() {
    // Acknowledged at once, a window fills the link as under a stream. LEDBAT does
    // not: RFC 6817 keeps the window within a packet of the flight, also of that
    // at the end of a frame. LEDBAT++ is away for its slowdowns, a tenth of the
    // time, and Copa's queue of two packets is hardly one for frames.
    carries(
        LINK,
        "feedback: ack, rtp_overhead: quic",
        &[
            ("new_reno", 9_000.0, 300.0),
            ("cubic", 9_000.0, 300.0),
            ("bbr1", 9_000.0, 300.0),
            ("bbr3", 9_000.0, 300.0),
            ("copa", 9_000.0, 300.0),
            ("ledbat", 3_000.0, 300.0),
            ("ledbat_pp", 7_500.0, 500.0),
            ("prague", 9_000.0, 300.0),
        ],
    );
}

#[test]
fn each_carries_a_call_with_reports_now_and_then() {
    // A report each 50 ms: packets stay in the flight for 25 to 50 ms longer, of
    // 40 ms of round trip, and windows are worth so much less. BBR, with twice
    // the product of bandwidth and delay, has most to spare.
    carries(
        LINK,
        "feedback: ccfb",
        &[
            ("new_reno", 4_800.0, 400.0),
            ("cubic", 5_500.0, 300.0),
            ("bbr1", 8_500.0, 300.0),
            ("bbr3", 8_000.0, 300.0),
            ("copa", 4_000.0, 300.0),
            ("ledbat", 4_800.0, 600.0),
            ("ledbat_pp", 4_500.0, 600.0),
            ("prague", 5_000.0, 400.0),
        ],
    );
}

#[test]
fn each_survives_on_a_narrow_link() {
    let narrow = LINK.replace("10Mbps", "1Mbps").replace("50kB", "100ms");
    for flow in ["feedback: ack", "feedback: ccfb", "feedback: twcc"] {
        carries(
            &narrow,
            flow,
            &[
                ("new_reno", 900.0, 500.0),
                ("cubic", 900.0, 500.0),
                ("bbr1", 900.0, 500.0),
                ("bbr3", 900.0, 500.0),
                ("copa", 700.0, 500.0),
                ("ledbat", 900.0, 500.0),
                ("ledbat_pp", 850.0, 500.0),
                ("prague", 900.0, 500.0),
            ],
        );
    }
}
