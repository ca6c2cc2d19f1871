//! Audio through whole worlds: clocks that drift apart, audio and video in step.

#[path = "support/plan.rs"]
mod support;

use weaknet_core::event::AudioCounter;
use weaknet_core::packet::Class;
use weaknet_core::plugin::Assets;
use weaknet_core::{Event, Span, Time};
use weaknet_harness::plan::{Plan, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::run_case;
use weaknet_harness::world::build;

fn plan(path: &str, sets: &[String]) -> Plan {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let request = Request {
        paths: vec![folder.join(path).display().to_string()],
        sets: sets.to_vec(),
        ..Request::default()
    };
    Plan::load(&request, &Registry::builtin()).unwrap_or_else(|error| panic!("{error}"))
}

/// An hour of audio between clocks that differ by a tenth of a thousandth: what
/// NetEQ puts in and takes out makes up for it, the buffer neither runs dry nor
/// fills.
#[test]
fn an_hour_of_clock_drift_is_followed() {
    for (drift, expected_ms) in [("100ppm", 360.0), ("-100", -360.0)] {
        let sets = [format!("flows.call.clock_drift={drift}")];
        let plan = plan("validation/clock-drift.yaml", &sets);
        let case = &plan.cases[0];
        let (mut world, _) = build(&case.scenario, case.seed, &Assets::default()).unwrap();
        let mut events: Vec<(Time, Event)> = Vec::new();
        world.run(Time::from_secs(3600), &mut events).unwrap();
        let settled = Time::from_secs(10);
        let (mut stretched, mut concealed, mut waits) = (0.0, 0.0, Vec::new());
        for (_, event) in events.iter().filter(|(at, _)| *at >= settled) {
            match *event {
                Event::AudioCount { counter, by, .. } => match counter {
                    AudioCounter::InsertedSamples => stretched += by as f64 / 48.0,
                    AudioCounter::RemovedSamples => stretched -= by as f64 / 48.0,
                    AudioCounter::ConcealedSamples => concealed += by as f64 / 48.0,
                    _ => {}
                },
                Event::AudioDecoded { waited, .. } => waits.push(waited.as_millis_f64()),
                _ => {}
            }
        }
        // What the drift took and what the buffer has more than before, to two pulls.
        let more = waits[waits.len() - 1] - waits[0];
        let made_up = stretched + concealed - more;
        assert!((made_up - expected_ms).abs() <= 20.0, "{drift}: {made_up}");
        let longest = waits.iter().copied().fold(0.0, f64::max);
        assert!(longest <= 60.0, "{drift}: {longest}");
        // Most of it by stretching: a late pull may find nothing to stretch.
        assert!(concealed <= 80.0, "{drift}: {concealed}");
    }
}

/// At 0.3 Mbit/s audio needs more buffer than video, which has to wait for it.
#[test]
fn video_waits_for_audio() {
    let offset = |buffer: &str, lip_sync: bool| {
        let sets = [
            "seeds=[1]".to_owned(),
            format!("flows.call.lip_sync={lip_sync}"),
            format!("flows.call.jitter_buffer={buffer}"),
        ];
        let plan = plan("validation/chromium-g.yaml", &sets);
        let outcome = run_case(&plan.cases[0], &Registry::builtin()).unwrap();
        outcome
            .result
            .metric("call", "av_sync_offset_p50_ms")
            .unwrap()
    };
    for (buffer, ahead) in [
        ("webrtc", true),
        ("adaptive_percentile", true),
        ("{fixed: {delay: 15ms}}", false),
        ("oracle", false),
    ] {
        let (with, without) = (offset(buffer, true), offset(buffer, false));
        eprintln!("{buffer}: {with}, without lip sync {without}");
        // What is below 30 ms is left.
        assert!(with < 35.0, "{buffer}: {with}");
        assert!(!ahead || without > 50.0, "{buffer}: {without}");
    }
}

/// A call of audio alone is probed like any other; its packets wait for the small
/// packet that opens a probe, not longer: 116 bytes at twice 32 kbit/s.
#[test]
fn probes_hold_up_audio_by_a_small_packet_only() {
    let case = &support::plan(
        "
duration: 30s
seeds: [1]
network: {forward: {rate: 1Mbps, delay: 20ms}, backward: {rate: 1Mbps, delay: 20ms}}
flows: [{name: call, media: {audio: {}}, congestion_control: gcc}]
",
        &Registry::builtin(),
    )
    .cases[0];
    let (mut world, _) = build(&case.scenario, case.seed, &case.assets).unwrap();
    let mut events: Vec<(Time, Event)> = Vec::new();
    world.run(Time::from_secs(30), &mut events).unwrap();
    let sent = |class: Class| {
        let times = events.iter().filter_map(move |(at, event)| match event {
            Event::Sent { packet, .. } if packet.class == class => Some(*at),
            _ => None,
        });
        times.collect::<Vec<Time>>()
    };
    // A probe each 5 s or so in the application-limited region.
    assert!(sent(Class::Padding).len() >= 5);
    let audio = sent(Class::Audio);
    let gaps = audio.windows(2).map(|pair| pair[1] - pair[0]);
    let longest = gaps.max().unwrap();
    assert!(longest <= Span::from_millis(35), "{longest}");
}
