use proptest::prelude::*;
use weaknet_core::packet::{Class, FlowId, LinkId};
use weaknet_core::{Bitrate, Event, EventSink as _, Span, Time};

use super::*;
use crate::metrics::testing::{ms, packet, run, shown};

fn record(run: &RunFacts, events: &[(Time, Event)]) -> Series {
    let mut recorder = SeriesRecorder::new(run);
    events
        .iter()
        .for_each(|(at, event)| recorder.event(*at, event));
    recorder.finish()
}

fn column<'a>(series: &'a Series, name: &str) -> &'a [f64] {
    let index = series
        .columns
        .iter()
        .position(|c| c == name)
        .unwrap_or_else(|| panic!("{name}"));
    &series.values[index]
}

#[test]
fn the_grid_grows_with_the_run() {
    for (seconds, step_ms) in [
        (1, 100),
        (300, 100),
        (301, 200),
        (600, 200),
        (1500, 500),
        (3600, 2000),
        (86_400, 50_000),
    ] {
        assert_eq!(
            grid(Time::from_secs(seconds)),
            Span::from_millis(step_ms),
            "{seconds}"
        );
    }
}

#[test]
fn bins_hold_what_happened_in_them() {
    let video = packet(0, 1, Class::Video, 1250);
    let target = Bitrate::from_kbps(500);
    let events = [
        (
            ms(10),
            Event::Sent {
                packet: video,
                payload: 1000,
            },
        ),
        (
            ms(40),
            Event::LinkDeliver {
                link: LinkId(0),
                packet: video,
                waited: Span::from_millis(7),
                total: Span::from_millis(30),
            },
        ),
        (
            ms(40),
            Event::Received {
                packet: video,
                one_way: Span::from_millis(30),
            },
        ),
        (
            ms(50),
            Event::Received {
                packet: video,
                one_way: Span::from_millis(31),
            },
        ),
        (
            ms(150),
            Event::Target {
                flow: FlowId(0),
                target,
                pacing: target,
            },
        ),
        (
            ms(250),
            Event::Gauge {
                flow: FlowId(0),
                name: "trend_ms",
                value: 1.0,
            },
        ),
        (
            ms(260),
            Event::Gauge {
                flow: FlowId(0),
                name: "trend_ms",
                value: 0.123_456_789,
            },
        ),
        (
            ms(270),
            Event::NackSent {
                flow: FlowId(0),
                count: 3,
            },
        ),
        (
            ms(300),
            Event::LinkDrop {
                link: LinkId(0),
                packet: video,
                reason: DropReason::Loss,
            },
        ),
        (
            ms(310),
            Event::LinkDrop {
                link: LinkId(0),
                packet: video,
                reason: DropReason::Aqm,
            },
        ),
    ];
    let series = record(&run(1), &events);
    assert_eq!(
        series.values.iter().map(Vec::len).collect::<Vec<_>>(),
        vec![10; series.columns.len()]
    );
    assert_eq!(column(&series, "flow.call.sent_kbps")[..2], [100.0, 0.0]);
    assert_eq!(column(&series, "flow.call.received_kbps")[0], 200.0);
    assert_eq!(column(&series, "flow.call.one_way_delay_ms")[0], 30.5);
    assert!(column(&series, "flow.call.one_way_delay_ms")[1].is_nan());
    let target = column(&series, "flow.call.target_kbps");
    assert!(target[0].is_nan() && target[1..].iter().all(|&t| t == 500.0));
    let trend = column(&series, "flow.call.trend_ms");
    assert!(trend[1].is_nan() && trend[3].is_nan());
    assert_eq!(trend[2], 0.123_457);
    assert_eq!(column(&series, "flow.call.nacks")[2], 3.0);
    assert_eq!(column(&series, "link.forward.queue_ms")[0], 7.0);
    assert_eq!(column(&series, "link.forward.capacity_kbps"), [1000.0; 10]);
    assert_eq!(
        (
            column(&series, "link.forward.losses")[3],
            column(&series, "link.forward.drops")[3]
        ),
        (1.0, 1.0)
    );
}

#[test]
fn frozen_bins_add_up_to_the_freezes() {
    // Frozen from 990 to 1450 and, open, from 1978 to the end.
    let events = shown((0..1000).step_by(33).chain((1450..2000).step_by(33)));
    let series = record(&run(3), &events);
    let frozen = column(&series, "flow.call.frozen");
    assert_eq!(frozen[9..15], [0.1, 1.0, 1.0, 1.0, 1.0, 0.5]);
    let total: f64 = frozen.iter().sum();
    assert!((total - (4.6 + 10.22)).abs() < 1e-9, "{total}");
}

#[test]
fn a_last_bin_may_be_shorter() {
    let mut short = run(1);
    short.duration = ms(250);
    let series = record(
        &short,
        &[(
            ms(210),
            Event::Sent {
                packet: packet(0, 1, Class::Video, 1250),
                payload: 0,
            },
        )],
    );
    assert_eq!(column(&series, "flow.call.sent_kbps"), [0.0, 0.0, 200.0]);
    // Events at the very end belong to the last bin.
    let series = record(
        &short,
        &[(
            ms(250),
            Event::Sent {
                packet: packet(0, 1, Class::Video, 1250),
                payload: 0,
            },
        )],
    );
    assert_eq!(column(&series, "flow.call.sent_kbps"), [0.0, 0.0, 200.0]);
}

#[test]
fn the_file_has_short_numbers_and_empty_fields() {
    let series = Series {
        step_s: 0.1,
        columns: vec!["flow.a.sent_kbps".into(), "flow.a,b.x".into()],
        values: vec![
            vec![0.1 + 0.2, f64::NAN, 1234.5, -0.0],
            vec![2.0, 1e-9, 99.9999, -0.25],
        ],
    };
    let text = String::from_utf8(write_series(&series)).unwrap();
    assert_eq!(
        text,
        "t_s,flow.a.sent_kbps,\"flow.a,b.x\"\n0,0.3,2\n0.1,,0\n0.2,1234.5,100\n0.3,0,-0.25\n"
    );
}

#[test]
fn other_files_are_refused_politely() {
    let message = |text: &str| read_series(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        message("a,b\n1,2\n"),
        "the first column is `a`: expected `t_s`"
    );
    assert_eq!(message("t_s,b\n1,x\n"), "row 2: `x` is not a number");
    assert!(message("t_s,b\n1\n").starts_with("not a table"));
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(f64::NAN),
        -1e9..1e9f64,
        -1.0..1.0f64,
        (0i64..5000).prop_map(|n| n as f64)
    ]
}

proptest! {
    #[test]
    fn write_then_read_gives_the_rounded_series(
        columns in 0usize..4,
        rows in prop::collection::vec(prop::collection::vec(value(), 4), 2..20),
    ) {
        let values = (0..columns).map(|c| rows.iter().map(|row| csv::rounded(row[c])).collect()).collect();
        let series = Series { step_s: 0.2, columns: (0..columns).map(|c| format!("flow.f.q{c}")).collect(), values };
        let bytes = write_series(&series);
        let back = read_series(&bytes).unwrap();
        prop_assert_eq!(&back.columns, &series.columns);
        for (a, b) in back.values.iter().flatten().zip(series.values.iter().flatten()) {
            prop_assert!(a == b || (a.is_nan() && b.is_nan()), "{} {}", a, b);
        }
        if columns > 0 {
            prop_assert_eq!(back.step_s, 0.2);
        }
        prop_assert_eq!(write_series(&back), bytes);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_series(&bytes);
        let _ = read_series(&[b"t_s,a\n", &bytes[..]].concat());
    }
}
