//! What is on the dashboard: the latest snapshot, the seconds before it, and the
//! choices of whoever watches.

use std::collections::VecDeque;

use super::super::snapshot::{Direction, Snapshot};

/// Seconds that are kept: more than a terminal has columns.
const KEPT: usize = 512;

/// Which directions keys change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Chosen {
    #[default]
    Both,
    Forward,
    Backward,
}

impl Chosen {
    pub(super) const fn next(self) -> Self {
        match self {
            Self::Both => Self::Forward,
            Self::Forward => Self::Backward,
            Self::Backward => Self::Both,
        }
    }

    /// The chosen directions of a snapshot, by the names that `--set` uses.
    pub(super) fn of(self, snapshot: &Snapshot) -> Vec<(&'static str, &Direction)> {
        let forward = ("forward", &snapshot.forward);
        let backward = ("backward", &snapshot.backward);
        match self {
            Self::Both => vec![forward, backward],
            Self::Forward => vec![forward],
            Self::Backward => vec![backward],
        }
    }
}

/// One figure, second by second.
#[derive(Debug, Clone, Default)]
pub(super) struct Series(VecDeque<f64>);

impl Series {
    fn push(&mut self, value: f64) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(value);
    }

    /// The last `count` values.
    pub(super) fn last(&self, count: usize) -> impl Iterator<Item = f64> {
        let skipped = self.0.len().saturating_sub(count);
        self.0.iter().skip(skipped).copied()
    }
}

/// The figures of a direction that are drawn as curves.
#[derive(Debug, Clone, Default)]
pub(super) struct Past {
    pub(super) rate: Series,
    pub(super) queue: Series,
    pub(super) delay: Series,
    pub(super) loss: Series,
}

impl Past {
    fn push(&mut self, direction: &Direction) {
        self.rate.push(direction.out_bps as f64);
        self.queue.push(direction.queue_delay_ms);
        let delay = direction.one_way_delay_ms;
        self.delay.push(delay.map_or(0.0, |delay| delay.p95));
        self.loss.push(direction.loss);
    }
}

/// What came of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Done(String),
    Failed(String),
}

/// All that is shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Board {
    pub(super) latest: Option<Snapshot>,
    /// Of `forward` and of `backward`.
    pub(super) past: [Past; 2],
    pub(super) chosen: Chosen,
    pub(super) said: Option<Said>,
}

impl Board {
    pub(super) fn push(&mut self, snapshot: Snapshot) {
        let [forward, backward] = &mut self.past;
        forward.push(&snapshot.forward);
        backward.push(&snapshot.backward);
        self.latest = Some(snapshot);
    }
}
