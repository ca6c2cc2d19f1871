//! A continuous-time chain of states, each with its own rate, loss and delay:
//! in a bad state all three are bad together.
//!
//! A state lasts for an exponential time; the next one is any of the others
//! with the same probability, so that the share of time in a state is its mean
//! time over the sum of all.

use std::fmt::Display;
use std::str::FromStr;

use weaknet_core::rng::exponential_quantile;
use weaknet_core::{Bitrate, Ratio, Span, Streams};
use weaknet_netem::trace::Segment;

use super::{MOST_SEGMENTS, SynthError};

/// A state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// How much the link carries in it.
    pub rate: Bitrate,
    /// Mean time in it.
    pub mean: Span,
    /// Share of packets lost in it.
    pub loss: Option<Ratio>,
    /// How long packets travel in it.
    pub delay: Option<Span>,
}

/// `5Mbps:4s`, `1Mbps:2s:3%` or `1Mbps:2s:3%:120ms`.
impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let (rate, mean, more) = match parts.as_slice() {
            [rate, mean, more @ ..] if more.len() <= 2 => (rate, mean, more),
            _ => {
                return Err(format!(
                    "`{text}` is no state: expected RATE:TIME[:LOSS[:DELAY]]"
                ));
            }
        };
        Ok(Self {
            rate: quantity(rate)?,
            mean: quantity(mean)?,
            loss: more.first().map(|text| quantity(text)).transpose()?,
            delay: more.get(1).map(|text| quantity(text)).transpose()?,
        })
    }
}

fn quantity<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// The chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Markov {
    /// Its states; it begins in the first.
    pub states: Vec<State>,
}

impl Markov {
    pub(super) fn generate(
        &self,
        length: Span,
        streams: &Streams,
    ) -> Result<Vec<Segment>, SynthError> {
        let states = &self.states;
        if states.len() < 2 {
            return Err(SynthError::new(
                "a Markov chain needs two states or more, each with a rate and a mean time",
            ));
        }
        if states.iter().any(|state| state.mean < Span::from_millis(1)) {
            return Err(SynthError::new("a state lasts for less than 1ms"));
        }
        if states
            .iter()
            .any(|state| state.loss.is_some_and(|loss| loss > Ratio::ONE))
        {
            return Err(SynthError::new("a state loses more than 100%"));
        }
        let mut draws = streams.sequence("synth", "states");
        let (mut at, mut current) = (Span::ZERO, 0);
        let mut segments = Vec::new();
        while at < length {
            if segments.len() as u64 >= MOST_SEGMENTS {
                return Err(SynthError::new(
                    "the trace has more than 50 million segments",
                ));
            }
            let state = &states[current];
            segments.push(Segment {
                start: at,
                rate: Some(state.rate),
                loss: state.loss,
                delay: state.delay,
                jitter: None,
            });
            let seconds = exponential_quantile(draws.unit(), state.mean.as_secs_f64());
            at += whole_millis(seconds);
            let other = (draws.unit() * (states.len() - 1) as f64) as usize;
            current = (current + 1 + other) % states.len();
        }
        Ok(segments)
    }
}

/// Traces count in milliseconds; nothing takes less than one.
pub(super) fn whole_millis(seconds: f64) -> Span {
    Span::from_millis(libm::round(seconds * 1e3).clamp(1.0, 1e12) as u64)
}
