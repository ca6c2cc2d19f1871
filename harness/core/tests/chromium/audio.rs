//! Audio of the same calls: what was made up, and how long it waited.

use crate::Within::{self, Of, Share};
use weaknet_harness::runner::Outcome;

use crate::course::{SETTLED, recordings, run};
use crate::{agrees, show, spread};

/// A name of recordings, and their runs.
type Recordings = (&'static str, &'static [u32]);

/// Recorded conditions: the letter of our scenario, the recordings' name, their
/// runs. Opus recovered nothing by its in-band FEC in any of them.
const CONDITIONS: [(&str, &[Recordings]); 5] = [
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

/// Audio stays in step with video, which waits longer than in the recorded runs: those
/// without FEC and one of those with it start slowly.
const OPEN: [&str; 1] = ["c-nofec"];

/// Audio of one call, from [`SETTLED`] on.
#[derive(Debug, Clone, Copy)]
struct Audio {
    /// Share of the sound that was made up, in percent.
    concealed: f64,
    /// Mean wait in the buffer, in ms.
    wait: f64,
}

impl Audio {
    fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let names = ["t_s", "a_samples", "a_concealed", "a_jb_delay_ms"];
        let columns = names.map(|name| header.iter().position(|c| *c == name).unwrap());
        let (mut samples, mut concealed, mut waits) = (0.0, 0.0, 0.0);
        for line in lines {
            let fields: Vec<&str> = line.split(',').collect();
            let [end, all, made_up, wait] = columns.map(|at| fields[at].parse().unwrap_or(0.0));
            if end > SETTLED {
                samples += all;
                concealed += made_up;
                waits += wait * all;
            }
        }
        Self {
            concealed: 100.0 * concealed / samples,
            wait: waits / samples,
        }
    }

    fn of(outcome: &Outcome) -> Self {
        let metric = |name| outcome.result.metric("call", name).unwrap();
        Self {
            concealed: 100.0 * metric("concealed_ratio"),
            wait: metric("audio_jitter_buffer_delay_ms"),
        }
    }
}

#[test]
fn audio_is_concealed_and_delayed_as_recorded() {
    let mut wrong = Vec::new();
    eprintln!("| condition | figure from 10 s on | Chromium | weaknet | allowed beyond the runs |");
    eprintln!("|---|---|---|---|---|");
    for (letter, calls) in CONDITIONS {
        let theirs = calls.iter().map(|(name, runs)| recordings(name, runs));
        let Some(theirs) = theirs.collect::<Option<Vec<_>>>() else {
            return;
        };
        let theirs: Vec<Audio> = theirs
            .concat()
            .iter()
            .map(|text| Audio::parse(text))
            .collect();
        let ours: Vec<Audio> = run(letter, "5").iter().map(Audio::of).collect();
        let mut row = |figure: &str, of: fn(&Audio) -> f64, decimals, within, judged: bool| {
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
        row("concealed, %", |audio| audio.concealed, 2, CONCEALED, true);
        row("audio buffer, ms", |audio| audio.wait, 1, DELAY, judged);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
