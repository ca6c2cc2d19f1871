//! When a congestion controller lets a packet of messages go.
//!
//! Implements: the window on bytes in flight and pacing (RFC 9002, section 7.7) as
//! for bulk flows.
//! Not modelled: probes for more rate: messages do not fill them.

use weaknet_core::{Bytes, Span, Time};

use super::config::{MOST, packet_size};
use crate::bulk::pacer::StreamPacer;
use crate::cc::{CcEvent, CcOutput, CongestionController, Constraints};
use crate::transport::{SendHistory, WindowRate};

/// Packets that may leave in a row (RFC 9002, section 7.7: the initial window).
const BURST: u32 = 10;

/// A controller and what follows from it.
pub(super) struct Gate {
    pub(super) controller: Box<dyn CongestionController>,
    constraints: Constraints,
    output: CcOutput,
    pub(super) rate: WindowRate,
    pacer: StreamPacer,
}

/// A packet of full size.
fn full() -> Bytes {
    Bytes::new(u64::from(packet_size(&[], false) + u32::from(MOST)))
}

impl Gate {
    pub(super) fn new(controller: Box<dyn CongestionController>, constraints: Constraints) -> Self {
        let output = controller.output();
        Self {
            rate: WindowRate::of(&output, None, constraints.start, WindowRate::GAIN),
            output,
            controller,
            constraints,
            pacer: StreamPacer::default(),
        }
    }

    pub(super) fn start(&mut self, now: Time) {
        for event in [
            CcEvent::Mtu(full()),
            CcEvent::Allocated {
                min: self.constraints.min,
                max: self.constraints.max,
            },
            CcEvent::Start(self.constraints),
        ] {
            self.controller.on_event(now, &event);
        }
    }

    /// Takes over what the controller has decided; whether its rates have changed.
    pub(super) fn follow(&mut self, now: Time, rtt: Span) -> bool {
        while self.controller.poll_probe().is_some() {}
        self.output = self.controller.output();
        let start = self.constraints.start;
        let rate = WindowRate::of(&self.output, Some(rtt), start, WindowRate::GAIN);
        let changed = rate != self.rate;
        if changed {
            self.rate = rate;
            self.pacer.on_rate(now, rate.pacing, full(), BURST);
        }
        changed
    }

    /// When a packet may go, if the window allows it.
    pub(super) fn next_departure(&self, history: &SendHistory) -> Option<Time> {
        let in_flight = history.in_flight();
        let room = |cwnd| in_flight == Bytes::ZERO || in_flight + full() <= cwnd;
        let open = self.output.cwnd.is_none_or(room);
        open.then(|| self.pacer.next(self.rate.pacing, full(), BURST))
    }

    /// The codepoint that packets shall have.
    pub(super) const fn ecn(&self) -> weaknet_core::packet::Ecn {
        self.output.ecn
    }

    pub(super) fn on_departure(&mut self, now: Time, size: Bytes) {
        self.pacer.on_sent(now, self.rate.pacing, size);
    }
}
