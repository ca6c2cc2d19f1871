//! The closed loop against real controllers in their reference harness: the
//! table of its results, ours beside theirs, and the series of runs that must
//! agree bin by bin.
//!
//! `cargo test -p weaknet-harness --test closed_loop -- --nocapture` prints the
//! table.

mod bounds;
mod cells;
mod draws;
mod series;
mod variants;

use std::collections::BTreeMap;

use cells::{CONTROLLERS, Row, Within, rows};
use series::{Bin, Run, ours, reference};

/// Median, least and greatest of the seeds.
fn figures(runs: &[Run], of: fn(&Run) -> f64) -> [f64; 3] {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    [
        values[values.len() / 2],
        values[0],
        values[values.len() - 1],
    ]
}

fn agrees([median, least, most]: [f64; 3], theirs: f64, within: Within) -> bool {
    match within {
        _ if theirs.is_infinite() => median.is_infinite(),
        Within::Share(share) => (median / theirs - 1.0).abs() <= share,
        Within::Ms(ms) => (median - theirs).abs() <= ms,
        Within::Starved(kbps) => median <= kbps && theirs <= kbps,
        Within::Seeds => (least..=most).contains(&theirs),
    }
}

/// Indices of the controllers in ascending order of their values.
fn ranking(values: [f64; 3]) -> [usize; 3] {
    let mut order = [0, 1, 2];
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    order
}

fn show(value: f64) -> String {
    match value {
        v if v.is_infinite() => "never".to_owned(),
        v if v < 20.0 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

#[test]
fn every_cell_of_the_table() {
    let mut runs: BTreeMap<String, Vec<Run>> = BTreeMap::new();
    let mut wrong = Vec::new();
    eprintln!(
        "| scenario | figure | goog_cc: theirs | ours | SCReAM, libwebrtc: theirs | ours | SCReAM, Ericsson: theirs | ours |"
    );
    eprintln!("|---|---|---|---|---|---|---|---|");
    for Row {
        scenario,
        figure,
        of,
        theirs,
        within,
    } in rows()
    {
        let mut line = format!("| {scenario} | {figure} |");
        let mut medians = [0.0; 3];
        for (at, controller) in CONTROLLERS.iter().enumerate() {
            let file = format!("closed-loop/{controller}-{scenario}.yaml");
            let runs = runs.entry(file).or_insert_with_key(|file| ours(file, &[]));
            let ours = figures(runs, of);
            medians[at] = ours[0];
            line += &format!(" {} | {}", show(theirs[at]), show(ours[0]));
            if show(ours[1]) != show(ours[2]) {
                line += &format!(" ({} to {})", show(ours[1]), show(ours[2]));
            }
            line += " |";
            if !agrees(ours, theirs[at], within[at]) {
                wrong.push(format!(
                    "{scenario}, {figure}, {controller}: ours {ours:?}, theirs {}, expected within {:?}",
                    theirs[at], within[at]
                ));
            }
        }
        if ranking(medians) != ranking(theirs) {
            wrong.push(format!(
                "{scenario}, {figure}: another order, ours {medians:?}, theirs {theirs:?}"
            ));
        }
        eprintln!("{line}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// All bins of a whole run: the same decisions, packets and delays. On 1 Mbit/s
/// every packet takes whole microseconds, the reference's unit of time.
#[test]
fn a_constant_link_agrees_bin_by_bin() {
    for (controller, name) in [("gcc", "goog"), ("scream", "scream-webrtc")] {
        let Some(theirs) = reference(&format!("{name}_const1M")) else {
            return;
        };
        let runs = ours(&format!("closed-loop/{controller}-const1M.yaml"), &[]);
        assert_eq!((runs[0].0.len(), theirs.0.len()), (600, 600));
        for (ours, theirs) in runs[0].0.iter().zip(&theirs.0) {
            assert!(
                same(ours, theirs),
                "{controller}: ours {ours:?}, theirs {theirs:?}"
            );
        }
    }
}

/// As far as the reference printed them: bits per second, hundredths of a ms.
fn same(ours: &Bin, theirs: &Bin) -> bool {
    let close = |a: f64, b: f64, by: f64| (a - b).abs() < by;
    close(ours.end, theirs.end, 1e-6)
        && close(ours.target, theirs.target, 0.001)
        && close(ours.sent, theirs.sent, 0.001)
        && close(ours.received, theirs.received, 0.001)
        && close(ours.delay, theirs.delay, 0.006)
}

/// The reference's own losses, packet by packet, instead of seeds: what is left
/// of the difference is the rounding of its times.
#[test]
fn with_the_same_losses() {
    for (share, controller, target, received, tolerance) in [
        (0.1, "gcc", 1631.0, 1469.0, 0.005),
        (0.1, "scream", 609.0, 546.0, 0.1),
        (0.1, "scream-ericsson", 667.0, 601.0, 0.2),
        (0.02, "gcc", 2764.5, 2702.8, 0.005),
        (0.02, "scream", 1731.6, 1694.5, 0.1),
        (0.02, "scream-ericsson", 1451.8, 1418.3, 0.1),
    ] {
        let scenario = if share == 0.1 { "loss10" } else { "loss2" };
        let lost = draws::lost(share, 25_000);
        let set = format!("network.forward.loss={{packets: {{lost: {lost:?}}}}}");
        let runs = ours(&format!("closed-loop/{controller}-{scenario}.yaml"), &[set]);
        let mean = |of: fn(&Bin) -> f64| runs[0].mean(of, 30.0, 60.0);
        let ours = (mean(|bin| bin.target), mean(|bin| bin.received));
        eprintln!(
            "{controller} {scenario}: ours {ours:?}, theirs {:?}",
            (target, received)
        );
        assert!(
            (ours.0 / target - 1.0).abs() <= tolerance
                && (ours.1 / received - 1.0).abs() <= tolerance,
            "{controller} {scenario}: ours {ours:?}, theirs {:?}",
            (target, received)
        );
    }
}

/// The reference's own delays, packet by packet, instead of seeds: goog_cc takes
/// the very time that it took there.
#[test]
fn with_the_same_jitter() {
    for (controller, target, time, tolerance) in [
        ("gcc", 2_769.0, 4.8, 0.001),
        ("scream", 1_984.0, f64::INFINITY, 0.01),
        // Its feedback comes at a fixed interval here, when it has to there.
        ("scream-ericsson", 2_956.0, 11.8, 0.05),
    ] {
        let file = format!("closed-loop/{controller}-jitter.yaml");
        let sets = [
            "network.forward.delay={reference_jitter: {}}".to_owned(),
            "seeds=[1]".to_owned(),
        ];
        let run = &ours(&file, &sets)[0];
        let mean = run.mean(|bin| bin.target, 30.0, 60.0);
        let reaches = run.reaches(2_400.0, 0.0);
        eprintln!("{controller}: target {mean:.0} for {target}, 80 % after {reaches} s for {time}");
        assert!((mean / target - 1.0).abs() <= tolerance, "{mean}");
        let is_near = (reaches / time - 1.0).abs() <= tolerance;
        assert!(reaches == time || is_near, "{reaches}");
    }
}

/// When exactly the link becomes slower decides which packets are lost, and that
/// how long the way up again takes half a minute later.
#[test]
fn the_time_up_again_is_a_matter_of_chance() {
    let mut times: Vec<f64> = (0..=20)
        .map(|k| {
            let steps = format!(
                "network.forward.rate.steps=[[0s, 2.5Mbps], [{}us, 1Mbps], [60s, 2.5Mbps]]",
                30_000_000 + 500 * k
            );
            ours("closed-loop/gcc-step.yaml", &[steps])[0].reaches(2_000.0, 60.0)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    eprintln!("up again, steps 0 to 10 ms later: {times:?}");
    assert!(times[0] < 8.3 && 9.6 < times[20], "{times:?}");
}
