//! The score of what was recorded: that of the links.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use weaknet_core::event::EventSink as _;
use weaknet_core::{Span, Time};

use super::recording::{RecordingError, Row, What};
use super::setup::{Setup, SetupError};
use crate::metrics::{LinkFacts, RunFacts};
use crate::registry::Registry;
use crate::runner::{Observer, Outcome, RunError};

/// Rows are at most so far from the order of time: a worker may be late by that.
const DISORDER: Span = Span::from_secs(5);

/// Why a recording could not be scored.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// It cannot be read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// Its network cannot be built.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// Nobody can watch it.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Scores and series of a run that lasted until `end`, from its rows; `changes` are
/// those that were made, by time.
///
/// # Errors
/// See [`ScoreError`].
pub fn score(
    setup: &Setup,
    changes: &[(Time, Vec<String>)],
    rows: impl Iterator<Item = Result<Row, RecordingError>>,
    end: Time,
    registry: &Registry,
) -> Result<Outcome, ScoreError> {
    let facts = RunFacts {
        duration: end,
        from: Time::ZERO,
        to: end,
        flows: Vec::new(),
        links: links(setup, changes, registry)?,
    };
    let case = setup.until(end);
    let mut observer = Observer::new(&case, &facts, registry)?;
    let mut waiting = BinaryHeap::new();
    let mut newest = Time::ZERO;
    for (number, row) in (0_u64..).zip(rows) {
        let row = row?;
        newest = newest.max(row.at);
        if let Some(event) = row.event() {
            waiting.push(Waiting {
                key: Reverse((row.at, number)),
                event,
            });
        }
        while waiting
            .peek()
            .is_some_and(|first| first.key.0.0 + DISORDER < newest)
        {
            tell(&mut observer, waiting.pop());
        }
    }
    while let Some(first) = waiting.pop() {
        tell(&mut observer, Some(first));
    }
    Ok(observer.finish())
}

fn tell(observer: &mut Observer<'_>, waiting: Option<Waiting>) {
    if let Some(Waiting { key, event }) = waiting {
        observer.event(key.0.0, &event);
    }
}

/// An event and its place in the order.
struct Waiting {
    key: Reverse<(Time, u64)>,
    event: weaknet_core::Event,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

/// Links whose capacity is that of the network in force at each time.
fn links(
    setup: &Setup,
    changes: &[(Time, Vec<String>)],
    registry: &Registry,
) -> Result<Vec<LinkFacts>, SetupError> {
    let mut stages = vec![(Time::ZERO, setup.facts()?)];
    for (at, sets) in changes {
        stages.push((*at, setup.with(sets, registry)?.facts()?));
    }
    let mut links: Vec<Vec<(Time, LinkFacts)>> = Vec::new();
    for (at, facts) in stages {
        links.resize_with(facts.len(), Vec::new);
        for (stages, facts) in links.iter_mut().zip(facts) {
            stages.push((at, facts));
        }
    }
    let link = |stages: Vec<(Time, LinkFacts)>| {
        let name = stages
            .first()
            .map_or_else(String::new, |(_, facts)| facts.name.clone());
        let capacity = move |from: Time, to: Time| {
            let ends = stages.iter().skip(1).map(|(at, _)| *at).chain([Time::MAX]);
            let mut bits = 0.0;
            for ((begins, facts), ends) in stages.iter().zip(ends) {
                let (from, to) = (from.max(*begins), to.min(ends));
                if from < to {
                    bits += (facts.capacity)(from, to)?;
                }
            }
            Some(bits)
        };
        LinkFacts {
            name,
            capacity: Box::new(capacity),
        }
    };
    Ok(links.into_iter().map(link).collect())
}

/// The changes among rows, by time; of those made to both links the first.
#[must_use]
pub fn changes(rows: &[Row]) -> Vec<(Time, Vec<String>)> {
    let sets = rows.iter().filter_map(|row| match &row.what {
        What::Set(sets) => Some((row.at, sets.clone())),
        _ => None,
    });
    let mut changes: Vec<(Time, Vec<String>)> = sets.collect();
    changes.sort_by_key(|(at, _)| *at);
    changes.dedup_by(|(_, later), (_, earlier)| later == earlier);
    changes
}
