//! Recordings: written and read, replayed with changes, scored.

use proptest::prelude::*;
use weaknet_core::event::DropReason;
use weaknet_core::packet::{Ecn, FlowId, Leg, Packet, Protocol};
use weaknet_core::{Event, Span, Time};

use super::*;
use crate::plan::Request;
use crate::registry::Registry;

fn about() -> About {
    About {
        path: "a.yaml".to_owned(),
        sets: vec!["network.forward.loss=1%, \"quoted\"".to_owned()],
        seed: 7,
        version: "0".to_owned(),
        route: Some("call".to_owned()),
    }
}

fn written(rows: &[Row]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &about()).unwrap();
    rows.iter().for_each(|row| writer.row(row).unwrap());
    writer.finish().unwrap()
}

fn read(bytes: &[u8]) -> Result<Vec<Row>, RecordingError> {
    Recording::open(bytes)?.collect()
}

fn whats() -> impl Strategy<Value = What> {
    let packet = any::<u64>();
    let size = any::<u32>();
    let spans = (any::<u64>(), any::<u64>());
    let protocols = prop::sample::select(vec![Protocol::Udp, Protocol::Tcp, Protocol::Other]);
    let ecns = prop::sample::select(vec![Ecn::NotEct, Ecn::Ect0, Ecn::Ect1, Ecn::Ce]);
    let reasons = prop::sample::select(vec![
        DropReason::Overflow,
        DropReason::Aqm,
        DropReason::Loss,
        DropReason::Policed,
        DropReason::TooBig,
        DropReason::Filtered,
    ]);
    prop_oneof![
        (packet, size, any::<u16>(), protocols, ecns).prop_map(
            |(packet, size, flow, protocol, ecn)| What::In {
                packet,
                size,
                flow: FlowId(flow),
                protocol,
                ecn
            }
        ),
        (packet, size, spans).prop_map(|(packet, size, (waited, total))| What::Out {
            packet,
            size,
            waited: Span::from_nanos(waited),
            total: Span::from_nanos(total)
        }),
        (packet, any::<u64>()).prop_map(|(packet, ideal)| What::Left {
            packet,
            ideal: Time::from_nanos(ideal)
        }),
        (packet, size, reasons).prop_map(|(packet, size, reason)| What::Drop {
            packet,
            size,
            reason
        }),
        packet.prop_map(|packet| What::Mark { packet }),
        (packet, size).prop_map(|(packet, size)| What::Copy { packet, size }),
        prop::collection::vec(".*", 0..3).prop_map(What::Set),
        Just(What::End),
    ]
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (any::<u64>(), 0..2_u16, whats()).prop_map(|(at, link, what)| Row {
        at: Time::from_nanos(at),
        link,
        what,
    });
    prop::collection::vec(row, 0..20)
}

proptest! {
    #[test]
    fn what_is_written_is_read(rows in rows()) {
        let bytes = written(&rows);
        let recording = Recording::open(&bytes[..]).unwrap();
        prop_assert_eq!(recording.about(), &about());
        prop_assert_eq!(read(&bytes).unwrap(), rows);
    }

    #[test]
    fn damage_is_an_error_and_no_panic(
        rows in rows(), at in any::<prop::sample::Index>(), byte: u8, cut in any::<bool>(),
    ) {
        let mut bytes = written(&rows);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
        }
        let _ = read(&bytes);
    }

    #[test]
    fn any_bytes_are_no_recording(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(matches!(read(&bytes), Err(RecordingError::Magic)));
    }
}

#[test]
fn errors_name_the_line() {
    let row = Row {
        at: Time::ZERO,
        link: 0,
        what: What::End,
    };
    let text = String::from_utf8(written(&[row.clone(), row])).unwrap();
    for (from, to, expected) in [
        (
            "\n0,0,end,,,,,,,,\n0,0,end",
            "\n0,0,end,,,,,,,,\n0,99999,end",
            "line 4: link: too large",
        ),
        (
            "\n0,0,end,,,,,,,,\n0",
            "\n0,0,fin,,,,,,,,\n0",
            "line 3: what: expected in, via, out, left, drop, mark, copy, set or end, found `fin`",
        ),
        (
            "\n0,0,end,,,,,,,,\n0",
            "\n-1,0,end,,,,,,,,\n0",
            "line 3: time_ns: expected a number, found `-1`",
        ),
    ] {
        let damaged = text.replacen(from, to, 1);
        assert_ne!(damaged, text);
        let error = read(damaged.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

const SCENARIO: &str = "
duration: 1s
network:
  forward:
    rate: 2Mbps
    delay: {uniform: {min: 5ms, max: 30ms, reorder: allowed}}
    loss: {gilbert_elliott: {average: 10%, burst: 3}}
    duplicate: 10%
    queue: {codel: {ecn: true}}
  backward: {rate: 1Mbps, delay: 10ms}
";

/// A network of a file that is there as long as the setup is loaded.
fn setup(text: &str) -> (Setup, Registry, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net.yaml");
    std::fs::write(&file, text).unwrap();
    let request = Request {
        paths: vec![file.display().to_string()],
        seed: Some(5),
        ..Request::default()
    };
    let registry = Registry::builtin();
    (Setup::load(request, &registry).unwrap(), registry, folder)
}

/// What a worker would have recorded: packets every millisecond both ways, with
/// changes of the forward link.
fn recorded(setup: &Setup, registry: &Registry, changes: &[(u64, &[&str])]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (way, mut link) in setup.links().unwrap().into_iter().enumerate() {
        let [first, _] = link.ends();
        let number = first.0;
        let row = |(at, event): &(Time, Event)| match event {
            Event::LinkArrive { link, .. } if *link == first => None,
            _ => Row::of_event(*at, event),
        };
        let mut changes = changes.iter().peekable();
        let mut now = setup.clone();
        for id in 0..500 {
            let at = Time::from_millis(id);
            let mut events: Vec<(Time, Event)> = Vec::new();
            // As late as a worker may be, and seldom.
            if id % 7 == 0 {
                while link.deliver(at, &mut events).is_some() {}
            }
            while let Some((ms, sets)) = changes.next_if(|(ms, _)| *ms <= id) {
                let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
                // Never at the time of an arrival, which would come first.
                let at = Time::from_millis(*ms).saturating_sub(Span::from_nanos(1));
                while link.deliver(at, &mut events).is_some() {}
                let next = setup.with(&sets, registry).unwrap();
                let mut both = now.changes(&next).unwrap().into_iter();
                let change = both.nth(way).unwrap();
                link.change(at, change, &mut events);
                now = next;
                rows.push(Row {
                    at,
                    link: number,
                    what: What::Set(sets),
                });
            }
            while link.deliver(at, &mut events).is_some() {}
            let packet = Packet {
                id,
                leg: Leg::Outward,
                size: 1_000,
                ecn: Ecn::Ect0,
                sent: at,
                ..Packet::VACANT
            };
            rows.push(Row {
                at,
                link: number,
                what: What::In {
                    packet: id,
                    size: 1_000,
                    flow: FlowId(0),
                    protocol: Protocol::Udp,
                    ecn: Ecn::Ect0,
                },
            });
            link.arrive(at, packet, &mut events);
            rows.extend(events.iter().filter_map(row));
        }
        let end = Time::from_millis(520);
        let mut events: Vec<(Time, Event)> = Vec::new();
        while link.deliver(end, &mut events).is_some() {}
        rows.extend(events.iter().filter_map(row));
        rows.push(Row {
            at: end,
            link: number,
            what: What::End,
        });
    }
    rows
}

const CHANGES: &[(u64, &[&str])] = &[
    (100, &["network.forward.loss=50%"]),
    (
        200,
        &[
            "network.forward.loss=50%",
            "network.forward.rate={steps: [[0s, 0bps]]}",
        ],
    ),
    (300, &["network.forward.delay=1ms"]),
];

#[test]
fn a_replay_decides_the_same() {
    let (setup, registry, _folder) = setup(SCENARIO);
    for changes in [&[], CHANGES] {
        let rows = recorded(&setup, &registry, changes);
        let decided = replay(&setup, &rows, &registry).unwrap();
        let count = compare(&rows, &decided).unwrap();
        assert!(count > 500, "{count}");
        let has = |is: fn(&What) -> bool| decided.iter().any(|row| is(&row.what));
        assert!(has(|what| matches!(what, What::Mark { .. })));
        assert!(has(|what| matches!(what, What::Copy { .. })));
        assert!(has(|what| matches!(what, What::Drop { .. })));
    }
}

#[test]
fn another_network_decides_otherwise() {
    let (setup, registry, _folder) = setup(SCENARIO);
    let rows = recorded(&setup, &registry, CHANGES);
    let other = setup.with(&["network.forward.loss=9%".to_owned()], &registry);
    let decided = replay(&other.unwrap(), &rows, &registry).unwrap();
    let difference = compare(&rows, &decided).unwrap_err();
    assert_eq!(difference.link, 0);
    assert_ne!(difference.recorded, difference.replayed);
}

#[test]
fn scores_are_those_of_the_links() {
    let (setup, registry, _folder) = setup(SCENARIO);
    let mut rows = recorded(&setup, &registry, CHANGES);
    let late = Span::from_micros(40);
    let left: Vec<Row> = rows
        .iter()
        .filter_map(|row| match row.what {
            What::Out { packet, .. } => Some(Row {
                at: row.at + late,
                link: row.link,
                what: What::Left {
                    packet,
                    ideal: row.at,
                },
            }),
            _ => None,
        })
        .collect();
    rows.extend(left);
    let end = Time::from_millis(520);
    let changes = changes(&rows);
    assert_eq!(changes.len(), 3, "those of both links are one");
    let outcome = score(
        &setup,
        &changes,
        rows.iter().cloned().map(Ok),
        end,
        &registry,
    )
    .unwrap();
    let metric = |link: &str, name: &str| outcome.result.metric(link, name).unwrap();
    for link in ["forward", "backward"] {
        for name in ["emulation_error_p50_us", "emulation_error_max_us"] {
            let micros = metric(link, name);
            assert!((micros - 40.0).abs() < 1e-6, "{link}.{name}: {micros}");
        }
    }
    let delivered: u64 = rows
        .iter()
        .filter(|row| row.link == 1 && matches!(row.what, What::Out { .. }))
        .count() as u64;
    let kbps = delivered as f64 * 8.0 / 0.52;
    assert!((metric("backward", "delivered_kbps") - kbps).abs() < 1e-6);
    assert!((metric("backward", "utilisation") - kbps / 1e3).abs() < 1e-5);
    // Nothing could be carried for a tenth of a second.
    let bits = metric("forward", "delivered_kbps") * 520.0;
    let capacity = 2e6 * 0.42;
    assert!((metric("forward", "utilisation") - bits / capacity).abs() < 1e-5);
}

#[test]
fn a_queue_cannot_change_while_packets_wait() {
    let (setup, registry, _folder) = setup(SCENARIO);
    let other = setup.with(&["network.forward.queue=drop_tail".to_owned()], &registry);
    let error = setup.changes(&other.unwrap()).map(|_| ()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("forward/queue: a queue cannot change"),
        "{error}"
    );
}

const NAMED: &str = "
duration: 1s
network:
  links:
    core: {delay: 3ms, loss: 2%}
    cell: {rate: 2Mbps, delay: {uniform: {min: 5ms, max: 30ms, reorder: allowed}}}
    up: {rate: 1Mbps, delay: 10ms}
    other: {}
flows:
  - {name: far, route: [core, cell], route_back: [up], media: {audio: {}}}
  - {name: near, route: [cell], route_back: [up], media: {audio: {}}}
  - {name: ring, route: [cell, other], route_back: [cell], media: {audio: {}}}
";

#[test]
fn applications_take_the_route_of_a_flow() {
    let (setup, registry, folder) = setup(NAMED);
    let [forward, backward] = setup.paths();
    assert_eq!(forward, ["network.links.core", "network.links.cell"]);
    assert_eq!(backward, ["network.links.up"]);
    let changes: &[(u64, &[&str])] = &[
        (100, &["network.links.cell.loss=50%"]),
        (
            300,
            &[
                "network.links.cell.loss=50%",
                "network.links.core.delay=1ms",
            ],
        ),
    ];
    let rows = recorded(&setup, &registry, changes);
    let came = |link: u16| {
        let via = |row: &&Row| row.link == link && matches!(row.what, What::Via { .. });
        rows.iter().filter(via).count()
    };
    assert_eq!((came(0), came(2), came(3)), (0, 0, 0));
    assert!((450..500).contains(&came(1)), "{}", came(1));
    let decided = replay(&setup, &rows, &registry).unwrap();
    assert!(compare(&rows, &decided).unwrap() > 1_000);
    let end = Time::from_millis(520);
    let changed = super::changes(&rows);
    let all = rows.iter().cloned().map(Ok);
    let outcome = score(&setup, &changed, all, end, &registry).unwrap();
    let metric = |link: &str, name: &str| outcome.result.metric(link, name).unwrap();
    assert!(metric("core", "loss_ratio") < 0.06);
    assert!(metric("cell", "loss_ratio") > 0.2);
    assert_eq!(metric("other", "delivered_kbps"), 0.0);

    let request = || Request {
        paths: vec![folder.path().join("net.yaml").display().to_string()],
        ..Request::default()
    };
    let of = |flow: &str| Setup::of_flow(request(), Some(flow.to_owned()), &registry);
    let near = of("near").unwrap();
    assert_eq!(near.paths()[0], ["network.links.cell"]);
    let error = |flow: &str| of(flow).map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        error("nearer"),
        "applications take the route of a flow over named `links:`: expected one of far, near, \
         ring, found `nearer`"
    );
    assert!(error("ring").starts_with("link `cell` is on the route of the flow twice"));
}

#[test]
fn what_has_no_route_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net.yaml");
    let load = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let request = Request {
            paths: vec![file.display().to_string()],
            ..Request::default()
        };
        Setup::load(request, &Registry::builtin())
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    let links = "duration: 1s\nnetwork: {links: {one: {}, two: {}}}\n";
    assert_eq!(
        load(links),
        "applications take the route of a flow over named `links:`: expected `flows:`"
    );
    let matrix = "duration: 1s\nmatrix: {network.forward.delay: [1ms, 2ms]}\n";
    assert!(
        load(matrix).contains("has a matrix of networks: choose with --set"),
        "{}",
        load(matrix)
    );
}

#[test]
fn a_matrix_of_what_uses_the_network_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net.yaml");
    let text = "duration: 1s\nnetwork: {forward: {delay: 5ms}}\n\
        flows: [{name: call, media: {audio: {}}}]\nmatrix: {flows.call.start: [0s, 1ms]}\n";
    std::fs::write(&file, text).unwrap();
    let request = Request {
        paths: vec![file.display().to_string()],
        ..Request::default()
    };
    let setup = Setup::load(request, &Registry::builtin()).unwrap();
    assert_eq!(setup.links().unwrap().len(), 2);
}
