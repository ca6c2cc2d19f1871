//! Every sort of bad input with its exact message and exit code.

use weaknet_harness::plan::{Plan, Request};

use crate::{Folder, call, collections, error, plan, plugins};

#[test]
fn unknown_keys_are_all_named_with_the_nearest() {
    let text =
        "duration: 10s\nmesure: {from: 1s}\nnetwork:\n  forward: {rate: 3Mbps, dely: 20ms}\n";
    assert_eq!(
        error(text, &[]),
        "\
test.yaml:2:1: unknown key `mesure`: expected one of name, about, extends, duration, seeds, measure, live, network, flows, matrix, expect
  |
2 | mesure: {from: 1s}
  | ^^^^^^
  = help: did you mean `measure`?

test.yaml:4:26: unknown key `dely`: expected one of rate, delay, loss, loss_at, corrupt, duplicate, reorder, mtu, ecn, blocks, queue
  |
4 |   forward: {rate: 3Mbps, dely: 20ms}
  |                          ^^^^
  = help: did you mean `delay`?"
    );
    assert_eq!(plan(text, &[]).unwrap_err().exit_code(), 65);
}

#[test]
fn wrong_unit() {
    assert_eq!(
        error(&call("network:\n  forward:\n    rate: 3mbps\n"), &[]),
        "\
test.yaml:7:11: unknown unit `mbps`: expected a bit rate such as `3Mbps` (bps, kbps, Mbps or Gbps) (did you mean `Mbps`?)
  |
7 |     rate: 3mbps
  |           ^^^^^"
    );
}

#[test]
fn negative_rate() {
    assert_eq!(
        error(&call("network: {forward: {rate: -3Mbps}}\n"), &[]),
        "\
test.yaml:5:27: `-3Mbps` is negative: expected a bit rate such as `3Mbps` (bps, kbps, Mbps or Gbps)
  |
5 | network: {forward: {rate: -3Mbps}}
  |                           ^^^^^^"
    );
}

#[test]
fn a_number_without_unit() {
    assert_eq!(
        error(&call("network: {forward: {delay: 20}}\n"), &[]),
        "\
test.yaml:5:28: `20` has no unit: expected a duration such as `25ms` (ns, us, ms, s, min or h)
  |
5 | network: {forward: {delay: 20}}
  |                            ^^"
    );
}

#[test]
fn missing_trace() {
    let folder = Folder::new(&[
        (
            "test.yaml",
            &call("network: {forward: {rate: {trace: {file: lte-drve.down}}}}\n"),
        ),
        ("traces/collection/lte-drive.down", "1\n"),
    ]);
    let request = Request {
        folders: collections(&folder, &["traces"]),
        ..folder.request("test.yaml")
    };
    assert_eq!(
        folder.error(&request),
        "\
test.yaml:5:42: rate `trace`: file: there is no file `lte-drve.down` in `FOLDER`, `traces` (did you mean `lte-drive.down`?)
  |
5 | network: {forward: {rate: {trace: {file: lte-drve.down}}}}
  |                                          ^^^^^^^^^^^^^"
    );
    assert_eq!(
        Plan::load(&request, &plugins::registry())
            .unwrap_err()
            .exit_code(),
        65
    );
}

#[test]
fn empty_and_unordered_traces() {
    let text = call("network: {forward: {rate: {trace: {file: bad.down}}}}\n");
    let folder = Folder::new(&[("test.yaml", &text), ("bad.down", "")]);
    let request = folder.request("test.yaml");
    assert_eq!(
        folder.error(&request),
        "\
test.yaml:5:42: rate `trace`: file: `bad.down`: the trace is empty
  |
5 | network: {forward: {rate: {trace: {file: bad.down}}}}
  |                                          ^^^^^^^^"
    );
    folder.write("bad.down", b"5\n4\n");
    assert!(
        folder
            .error(&request)
            .contains("`bad.down`: line 2: 4 comes after a later time")
    );
}

#[test]
fn binary_files() {
    let folder = Folder::new(&[]);
    folder.write("test.yaml", b"\x7fELF\x02\x01\xff\xfe");
    let request = folder.request("test.yaml");
    assert_eq!(
        folder.error(&request),
        "`test.yaml` is not a text file: byte 6 is not UTF-8\n  = help: expected a scenario file in YAML"
    );
    folder.write("test.yaml", b"name: x\nabout: \x07\n");
    assert_eq!(
        folder.error(&request),
        "test.yaml:2:8: this is not text: it has control characters in it\n  |\n2 | about: \u{fffd}\n  |        ^"
    );
}

#[test]
fn duplicate_names() {
    let two = "  - name: call\n    media: {audio: {}}\n";
    assert_eq!(
        error(&call(two), &[]),
        "\
test.yaml:5:11: two flows are called `call`: first on line 3
  |
5 |   - name: call
  |           ^^^^"
    );
    let folder = Folder::new(&[
        ("a.yaml", &call("name: same\n")),
        ("b.yaml", &call("name: same\n")),
    ]);
    let request = Request {
        paths: vec![folder.path("a.yaml"), folder.path("b.yaml")],
        ..Request::default()
    };
    assert_eq!(
        folder.error(&request),
        "\
b.yaml:5:7: two scenarios are called `same`: the other is `a.yaml`
  |
5 | name: same
  |       ^^^^"
    );
    assert_eq!(
        error("duration: 1s\nduration: 2s\n", &[]),
        "\
test.yaml:2:1: `duration` is here twice: first on line 1
  |
2 | duration: 2s
  | ^^^^^^^^"
    );
}

#[test]
fn expectations_on_what_is_not_there() {
    assert_eq!(
        error(&call("expect:\n  - call.freeze_rate <= 1%\n"), &[]),
        "\
test.yaml:6:5: unknown metric of a flow `freeze_rate`
  |
6 |   - call.freeze_rate <= 1%
  |     ^^^^^^^^^^^^^^^^^^^^^^
  = help: did you mean `freeze_ratio`?"
    );
    assert_eq!(
        error(&call("expect: [cal.freeze_ratio <= 1%]\n"), &[]),
        "\
test.yaml:5:10: unknown flow or link `cal`: expected one of call, forward, backward
  |
5 | expect: [cal.freeze_ratio <= 1%]
  |          ^^^^^^^^^^^^^^^^^^^^^^
  = help: did you mean `call`?"
    );
    let of_a_link = error(&call("expect: [forward.freeze_ratio <= 1%]\n"), &[]);
    assert!(
        of_a_link.contains("unknown metric of a link `freeze_ratio`"),
        "{of_a_link}"
    );
    let form = error(&call("expect: [call.freeze_ratio = 1%]\n"), &[]);
    assert!(
        form.contains("expected `subject.metric <= value`"),
        "{form}"
    );
    let unit = error(&call("expect: [call.frame_delay_p95_ms <= 400ms]\n"), &[]);
    assert!(
        unit.contains("expected a number or a share such as `1%`, found `400ms`"),
        "{unit}"
    );
}

#[test]
fn a_thousand_million_cases() {
    let axis = format!(
        "[{}]",
        (1..=1000)
            .map(|n| format!("{n}kbps"))
            .collect::<Vec<_>>()
            .join(", ")
    );
    let matrix = format!(
        "matrix:\n  network.forward.rate: {axis}\n  network.backward.rate: {axis}\n  flows.call.media.audio.bitrate: {axis}\n"
    );
    let message = error(&call(&matrix), &[]);
    let first = message.lines().next().unwrap();
    assert_eq!(
        first,
        "test.yaml:8:3: the matrix has 1000000000 cases: more than the limit of 100000"
    );
    assert_eq!(
        error(&call("seeds: 1000000000\n"), &[]),
        "\
test.yaml:5:8: 1 cases x 1000000000 seeds = 1000000000 runs: more than the limit of 100000
  |
5 | seeds: 1000000000
  |        ^^^^^^^^^^"
    );
    let folder = Folder::new(&[("test.yaml", &call(""))]);
    let request = Request {
        seeds: Some(u64::MAX),
        ..folder.request("test.yaml")
    };
    assert!(
        folder
            .error(&request)
            .contains("18446744073709551615 runs: more than the limit")
    );
}

#[test]
fn a_scenario_of_no_time() {
    assert_eq!(
        error("duration: 0s\n", &[]),
        "\
test.yaml:1:11: a scenario of `0s` has nothing to run: expected a duration above zero
  |
1 | duration: 0s
  |           ^^"
    );
    assert!(error("name: x\n", &[]).starts_with("test.yaml:1:1: `duration:` is missing"));
}

#[test]
fn unknown_plugins_and_parameters() {
    assert_eq!(
        error(
            &call("    congestion_control: gc\n    jitter_buffer: {webrtc: {delay: 1ms}}\n"),
            &[]
        ),
        "\
test.yaml:5:25: unknown congestion_control `gc`: expected one of gcc, scream
  |
5 |     congestion_control: gc
  |                         ^^
  = help: did you mean `gcc`?

test.yaml:6:30: unknown key `delay`: there are none here
  |
6 |     jitter_buffer: {webrtc: {delay: 1ms}}
  |                              ^^^^^"
    );
    assert_eq!(
        error(&call("network: {forward: {queue: {limit: 300ms}}}\n"), &[]),
        "\
test.yaml:5:29: unknown queue `limit`: expected drop_tail
  |
5 | network: {forward: {queue: {limit: 300ms}}}
  |                             ^^^^^
  = help: `limit` is a parameter: write `drop_tail: {limit: ..}`"
    );
    assert!(
        error(&call("network: {forward: {queue: drop-tail}}\n"), &[])
            .ends_with("help: did you mean `drop_tail`?")
    );
    let nested = error(
        &call("    congestion_control: {gcc: {probing: {scale: lots}}}\n"),
        &[],
    );
    assert!(
        nested.starts_with("test.yaml:5:49: expected f64, found `lots`"),
        "{nested}"
    );
}

#[test]
fn parameters_that_make_no_sense_point_at_themselves() {
    let stalls = error(
        &call("network: {forward: {delay: {stalls: {every: 0s}}}}\n"),
        &[],
    );
    assert!(
        stalls
            .starts_with("test.yaml:5:45: delay `stalls`: every: expected an interval above zero"),
        "{stalls}"
    );
    // A parameter that is not written: the plug-in.
    let absent = error(&call("network: {forward: {delay: stalls}}\n"), &[]);
    assert!(
        absent.starts_with("test.yaml:5:28: delay `stalls`: every:"),
        "{absent}"
    );
}

#[test]
fn a_flow_that_carries_nothing() {
    let text = "duration: 10s\nflows:\n  - name: download\n    file: {}\n";
    let message = error(text, &[]);
    assert!(
        message.starts_with("test.yaml:4:5: unknown key `file`: expected one of name, from,"),
        "{message}"
    );
    let nothing = error("duration: 10s\nflows:\n  - name: download\n", &[]);
    assert!(
        nothing.starts_with("test.yaml:3:5: the flow carries nothing: expected `media:`"),
        "{nothing}"
    );
    let neither = error("duration: 10s\nflows: [{name: call, media: {}}]\n", &[]);
    assert!(
        neither.starts_with("test.yaml:2:29: expected `video:`, `audio:` or both"),
        "{neither}"
    );
}

#[test]
fn yaml_that_is_not_for_scenarios() {
    for (text, start) in [
        ("", "test.yaml:1:1: nothing in here: expected a scenario"),
        ("# only a comment\n", "test.yaml:1:1: nothing in here"),
        (
            "duration: 1s\n---\nduration: 1s\n",
            "test.yaml:3:1: a second YAML document",
        ),
        (
            "<<: {a: 1}\nduration: 1s\n",
            "test.yaml:1:1: merge keys `<<` have no meaning here",
        ),
        (
            "duration: !!str 1s\n",
            "test.yaml:1:11: YAML tags have no meaning here",
        ),
        ("[a]: 1\n", "test.yaml:1:1: expected a name as key"),
        ("duration: *none\n", "test.yaml:1:11: this is not YAML: "),
        ("a: [1, 2\n", "test.yaml:2:1: this is not YAML: "),
        (
            "just text\n",
            "test.yaml:1:1: expected a map with any of name,",
        ),
    ] {
        let message = error(text, &[]);
        assert!(message.starts_with(start), "{text:?} gave {message}");
    }
    let deep = |levels| error(&format!("{}1", "[".repeat(levels)), &[]);
    assert!(deep(70).contains("nested too deep"), "{}", deep(70));
    assert!(
        deep(100_000).contains("recursion limit exceeded"),
        "{}",
        deep(100_000)
    );
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    assert!(error(&bomb, &[]).contains("the aliases of this file make it too large"));
}

#[test]
fn columns_count_characters_and_carets_stand_below_them() {
    assert_eq!(
        error("about: \"größer ✓\"\nduration: {größe: 1}\n", &[]),
        "\
test.yaml:2:11: expected a duration such as `25ms` (ns, us, ms, s, min or h), found a map
  |
2 | duration: {größe: 1}
  |           ^^^^^^^^^^"
    );
    assert!(
        error("{about: \"größer ✓\", duration: 1ß}", &[])
            .starts_with("test.yaml:1:31: unknown unit `ß`")
    );
}

#[test]
fn missing_files_name_a_neighbour() {
    let folder = Folder::new(&[("call.yaml", &call(""))]);
    assert_eq!(
        folder.error(&folder.request("cal.yaml")),
        "there is no file `cal.yaml`\n  = help: did you mean `call.yaml`?"
    );
}

#[test]
fn nothing_selected() {
    let folder = Folder::new(&[("call.yaml", &call("")), ("empty/readme.txt", "")]);
    let registry = plugins::registry();
    let none = Plan::load(&folder.request("empty"), &registry).unwrap_err();
    assert_eq!(none.exit_code(), 4);
    let request = Request {
        case: Some("xyz".to_owned()),
        ..folder.request("call.yaml")
    };
    let none = Plan::load(&request, &registry).unwrap_err();
    assert_eq!(
        (none.exit_code(), none.to_string().as_str()),
        (4, "no case has an id that begins with `xyz`")
    );
}
