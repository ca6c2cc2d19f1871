//! Connectivity and consent checks of one candidate pair.
//!
//! Implements: the ping schedule of libwebrtc's `BasicIceController` and
//! `Connection` (July 2026) for one candidate pair: each check is sent once;
//! the first three and all until one is answered follow closely, then slower
//! until five are answered, then only to keep consent. A check that is not
//! answered makes the next one come sooner. Round-trip times are smoothed with
//! weight 1/4. When outages matter, `Connection::UpdateState` says when a pair
//! stops to work and has failed, `Connection::dead` when it is given up, and a
//! pair that does not work or receive is checked as often as a new one.
//! Differs: a pair is checked as often beside another one as alone.

use std::collections::VecDeque;

use weaknet_core::{Span, Time};

use super::{OnOutage, SessionConfig};

/// Checks at the fast interval, answered or not.
const FAST_CHECKS: u32 = 3;
/// Answers after which the round-trip time counts as known.
const STABLE_ANSWERS: u32 = 5;
/// Checks whose answers are still awaited.
const MAX_OPEN: usize = 64;
/// Checks without answer before a pair stops to work (libwebrtc
/// `kConnectionWriteConnectFailures`).
const UNWRITABLE_CHECKS: u32 = 5;
/// Least time for the last of them to be answered (libwebrtc `kMinimumRtt`).
const MIN_ANSWER_TIME: Span = Span::from_millis(100);

/// What a pair is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PairState {
    /// No check has been answered yet.
    New,
    /// It works.
    Writable,
    /// It does not work any more.
    Unwritable,
    /// It has not worked for so long that ICE has failed, if it is the last.
    Failed,
    /// It is not checked any more.
    Dead,
}

/// When an end that is not heard of is given up.
#[derive(Debug, Clone, Copy)]
struct Timeouts {
    /// A pair that works does so for ever.
    lasting: bool,
    receiving: Span,
    unwritable: Span,
    inactive: Span,
    dead: Span,
}

#[derive(Debug, Clone)]
pub(super) struct Checks {
    fast: Span,
    stabilising: Span,
    consent: Span,
    timeouts: Option<Timeouts>,
    last: Option<Time>,
    sent: u32,
    /// Checks before the last restart.
    before: u32,
    answered: u32,
    open: VecDeque<(u32, Time)>,
    rtt: Option<Span>,
    start: Option<Time>,
    /// When anything came last.
    heard: Option<Time>,
    /// Checks since the last answer, when the first of them left, and when the
    /// last one left that counts.
    unanswered: u32,
    first_unanswered: Option<Time>,
    last_counted: Time,
}

impl Checks {
    pub(super) fn new(config: &SessionConfig) -> Self {
        Self {
            fast: config.check_interval,
            stabilising: config.stabilising_interval,
            consent: config.consent_interval,
            timeouts: config.is_watched().then_some(Timeouts {
                lasting: config.on_outage == OnOutage::Ignore,
                receiving: config.receiving_timeout,
                unwritable: config.unwritable_timeout,
                inactive: config.inactive_timeout,
                dead: config.dead_timeout,
            }),
            last: None,
            sent: 0,
            before: 0,
            answered: 0,
            open: VecDeque::new(),
            rtt: None,
            start: None,
            heard: None,
            unanswered: 0,
            first_unanswered: None,
            last_counted: Time::ZERO,
        }
    }

    pub(super) const fn start(&mut self, now: Time) {
        self.start = Some(now);
    }

    /// The same pair under new credentials: answers to older checks are none.
    pub(super) fn restart(&mut self, config: &SessionConfig) {
        let sent = self.sent;
        *self = Self::new(config);
        (self.sent, self.before) = (sent, sent);
    }

    pub(super) const fn is_connected(&self) -> bool {
        self.answered > 0
    }

    pub(super) const fn has_started(&self) -> bool {
        self.start.is_some()
    }

    pub(super) const fn rtt(&self) -> Option<Span> {
        self.rtt
    }

    /// Something came over this pair.
    pub(super) const fn on_heard(&mut self, now: Time) {
        self.heard = Some(now);
    }

    /// The timeouts that count now.
    fn timeouts(&self) -> Option<&Timeouts> {
        let lasts = |timeouts: &&Timeouts| timeouts.lasting && self.is_connected();
        self.timeouts.as_ref().filter(|timeouts| !lasts(timeouts))
    }

    /// When the pair stops to work if no check is answered until then.
    fn unwritable_at(&self) -> Option<Time> {
        let timeouts = self.timeouts()?;
        let first = self.first_unanswered.filter(|_| self.is_connected())?;
        if self.unanswered < UNWRITABLE_CHECKS {
            return None;
        }
        let answer_time = (self.rtt.unwrap_or_default() * 2).max(MIN_ANSWER_TIME);
        Some((first + timeouts.unwritable).max(self.last_counted + answer_time))
    }

    fn failed_at(&self) -> Option<Time> {
        Some(self.first_unanswered? + self.timeouts()?.inactive)
    }

    fn dead_at(&self) -> Option<Time> {
        if !self.is_connected() {
            return self.failed_at();
        }
        let dead = self.timeouts()?.dead;
        let first = self.first_unanswered?;
        Some(self.heard.map_or(first, |heard| heard.max(first)) + dead)
    }

    pub(super) fn state(&self, now: Time) -> PairState {
        let passed = |at: Option<Time>| at.is_some_and(|at| at <= now);
        let unwritable = !self.is_connected() || passed(self.unwritable_at());
        if passed(self.dead_at()) {
            PairState::Dead
        } else if unwritable && passed(self.failed_at()) {
            PairState::Failed
        } else if !self.is_connected() {
            PairState::New
        } else if unwritable {
            PairState::Unwritable
        } else {
            PairState::Writable
        }
    }

    /// When [`Self::state`] changes next without an answer.
    pub(super) fn next_change(&self, now: Time) -> Option<Time> {
        [self.unwritable_at(), self.failed_at(), self.dead_at()]
            .into_iter()
            .flatten()
            .filter(|at| *at > now)
            .min()
    }

    /// When the next check is due.
    pub(super) fn next(&self) -> Option<Time> {
        let start = self.start?;
        let Some(last) = self.last else {
            return Some(start);
        };
        if self.dead_at().is_some_and(|at| at <= last) {
            return None;
        }
        let interval = if !self.is_connected() || self.sent - self.before < FAST_CHECKS {
            self.fast
        } else if self.answered < STABLE_ANSWERS || self.open.len() > 1 {
            self.stabilising
        } else {
            self.consent
        };
        let soonest = last + self.fast;
        let weak = self.weak_at().map(|at| at.max(soonest));
        Some(weak.map_or(last + interval, |at| at.min(last + interval)))
    }

    /// From when on the pair has to be checked closely.
    fn weak_at(&self) -> Option<Time> {
        let timeouts = self.timeouts()?;
        let heard = self.heard.filter(|_| !self.open.is_empty());
        let silent = heard.map(|heard| heard + timeouts.receiving);
        [silent, self.unwritable_at()].into_iter().flatten().min()
    }

    /// The check that is due now.
    pub(super) fn poll(&mut self, now: Time) -> Option<u32> {
        if self.next().is_none_or(|due| due > now) {
            return None;
        }
        let transaction = self.sent;
        self.sent = self.sent.saturating_add(1);
        self.last = Some(now);
        if self.open.len() == MAX_OPEN {
            self.open.pop_front();
        }
        self.open.push_back((transaction, now));
        self.first_unanswered.get_or_insert(now);
        if self.unanswered < UNWRITABLE_CHECKS {
            self.unanswered += 1;
            self.last_counted = now;
        }
        Some(transaction)
    }

    /// Takes an answer; whether it is the first one.
    pub(super) fn on_response(&mut self, now: Time, transaction: u32) -> bool {
        let Some(position) = self.open.iter().position(|(open, _)| *open == transaction) else {
            return false;
        };
        let sample = self
            .open
            .get(position)
            .map_or(Span::ZERO, |(_, sent)| now.since(*sent));
        // An answer settles the checks before it too.
        self.open.drain(..=position);
        (self.unanswered, self.first_unanswered) = (0, None);
        self.rtt = Some(self.rtt.map_or(sample, |rtt| (rtt * 3 + sample) / 4));
        self.answered = self.answered.saturating_add(1);
        self.answered == 1
    }
}
