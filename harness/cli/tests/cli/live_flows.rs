//! `weaknet live --flows`: the flows of a scenario over real sockets.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::live::is_possible;
use crate::support::Sandbox;

/// All kinds of flows, in both directions, over a link with a queue.
const ALL: &str = "\
name: all
duration: 10s
network:
  forward: {rate: 3Mbps, delay: 20ms, queue: {drop_tail: {limit: 200ms}}}
  backward: {rate: 3Mbps, delay: 20ms}
flows:
  - name: call
    media:
      video: {max_bitrate: 800kbps}
      audio: {bitrate: 32kbps}
  - name: back
    from: b
    media: {video: {max_bitrate: 500kbps}}
    fec: ulpfec
    protection: {fixed: {rate: 0.3}}
  - name: cursor
    messages: {every: 50ms, size: 60B}
  - name: noise
    traffic: {cbr: {rate: 200kbps, packet_size: 500B}}
  - name: upload
    from: b
    start: 5s
    bulk: {}
    congestion_control: cubic
expect:
  - call.frames_rendered >= 150
";

fn command(sandbox: &Sandbox, args: &[&str]) -> Command {
    let mut command = sandbox.command(&["live", "--flows"]);
    command.args(args);
    command
}

fn run(sandbox: &Sandbox, args: &[&str]) -> Option<Output> {
    let output = command(sandbox, args).output().unwrap();
    is_possible(&output).then_some(output)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A metric of the only case.
fn metric(summary: &Value, subject: &str, name: &str) -> f64 {
    let case = &summary["cases"][0];
    let all = ["flows", "links"].map(|kind| case[kind].as_array().unwrap());
    let found = all
        .into_iter()
        .flatten()
        .find(|scores| scores["name"] == subject);
    let value = &found.unwrap()["metrics"][name];
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{subject}.{name}: {value}"))
}

#[test]
fn all_kinds_of_flows_score_as_simulated_ones() {
    let sandbox = Sandbox::new(&[("all.yaml", ALL)]);
    let args = [
        "all.yaml",
        "--seed",
        "3",
        "--compare",
        "--json",
        "--out",
        "out",
    ];
    let Some(output) = run(&sandbox, &args) else {
        return;
    };
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    // What is refused or unread is told only when there is some.
    for wrong in ["longer than", "refused", "not understood"] {
        assert!(!said.contains(wrong), "{said}");
    }
    let live: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(live, sandbox.json("out/summary.json"));
    let simulated = sandbox.json("out/simulated.json");

    // The bound is broad because the machine may be busy: a quarter more or less.
    let near = |subject: &str, name: &str| {
        let (live, simulated) = (
            metric(&live, subject, name),
            metric(&simulated, subject, name),
        );
        let share = live / simulated;
        assert!(
            (0.75..1.25).contains(&share),
            "{subject}.{name}: {live}, simulated {simulated}"
        );
    };
    for flow in ["call", "back"] {
        near(flow, "send_rate_kbps");
        near(flow, "receive_rate_kbps");
        near(flow, "frames_rendered");
        near(flow, "video_bitrate_kbps");
    }
    near("back", "fec_overhead_ratio");
    near("noise", "receive_rate_kbps");
    near("upload", "goodput_kbps");
    assert_eq!(metric(&live, "cursor", "message_on_time_ratio"), 1.0);
    // Nothing is faster than the link, and nothing comes before it was sent.
    for (flow, name) in [
        ("call", "one_way_delay_p50_ms"),
        ("back", "one_way_delay_p50_ms"),
        ("noise", "one_way_delay_p50_ms"),
        ("cursor", "message_delay_p50_ms"),
        ("call", "frame_delay_p50_ms"),
    ] {
        assert!(metric(&live, flow, name) >= 20.0, "{flow}.{name}");
    }
    assert!(metric(&live, "call", "rtt_p50_ms") >= 40.0);
    assert!(metric(&live, "forward", "utilisation") <= 1.0);
    assert!(metric(&live, "forward", "emulation_error_p50_us") > 0.0);
}

#[test]
fn the_result_is_that_of_a_run() {
    let scenario = ALL
        .replace("duration: 10s", "duration: 2s")
        .replace("5s", "1s");
    let scenario = scenario.replace("frames_rendered >= 150", "frames_rendered >= 1000");
    let sandbox = Sandbox::new(&[("all.yaml", &scenario)]);
    let Some(output) = run(&sandbox, &["all.yaml", "--set", "flows.call.arq=none"]) else {
        return;
    };
    let (table, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(100), "{said}");
    assert!(said.contains("1 of 1 expectations failed"), "{said}");
    assert!(table.contains("all · flows · 1 seed"), "{table}");
    let root = "results/runs/all-live/";
    let names = sandbox.names();
    for name in [
        "summary.json",
        "cases.csv",
        "report.html",
        "scenario.yaml",
        "manifest.json",
    ] {
        assert!(
            names.contains(&format!("{root}{name}")),
            "{name}: {names:?}"
        );
    }
    let case = sandbox.json(&format!("{root}summary.json"));
    let id = case["cases"][0]["id"].as_str().unwrap().to_owned();
    let series = sandbox.read(&format!("{root}series/{id}.csv"));
    assert!(series.starts_with("t_s,flow.call.target_kbps"), "{series}");
    let manifest = sandbox.json(&format!("{root}manifest.json"));
    let command = [
        "weaknet",
        "live",
        "--flows",
        "all.yaml",
        "--set",
        "flows.call.arq=none",
    ];
    assert_eq!(manifest["command"], serde_json::json!(command));
    // Simulated by itself it is the same case, so that both can be compared.
    let set = [
        "--set",
        "flows.call.arq=none",
        "--seed",
        "1",
        "--out",
        "simulated",
    ];
    let simulated = sandbox.run(&[&["run", "all.yaml"][..], &set].concat());
    assert_eq!(simulated.code, 100, "{}", simulated.err);
    let compared = sandbox.run(&["compare", "simulated", root]).ok();
    assert!(compared.contains("metrics compared"), "{compared}");
    assert!(!compared.contains("in the base run only\n1"), "{compared}");
}

#[test]
fn what_cannot_be_carried_is_refused_with_its_place() {
    let call = |more: &str| {
        format!(
            "duration: 2s\nnetwork: {{forward: {{delay: 5ms}}}}\nflows:\n  - name: call\n    \
             media: {{video: {{}}, audio: {{}}}}\n{more}"
        )
    };
    let cases = [
        (
            call("    fec: opus_lbrr\n"),
            "bad.yaml:6:10: fec `opus_lbrr`: cannot run live",
        ),
        (
            call("    jitter_buffer: oracle\n"),
            "bad.yaml:6:20: jitter_buffer `oracle`: cannot run live",
        ),
        (
            call("    session: {fallback: ice_tcp}\n"),
            "flows.call.session.fallback cannot run live: expected none",
        ),
        (
            call("    rtp_overhead: none\n"),
            "flows.call.rtp_overhead cannot run live: expected webrtc or quic",
        ),
        (
            "duration: 2s\nnetwork: {links: {up: {delay: 1ms}, down: {delay: 1ms}}}\nflows:\n  - name: call\n    \
             route: [up]\n    route_back: [down]\n    media: {video: {}}\n"
                .to_owned(),
            "expected `forward:` and `backward:`, found `links:`",
        ),
    ];
    for (scenario, expected) in cases {
        let sandbox = Sandbox::new(&[("bad.yaml", &scenario)]);
        let message = sandbox.run(&["live", "--flows", "bad.yaml"]).fails(65);
        assert!(message.contains(expected), "{message}");
        assert_eq!(sandbox.names(), ["bad.yaml"], "nothing is written");
    }
    let sandbox = Sandbox::new(&[("all.yaml", ALL)]);
    for args in [
        &["--flows"][..],
        &["--flows", "all.yaml", "--left", "true"],
        &["--flows", "all.yaml", "--", "true"],
        &["all.yaml", "--compare", "--", "true"],
        &["--flows", "all.yaml", "--set", "flows.call.fec=none|ulpfec"],
    ] {
        sandbox.run(&[&["live"][..], args].concat()).fails(2);
    }
}

#[test]
fn an_interrupt_leaves_no_half_run() {
    let scenario = ALL.replace("duration: 10s", "duration: 10min");
    let sandbox = Sandbox::new(&[("all.yaml", &scenario)]);
    let mut weaknet = command(&sandbox, &["all.yaml", "--out", "out"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The folder is there before anything runs, the handler soon after.
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) && weaknet.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    if weaknet.try_wait().unwrap().is_none() {
        let id = weaknet.id().to_string();
        let killed = Command::new("kill").args(["-INT", &id]).status();
        assert!(killed.unwrap().success());
    }
    let output = weaknet.wait_with_output().unwrap();
    if !is_possible(&output) {
        return;
    }
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted after 0 of 1 cases"), "{said}");
}
