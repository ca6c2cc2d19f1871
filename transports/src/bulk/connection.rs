//! What a bulk sender knows of one connection.

use std::collections::VecDeque;

use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::config::BulkConfig;
use super::pacer::StreamPacer;
use crate::cc::{CcOutput, CongestionController, Constraints, ProbeCluster};
use crate::transport::WindowRate;

/// What belongs to one connection.
pub(super) struct Connection {
    pub(super) controller: Box<dyn CongestionController>,
    pub(super) pacer: StreamPacer,
    /// Probes that the controller has asked for; of the first so many packets
    /// and bytes have been sent.
    pub(super) probes: VecDeque<ProbeCluster>,
    pub(super) probed: (u32, Bytes),
    pub(super) output: CcOutput,
    pub(super) rate: WindowRate,
}

impl Connection {
    pub(super) fn new(
        controller: Box<dyn CongestionController>,
        bulk: &BulkConfig,
        constraints: Constraints,
    ) -> Self {
        let output = controller.output();
        Self {
            rate: WindowRate::of(&output, None, constraints.start, bulk.pacing_gain),
            output,
            controller,
            pacer: StreamPacer::default(),
            probes: VecDeque::new(),
            probed: (0, Bytes::ZERO),
        }
    }

    /// Packets that may leave in a row: none but the first under a controller
    /// that gives a target, which asks for a smooth stream.
    const fn burst(&self, bulk: &BulkConfig) -> u32 {
        if self.output.target.is_some() {
            1
        } else {
            bulk.burst
        }
    }

    /// The rate at which the stream leaves. A target of nothing would never be
    /// heard of again: then the controller's own pacing goes on.
    fn pacing(&self) -> Bitrate {
        let target = self.output.target.filter(|target| !target.is_zero());
        match (self.probes.front(), target) {
            (Some(cluster), _) => cluster.rate,
            (None, Some(target)) => target,
            (None, None) => self.rate.pacing,
        }
    }

    /// When pacing lets the next packet go.
    pub(super) fn next_departure(&self, bulk: &BulkConfig) -> Time {
        let windowed = self.output.pacing.is_none() && self.output.target.is_none();
        if windowed && bulk.pacing_gain == 0.0 {
            return Time::ZERO;
        }
        let (rate, burst) = (self.pacing(), self.burst(bulk));
        self.pacer.next(rate, bulk.packet_size, burst)
    }

    /// Takes over the controller's output; whether its rates have changed.
    pub(super) fn follow(
        &mut self,
        now: Time,
        rtt: Span,
        bulk: &BulkConfig,
        start: Bitrate,
    ) -> bool {
        while let Some(cluster) = self.controller.poll_probe() {
            self.probes.push_back(cluster);
        }
        self.output = self.controller.output();
        // Before a round trip is known its initial value stands in, so that the
        // first window is paced too.
        let rate = WindowRate::of(&self.output, Some(rtt), start, bulk.pacing_gain);
        let changed = rate != self.rate;
        if changed {
            self.rate = rate;
            let (pacing, burst) = (self.pacing(), self.burst(bulk));
            self.pacer.on_rate(now, pacing, bulk.packet_size, burst);
        }
        changed
    }

    /// A packet leaves.
    pub(super) fn on_departure(&mut self, now: Time, size: Bytes) {
        let rate = self.pacing();
        self.pacer.on_sent(now, rate, size);
        self.count_probe(size);
    }

    fn count_probe(&mut self, size: Bytes) {
        let Some(cluster) = self.probes.front() else {
            return;
        };
        self.probed.0 += 1;
        self.probed.1 += size;
        if self.probed.0 >= cluster.min_packets && self.probed.1 >= cluster.min_bytes {
            self.probes.pop_front();
            self.probed = (0, Bytes::ZERO);
        }
    }
}
