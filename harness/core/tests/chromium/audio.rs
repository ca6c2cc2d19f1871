//! Audio of the same calls: what was made up, and how long it waited.

use crate::Within::{self, Of, Share};
use crate::course::{Course, recorded, run};
use crate::{agrees, show, spread};

/// Recorded conditions: the letter of our scenario, the recordings' name, their
/// runs. Opus recovered nothing by its in-band FEC in any of them.
const CONDITIONS: [(&str, &[(&str, &[u32])]); 5] = [
    ("a", &[("a_clean3M", &[1, 2])]),
    ("b", &[("b_steps", &[1, 2, 4])]),
    (
        "c-nofec",
        &[("c_loss5", &[1, 2, 4]), ("c_loss5_nofec", &[1])],
    ),
    ("g", &[("g_300k_100ms", &[1, 2])]),
    ("i", &[("i_cap1M_steady", &[1])]),
];

/// Percentage points of the sound.
const CONCEALED: Within = Of(0.3);
/// Of the delay: a factor of 1.25.
const DELAY: Within = Share(0.25);

/// Our video waits twice as long for retransmissions as the recorded one, and
/// audio stays in step with it.
const OPEN: [&str; 1] = ["c-nofec"];

#[test]
fn audio_is_concealed_and_delayed_as_recorded() {
    let mut wrong = Vec::new();
    eprintln!("| condition | figure from 10 s on | Chromium | weaknet | allowed beyond the runs |");
    eprintln!("|---|---|---|---|---|");
    for (letter, recordings) in CONDITIONS {
        let theirs = recordings.iter().map(|(name, runs)| recorded(name, runs));
        let Some(theirs) = theirs.collect::<Option<Vec<_>>>() else {
            return;
        };
        let theirs = theirs.concat();
        let ours: Vec<Course> = run(letter, "5").iter().map(Course::of).collect();
        let mut row = |figure: &str, of: fn(&Course) -> f64, decimals, within, judged: bool| {
            let (a, b) = (spread(&theirs, of), spread(&ours, of));
            let allowed = match within {
                _ if !judged => "open".to_owned(),
                Share(share) => format!("{:.0} %", share * 100.0),
                Of(by) => format!("{by}"),
            };
            eprintln!(
                "| {letter} | {figure} | {} | {} | {allowed} |",
                show(a, decimals),
                show(b, decimals),
            );
            if judged && !agrees(b[1], a, within) {
                wrong.push(format!("{letter}, {figure}: theirs {a:?}, ours {b:?}"));
            }
        };
        let judged = !OPEN.contains(&letter);
        row("concealed, %", |c| c.concealed, 2, CONCEALED, true);
        row("audio buffer, ms", |c| c.audio_buffer, 1, DELAY, judged);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
