//! `weaknet trace`: descriptions, conversions, and what it refuses.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Sandbox, shared};

const METRO: &str = "0.000 1.5\n1.000 0.75\n2.000 0\n2.500 3\n";

#[test]
fn info_speaks_to_people_and_machines() {
    let sandbox = Sandbox::new(&[("metro.log", METRO), ("phone.down", "5\n5\n400\n1200\n")]);
    let text = sandbox
        .run(&["trace", "info", "metro.log", "phone.down"])
        .ok();
    assert!(
        text.starts_with("metro.log: segments, seconds_mbps\n  length            3.00 s, 4 rows\n"),
        "{text}"
    );
    assert!(
        text.contains("\n\nphone.down: opportunities, mahimahi\n"),
        "{text}"
    );
    assert!(
        text.contains("  gaps >= 200 ms    100.0 per minute, p50/p95/max 598 / 780 / 800 ms"),
        "{text}"
    );
    let json = sandbox
        .run(&["trace", "info", "metro.log", "--json", "--below", "1Mbps"])
        .ok();
    let json: Value = serde_json::from_str(&json).unwrap();
    let trace = &json["traces"][0];
    assert_eq!(json["schema"], "weaknet.trace-info/1");
    assert_eq!(trace["below"][0]["threshold_mbps"], 1.0);
    assert_eq!(trace["gaps"]["max_ms"], 500.0);
    assert_eq!(trace["rate"]["mean_mbps"], 1.25);
    assert_eq!(trace["delay"], Value::Null);
}

#[test]
fn pictures_are_svg_or_png() {
    let sandbox = Sandbox::new(&[("a&b.log", METRO)]);
    sandbox
        .run(&["trace", "info", "a&b.log", "--plot", "p.svg"])
        .ok();
    let svg = sandbox.read("p.svg");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(svg.contains(">a&amp;b.log</text>") && svg.contains(">rate in Mbit/s</text>"));
    assert!(svg.contains(">gap of 200 ms and more</text>") && svg.contains(">time in s</text>"));
    sandbox
        .run(&["trace", "info", "a&b.log", "--plot", "p.png"])
        .ok();
    let png = std::fs::read(sandbox.path("p.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.ends_with(b"IEND\xaeB`\x82"));
    let ran = sandbox.run(&["trace", "info", "a&b.log", "--plot", "p.jpg"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err
            .contains("expected a name that ends in .svg or .png"),
        "{}",
        ran.err
    );
}

#[test]
fn a_conversion_can_be_undone() {
    let table = "\u{feff}Zeit;t_s;dl_kbps;\"a \"\"note\"\"; long\"\r\n\r\n12:00;0;5;\"x;y\"\r\n# c\r\n12:01; 1 ;6;\r\n12:02;2;7;{z}";
    let sandbox = Sandbox::new(&[("t.csv", table)]);
    sandbox
        .run(&[
            "trace",
            "convert",
            "t.csv",
            "c.txt",
            "--head",
            "licence=MIT",
        ])
        .ok();
    assert!(sandbox.read("c.txt").contains("# licence: MIT\n"));
    sandbox.run(&["trace", "convert", "c.txt", "back.csv"]).ok();
    assert_eq!(sandbox.read("back.csv"), table);
    let rates = sandbox.run(&[
        "trace",
        "convert",
        "c.txt",
        "-",
        "--to",
        "seconds_mbps",
        "--lossy",
    ]);
    assert_eq!(rates.ok(), "0 0.005\n1 0.006\n2 0.007\n");
}

#[test]
fn a_scenario_plays_a_trace() {
    let sandbox = Sandbox::new(&[("3g.log", METRO)]);
    sandbox
        .run(&["trace", "convert", "3g.log", "play.yaml"])
        .ok();
    let text = sandbox.read("play.yaml");
    assert!(
        text.contains("file: 3g.log") && text.contains("format: seconds_mbps"),
        "{text}"
    );
    sandbox
        .run(&["run", "play.yaml", "--seeds", "1", "--out", "o"])
        .ok();
}

#[test]
fn bad_traces_say_where_and_what() {
    let sandbox = Sandbox::new(&[]);
    for (content, expected) in [
        ("", "bad: the trace is empty: expected at least one row"),
        (
            "1\n5\n3\n",
            "bad: line 3: the time 3 is before that of the row before",
        ),
        (
            "1\n\n3\n",
            "bad: line 2: expected one number (time_ms), found an empty line",
        ),
        (
            "0.0 1\n1.0 nan\n",
            "bad: line 2: `nan` is not a rate (column rate_mbps)",
        ),
        (
            "0.0 1\n1.0 -2\n",
            "bad: line 2: `-2` is not a rate (column rate_mbps)",
        ),
        (
            "0.0 1\n1.0\n",
            "bad: line 2: expected 2 columns (time_s, rate_mbps), found `1.0`",
        ),
        (
            "0.0 1\n1.0 2 3\n",
            "bad: line 2: expected 2 columns (time_s, rate_mbps), found `1.0 2 3`",
        ),
        (
            "1\n2 3\n",
            "bad: line 2: expected one number (time_ms), found `2 3`",
        ),
        (
            "0 100\n1 200\n",
            "could be seconds and Mbit/s or milliseconds and bytes",
        ),
        (
            "0\n0\n",
            "bad: the last opportunity is at 0 ms: the trace has no length",
        ),
        (
            "t_s,mode\n0,LTE\n",
            "expected a column of time and one of a rate",
        ),
        (
            "t_s,rate_mbps\n0,1,2\n",
            "bad: line 2: expected 2 columns separated by `,`, found `0,1,2`",
        ),
        (
            "{\"uplink\": {\"trace_pattern\": [{\"duration\": -1}]}}",
            "`-1` is not a duration",
        ),
        (
            "{\"uplink\": {\"trace_pattern\": [",
            "the file ends before its JSON does",
        ),
        (
            "{\"uplink\": {\"trace_pattern\": [{\"duration\":1,\"loss\":20}]}}",
            "lost above 1",
        ),
        ("\u{0}\u{1}\u{2}", "bad: line 1: "),
    ] {
        sandbox.write("bad", content);
        for args in [
            &["trace", "info", "bad"][..],
            &["trace", "convert", "bad", "out"],
        ] {
            let ran = sandbox.run(args);
            assert_eq!(ran.code, 65, "{content:?}: {}", ran.err);
            assert!(ran.err.contains(expected), "{content:?}: {}", ran.err);
        }
    }
    assert_eq!(sandbox.names(), ["bad"], "nothing is left behind");
}

#[test]
fn wrong_words_are_usage() {
    let sandbox = Sandbox::new(&[("m.log", METRO)]);
    let ran = sandbox.run(&["trace", "convert", "m.log", "o", "--to", "mahimai"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("(did you mean `mahimahi`?)"),
        "{}",
        ran.err
    );
    let ran = sandbox.run(&["trace", "info", "m.log", "--from", "pcap"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("seconds_mbps, seconds_ms"), "{}", ran.err);
    let ran = sandbox.run(&["trace", "convert", "m.log", "o", "--head", "rate=x"]);
    assert_eq!(ran.code, 2);
    assert_eq!(sandbox.run(&["trace", "info", "none.log"]).code, 65);
}

#[test]
fn standard_input_is_read_as_it_comes() {
    let sandbox = Sandbox::new(&[]);
    let mut command = sandbox.command(&["trace", "info", "-", "--json"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for second in 0..2_000u32 {
        writeln!(input, "{second}.5 {}", second % 7).unwrap();
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["traces"][0]["records"], 2_000);
}

#[test]
fn recorded_traces_come_back_unchanged() {
    let Some(shared) = shared() else { return };
    let sandbox = Sandbox::new(&[]);
    for name in [
        "nyc-lte/trace-1552768760-taxi3",
        "wifi-solis/wifi_cafe_231115-151422.txt",
        "5g-irish/static_B_2020.02.14_13.21.26.csv",
        "starlink-leoem/Starlink_SD_SEA_15_BP_path.csv",
        "video-frames-syncodecs/chat_360p_400.txt",
    ] {
        let file = shared.join("traces").join(name);
        let file = file.to_str().unwrap();
        sandbox
            .run(&["trace", "convert", file, "c.txt", "--to", "canonical"])
            .ok();
        sandbox.run(&["trace", "convert", "c.txt", "back"]).ok();
        assert!(
            std::fs::read(file).unwrap() == std::fs::read(sandbox.path("back")).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn tc_command_lines_become_scenarios_that_run() {
    let netem = [
        "delay 100ms 20ms 25% distribution normal",
        "delay 100ms 10ms distribution paretonormal reorder 25% 50% gap 5",
        "loss 5% 25%",
        "loss random 3%",
        "loss state 1% 20% 10% 30% 0.5%",
        "loss gemodel 1% 20% 70% 0.1%",
        "duplicate 1% 10% corrupt 0.1% limit 2000",
        "delay 50ms rate 5mbit 20 48 5",
        "slot 1ms 2ms packets 10 bytes 10000 delay 10ms",
        "loss 1% ecn delay 10ms seed 42",
    ];
    let children = [
        "tbf rate 2mbit burst 32kbit latency 400ms",
        "tbf rate 2mbit burst 32kbit limit 60000",
        "fq_codel limit 1000 flows 512 target 10ms interval 200ms quantum 1500 ecn",
        "codel limit 500 target 5ms interval 100ms ecn ce_threshold 2ms",
        "pie limit 500 target 20ms tupdate 15ms alpha 2 beta 20 ecn",
        "red limit 400000 min 30000 max 90000 avpkt 1000 burst 55 bandwidth 10mbit probability 0.02 ecn",
        "pfifo limit 100",
        "bfifo limit 64000",
    ];
    let lines = netem.iter().map(|options| format!("netem {options}"));
    for options in lines.chain(children.map(str::to_owned)) {
        let line = format!("tc qdisc add dev eth0 root {options}\n");
        let sandbox = Sandbox::new(&[("rules.tc", &line)]);
        sandbox
            .run(&["trace", "convert", "rules.tc", "s.yaml", "--to", "scenario"])
            .ok();
        let run = sandbox.run(&["run", "s.yaml", "--set", "duration=2s", "--out", "o"]);
        assert_eq!(run.code, 0, "{line}{}{}", sandbox.read("s.yaml"), run.err);
    }
}

#[test]
fn a_trace_is_drawn_from_a_link_of_a_scenario() {
    let text = "\
name: stairs
duration: 3s
network:
  forward: {rate: {steps: [[0s, 2Mbps], [1.2s, 500kbps]]}}
  backward: {}
";
    let sandbox = Sandbox::new(&[("s.yaml", text)]);
    let synth = |more: &[&str]| {
        let args = [&["trace", "synth", "--scenario"], more].concat();
        sandbox.run(&args)
    };
    let drawn = synth(&["s.yaml", "-"]).ok();
    let rows: Vec<&str> = drawn
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    // The last row tells the length: it holds as long as the one before.
    assert_eq!(rows, ["0 2", "1.2 0.5", "2.1 0.5"], "{drawn}");
    // What a run meets: the same seed, the same weather.
    let office = |seed| synth(&["wifi-office-bad", "--seed", seed, "--length", "30s", "-"]).ok();
    assert!(office("1") == office("1") && office("1") != office("2"));
    let found = synth(&["s.yaml", "--link", "sideward", "-"]).fails(2);
    assert_eq!(found, "error: --link: expected one of forward, backward\n");
    let found = synth(&["s.yaml", "--link", "backward", "-"]).fails(65);
    let want = "error: link backward: the link has no limit: there is no rate to draw\n";
    assert_eq!(found, want);
    let found = synth(&["wifi-ofice-bad", "-"]).fails(65);
    assert!(found.contains("did you mean `wifi-office-bad`?"), "{found}");
    let found = sandbox.run(&["trace", "synth", "--cv", "-1", "-"]).fails(2);
    assert!(found.contains("expected 0 to 3"), "{found}");
}

#[test]
fn files_that_are_something_else_are_told_apart() {
    let sandbox = Sandbox::new(&[("t.txt", "0 1\n1 2\n")]);
    let found = sandbox.run(&["trace", "info", "."]).fails(65);
    assert_eq!(found, "error: `.` is a folder: expected a file\n");
    let found = sandbox.run(&["trace", "info", "/no/where.txt"]).fails(65);
    assert_eq!(found, "error: there is no file `/no/where.txt`\n");
    // A trace where a scenario is expected shows its beginning only.
    let rows: Vec<String> = (0..5_000).map(|n| format!("{n} 1.5")).collect();
    sandbox.write("long.txt", rows.join("\n"));
    let found = sandbox.run(&["validate", "long.txt"]).fails(65);
    assert!(
        found.contains("found `0 1.5 1 1.5") && found.contains("...`"),
        "{found}"
    );
    assert!(found.len() < 500, "{found}");
    // A capture that ends early is named, and what is odd about it.
    sandbox.write("s.yaml", crate::support::call(""));
    sandbox
        .run(&["run", "s.yaml", "--capture", "pcapng", "--out", "o"])
        .ok();
    let folder = std::fs::read_dir(sandbox.path("o/captures"))
        .unwrap()
        .next();
    let capture = folder.unwrap().unwrap().path().join("forward.pcapng");
    let whole = std::fs::read(capture).unwrap();
    sandbox.write("cut.pcapng", &whole[..4_001]);
    let found = sandbox.run(&["trace", "fit", "cut.pcapng"]).fails(65);
    assert!(found.contains("cut.pcapng: only "), "{found}");
    assert!(found.contains("the file ends within a block"), "{found}");
}
