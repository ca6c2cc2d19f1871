//! What must make no difference: a second run, a copy, the epoch of the clock,
//! a report that comes twice.

use weaknet_core::{Span, Time};

use super::judge;
use crate::conformance::battery::{Bench, Outcome};
use crate::conformance::life::{Dice, Life};
use crate::conformance::playback::{Playback, difference};
use crate::conformance::report::Verdict;

const START: Time = Time::from_secs(1);
/// An hour later, and so late that a clock of milliseconds in 31 bits turns
/// over five seconds into the flow.
const LATER: [Time; 2] = [Time::from_secs(3_601), Time::from_millis((1 << 31) - 5_000)];
const RECEIVER_AHEAD: Span = Span::from_secs(3_600);
/// Up to where numbers of 16 and 32 bits wrap, which happens on the way.
const FIRST_NUMBERS: [u64; 2] = [(1 << 16) - 100, (1 << 32) - 100];
/// Intervals of the ordinary flow, and where the copy is made.
const ALL: u64 = 600;
const HALF: u64 = 250;
/// Random lives.
const LIVES: u64 = 40;

fn agree(ours: &Playback, others: &Playback, from: usize) -> Result<(), String> {
    let ours = ours.decisions.get(from..).unwrap_or_default();
    difference(ours, &others.decisions).map_or(Ok(()), Err)
}

fn run(bench: &Bench<'_>, start: Time) -> Playback {
    run_between(bench, start, 0, Span::ZERO)
}

fn run_between(bench: &Bench<'_>, start: Time, first: u64, ahead: Span) -> Playback {
    let mut playback = Playback::between(start, first, ahead, bench.controller());
    playback.play(0..ALL);
    playback
}

/// Lets lives that begin at two times take the same steps. With `copied` the
/// other one becomes a copy of the first halfway.
fn live(bench: &Bench<'_>, other: Time, copied: bool) -> Result<(), String> {
    let mut dice = Dice::new(bench.seed(), "lives");
    for number in 0..LIVES {
        let steps = dice.life();
        let mut life = Life::born(START, bench.controller());
        let mut same = Life::born(other, bench.controller());
        for (index, step) in steps.iter().enumerate() {
            if copied && index == steps.len() / 2 {
                same = life.clone();
            }
            life.step(step);
            same.step(step);
            let (ours, others) = (life.wants(), same.wants());
            if ours != others {
                return Err(format!(
                    "random life {number}, {:.3} s into it, after {}: {ours:?} and {others:?}",
                    life.age().as_secs_f64(),
                    step.describe()
                ));
            }
        }
    }
    Ok(())
}

fn done(result: Result<(), String>) -> Verdict {
    judge(result.map(|()| String::new()) as Outcome)
}

pub(super) fn determinism(bench: &Bench<'_>) -> Verdict {
    let twice = agree(&run(bench, START), &run(bench, START), 0);
    done(twice.and_then(|()| live(bench, START, false)))
}

pub(super) fn copies(bench: &Bench<'_>) -> Verdict {
    let mut original = Playback::new(START, bench.controller());
    original.play(0..HALF);
    let from = original.decisions.len();
    let mut copy = original.clone();
    copy.decisions.clear();
    original.play(HALF..ALL);
    copy.play(HALF..ALL);
    done(agree(&original, &copy, from).and_then(|()| live(bench, START, true)))
}

pub(super) fn time_shift(bench: &Bench<'_>) -> Verdict {
    let ours = run(bench, START);
    let shifted = LATER.into_iter().try_for_each(|later| {
        agree(&ours, &run(bench, later), 0)
            .and_then(|()| live(bench, later, false))
            .map_err(|what| {
                let by = later - START;
                format!("later by {:.3} s: {what}", by.as_secs_f64())
            })
    });
    done(shifted.and_then(|()| {
        let ahead = run_between(bench, START, 0, RECEIVER_AHEAD);
        agree(&ours, &ahead, 0).map_err(|what| format!("receiver's clock an hour ahead: {what}"))
    }))
}

pub(super) fn number_shift(bench: &Bench<'_>) -> Verdict {
    let ours = run(bench, START);
    done(FIRST_NUMBERS.into_iter().try_for_each(|first| {
        let shifted = run_between(bench, START, first, Span::ZERO);
        agree(&ours, &shifted, 0).map_err(|what| format!("first number {first}: {what}"))
    }))
}

pub(super) fn repeated_reports(bench: &Bench<'_>) -> Verdict {
    let once = run(bench, START);
    let mut twice = Playback::new(START, bench.controller());
    for k in 0..ALL {
        twice.play_one(k, 2);
    }
    debug_assert!(once.decisions.last().is_some_and(|d| d.at > Span::ZERO));
    done(agree(&once, &twice, 0))
}
