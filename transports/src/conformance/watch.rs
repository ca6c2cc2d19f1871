//! Watches a controller: after every call its output is checked, now and then
//! its named values.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::rule::Rule;
use crate::cc::{
    CcEvent, CcOutput, CongestionController, Constraints, Feedback, ProbeCluster, SentPacket,
    Visitor,
};

/// Runs what it is given; the number of allocations that this made.
pub type CountAllocations = fn(&mut dyn FnMut()) -> u64;

/// A smaller window lets no packet go.
const LEAST_WINDOW: Bytes = Bytes::new(64);
/// Values are looked at with every so many calls.
const VALUES_EVERY: u64 = 64;
/// Calls of a timer at one instant that do not move it on.
const TIMER_CALLS: u32 = 8;

/// The named values inside a controller.
#[must_use]
pub fn values(controller: &dyn CongestionController) -> Vec<(&'static str, f64)> {
    struct Values(Vec<(&'static str, f64)>);
    impl Visitor for Values {
        fn number(&mut self, name: &'static str, value: f64) {
            self.0.push((name, value));
        }
    }
    let mut values = Values(Vec::new());
    controller.snapshot(&mut values);
    values.0
}

/// One of them; NaN if there is none of that name.
#[must_use]
pub fn value(controller: &dyn CongestionController, name: &str) -> f64 {
    let values = values(controller);
    let found = values.iter().find(|(known, _)| *known == name);
    found.map_or(f64::NAN, |(_, value)| *value)
}

/// What was seen of a controller.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The call that was made last.
    pub(super) last: Option<(&'static str, Time)>,
    /// The first breach of each rule.
    pub(super) breaches: Vec<(Rule, String)>,
    pub(super) allocations: u64,
    /// The highest rate of a probe.
    pub(super) probed: Bitrate,
}

impl Log {
    fn breach(&mut self, rule: Rule, what: impl FnOnce() -> String) {
        if self.breaches.iter().any(|(known, _)| *known == rule) {
            return;
        }
        let (call, at) = self.last.unwrap_or(("the start", Time::ZERO));
        let what = format!("{}: after {call}: {}", seconds(at), what());
        self.breaches.push((rule, what));
    }
}

/// A moment for people.
pub(super) fn seconds(at: Time) -> String {
    format!("{:.3} s", at.as_secs_f64())
}

/// A log that a controller, its copies and the kit share.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedLog(Arc<Mutex<Log>>);

impl SharedLog {
    pub(super) fn get(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A controller under observation.
#[derive(Clone)]
pub(super) struct Watched {
    inner: Box<dyn CongestionController>,
    bounds: Option<Constraints>,
    calls: u64,
    /// Calls of the timer at this instant.
    timer: (Time, u32),
    log: SharedLog,
    count: Option<CountAllocations>,
}

impl Watched {
    pub(super) fn new(
        inner: Box<dyn CongestionController>,
        log: SharedLog,
        count: Option<CountAllocations>,
    ) -> Self {
        Self {
            inner,
            bounds: None,
            calls: 0,
            timer: (Time::ZERO, 0),
            log,
            count,
        }
    }

    fn call(
        &mut self,
        name: &'static str,
        at: Time,
        mut act: impl FnMut(&mut dyn CongestionController),
    ) {
        self.log.get().last = Some((name, at));
        let inner = self.inner.as_mut();
        if let Some(count) = self.count {
            self.log.get().allocations += count(&mut || act(inner));
        } else {
            act(inner);
        }
        self.calls += 1;
        self.check_output();
        if self.calls.is_multiple_of(VALUES_EVERY) {
            self.check_values();
        }
    }

    fn check_output(&self) {
        let output = self.inner.output();
        let mut log = self.log.get();
        if let Some(Constraints { min, max, .. }) = self.bounds {
            if let Some(target) = output.target.filter(|t| !(min..=max).contains(t)) {
                log.breach(Rule::Bounds, || {
                    format!("target {target}, allowed {min} to {max}")
                });
            }
            if output.target.is_none() && output.cwnd.is_none() {
                log.breach(Rule::Bounds, || "neither target nor window".to_owned());
            }
        }
        if output.cwnd.is_some_and(|cwnd| cwnd < LEAST_WINDOW) {
            log.breach(Rule::Bounds, || {
                format!("window {}", output.cwnd.unwrap_or_default())
            });
        }
        if !(0.0..=1.0).contains(&output.frame_drop) {
            log.breach(Rule::Finite, || format!("frame_drop {}", output.frame_drop));
        }
    }

    fn check_values(&self) {
        struct Finite<'a>(MutexGuard<'a, Log>);
        impl Visitor for Finite<'_> {
            fn number(&mut self, name: &'static str, value: f64) {
                if !value.is_finite() {
                    self.0.breach(Rule::Finite, || format!("{name} = {value}"));
                }
            }
        }
        self.inner.snapshot(&mut Finite(self.log.get()));
    }
}

impl CongestionController for Watched {
    fn on_sent(&mut self, packet: &SentPacket) {
        self.call("on_sent", packet.at, |inner| inner.on_sent(packet));
    }

    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        self.call("on_feedback", feedback.now, |c| c.on_feedback(feedback));
    }

    fn on_timer(&mut self, now: Time) {
        self.call("on_timer", now, |inner| inner.on_timer(now));
        let (at, calls) = self.timer;
        self.timer = (now, if at == now { calls + 1 } else { 1 });
        let next = self.inner.next_timer().filter(|next| *next <= now);
        if let Some(next) = next.filter(|_| self.timer.1 >= TIMER_CALLS) {
            self.log.get().breach(Rule::Timers, || {
                format!("called {TIMER_CALLS} times, still due at {}", seconds(next))
            });
        }
    }

    fn next_timer(&self) -> Option<Time> {
        self.inner.next_timer()
    }

    fn on_event(&mut self, now: Time, event: &CcEvent) {
        if let CcEvent::Start(bounds) | CcEvent::Constraints(bounds) = event {
            self.bounds = Some(*bounds);
        }
        let name = match event {
            CcEvent::Start(_) => "Start",
            CcEvent::Constraints(_) => "Constraints",
            CcEvent::RouteChange => "RouteChange",
            CcEvent::RetransmissionTimeout => "RetransmissionTimeout",
            _ => "on_event",
        };
        self.call(name, now, |inner| inner.on_event(now, event));
    }

    fn output(&self) -> CcOutput {
        self.inner.output()
    }

    fn decisions(&self) -> Option<u64> {
        self.inner.decisions()
    }

    fn poll_probe(&mut self) -> Option<ProbeCluster> {
        let probe = self.inner.poll_probe()?;
        let mut log = self.log.get();
        log.probed = log.probed.max(probe.rate);
        Some(probe)
    }

    fn capacity_window(&self) -> Option<Span> {
        self.inner.capacity_window()
    }

    fn snapshot(&self, visitor: &mut dyn Visitor) {
        self.inner.snapshot(visitor);
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}
