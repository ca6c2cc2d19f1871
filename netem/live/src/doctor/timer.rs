//! How late a thread wakes up.

use std::thread;

use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};
use weaknet_core::{Span, Time};

use super::Effort;
use super::check::{Check, Figure, Limit, Question};
use crate::error::LiveError;
use crate::spans::Spans;
use crate::spin::LEAST;

const SLEEP: Question = Question {
    name: "timer_sleep",
    what: "wake-up after an absolute sleep",
    limits: &[
        Limit::at_most("p50_us", 100.0),
        Limit::at_most("p99_us", 500.0),
    ],
    because: "a worker that may not spin sends that late",
};

const SPIN: Question = Question {
    name: "timer_spin",
    what: "wake-up after a sleep and a spin",
    limits: &[
        Limit::at_most("p50_us", 10.0),
        Limit::at_most("p99_us", 250.0),
    ],
    because: "twice that is in every round trip, of which 500 us are the limit at p99",
};

/// Time between wake-ups.
const EVERY: Span = Span::from_millis(1);

pub(super) fn examine(effort: Effort) -> [Check; 2] {
    [(SLEEP, false), (SPIN, true)].map(|(question, spin)| {
        // A thread of its own, since timer slack is a thread's.
        let measured = thread::Builder::new()
            .spawn(move || measure(effort.waits, spin))
            .map_err(LiveError::system("start a thread"))
            .and_then(|thread| thread.join().map_err(|_| LiveError::Worker)?);
        question.answer(measured.map(|lateness| figures(&lateness)))
    })
}

fn figures(lateness: &Spans) -> Vec<Figure> {
    let quantiles = lateness.quantiles();
    let micros = |span: Span| span.as_nanos() as f64 / 1e3;
    vec![
        ("p50_us", micros(quantiles.p50)),
        ("p99_us", micros(quantiles.p99)),
        ("max_us", micros(quantiles.max)),
    ]
}

fn measure(waits: u32, spin: bool) -> Result<Spans, LiveError> {
    let _ = nix::sys::prctl::set_timerslack(1);
    let mut lateness = Spans::default();
    let early = if spin { LEAST } else { Span::ZERO };
    let mut due = now()?;
    for _ in 0..waits {
        due += EVERY;
        let wake = due.saturating_sub(early).since_start();
        let flags = ClockNanosleepFlags::TIMER_ABSTIME;
        // Woken by a signal it is just early, which a spin makes up for.
        let wake = std::time::Duration::from_nanos(wake.as_nanos()).into();
        let _ = clock_nanosleep(ClockId::CLOCK_MONOTONIC, flags, &wake);
        let mut woken = now()?;
        while woken < due {
            std::hint::spin_loop();
            woken = now()?;
        }
        lateness.record(woken.since(due));
        // A long absence is one late wake-up, not many.
        due = due.max(woken);
    }
    Ok(lateness)
}

fn now() -> Result<Time, LiveError> {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map_err(LiveError::system("read the monotonic clock"))?;
    let nanos = std::time::Duration::from(now).as_nanos();
    Ok(Time::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
}
