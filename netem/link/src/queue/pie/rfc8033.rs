//! PIE in the form of RFC 8033: real numbers, each part as its section has it.

use weaknet_core::{Span, Time};

use super::chance::{Spread, q32};
use super::controller::{Controller, Gains};
use super::discipline::Algorithm;
use super::latency::Estimate;

pub(super) struct Rfc8033 {
    pub(super) gains: Gains,
    pub(super) mtu: u64,
    /// Probability below which capable packets are marked; `None`: never.
    pub(super) mark_below: Option<f64>,
    pub(super) spread: Option<Spread>,
    pub(super) controller: Controller,
    pub(super) estimate: Estimate,
}

impl Rfc8033 {
    pub(super) fn delay(&self, waiting: u64) -> Span {
        self.estimate.delay(waiting)
    }
}

impl Algorithm for Rfc8033 {
    fn update(&mut self, waiting: u64) -> bool {
        let delay = self.delay(waiting);
        let before = self.controller.clone();
        self.controller.update(&self.gains, delay);
        self.controller != before
    }

    fn arrive(&mut self, waiting: u64) {
        let delay = self.delay(waiting);
        self.controller.arrive(&self.gains, delay);
    }

    fn acts(&mut self, waiting: u64, draw: u64) -> bool {
        if self.controller.is_safe(&self.gains, waiting, self.mtu) {
            return false;
        }
        let probability = q32(self.controller.probability);
        let draw = (draw >> 32) as u32;
        let chosen = match &mut self.spread {
            Some(spread) => spread.decide(probability, draw),
            None => u64::from(draw) < probability,
        };
        chosen && self.controller.burst.is_zero()
    }

    fn may_mark(&self) -> bool {
        let probability = self.controller.probability;
        self.mark_below
            .is_some_and(|threshold| probability < threshold)
    }

    fn marked(&mut self) {
        self.dropped();
    }

    fn dropped(&mut self) {
        if let Some(spread) = &mut self.spread {
            spread.restart();
        }
    }

    fn depart(&mut self, now: Time, arrived: Time, size: u32, left: u64) {
        self.estimate.depart(now, now - arrived, size, left);
    }
}
