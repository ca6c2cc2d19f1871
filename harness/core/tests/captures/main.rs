//! Captures of whole runs, read back by a reader of the test's own and by
//! tshark.

mod kinds;
mod reader;
mod tshark;

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use weaknet_core::event::DropReason;
use weaknet_core::packet::LinkId;
use weaknet_core::{Event, Span, Time};
use weaknet_harness::capture::{CaptureOptions, Captures, DROPPED, IN, OUT, folder_name};
use weaknet_harness::plan::{Case, Plan, Request};
use weaknet_harness::record::write_series;
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::{run_captured, run_case};
use weaknet_harness::world;
use weaknet_sim::World;

use reader::{Capture, Seen};

/// Calls both ways with everything that is sent: audio, video, NACKs, PLIs,
/// padding, feedback, reports, set-up.
const CALLS: &str = "
duration: 12s
seeds: [1]
network:
  forward: {rate: 1Mbps, delay: 30ms, loss: 4%, queue: {drop_tail: {limit: 150ms}}}
  backward: {rate: 1.5Mbps, delay: 30ms, loss: {gilbert_elliott: {average: 2%, burst: 3}}}
flows:
  - name: there
    media: {video: {max_bitrate: 2Mbps}, audio: {bitrate: 32kbps}}
  - name: back
    from: b
    start: 1s
    stop: 10s
    arq: none
    media: {video: {max_bitrate: 1Mbps}, audio: {bitrate: 32kbps}}
";

struct Captured {
    _scratch: TempDir,
    case: Case,
    folder: PathBuf,
}

impl Captured {
    fn link(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.pcapng"))
    }

    fn read(&self, name: &str) -> Capture {
        reader::read(&fs::read(self.link(name)).unwrap())
    }
}

fn plan(folder: &Path, text: &str) -> Case {
    let path = folder.join("calls.yaml");
    fs::write(&path, text).unwrap();
    let request = Request {
        paths: vec![path.display().to_string()],
        ..Request::default()
    };
    let plan = Plan::load(&request, &Registry::builtin());
    plan.unwrap_or_else(|error| panic!("{error}"))
        .cases
        .swap_remove(0)
}

/// Runs the first case of a scenario and captures all of it.
fn capture(text: &str, snaplen: Option<u32>) -> Captured {
    let scratch = TempDir::new().unwrap();
    let case = plan(scratch.path(), text);
    let options = CaptureOptions {
        pcapng: true,
        qlog: true,
        snaplen,
        version: "0.0.0".to_owned(),
    };
    let root = scratch.path().join("captures");
    let captures = Captures::new(root.clone(), options);
    assert!(!captures.has(&case));
    let registry = Registry::builtin();
    let with = run_captured(&case, &registry, Some(&captures)).unwrap();
    assert!(captures.has(&case));
    let without = run_case(&case, &registry).unwrap();
    assert_eq!(with.result, without.result);
    assert!(write_series(&with.series) == write_series(&without.series));
    let folder = root.join(folder_name(&case.id, &case.seed.to_string()));
    assert_eq!(fs::read_dir(&root).unwrap().count(), 1, "leftovers");
    Captured {
        _scratch: scratch,
        case,
        folder,
    }
}

/// The same run once more: its world at the end, and all its events.
fn events(case: &Case) -> (World, Vec<(Time, Event)>) {
    let (mut world, facts) = world::build(&case.scenario, case.seed, &case.assets).unwrap();
    let mut events = Vec::new();
    world.run(facts.duration, &mut events).unwrap();
    (world, events)
}

/// What the events of a run say about a link, in the words of its capture.
fn told(case: &Case, link: LinkId) -> [Vec<Told>; 3] {
    let (world, events) = events(case);
    let mut told: [Vec<Told>; 3] = Default::default();
    for (at, event) in events {
        let (interface, packet, comment) = match event {
            Event::LinkArrive { link: on, packet } if on == link => (IN, packet, None),
            Event::LinkDeliver {
                link: on,
                packet,
                waited,
                total,
            } if on == link => (OUT, packet, Some(Ok((waited, total)))),
            Event::LinkDrop {
                link: on,
                packet,
                reason,
            } if on == link => (DROPPED, packet, Some(Err(reason))),
            _ => continue,
        };
        told[interface as usize].push((at, packet.id as u16, packet.size, comment));
    }
    let counts = world.links()[usize::from(link.0)].counts();
    let fell = counts.dropped.packets + counts.lost.packets;
    for (list, count) in told
        .iter()
        .zip([counts.arrived.packets, counts.delivered.packets, fell])
    {
        assert_eq!(list.len() as u64, count);
    }
    told
}

/// Time, identification, size and what else is known of a packet.
type Told = (Time, u16, u32, Option<Result<(Span, Span), DropReason>>);

/// The same of a captured packet.
fn seen(packet: &Seen) -> Told {
    const EPOCH: u64 = 1_767_225_600_000_000_000;
    let word = |name: &str| {
        let mut words = packet.comment.split(' ');
        words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    };
    let span = |name| word(name).map(|text| text.parse::<Span>().unwrap());
    let comment = match (span("queue_delay"), span("total"), word("drop")) {
        (None, None, None) => None,
        (Some(waited), Some(total), None) => Some(Ok((waited, total))),
        (None, None, Some("loss")) => Some(Err(DropReason::Loss)),
        (None, None, Some("overflow")) => Some(Err(DropReason::Overflow)),
        _ => panic!("{}", packet.comment),
    };
    let id = u16::from_be_bytes([packet.bytes[4], packet.bytes[5]]);
    let at = Time::from_nanos(packet.at - EPOCH);
    let size = word("size").map_or(packet.original, |size| size.parse().unwrap());
    (at, id, size, comment)
}

#[test]
fn captures_say_what_the_events_say() {
    let captured = capture(CALLS, None);
    for (id, name) in [(0, "forward"), (1, "backward")] {
        let capture = captured.read(name);
        assert_eq!(capture.application, "weaknet 0.0.0");
        assert_eq!(capture.interfaces, ["in", "out", "dropped"]);
        let told = told(&captured.case, LinkId(id));
        for (interface, told) in (0..).zip(told) {
            let on = capture.packets.iter().filter(|p| p.interface == interface);
            let on: Vec<_> = on.collect();
            assert!(on.windows(2).all(|w| w[0].at <= w[1].at), "time falls");
            assert_eq!(on.iter().map(|p| seen(p)).collect::<Vec<_>>(), told);
            let direction = [1, 2, 0][interface as usize];
            assert!(on.iter().all(|p| p.direction == direction));
        }
        for packet in &capture.packets {
            assert_eq!(packet.bytes.len() as u32, packet.original);
            let length = u16::from_be_bytes([packet.bytes[2], packet.bytes[3]]);
            assert_eq!(u32::from(length), packet.original);
        }
    }
}

#[test]
fn cut_packets_keep_their_lengths() {
    let (whole, cut) = (capture(CALLS, None), capture(CALLS, Some(60)));
    let (whole, cut) = (whole.read("forward"), cut.read("forward"));
    assert_eq!((whole.snaplen, cut.snaplen), (0, 60));
    assert_eq!(whole.packets.len(), cut.packets.len());
    for (whole, cut) in whole.packets.iter().zip(&cut.packets) {
        assert_eq!(cut.bytes, whole.bytes[..whole.bytes.len().min(60)]);
        assert_eq!(cut.original, whole.original);
    }
}

#[test]
fn without_overhead_packets_still_have_headers() {
    let media = "media: {video: {max_bitrate: 2Mbps}";
    let text = CALLS.replace(media, &format!("rtp_overhead: none\n    {media}"));
    assert_ne!(text, CALLS);
    let captured = capture(&text, None);
    let capture = captured.read("backward");
    let on = capture
        .packets
        .iter()
        .filter(|packet| packet.interface == IN);
    let seen: Vec<_> = on.map(seen).collect();
    assert_eq!(seen, told(&captured.case, LinkId(1))[IN as usize]);
    // A NACK takes 16 bytes without IP and UDP.
    let small = seen.iter().filter(|(_, _, size, _)| *size < 28);
    assert!(small.count() > 0, "all have room for their headers");
    tshark::check(&captured.link("backward"));
}

#[test]
fn the_same_run_writes_the_same_bytes() {
    let (one, two) = (capture(CALLS, None), capture(CALLS, None));
    for file in [
        "forward.pcapng",
        "backward.pcapng",
        "there.sqlog",
        "back.sqlog",
    ] {
        let [one, two] = [&one, &two].map(|run| fs::read(run.folder.join(file)).unwrap());
        assert!(one == two, "{file} differs");
        assert!(one.len() > 10_000, "{file} is empty");
    }
}

/// Sequence numbers that receivers ask for.
fn nacks(case: &Case) -> u32 {
    let (_, events) = events(case);
    let counts = events.iter().map(|(_, event)| match event {
        Event::NackSent { count, .. } => *count,
        _ => 0,
    });
    let sum = counts.sum();
    assert!(sum > 20, "hardly anything was asked for");
    sum
}

#[test]
fn tshark_finds_no_fault_and_the_same_packets() {
    let captured = capture(CALLS, None);
    let mut values = tshark::Values::new();
    for (id, name) in [(0, "forward"), (1, "backward")] {
        let path = captured.link(name);
        let Some(found) = tshark::check(&path) else {
            return;
        };
        let told = told(&captured.case, LinkId(id));
        assert_eq!(found.per_interface, told.map(|list| list.len()));
        values.extend(found.values);
        // Only `there` asks for retransmissions, from the far end.
        let nacked = if name == "backward" {
            nacks(&captured.case)
        } else {
            0
        };
        assert_eq!(found.nacked, nacked);
    }
    // All that these calls send has been recognised.
    assert_eq!(tshark::missing(&values), []);
}

#[test]
fn qlog_says_what_the_events_say() {
    let captured = capture(CALLS, None);
    let case = &captured.case;
    let (_, events) = events(case);
    for (flow, name) in [(0, "there"), (1, "back")] {
        let text = fs::read_to_string(captured.folder.join(format!("{name}.sqlog"))).unwrap();
        let mut records = text.split_terminator('\x1e');
        assert_eq!(records.next(), Some(""));
        let records: Vec<serde_json::Value> = records
            .map(|record| serde_json::from_str(record).unwrap())
            .collect();
        assert_eq!(records[0]["trace"]["vantage_point"]["name"], name);
        let times = records[1..].iter().map(|r| r["time"].as_f64().unwrap());
        assert!(times.is_sorted());
        let count = |name: &str| records.iter().filter(|r| r["name"] == name).count();
        let told = |is: &dyn Fn(&Event) -> bool| events.iter().filter(|(_, e)| is(e)).count();
        let sent = |e: &Event| matches!(e, Event::Sent { packet, .. } if packet.flow.0 == flow);
        let lost = |e: &Event| matches!(e, Event::LinkDrop { packet, .. } if packet.flow.0 == flow);
        let rtt = |e: &Event| matches!(e, Event::RttSample { flow: f, .. } if f.0 == flow);
        assert_eq!(count("weaknet:packet_sent"), told(&sent));
        assert_eq!(count("weaknet:packet_lost"), told(&lost));
        let samples = records
            .iter()
            .filter(|r| r["data"].get("latest_rtt").is_some());
        assert_eq!(samples.count(), told(&rtt));
        assert!(told(&sent) > 500 && told(&lost) > 10 && told(&rtt) > 10);
    }
}
