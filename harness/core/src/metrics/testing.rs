//! Small runs for the tests of the metric sets.

use std::collections::BTreeMap;

use weaknet_core::event::FrameTimes;
use weaknet_core::packet::{Class, FlowId, Leg, LinkId, Picture, Tag};
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Event, EventSink, Plugin, Streams, Time};
use weaknet_sim::Path;

use super::{FlowFacts, LinkFacts, Metrics, RunFacts, Scorer, Scores};

pub(crate) fn ms(n: u64) -> Time {
    Time::from_millis(n)
}

/// One flow `call` over link `forward` (1 Mbit/s) for `seconds`, no window.
pub(crate) fn run(seconds: u64) -> RunFacts {
    let end = Time::from_secs(seconds);
    RunFacts {
        duration: end,
        from: Time::ZERO,
        to: end,
        flows: vec![flow("call", end)],
        links: vec![link("forward", 1e6)],
    }
}

pub(crate) fn flow(name: &str, stop: Time) -> FlowFacts {
    FlowFacts {
        name: name.to_owned(),
        start: Time::ZERO,
        stop,
        video: true,
        audio: true,
        adapts: true,
        deadline: None,
        paths: vec![path(&[0])],
    }
}

pub(crate) fn path(outward: &[u16]) -> Path {
    Path {
        outward: outward.iter().copied().map(LinkId).collect(),
        back: Vec::new(),
    }
}

pub(crate) fn link(name: &str, bps: f64) -> LinkFacts {
    LinkFacts {
        name: name.to_owned(),
        capacity: Box::new(move |from, to| Some(bps * to.since(from).as_secs_f64())),
    }
}

pub(crate) fn packet(flow: u16, id: u64, class: Class, size: u32) -> Tag {
    Tag {
        id,
        flow: FlowId(flow),
        leg: Leg::Outward,
        class,
        size,
    }
}

pub(crate) fn rendered(frame: u64, at: Time) -> (Time, Event) {
    let times = FrameTimes {
        captured: at,
        first_sent: at,
        first_arrived: at,
        complete: at,
        decode_start: at,
        decoded: at,
    };
    (
        at,
        Event::FrameRendered {
            flow: FlowId(0),
            frame,
            times,
            size: 1_000,
            picture: Picture::default(),
        },
    )
}

/// Frames shown at these times.
pub(crate) fn shown(times_ms: impl IntoIterator<Item = u64>) -> Vec<(Time, Event)> {
    times_ms
        .into_iter()
        .enumerate()
        .map(|(n, t)| rendered(n as u64, ms(t)))
        .collect()
}

pub(crate) fn score<P: Plugin<Kind = Metrics>>(
    set: &P,
    run: &RunFacts,
    events: &[(Time, Event)],
) -> Scores {
    let (streams, assets) = (Streams::new(1), Assets::default());
    let cx = BuildContext {
        path: "metrics",
        streams: &streams,
        assets: &assets,
    };
    let mut scorer = Scorer::new(run, vec![set.build(&cx).expect("builds")]);
    for (at, event) in events {
        scorer.event(*at, event);
    }
    scorer.finish()
}

/// The scores of the first flow.
pub(crate) fn call<P: Plugin<Kind = Metrics>>(
    set: &P,
    run: &RunFacts,
    events: &[(Time, Event)],
) -> BTreeMap<&'static str, f64> {
    score(set, run, events).flows.swap_remove(0)
}

#[track_caller]
pub(crate) fn near(found: Option<&f64>, want: f64) {
    let found = *found.expect("the metric is there");
    assert!(
        (found - want).abs() <= 1e-9 * want.abs().max(1.0),
        "found {found}, want {want}"
    );
}
