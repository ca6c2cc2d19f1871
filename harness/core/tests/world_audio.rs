//! Audio through whole worlds: clocks that drift apart, audio and video in step.

use weaknet_core::event::AudioCounter;
use weaknet_core::plugin::Assets;
use weaknet_core::{Event, Time};
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
    let offset = |lip_sync: bool| {
        let sets = [
            "seeds=[1]".to_owned(),
            format!("flows.call.lip_sync={lip_sync}"),
        ];
        let plan = plan("validation/chromium-g.yaml", &sets);
        let outcome = run_case(&plan.cases[0], &Registry::builtin()).unwrap();
        outcome
            .result
            .metric("call", "av_sync_offset_p50_ms")
            .unwrap()
    };
    let (with, without) = (offset(true), offset(false));
    // What is below 30 ms is left.
    assert!(with < 35.0, "{with}");
    assert!(without > 50.0, "{without}");
}
