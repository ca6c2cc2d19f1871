//! Flows with several paths, and flows that are no calls.

use weaknet_core::packet::LinkId;
use weaknet_core::{Bytes, Span};
use weaknet_harness::scenario::model::{Load, Path, Scenario};
use weaknet_transports::bulk::BulkConfig;
use weaknet_transports::messages::{Profile, Reliability};

use crate::{error, plan};

const PATHS: &str = "
duration: 10s
network:
  links: {wifi: {}, lte: {}, core: {}, back: {}}
flows:
  - name: call
    media: {audio: {}}
    paths:
      - {name: wifi, route: [wifi, core], route_back: [back]}
      - {name: lte, route: [lte, core], route_back: []}
";

const TRAFFIC: &str = "
duration: 10s
flows:
  - {name: call, media: {audio: {}}}
  - {name: cross, from: b, start: 2s, stop: 8s, traffic: 300kbps}
";

fn scenario(text: &str) -> Scenario {
    let plan = plan(text, &[]).unwrap_or_else(|error| panic!("{error}"));
    Scenario::clone(&plan.cases[0].scenario)
}

#[track_caller]
fn refused(text: &str, from: &str, to: &str, want: &str) {
    assert!(text.contains(from), "{from}");
    let found = error(&text.replace(from, to), &[]);
    assert!(found.contains(want), "{found}");
}

#[test]
fn a_flow_may_have_several_paths() {
    let scenario = scenario(PATHS);
    let path = |name: &str, outward: &[u16], back: &[u16]| Path {
        name: Some(name.to_owned()),
        outward: outward.iter().copied().map(LinkId).collect(),
        back: back.iter().copied().map(LinkId).collect(),
    };
    let want = [path("wifi", &[0, 2], &[3]), path("lte", &[1, 2], &[])];
    assert_eq!(scenario.flows[0].paths, want);
}

#[test]
fn what_is_wrong_with_paths_is_told_where_it_stands() {
    let refused = |from, to, want| refused(PATHS, from, to, want);
    refused(
        "[lte, core]",
        "[lt, core]",
        "test.yaml:10:29: unknown link `lt`: expected one of wifi, lte, core, back",
    );
    refused("[lte, core]", "[lte, coer]", "did you mean `core`?");
    refused(
        "    paths:",
        "    route: [wifi]\n    paths:",
        "test.yaml:8:12: `route:` and `paths:` exclude each other",
    );
    refused(
        "name: lte",
        "name: wifi",
        "test.yaml:10:16: two paths are called `wifi`",
    );
    refused("name: lte, ", "", "test.yaml:10:9: `name:` is missing");
    refused(
        "  links: {wifi: {}, lte: {}, core: {}, back: {}}",
        "  forward: {}",
        "`paths:` needs named `links:` in the network",
    );
    let empty = PATHS.split("      - {name: wifi").next().unwrap();
    let found = error(&empty.replace("paths:", "paths: []"), &[]);
    assert!(found.contains("0 paths: expected 1 to 256"), "{found}");
}

#[test]
fn traffic_stands_instead_of_media() {
    let scenario = scenario(TRAFFIC);
    let cross = &scenario.flows[1];
    assert!(cross.call().is_none());
    let Load::Traffic(traffic) = &cross.load else {
        panic!("{cross:?}")
    };
    assert_eq!(traffic.name(), "cbr");
    assert_eq!(traffic.config()["rate"], "300kbps");
    assert_eq!(cross.paths[0].outward, [LinkId(1)]);
    let set = plan(TRAFFIC, &["flows.cross.traffic=1Mbps|2Mbps"]).unwrap();
    let rate = |case: usize| match &set.cases[case].scenario.flows[1].load {
        Load::Traffic(traffic) => traffic.config()["rate"].clone(),
        Load::Call(_) | Load::Bulk(_) | Load::Messages(_) => panic!("no traffic"),
    };
    assert_eq!((rate(0), rate(1)), ("1Mbps".into(), "2Mbps".into()));
    // What goes with calls only passes cross traffic by.
    let set = plan(TRAFFIC, &["flows.*.congestion_control=scream"]).unwrap();
    let call = set.cases[0].scenario.flows[0].call().unwrap();
    assert_eq!(call.congestion_control.name(), "scream");
}

#[test]
fn a_flow_carries_one_thing() {
    let refused = |from, to, want| refused(TRAFFIC, from, to, want);
    refused(
        "traffic: 300kbps",
        "traffic: 300kbps, congestion_control: gcc",
        "test.yaml:5:87: `congestion_control:` is of no use here: it goes with `media:`, `bulk:` or `messages:`",
    );
    refused(
        "traffic: 300kbps",
        "traffic: 300kbps, rtp_overhead: none",
        "`rtp_overhead:` is of no use here",
    );
    refused(
        "traffic: 300kbps",
        "media: {audio: {}}, traffic: 300kbps",
        "`media:` and `traffic:` exclude each other",
    );
    refused(
        ", traffic: 300kbps",
        "",
        "the flow carries nothing: expected `media:`, `bulk:`, `messages:` or `traffic:`",
    );
    refused(
        "traffic: 300kbps",
        "traffic: {cbr: {rate: 0bps}}",
        "expected a rate above 0bps",
    );
    refused("traffic: 300kbps", "traffic: cbbr", "did you mean `cbr`?");
}

#[test]
fn the_canonical_form_loads_to_itself() {
    for text in [PATHS, TRAFFIC] {
        let canonical = scenario(text).canonical();
        assert_eq!(scenario(&canonical.to_string()).canonical(), canonical);
    }
    let canonical = scenario(PATHS).canonical();
    assert_eq!(canonical["flows"][0]["paths"][1]["name"], "lte");
    assert!(canonical["flows"][0].get("route").is_none());
    let canonical = scenario(TRAFFIC).canonical();
    assert!(canonical["flows"][1].get("congestion_control").is_none());
}

const BULK: &str = "
duration: 10s
flows:
  - {name: call, media: {audio: {}}}
  - {name: download, bulk: {size: 30kB, max_size: 50kB, idle: 10s, as: quic}, congestion_control: gcc}
";

#[test]
fn bulk_flows_have_a_controller_but_nothing_of_a_call() {
    let scenario = scenario(BULK);
    let Load::Bulk(bulk) = &scenario.flows[1].load else {
        panic!("{:?}", scenario.flows[1].load);
    };
    assert_eq!(bulk.congestion_control.name(), "gcc");
    let BulkConfig { size, idle, .. } = bulk.config;
    assert_eq!(size, Some(Bytes::new(30_000)));
    assert_eq!(idle, Some(Span::from_secs(10)));
    let refused = |from, to, want| refused(BULK, from, to, want);
    refused(
        "congestion_control: gcc",
        "congestion_control: gcc, arq: nack",
        "`arq:` is of no use here: it goes with `media:`",
    );
    refused(
        "max_size: 50kB",
        "max_size: 5kB",
        "bulk: max_size: expected at least `size:`, found 5kB",
    );
    refused("max_size:", "maxsize:", "did you mean `max_size`?");
    refused("as: quic", "as: sctp", "expected one of");
    refused(
        "bulk: {",
        "traffic: 1Mbps, bulk: {",
        "`bulk:` and `traffic:` exclude each other",
    );
}

#[test]
fn a_bulk_flow_is_printed_as_it_is_read() {
    let one = scenario(BULK);
    let again = scenario(&one.canonical().to_string());
    assert_eq!(one.identity(), again.identity());
}

const MESSAGES: &str = "
duration: 10s
flows:
  - {name: mouse, messages: {profile: mouse}}
  - {name: room, messages: {size: 100B, reliability: {max_lifetime: 2s}, ordered: false}, congestion_control: gcc}
";

#[test]
fn messages_have_a_profile_and_a_controller_only_if_they_name_one() {
    let scenario = scenario(MESSAGES);
    let load = |at: usize| match &scenario.flows[at].load {
        Load::Messages(messages) => (**messages).clone(),
        other => panic!("{other:?}"),
    };
    let (mouse, room) = (load(0), load(1));
    assert!(mouse.congestion_control.is_none());
    assert_eq!(mouse.config.settings(), Profile::Mouse.settings());
    assert_eq!(room.congestion_control.map(|spec| spec.name()), Some("gcc"));
    let settings = room.config.settings();
    let lifetime = Reliability::MaxLifetime(Span::from_secs(2));
    assert_eq!((settings.reliability, settings.ordered), (lifetime, false));
    let refused = |from, to, want| refused(MESSAGES, from, to, want);
    refused(
        "congestion_control: gcc",
        "fec: none",
        "`fec:` is of no use here: it goes with `media:`",
    );
    refused(
        "size: 100B",
        "size: 2kB",
        "messages: size: expected 1B to 1200B",
    );
    refused("profile: mouse", "profile: mouses", "did you mean `mouse`?");
    refused(
        "messages: {profile",
        "bulk: {}, messages: {profile",
        "`bulk:` and `messages:` exclude each other",
    );
}

#[test]
fn messages_are_printed_as_they_are_read() {
    let one = scenario(MESSAGES);
    let again = scenario(&one.canonical().to_string());
    assert_eq!(one.identity(), again.identity());
}
