//! What a file can say, and what it means.

use weaknet_core::packet::LinkId;
use weaknet_core::{Bitrate, Bytes, Span, Time};
use weaknet_harness::registry::Spec;
use weaknet_harness::scenario::model::{
    Comparison, DrawKey, EcnField, End, Feedback, FeedbackFormat, LossAt, Path, RtpOverhead,
    Scenario, Signalling, Topology,
};

use crate::{call, error, plan};

fn scenario(text: &str) -> Scenario {
    let plan = plan(text, &[]).unwrap_or_else(|error| panic!("{error}"));
    Scenario::clone(&plan.cases[0].scenario)
}

fn id(text: &str) -> String {
    plan(text, &[])
        .unwrap_or_else(|error| panic!("{error}"))
        .cases[0]
        .id
        .clone()
}

#[test]
fn the_file_of_the_contract() {
    let text = "
name: lte-drive-call
about: One sentence for people.
duration: 60s
seeds: 5                       # 1..5
measure: {from: 10s}
network:
  forward:
    rate: {steps: [[0s, 2.5Mbps], [20s, 0bps]]}
    delay: 30ms
    loss: {gilbert_elliott: {average: 2%, burst: 5}}
    queue: {drop_tail: {limit: 300ms}}
  backward: {delay: 30ms}
flows:
  - name: call
    from: a
    media:
      video: {max_bitrate: 2.5Mbps, fps: 30}
      audio: {bitrate: 32kbps}
    congestion_control: gcc
    fec: none
    arq: nack
    jitter_buffer: webrtc
matrix:
  flows.call.congestion_control: [gcc, scream]
expect:
  - call.freeze_ratio <= 1%
  - forward.utilisation >= 0.7
";
    let plan = plan(text, &[]).unwrap();
    assert_eq!(plan.cases.len(), 10);
    let case = &plan.cases[5];
    assert_eq!((case.index, case.seed), (5, 1));
    assert_eq!(case.params["flows.call.congestion_control"], "scream");
    let scenario = &case.scenario;
    assert_eq!(scenario.measure.from, Time::from_secs(10));
    assert_eq!(scenario.measure.to, Time::from_secs(60));
    assert_eq!(scenario.network.links[0].rate.name(), "steps");
    assert_eq!(scenario.network.links[1].rate.name(), "unlimited");
    assert_eq!(
        scenario.flows[0].call().unwrap().congestion_control.name(),
        "scream"
    );
    let expected = &scenario.expect[0];
    assert_eq!((expected.op, expected.value), (Comparison::AtMost, 0.01));
    assert_eq!(
        (expected.subject.as_str(), expected.metric.as_str()),
        ("call", "freeze_ratio")
    );
}

#[test]
fn defaults() {
    let scenario = scenario("duration: 10s\nflows: [{name: call, media: {video: {}}}]\n");
    assert_eq!(
        (scenario.name.as_str(), scenario.seeds.as_slice()),
        ("test", &[1][..])
    );
    assert_eq!(scenario.network.topology, Topology::Ends);
    for (link, name) in scenario.network.links.iter().zip(["forward", "backward"]) {
        assert_eq!(link.name, name);
        assert_eq!(link.rate.name(), "unlimited");
        assert_eq!(
            link.delay[0].config(),
            &serde_json::json!({ "value": "0ns", "also": "0ns" })
        );
        assert_eq!(link.loss[0].name(), "none");
        assert_eq!(link.loss_at, LossAt::AfterLink);
        assert_eq!(
            link.queue.config(),
            &serde_json::json!({ "limit": "300ms" })
        );
    }
    let flow = &scenario.flows[0];
    assert_eq!((flow.start, flow.stop), (Time::ZERO, Time::from_secs(10)));
    assert_eq!(
        flow.paths,
        [Path {
            name: None,
            outward: vec![LinkId(0)],
            back: vec![LinkId(1)],
        }]
    );
    let call = flow.call().unwrap();
    let names = [
        call.congestion_control.name(),
        call.fec[0].name(),
        call.arq.name(),
    ];
    assert_eq!(names, ["gcc", "none", "nack"]);
    let names = [
        call.jitter_buffer.name(),
        call.audio_buffer.name(),
        call.pacer.name(),
    ];
    assert_eq!(names, ["webrtc", "neteq", "webrtc"]);
    assert_eq!(
        (call.rtp_overhead, call.feedback),
        (RtpOverhead::Webrtc, Feedback::default())
    );
    assert_eq!(call.constraints.start, Bitrate::from_kbps(300));
    let video = call.media.video.as_ref().unwrap();
    assert_eq!(
        (video.max_bitrate, video.min_bitrate),
        (Bitrate::from_kbps(2500), Bitrate::from_kbps(30))
    );
    assert_eq!((video.fps, video.source.name()), (30.0, "rfc8593"));
    assert!(call.media.audio.is_none());
}

#[test]
fn impairments_of_a_link() {
    let text = call(
        "network:\n  draws: {slot: 5ms}\n  forward:\n    loss: [2%, {gilbert_elliott: {average: 1%, burst: 3}}]\n    \
         delay: [20ms, {stalls: {every: 1s}}]\n    mtu: 1280B\n    ecn: bleach\n",
    );
    let scenario = scenario(&text);
    assert_eq!(scenario.network.draws, DrawKey::Slot(Span::from_millis(5)));
    let [forward, backward] = scenario.network.links.as_slice() else {
        panic!("two links");
    };
    let names: Vec<_> = forward.loss.iter().map(Spec::name).collect();
    assert_eq!(names, ["bernoulli", "gilbert_elliott"]);
    let names: Vec<_> = forward.delay.iter().map(Spec::name).collect();
    assert_eq!(names, ["constant", "stalls"]);
    assert_eq!(forward.mtu, Some(Bytes::new(1280)));
    assert_eq!(
        (forward.ecn, backward.ecn),
        (EcnField::Bleach, EcnField::Pass)
    );
    assert_eq!((backward.mtu, backward.reorder.name()), (None, "none"));
}

#[test]
fn impairments_that_make_no_sense() {
    let network = |text: &str| error(&call(&format!("network:\n  {text}\n")), &[]);
    let wrong = network("forward: {mtu: 20B}");
    assert!(
        wrong.contains("expected 68B (RFC 791) to 65535B, found 20B"),
        "{wrong}"
    );
    let wrong = network("draws: {slot: 0s}");
    assert!(wrong.contains("expected a slot above zero"), "{wrong}");
    let wrong = network("forward: {loss: []}");
    assert!(wrong.contains("expected at least one loss"), "{wrong}");
    let wrong = network("forward: {loss: [2%, bernouli]}");
    assert!(wrong.contains("did you mean `bernoulli`?"), "{wrong}");
}

#[test]
fn harness_parts_for_validation() {
    let more = "    from: b\n    pacer: packet\n    rtp_overhead: none\n    signalling: none\n    feedback: {every: 50ms}\n    stop: 1h\n";
    let scenario = scenario(&call(more));
    let flow = &scenario.flows[0];
    let call = flow.call().unwrap();
    assert_eq!(
        (call.pacer.name(), call.rtp_overhead, call.signalling),
        ("packet", RtpOverhead::None, Signalling::None)
    );
    assert_eq!(call.feedback.every, Some(Span::from_millis(50)));
    let path = &flow.paths[0];
    assert_eq!(
        (flow.from, path.outward[0], path.back[0]),
        (End::B, LinkId(1), LinkId(0))
    );
    assert_eq!(flow.stop, Time::from_secs(10), "a flow stops with the run");
}

#[test]
fn feedback_has_a_format_and_an_interval() {
    let feedback = |text: &str| {
        let scenario = scenario(&call(&format!("    feedback: {text}\n")));
        let call = scenario.flows[0].call().unwrap();
        (call.feedback.format, call.feedback.every)
    };
    let every = Some(Span::from_millis(20));
    assert_eq!(feedback("default"), (FeedbackFormat::Twcc, None));
    assert_eq!(feedback("twcc"), (FeedbackFormat::Twcc, None));
    assert_eq!(feedback("ccfb"), (FeedbackFormat::Ccfb, None));
    assert_eq!(feedback("ack"), (FeedbackFormat::Ack, None));
    assert_eq!(feedback("rr"), (FeedbackFormat::Rr, None));
    let both = feedback("{format: ccfb, every: 20ms}");
    assert_eq!(both, (FeedbackFormat::Ccfb, every));
    for (wrong, want) in [
        (
            "cfb",
            "expected one of `default`, `twcc`, `ccfb`, `ack`, `rr`",
        ),
        ("{every: 0s}", "expected an interval above zero"),
        ("{evry: 1s}", "expected `format` or `every`"),
    ] {
        let found = error(&call(&format!("    feedback: {wrong}\n")), &[]);
        assert!(found.contains(want), "{found}");
    }
}

#[test]
fn named_links_and_routes() {
    let text = "
duration: 10s
network:
  links:
    wifi: {rate: 20Mbps, delay: 2ms}
    core: {delay: 40ms}
    back: {delay: 42ms}
flows:
  - {name: call, media: {audio: {}}, route: [wifi, core], route_back: [back]}
";
    let scenario = scenario(text);
    assert_eq!(scenario.network.topology, Topology::Links);
    assert_eq!(scenario.flows[0].paths[0].outward, [LinkId(0), LinkId(1)]);
    assert_eq!(scenario.flows[0].paths[0].back, [LinkId(2)]);
    let wrong = error(&text.replace("[wifi, core]", "[wifi, cor]"), &[]);
    assert!(
        wrong.starts_with("test.yaml:9:52: unknown link `cor`: expected one of wifi, core, back"),
        "{wrong}"
    );
    let absent = error(&text.replace(", route_back: [back]", ""), &[]);
    assert!(absent.contains("`route_back:` is missing"), "{absent}");
    let both = error(&text.replace("  links:", "  forward: {}\n  links:"), &[]);
    assert!(
        both.starts_with("test.yaml:4:12: `forward:` and `links:` exclude each other"),
        "{both}"
    );
}

#[test]
fn a_name_a_map_and_a_bare_quantity_choose_the_same() {
    let with = |loss: &str| id(&call(&format!("network: {{forward: {{loss: {loss}}}}}\n")));
    assert_eq!(with("2%"), with("{bernoulli: 2%}"));
    assert_eq!(with("none"), with("{none: {}}"));
    assert_eq!(with("none"), with("{none: }"));
    assert_ne!(with("2%"), with("3%"));
    // A struct's first field stands for a bare quantity.
    let with = |delay: &str| {
        id(&call(&format!(
            "network: {{forward: {{delay: {delay}}}}}\n"
        )))
    };
    assert_eq!(with("20ms"), with("{constant: 20ms}"));
    assert_eq!(with("20ms"), with("{constant: {value: 20ms}}"));
    assert_ne!(with("20ms"), with("{constant: {also: 20ms}}"));
}

#[test]
fn ids_are_blind_to_spelling() {
    let plain = call("network:\n  forward: {rate: 2500kbps, delay: 20ms}\nseeds: 2\nabout: One.\n");
    let other = "
# Another order, other units, defaults written out.
name: test
network: {backward: {rate: unlimited, loss: 0%, loss_at: after_link}, forward: {delay: 0.02s, rate: \"2.5Mbps\"}}
seeds: [1]
flows:
- media:
    audio: {bitrate: 32kbps}
    video: {fps: 30.0, max_bitrate: 2.5Mbps}
  arq: nack
  congestion_control: {gcc: {probing: {}}}
  name: call
duration: 10000ms
measure: {from: 0s, to: 10s}
expect: []
";
    assert_ne!(
        id(&plain),
        id(other),
        "no loss is another plug-in than a loss of 0%"
    );
    assert_eq!(id(&plain), id(&other.replace("loss: 0%", "loss: none")));
    assert_ne!(id(&plain), id(&plain.replace("20ms", "21ms")));
    assert_ne!(
        id(&plain),
        id(&plain.replace("duration: 10s", "duration: 11s"))
    );
}

#[test]
fn the_resolved_scenario_is_a_scenario_again() {
    let texts = [
        call("network: {forward: {rate: 3Mbps, loss: 2%}}\nseeds: [7, 3]\nexpect: [call.freeze_ratio <= 1%]\nname: x\n"),
        call("    feedback: {every: 50ms}\n    constraints: {max_bitrate: 1Mbps}\n    start: 2s\nname: x\n"),
        "name: x\nduration: 1min\nnetwork: {links: {b: {rate: 1Mbps}, a: {delay: 2ms}}}\nflows: [{name: f, media: {video: {min_bitrate: 100kbps}}, route: [b, a], route_back: [a]}]\n".to_owned(),
    ];
    for text in texts {
        let canonical = scenario(&text).canonical();
        assert_eq!(scenario(&canonical.to_string()).canonical(), canonical);
        assert_eq!(id(&canonical.to_string()), id(&text));
    }
}

#[test]
fn seeds() {
    let seeds = |text: &str| scenario(&call(&format!("seeds: {text}\n"))).seeds;
    assert_eq!(seeds("3"), [1, 2, 3]);
    assert_eq!(seeds("[7, 18446744073709551615, 0]"), [7, u64::MAX, 0]);
    for (text, message) in [
        ("0", "no seeds: expected at least one"),
        ("[]", "no seeds: expected at least one"),
        ("[1, 2, 1]", "seed 1 is here twice"),
        (
            "-1",
            "expected a number of seeds or a list of seeds, found `-1`",
        ),
        ("[1.5]", "expected u64, found `1.5`"),
    ] {
        assert!(
            error(&call(&format!("seeds: {text}\n")), &[]).contains(message),
            "{text}"
        );
    }
}

#[test]
fn windows_must_hold_something() {
    for (more, message) in [
        (
            "measure: {from: 10s}\n",
            "nothing to measure: `from: 10s` is not before 10s",
        ),
        (
            "measure: {to: 11s}\n",
            "`to: 11s` lies beyond the end of the run, 10s",
        ),
        (
            "    start: 5s\n    stop: 5s\n",
            "the flow starts at 5s, not before it stops at 5s",
        ),
        (
            "    constraints: {min_bitrate: 1Mbps}\n",
            "expected min_bitrate <= start_bitrate <= max_bitrate",
        ),
        (
            "    feedback: {every: 0s}\n",
            "expected an interval above zero",
        ),
        (
            "name: a/b\n",
            "`a/b` is no name: expected letters, digits, `_` and `-`",
        ),
    ] {
        let found = error(&call(more), &[]);
        assert!(found.contains(message), "{more} gave {found}");
    }
}
