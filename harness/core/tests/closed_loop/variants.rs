//! goog_cc after a step down with a part of it switched off, as measured with
//! libwebrtc's own code: what lets a full queue stand, and what does not.

use crate::series::{Run, ours};

/// Rate and median delay of the last 15 s of the lower capacity, in kbit/s and
/// ms.
fn settled(sets: &[&str]) -> (f64, f64) {
    let sets: Vec<String> = sets
        .iter()
        .map(|set| format!("flows.0.congestion_control.gcc.{set}"))
        .collect();
    let runs = ours("closed-loop/gcc-step.yaml", &sets);
    let run: &Run = &runs[0];
    let rate = run.mean(|bin| bin.received, 45.0, 60.0);
    (rate, run.delay(0.5, 45.0, 60.0))
}

#[test]
fn a_full_queue_stands_unless_the_window_allows_less_than_it_holds() {
    let short = ["pushback.mode=lower_target", "pushback.queue=100ms"];
    for (sets, theirs) in [
        (&[][..], (1000.0, 313.0)),
        (&["loss.acked_floor=0"][..], (1000.0, 310.0)),
        (&short[..1], (1000.0, 311.0)),
        (&short[..], (936.0, 34.0)),
    ] {
        let ours = settled(sets);
        eprintln!("{sets:?}: theirs {theirs:?}, ours {ours:?}");
        assert!(
            (ours.0 / theirs.0 - 1.0).abs() <= 0.05,
            "{sets:?}: {ours:?}"
        );
        assert!((ours.1 - theirs.1).abs() <= 10.0, "{sets:?}: {ours:?}");
    }
}
