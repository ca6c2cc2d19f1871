//! Bounds of goog_cc's own scenario tests that are about a course of time; those
//! about an instant are expectations in `scenarios/validation/goog-cc-bounds`.

use crate::series::ours;

/// On a steady link the target swings: its least value is below 85 % of its
/// greatest.
#[test]
fn the_target_swings() {
    for run in ours("goog-cc-bounds/stable-target.yaml", &[]) {
        let targets = run.0.iter().filter(|bin| bin.end > 30.0).map(|b| b.target);
        let (least, most) = targets.fold((f64::MAX, 0.0_f64), |(least, most), target| {
            (least.min(target), most.max(target))
        });
        assert!(least / most < 0.85, "{least} {most}");
    }
}

/// Dips of a rate by more than `depth` from the first value of a window; a dip
/// ends when that value is there again.
fn dips(window: &[f64], depth: f64) -> u32 {
    let (mut dips, mut high) = (0, true);
    for rate in &window[1..] {
        if high && rate + depth < window[0] {
            dips += 1;
            high = false;
        } else if (rate - window[0]).abs() < 1e-9 {
            high = true;
        }
    }
    dips
}

/// With 20 % loss there are fewer than two dips of 100 kbit/s in half a second
/// (in steps of 100 ms here, of 50 ms there).
#[test]
fn the_target_does_not_toggle_with_loss() {
    assert_eq!(dips(&[300.0, 150.0, 300.0, 150.0, 150.0], 100.0), 2);
    assert_eq!(dips(&[300.0, 150.0, 120.0, 250.0, 150.0], 100.0), 1);
    for run in ours("goog-cc-bounds/no-toggling.yaml", &[]) {
        let targets: Vec<f64> = run.0.iter().skip(2).map(|bin| bin.target).collect();
        assert!(targets.len() >= 20);
        assert!(
            targets.windows(5).all(|w| dips(w, 100.0) < 2),
            "{targets:?}"
        );
    }
}
