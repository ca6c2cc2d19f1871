use weaknet_core::event::{FrameDrop, FrameTimes};
use weaknet_core::packet::{FlowId, Picture};
use weaknet_core::{Event, Time};

use crate::metrics::testing::{call, ms, near, run};
use crate::metrics::*;

const FLOW: FlowId = FlowId(0);

fn picture(simulcast: u8, layers: u8, height: u16, qp: u8) -> Picture {
    Picture {
        width: height / 9 * 16,
        height,
        qp: Some(qp),
        simulcast,
        simulcast_layers: layers,
        ..Picture::default()
    }
}

fn encoded(at: u64, frame: u64, key: bool, picture: Picture) -> (Time, Event) {
    let event = Event::FrameEncoded {
        flow: FLOW,
        frame,
        key,
        size: 1_000,
        picture,
    };
    (ms(at), event)
}

fn rendered(at: u64, frame: u64, picture: Picture) -> (Time, Event) {
    let at = ms(at);
    let times = FrameTimes {
        captured: at,
        first_sent: at,
        first_arrived: at,
        complete: at,
        decode_start: at,
        decoded: at,
    };
    let event = Event::FrameRendered {
        flow: FLOW,
        frame,
        times,
        size: 1_000,
        picture,
    };
    (at, event)
}

fn dropped(at: u64, reason: FrameDrop) -> (Time, Event) {
    let (flow, frame) = (FLOW, 9);
    (
        ms(at),
        Event::FrameDropped {
            flow,
            frame,
            reason,
        },
    )
}

#[test]
fn fates_are_told_apart() {
    let mut facts = run(10);
    facts.from = ms(1_000);
    let plain = Picture::default();
    let events = [
        encoded(500, 0, true, plain),
        encoded(1_500, 1, true, plain),
        encoded(1_600, 2, false, plain),
        dropped(900, FrameDrop::Late),
        dropped(2_000, FrameDrop::Late),
        dropped(2_000, FrameDrop::Flushed),
        dropped(2_000, FrameDrop::Incomplete),
        dropped(2_000, FrameDrop::Undecodable),
        dropped(2_000, FrameDrop::Undecodable),
        dropped(2_000, FrameDrop::Undecodable),
        dropped(2_000, FrameDrop::Encoder),
    ];
    let scores = call(&Pictures::default(), &facts, &events);
    for (name, value) in [
        ("frames_encoded", 2.0),
        ("key_frames_encoded", 1.0),
        ("frames_late", 2.0),
        ("frames_incomplete", 1.0),
        ("frames_undecodable", 3.0),
    ] {
        assert_eq!(scores[name], value, "{name}");
    }
    assert_eq!(scores.len(), 5, "nothing was shown: {scores:?}");
}

#[test]
fn layers_count_for_as_long_as_their_frames_stand() {
    let (low, high) = (picture(0, 3, 180, 40), picture(2, 3, 720, 20));
    let events = [
        encoded(0, 0, true, high),
        encoded(0, 0, true, low),
        rendered(1_000, 0, low),
        rendered(4_000, 1, high),
        rendered(9_000, 2, low),
    ];
    // 3 s low, 5 s high, 1 s low.
    let scores = call(&Pictures::default(), &run(10), &events);
    assert_eq!(scores["frames_encoded"], 1.0);
    near(scores.get("layer_0_time_ratio"), 4.0 / 9.0);
    near(scores.get("layer_1_time_ratio"), 0.0);
    near(scores.get("layer_2_time_ratio"), 5.0 / 9.0);
    near(scores.get("layer_switches_per_min"), 2.0 * 60.0 / 9.0);
    near(scores.get("resolution_switches_per_min"), 2.0 * 60.0 / 9.0);
    near(
        scores.get("picture_height_mean_px"),
        (4.0 * 180.0 + 5.0 * 720.0) / 9.0,
    );
    near(scores.get("qp_mean"), (4.0 * 40.0 + 5.0 * 20.0) / 9.0);
}

#[test]
fn what_is_not_modelled_is_absent() {
    let plain = Picture::default();
    let events = [encoded(0, 0, true, plain), rendered(10, 0, plain)];
    let scores = call(&Pictures::default(), &run(10), &events);
    for name in ["qp_mean", "picture_height_mean_px", "layer_0_time_ratio"] {
        assert!(!scores.contains_key(name), "{name}");
    }
}

#[test]
fn the_window_clips_what_stands() {
    let mut facts = run(10);
    (facts.from, facts.to) = (ms(2_000), ms(6_000));
    let events = [
        encoded(0, 0, true, picture(0, 2, 180, 40)),
        rendered(0, 0, picture(0, 2, 180, 40)),
        rendered(3_000, 1, picture(1, 2, 360, 40)),
        rendered(8_000, 2, picture(0, 2, 180, 40)),
    ];
    let scores = call(&Pictures::default(), &facts, &events);
    near(scores.get("layer_0_time_ratio"), 0.25);
    near(scores.get("layer_1_time_ratio"), 0.75);
    near(scores.get("layer_switches_per_min"), 15.0);
}
