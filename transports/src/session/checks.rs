//! Connectivity and consent checks.
//!
//! Implements: the ping schedule of libwebrtc's `BasicIceController` and
//! `Connection` (July 2026) for one candidate pair: each check is sent once;
//! the first three and all until one is answered follow closely, then slower
//! until five are answered, then only to keep consent. A check that is not
//! answered makes the next one come sooner. Round-trip times are smoothed with
//! weight 1/4.

use std::collections::VecDeque;

use weaknet_core::{Span, Time};

use super::SessionConfig;

/// Checks at the fast interval, answered or not.
const FAST_CHECKS: u32 = 3;
/// Answers after which the round-trip time counts as known.
const STABLE_ANSWERS: u32 = 5;
/// Checks whose answers are still awaited.
const MAX_OPEN: usize = 64;

#[derive(Debug, Clone)]
pub(super) struct Checks {
    fast: Span,
    stabilising: Span,
    consent: Span,
    last: Option<Time>,
    sent: u32,
    answered: u32,
    open: VecDeque<(u32, Time)>,
    rtt: Option<Span>,
    start: Option<Time>,
}

impl Checks {
    pub(super) const fn new(config: &SessionConfig) -> Self {
        Self {
            fast: config.check_interval,
            stabilising: config.stabilising_interval,
            consent: config.consent_interval,
            last: None,
            sent: 0,
            answered: 0,
            open: VecDeque::new(),
            rtt: None,
            start: None,
        }
    }

    pub(super) const fn start(&mut self, now: Time) {
        self.start = Some(now);
    }

    pub(super) const fn is_connected(&self) -> bool {
        self.answered > 0
    }

    pub(super) const fn rtt(&self) -> Option<Span> {
        self.rtt
    }

    /// When the next check is due.
    pub(super) fn next(&self) -> Option<Time> {
        let start = self.start?;
        let Some(last) = self.last else {
            return Some(start);
        };
        let interval = if !self.is_connected() || self.sent < FAST_CHECKS {
            self.fast
        } else if self.answered < STABLE_ANSWERS || self.open.len() > 1 {
            self.stabilising
        } else {
            self.consent
        };
        Some(last + interval)
    }

    /// The check that is due now.
    pub(super) fn poll(&mut self, now: Time) -> Option<u32> {
        if self.next().is_none_or(|due| due > now) {
            return None;
        }
        let transaction = self.sent;
        self.sent = self.sent.wrapping_add(1);
        self.last = Some(now);
        if self.open.len() == MAX_OPEN {
            self.open.pop_front();
        }
        self.open.push_back((transaction, now));
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
        self.rtt = Some(self.rtt.map_or(sample, |rtt| (rtt * 3 + sample) / 4));
        self.answered = self.answered.saturating_add(1);
        self.answered == 1
    }
}
