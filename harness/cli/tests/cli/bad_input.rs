//! Bad input: the message with its place, the exit code, and nothing written.

use crate::support::{Sandbox, call, finish};

/// The messages about a scenario that is bad; asserts that nothing is written.
#[track_caller]
fn refused(text: &str, args: &[&str]) -> String {
    let sandbox = Sandbox::new(&[("s.yaml", text)]);
    refused_in(&sandbox, args, 65)
}

#[track_caller]
fn refused_in(sandbox: &Sandbox, args: &[&str], code: i32) -> String {
    let before = sandbox.names();
    let all: Vec<&str> = ["run", "s.yaml", "--out", "o"]
        .iter()
        .chain(args)
        .copied()
        .collect();
    let message = sandbox.run(&all).fails(code);
    assert_eq!(sandbox.names(), before, "something was written");
    message
}

#[test]
fn unknown_keys_each_with_place_caret_and_nearest_name() {
    let text = "duration: 2s\nmesure: {from: 1s}\nnetwork:\n  forward: {rate: 3Mbps, dely: 20ms}\n";
    assert_eq!(
        refused(text, &[]),
        "\
error: s.yaml:2:1: unknown key `mesure`: expected one of name, about, extends, duration, seeds, measure, live, network, flows, matrix, expect
  |
2 | mesure: {from: 1s}
  | ^^^^^^
  = help: did you mean `measure`?

error: s.yaml:4:26: unknown key `dely`: expected one of rate, delay, loss, loss_at, corrupt, duplicate, reorder, mtu, ecn, blocks, queue
  |
4 |   forward: {rate: 3Mbps, dely: 20ms}
  |                          ^^^^
  = help: did you mean `delay`?

2 errors
"
    );
}

#[test]
fn wrong_units_and_negative_rates() {
    assert_eq!(
        refused(&call("    constraints: {max_bitrate: 3mbit}\n"), &[]),
        "\
error: s.yaml:6:32: unknown unit `mbit`: expected a bit rate such as `3Mbps` (bps, kbps, Mbps or Gbps) (did you mean `Mbps`?)
  |
6 |     constraints: {max_bitrate: 3mbit}
  |                                ^^^^^
"
    );
    assert_eq!(
        refused("duration: 2s\nnetwork: {forward: {rate: -1Mbps}}\n", &[]),
        "\
error: s.yaml:2:27: `-1Mbps` is negative: expected a bit rate such as `3Mbps` (bps, kbps, Mbps or Gbps)
  |
2 | network: {forward: {rate: -1Mbps}}
  |                           ^^^^^^
"
    );
}

#[test]
fn traces_missing_empty_and_out_of_order() {
    let text = call("").replace("1Mbps", "{trace: {file: lte-drve.down}}");
    let sandbox = Sandbox::new(&[("s.yaml", &text), ("traces/lte-drive.down", "1\n")]);
    let place = "s.yaml:2:42: rate `trace`: file: ";
    assert_eq!(
        refused_in(&sandbox, &["--trace-dir", "traces"], 65),
        format!(
            "\
error: {place}there is no file `lte-drve.down` in `.`, `traces` (did you mean `lte-drive.down`?)
  |
2 | network: {{forward: {{rate: {{trace: {{file: lte-drve.down}}}}, delay: 20ms}}}}
  |                                          ^^^^^^^^^^^^^
"
        )
    );
    for (trace, message) in [
        ("", "the trace is empty: expected at least one row"),
        (
            "5\n4\n",
            "line 2: the time 4 is before that of the row before",
        ),
        ("5\nfive\n", "line 2: "),
        ("\u{1}\u{2}", "line 1: "),
    ] {
        sandbox.write("lte-drve.down", trace);
        let found = refused_in(&sandbox, &[], 65);
        let start = format!("error: {place}`lte-drve.down`: {message}");
        assert!(found.starts_with(&start), "{found}");
    }
}

#[test]
fn a_binary_file_is_no_scenario() {
    let sandbox = Sandbox::new(&[]);
    sandbox.write("s.yaml", b"\x7fELF\x02\x01\xff\xfe\x00");
    assert_eq!(
        refused_in(&sandbox, &[], 65),
        "error: `s.yaml` is not a text file: byte 6 is not UTF-8\n  = help: expected a scenario file in YAML\n"
    );
}

#[test]
fn duplicate_names() {
    let flow = "  - name: call\n    media: {audio: {}}\n";
    assert_eq!(
        refused(&call(flow), &[]),
        "\
error: s.yaml:6:11: two flows are called `call`: first on line 4
  |
6 |   - name: call
  |           ^^^^
"
    );
    let links = "duration: 2s\nnetwork: {links: {up: {}, up: {}}}\n";
    assert_eq!(
        refused(links, &[]),
        "\
error: s.yaml:2:27: `up` is here twice: first on line 2
  |
2 | network: {links: {up: {}, up: {}}}
  |                           ^^
"
    );
    let named = call("name: twin\n");
    let sandbox = Sandbox::new(&[("s/a.yaml", &named), ("s/b.yaml", &named)]);
    assert_eq!(
        sandbox.run(&["run", "s", "--out", "o"]).fails(65),
        "\
error: s/b.yaml:6:7: two scenarios are called `twin`: the other is `s/a.yaml`
  |
6 | name: twin
  |       ^^^^
"
    );
}

#[test]
fn expectations_on_what_is_not_there() {
    assert_eq!(
        refused(&call("expect: [call.freze_ratio <= 1%]\n"), &[]),
        "\
error: s.yaml:6:10: unknown metric of a flow `freze_ratio`
  |
6 | expect: [call.freze_ratio <= 1%]
  |          ^^^^^^^^^^^^^^^^^^^^^^
  = help: did you mean `freeze_ratio`?
"
    );
    let subject = refused(&call("expect: [cal.freeze_ratio <= 1%]\n"), &[]);
    assert!(
        subject.contains("s.yaml:6:10: unknown flow or link `cal`"),
        "{subject}"
    );
    assert!(subject.contains("did you mean `call`?"), "{subject}");
}

#[test]
fn a_thousand_million_cases_are_refused_at_once() {
    let mut text = call("matrix:\n");
    for axis in 1..=9 {
        text.push_str(&format!(
            "  flows.call.axis{axis}: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
        ));
    }
    let sandbox = Sandbox::new(&[("s.yaml", &text)]);
    // No room for the cases: a plan of them would not fit.
    let mut shell = std::process::Command::new("sh");
    shell.current_dir(sandbox.path("")).args([
        "-c",
        "ulimit -v 400000 2>/dev/null; exec \"$0\" run s.yaml --out o",
        env!("CARGO_BIN_EXE_weaknet"),
    ]);
    let message = finish(shell).fails(65);
    let first =
        "error: s.yaml:15:3: the matrix has 1000000000 cases: more than the limit of 100000\n";
    assert!(message.starts_with(first), "{message}");
    assert_eq!(sandbox.names(), ["s.yaml"]);
    let seeds = sandbox
        .run(&["run", "s.yaml", "--seeds", "1000001"])
        .fails(2);
    assert!(seeds.contains("1000001 is not in 1..=1000000"), "{seeds}");
}

#[test]
fn outputs_that_cannot_be_written() {
    let sandbox = Sandbox::new(&[("s.yaml", &call("")), ("mine/notes.txt", "mine")]);
    let before = sandbox.names();
    for (out, message) in [
        (
            "s.yaml",
            "`s.yaml` exists and was not made by weaknet: choose another --out or remove it",
        ),
        ("s.yaml/below", "failed to create `s.yaml/below.partial`: "),
        (
            "mine",
            "`mine` exists and was not made by weaknet: choose another --out or remove it",
        ),
        (
            "/proc/weaknet/out",
            "failed to create `/proc/weaknet/out.partial`: ",
        ),
        ("/", "`/` exists and was not made by weaknet"),
        ("..", "exists and was not made by weaknet"),
    ] {
        for more in [&[][..], &["--resume"]] {
            let args = [&["run", "s.yaml", "--out", out], more].concat();
            let found = sandbox.run(&args).fails(2);
            let here = format!("{}/", sandbox.path("").canonicalize().unwrap().display());
            assert!(
                found
                    .replace(here.trim_start_matches("/private"), "")
                    .contains(message),
                "{found}"
            );
        }
    }
    assert_eq!(sandbox.names(), before);
    assert_eq!(sandbox.read("mine/notes.txt"), "mine");
}

#[test]
fn scenarios_with_nothing_to_run() {
    assert_eq!(
        refused(&call("").replace("2s", "0s"), &[]),
        "\
error: s.yaml:1:11: a scenario of `0s` has nothing to run: expected a duration above zero
  |
1 | duration: 0s
  |           ^^
"
    );
    assert_eq!(
        refused("duration: 2s\nflows: []\n", &[]),
        "\
error: s.yaml:2:8: a scenario without flows has nothing to run: expected at least one under `flows:`
  |
2 | flows: []
  |        ^^
  = help: the smallest is `flows: [{name: call, media: {video: {}}}]`
"
    );
}

#[test]
fn the_help_for_absent_flows_is_right() {
    let text = "duration: 2s\nflows: [{name: call, media: {video: {}}}]\n";
    Sandbox::new(&[("s.yaml", text)])
        .run(&["validate", "s.yaml"])
        .ok();
}

#[test]
fn sets_that_fit_nothing_are_mistakes_of_usage() {
    let sandbox = Sandbox::new(&[("s.yaml", &call(""))]);
    assert_eq!(
        refused_in(&sandbox, &["--set", "flows.call.fecc=none"], 2).replacen(
            "expected one of name, from, start, stop, route, route_back, paths, media, bulk, messages, traffic, congestion_control, fec, protection, arq, jitter_buffer, audio_buffer, clock_drift, lip_sync, pacer, rtp_overhead, signalling, session, feedback, key_frame_request, constraints",
            "expected ..",
            1,
        ),
        "\
error: --set:1:12: unknown key `fecc`: expected ..
  |
1 | flows.call.fecc=none
  |            ^^^^
  = help: did you mean `fec`?
"
    );
    for (set, message) in [
        (
            "flows.cal.fec=none",
            "--set:1:7: unknown item `cal`: expected call",
        ),
        (
            "flows.call.fec",
            "--set:1:1: expected PATH=VALUE, such as `flows.call.fec=none`",
        ),
        (
            "flows.call.congestion_control=gc",
            "--set:1:31: unknown congestion_control `gc`",
        ),
        (
            "duration=2",
            "--set:1:10: `2` has no unit: expected a duration",
        ),
    ] {
        let found = refused_in(&sandbox, &["--set", set], 2);
        assert!(found.starts_with(&format!("error: {message}")), "{found}");
    }
    // A trace that is missing is a missing file, whoever names it.
    let trace = "network.forward.rate={trace: {file: none.down}}";
    let found = refused_in(&sandbox, &["--set", trace], 65);
    assert!(found.contains("there is no file `none.down`"), "{found}");
}

#[test]
fn unknown_plugins_name_the_known_ones() {
    assert_eq!(
        refused(&call("    congestion_control: gc\n"), &[]),
        "\
error: s.yaml:6:25: unknown congestion_control `gc`: expected one of bbr1, bbr3, copa, cubic, fixed, gcc, gcc_draft02, ledbat, ledbat_pp, nada, new_reno, oracle, prague, scream, scream_ericsson
  |
6 |     congestion_control: gc
  |                         ^^
  = help: did you mean `gcc`?
"
    );
}

#[test]
fn unknown_metrics_to_rank_by_name_the_nearest() {
    let sandbox = Sandbox::new(&[("s.yaml", &call(""))]);
    let found = refused_in(&sandbox, &["--rank", "freeze_ratio,freese_count"], 2);
    assert_eq!(
        found,
        "error: --rank: there is no metric `freese_count`\n  = help: did you mean `freeze_count`?\n"
    );
}

#[test]
fn files_folders_and_patterns() {
    let sandbox = Sandbox::new(&[
        ("s/a.yaml", &call("")),
        ("s/deep/b.yml", &call("")),
        ("s/notes.txt", "no scenario"),
        ("empty/notes.txt", "no scenario"),
    ]);
    let valid = |paths: &[&str]| sandbox.run(&[&["validate"], paths].concat());
    let one = |name: &str| format!("ok  {name}: 1 case x 1 seed = 1 run\n");
    assert_eq!(valid(&["s"]).ok(), one("a") + &one("b"));
    assert_eq!(valid(&["s/*.yaml"]).ok(), one("a"));
    assert_eq!(
        valid(&["s/**/*.y*ml", "s/a.yaml"]).ok(),
        one("a") + &one("b")
    );
    // Nothing found where something was looked for: nothing selected.
    assert_eq!(
        valid(&["empty"]).fails(4),
        "error: no scenario files in empty\n"
    );
    assert_eq!(
        valid(&["t/*.yaml"]).fails(4),
        "error: no scenario files in t/*.yaml\n"
    );
    assert_eq!(
        sandbox
            .run(&["run", "s", "--case", "zzz", "--out", "o"])
            .fails(4),
        "error: no case has an id that begins with `zzz`\n"
    );
    // A file that was named and is missing: a bad file.
    assert_eq!(
        valid(&["s/aa.yaml"]).fails(65),
        "error: there is no file `s/aa.yaml`\n  = help: did you mean `s/a.yaml`?\n"
    );
    assert!(!sandbox.path("o").exists());
    // A bare name is that of a file, else of a scenario that weaknet brings along.
    assert_eq!(valid(&["geo"]).ok(), "ok  geo: 1 case x 3 seeds = 3 runs\n");
    assert_eq!(
        valid(&["goe"]).fails(65),
        "error: there is no file or scenario `goe`\n  = help: did you mean `geo`?\n"
    );
}

#[test]
fn arguments_that_make_no_sense() {
    let sandbox = Sandbox::new(&[("s.yaml", &call(""))]);
    for args in [
        &["frobnicate"][..],
        &[],
        &["run"],
        &["run", "s.yaml", "--jobs", "0"],
        &["run", "s.yaml", "--seeds", "0"],
        &["run", "s.yaml", "--seeds", "2", "--seed", "3"],
        &["run", "s.yaml", "--frobnicate"],
        &["run", "[", "--out", "o"],
        &["explain", "frobnicate"],
    ] {
        let ran = sandbox.run(args);
        assert!(
            ran.code == 2 && ran.out.is_empty() && !ran.err.is_empty(),
            "{args:?} {ran:?}"
        );
    }
}

#[test]
fn extreme_networks_end_and_say_what_came_through() {
    let run = |forward: &str| {
        let text = format!(
            "duration: 6s\nnetwork:\n  forward: {forward}\nflows:\n  - {{name: call, media: {{video: {{}}, audio: {{}}}}}}\n"
        );
        let sandbox = Sandbox::new(&[("s.yaml", &text)]);
        sandbox.run(&["run", "s.yaml", "--out", "o"]).ok();
        sandbox.json("o/summary.json")["cases"][0].clone()
    };
    let metric =
        |case: &serde_json::Value, of: &str, name: &str| case[of][0]["metrics"][name].as_f64();
    for forward in [
        "{rate: 1Mbps, delay: 1000000s}",
        "{rate: 1Mbps, loss: 100%}",
        "{rate: 1bps}",
        "{rate: {steps: [[0s, 0bps]]}}",
        "{rate: 18446744073709551615bps, delay: 5000000h}",
        "{delay: {uniform: {min: 1000s, max: 1000000s, reorder: allowed}}}",
    ] {
        let case = run(forward);
        let of = |name| metric(&case, "flows", name);
        assert_eq!(of("freeze_ratio"), Some(1.0), "{forward}");
        assert_eq!(of("connected_5s_ratio"), Some(0.0), "{forward}");
        // What never was is absent, not zero.
        assert_eq!(of("frame_delay_p50_ms"), None, "{forward}");
        assert_eq!(of("setup_time_ms"), None, "{forward}");
    }
    // A queue without room: nothing ever waits, what finds the link busy falls.
    let case = run("{rate: 1Mbps, queue: {drop_tail: {limit: 0packets}}}");
    assert_eq!(metric(&case, "links", "queue_delay_p99_ms"), Some(0.0));
    assert!(metric(&case, "links", "loss_ratio").is_some_and(|loss| loss > 0.0));
}
