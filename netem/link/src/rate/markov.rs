//! A rate that jumps between states at random times, as radio conditions do.
//!
//! Implements: a continuous-time Markov chain. Each visit to a state lasts an
//! exponentially distributed time; then another state follows, by the given
//! probabilities or any other one with the same probability. The chain starts
//! in the first state. Its path follows from the seed alone, whatever is sent.
//! In the long run state i has the share pi(i) mean(i) / sum of all, where pi
//! is the stationary distribution of the jumps.
//! Differs: visits last whole nanoseconds, one at least.

use std::cell::RefCell;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::{Draws, exponential_quantile};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Ratio, Span, Time};

use super::curve::WORK_PER_BYTE;
use super::progress::Progress;
use crate::model::{Rate, RateModel};
use crate::timeline::Piece;

/// Keeps the number of visits in a run within reason.
const SHORTEST_MEAN: Span = Span::from_micros(100);

/// A state of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkovState {
    /// The rate in this state; 0bps allowed.
    pub rate: Bitrate,
    /// Mean length of a visit, 100 us or more.
    pub mean: Span,
}

/// A rate that jumps between states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"states": [{"rate": "5Mbps", "mean": "10s"}, {"rate": "300kbps", "mean": "2s"}]}]))]
pub struct MarkovRate {
    /// Two states or more; it starts in the first one.
    pub states: Vec<MarkovState>,
    /// Where a visit leads to: for each state a row of probabilities, one for
    /// each state, that add up to 100%, with 0% for the state itself. Unset:
    /// any other state, all with the same probability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transitions: Option<Vec<Vec<Ratio>>>,
}

impl Default for MarkovRate {
    fn default() -> Self {
        let state = |rate, mean| MarkovState {
            rate: Bitrate::from_kbps(rate),
            mean: Span::from_secs(mean),
        };
        Self {
            states: vec![state(5_000, 10), state(300, 2)],
            transitions: None,
        }
    }
}

impl MarkovRate {
    fn check_states(&self) -> Result<(), BuildError> {
        if self.states.len() < 2 {
            let message = "expected two states or more: a single one is a constant rate";
            return Err(BuildError::field("states", message));
        }
        match self.states.iter().position(|s| s.mean < SHORTEST_MEAN) {
            Some(i) => Err(BuildError::field(
                format!("states.{i}.mean"),
                format!(
                    "expected {SHORTEST_MEAN} or more, found {}",
                    self.states[i].mean
                ),
            )),
            None => Ok(()),
        }
    }

    /// The probabilities of all jumps.
    fn jumps(&self) -> Result<Vec<Vec<f64>>, BuildError> {
        let n = self.states.len();
        let Some(rows) = &self.transitions else {
            let even = 1.0 / (n - 1) as f64;
            let row = |i| (0..n).map(|j| if i == j { 0.0 } else { even }).collect();
            return Ok((0..n).map(row).collect());
        };
        if rows.len() != n {
            let message = format!(
                "expected {n} rows, one for each state, found {}",
                rows.len()
            );
            return Err(BuildError::field("transitions", message));
        }
        for (i, row) in rows.iter().enumerate() {
            let sum: Ratio = row.iter().copied().sum();
            // Thirds cannot be written down exactly.
            let whole = sum.ppb().abs_diff(Ratio::ONE.ppb()) <= n as u64;
            if row.len() != n || row[i] != Ratio::ZERO || !whole {
                let message = format!(
                    "expected {n} shares that add up to 100%, with 0% for the state itself"
                );
                return Err(BuildError::field(format!("transitions.{i}"), message));
            }
        }
        let share = |row: &Vec<Ratio>| row.iter().map(|share| share.as_f64()).collect();
        Ok(rows.iter().map(share).collect())
    }

    /// Refuses a chain that can stay at 0bps for ever.
    fn check_life(&self, jumps: &[Vec<f64>]) -> Result<(), BuildError> {
        let mut alive: Vec<bool> = self.states.iter().map(|s| !s.rate.is_zero()).collect();
        for _ in 0..alive.len() {
            for (i, row) in jumps.iter().enumerate() {
                let leads = |(p, alive): (&f64, &bool)| *p > 0.0 && *alive;
                alive[i] = alive[i] || row.iter().zip(&alive).any(leads);
            }
        }
        match alive.iter().position(|alive| !alive) {
            Some(i) => Err(BuildError::field(
                format!("states.{i}"),
                "expected a way from here to a state above 0bps",
            )),
            None => Ok(()),
        }
    }
}

impl Plugin for MarkovRate {
    type Kind = Rate;
    const NAME: &'static str = "markov";
    const SUMMARY: &'static str = "a rate that jumps between states at random times";
    const REFERENCES: &'static [&'static str] = &[
        "Anick, Mitra and Sondhi, Bell System Technical Journal 61(8), 1982: Markov-modulated rates",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn RateModel>, BuildError> {
        self.check_states()?;
        let jumps = self.jumps()?;
        self.check_life(&jumps)?;
        let first = self
            .states
            .iter()
            .map(|s| s.rate)
            .find(|rate| !rate.is_zero());
        let mut path = Path {
            draws: cx.streams.draws(cx.path, "rate"),
            states: self.states.clone(),
            jumps,
            visits: Vec::new(),
            next: Visit {
                start: 0,
                rate: Bitrate::ZERO,
                limit: first.unwrap_or_default(),
                done: 0,
            },
            state: 0,
        };
        path.enter(0);
        Ok(Box::new(MarkovServer {
            path: RefCell::new(path),
            progress: Progress::default(),
            service: 0,
            limit: 0,
        }))
    }
}

/// A visit to a state.
#[derive(Debug, Clone, Copy)]
struct Visit {
    start: u64,
    rate: Bitrate,
    /// Its rate or, at 0bps, the last other one.
    limit: Bitrate,
    /// Work done before it.
    done: u128,
}

/// The path of the chain as far as anybody asked.
struct Path {
    draws: Draws,
    states: Vec<MarkovState>,
    jumps: Vec<Vec<f64>>,
    visits: Vec<Visit>,
    /// The visit after the last one of `visits`, and its state.
    next: Visit,
    state: usize,
}

impl Path {
    /// Makes the next visit one to this state.
    fn enter(&mut self, state: usize) {
        self.state = state;
        let rate = self.states[state].rate;
        self.next.rate = rate;
        if !rate.is_zero() {
            self.next.limit = rate;
        }
    }

    /// Follows the chain until the visit at `at` is known, with its end.
    fn extend(&mut self, at: u64) {
        while self.next.start <= at && self.next.start < u64::MAX {
            // Visit number i lasts by draw 2i and leads on by draw 2i+1.
            let draw = (self.visits.len() as u64).wrapping_mul(2);
            let mean = self.states[self.state].mean.as_nanos() as f64;
            let length = exponential_quantile(self.draws.unit(draw), mean) as u64;
            let end = self.next.start.saturating_add(length.max(1));
            let length = end - self.next.start;
            self.visits.push(self.next);
            self.next.done += u128::from(self.next.rate.as_bps()) * u128::from(length);
            self.next.start = end;
            let state = self.follow(self.draws.unit(draw.wrapping_add(1)));
            self.enter(state);
        }
    }

    /// The state that a uniform draw leads to.
    fn follow(&self, draw: f64) -> usize {
        let mut left = draw;
        let mut state = self.state;
        for (target, p) in self.jumps[self.state].iter().enumerate() {
            if *p > 0.0 {
                state = target;
                left -= p;
                if left < 0.0 {
                    break;
                }
            }
        }
        state
    }

    /// The visit at `at` and its end. `position` remembers the place.
    fn visit(&mut self, position: &mut usize, at: Time) -> (Visit, Time) {
        let at = at.as_nanos();
        self.extend(at);
        while self
            .visits
            .get(*position + 1)
            .is_some_and(|v| v.start <= at)
        {
            *position += 1;
        }
        let end = self.visits.get(*position + 1).unwrap_or(&self.next).start;
        (self.visits[*position], Time::from_nanos(end))
    }

    /// Work done before `at`.
    fn work(&mut self, at: Time) -> u128 {
        let at = at.as_nanos();
        self.extend(at);
        let index = self.visits.partition_point(|v| v.start <= at) - 1;
        let Visit {
            start, rate, done, ..
        } = self.visits[index];
        done + u128::from(rate.as_bps()) * u128::from(at - start)
    }
}

struct MarkovServer {
    path: RefCell<Path>,
    progress: Progress,
    /// Visits last looked up.
    service: usize,
    limit: usize,
}

impl RateModel for MarkovServer {
    fn serve(&mut self, start: Time, bytes: u32, _: bool) -> Time {
        let work = u128::from(bytes) * u128::from(WORK_PER_BYTE);
        let (path, position) = (self.path.get_mut(), &mut self.service);
        self.progress.serve(start, work, |at| {
            let (visit, end) = path.visit(position, at);
            Piece {
                value: visit.rate,
                end,
            }
        })
    }

    fn rate_at(&mut self, now: Time) -> Option<Bitrate> {
        let (visit, _) = self.path.get_mut().visit(&mut self.limit, now);
        Some(visit.limit)
    }

    fn capacity(&self, from: Time, to: Time) -> Option<f64> {
        let mut path = self.path.borrow_mut();
        let before = path.work(from);
        Some(path.work(to).saturating_sub(before) as f64 / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::build_seeded;

    fn build(config: &MarkovRate, seed: u64) -> Result<Box<dyn RateModel>, String> {
        build_seeded(config, seed)
            .map_err(|e| format!("{}: {e}", e.field.as_deref().unwrap_or_default()))
    }

    fn states(list: &[(&str, &str)]) -> Vec<MarkovState> {
        let state = |(rate, mean): &(&str, &str)| MarkovState {
            rate: rate.parse().unwrap(),
            mean: mean.parse().unwrap(),
        };
        list.iter().map(state).collect()
    }

    fn three(transitions: Option<[[&str; 3]; 3]>) -> MarkovRate {
        let row = |row: [&str; 3]| row.map(|share| share.parse().unwrap()).to_vec();
        MarkovRate {
            states: states(&[("5Mbps", "100ms"), ("1Mbps", "50ms"), ("0bps", "20ms")]),
            transitions: transitions.map(|rows| rows.map(row).to_vec()),
        }
    }

    #[test]
    fn the_long_run_is_that_of_theory() {
        // Good leads to fair, fair to either, dead to good: pi = (2, 2, 1) / 5,
        // a round of 5 visits takes 320 ms and carries 1.1 Mbit on average.
        let config = three(Some([
            ["0%", "100%", "0%"],
            ["50%", "0%", "50%"],
            ["100%", "0%", "0%"],
        ]));
        let link = build(&config, 3).unwrap();
        let hours = Time::from_secs(100_000);
        let mean = link.capacity(Time::ZERO, hours).unwrap() / 1e5;
        let theory = 1.1e6 / 0.32;
        // Rounds are from good to good. Exactly: a round is good, fair, then
        // dead or not: work W = 5 G + F Mbit, time T = G + F + B D. By the
        // renewal-reward theorem the variance per second is
        // Var(W - m T) / E(T), where m = 3.4375: (5 - m)^2 0.01 +
        // (1 - m)^2 0.0025 + m^2 (2 0.5 - 0.25) 0.0004 = 0.04281 per 0.16 s.
        let error = 1e6 * (0.042_812_5f64 / 0.16 / 1e5).sqrt();
        assert!(
            (mean - theory).abs() < 4.5 * error,
            "{mean} {theory} {error}"
        );
    }

    #[test]
    fn the_path_does_not_depend_on_traffic() {
        let config = three(None);
        let (mut busy, idle) = (build(&config, 5).unwrap(), build(&config, 5).unwrap());
        let mut now = Time::ZERO;
        let mut bits = 0.0;
        for _ in 0..20_000 {
            now = busy.serve(now, 1_500, true);
            bits += 12_000.0;
            let _ = busy.rate_at(now);
        }
        // A server that is always busy does all the work that there is.
        let capacity = idle.capacity(Time::ZERO, now).unwrap();
        assert_eq!(busy.capacity(Time::ZERO, now), Some(capacity));
        assert!(
            capacity >= bits && capacity < bits + 0.01,
            "{capacity} {bits}"
        );
        assert_ne!(
            build(&config, 6).unwrap().capacity(Time::ZERO, now),
            Some(capacity)
        );
    }

    #[test]
    fn limits_remember_the_last_rate_above_zero() {
        let config = MarkovRate {
            states: states(&[("0bps", "100us"), ("2Mbps", "100us")]),
            transitions: None,
        };
        let mut link = build(&config, 1).unwrap();
        for us in 0..10_000 {
            let rate = link.rate_at(Time::from_micros(us));
            assert_eq!(rate, Some(Bitrate::from_mbps(2)));
        }
    }

    #[test]
    fn refuses_what_is_no_chain() {
        let error = |config: MarkovRate| build(&config, 1).err().unwrap();
        let mut one = three(None);
        one.states.truncate(1);
        assert!(error(one).starts_with("states: expected two states"));
        let mut quick = three(None);
        quick.states[1].mean = Span::from_micros(99);
        assert_eq!(
            error(quick),
            "states.1.mean: expected 100us or more, found 99us"
        );
        let loops = [
            ["0%", "100%", "0%"],
            ["1%", "99%", "0%"],
            ["0%", "100%", "0%"],
        ];
        assert!(error(three(Some(loops))).starts_with("transitions.1: "));
        let short = [
            ["0%", "99%", "0%"],
            ["50%", "0%", "50%"],
            ["0%", "100%", "0%"],
        ];
        assert!(error(three(Some(short))).starts_with("transitions.0: "));
        let mut dead = three(None);
        for state in &mut dead.states {
            state.rate = Bitrate::ZERO;
        }
        assert!(error(dead).starts_with("states.0: expected a way"));
        let mut trap = three(Some([
            ["0%", "0%", "100%"],
            ["0%", "0%", "100%"],
            ["0%", "100%", "0%"],
        ]));
        trap.states[1].rate = Bitrate::ZERO;
        assert!(error(trap).starts_with("states.1: expected a way"));
    }
}
