//! When the next packet may leave: the pacing rate, probe clusters, padding.

use weaknet_core::{Bitrate, Span, Time};

use super::PACKET;
use crate::cc::{CcOutput, ProbeCluster};

/// Spaces packets.
#[derive(Debug, Clone)]
pub(super) struct Pacer {
    /// No packet goes earlier.
    until: Time,
    /// No packet of padding goes earlier.
    padded_until: Time,
    /// The cluster that is being sent, with its packets so far.
    probe: Option<(ProbeCluster, u64)>,
}

impl Pacer {
    pub(super) const fn new(now: Time) -> Self {
        Self {
            until: now,
            padded_until: now,
            probe: None,
        }
    }

    /// When the next packet may leave.
    pub(super) const fn until(&self) -> Time {
        self.until
    }

    /// When padding may leave, if the controller asks for any.
    pub(super) fn padding_at(&self, output: &CcOutput) -> Option<Time> {
        (!output.padding.is_zero()).then(|| self.padded_until.max(self.until))
    }

    /// The cluster that is being sent.
    pub(super) fn probe(&self) -> Option<ProbeCluster> {
        self.probe.map(|(cluster, _)| cluster)
    }

    /// Begins another cluster.
    pub(super) const fn start(&mut self, cluster: ProbeCluster) {
        self.probe = Some((cluster, 0));
    }

    /// A packet leaves.
    pub(super) fn on_sent(&mut self, now: Time, output: &CcOutput) {
        let mut rate = output.pacing.or(output.target);
        if let Some((cluster, packets)) = &mut self.probe {
            *packets += 1;
            rate = Some(cluster.rate);
            let bytes = *packets * PACKET.get();
            if *packets >= u64::from(cluster.min_packets) && bytes >= cluster.min_bytes.get() {
                self.probe = None;
            }
        }
        let wait = rate.map_or(Span::ZERO, |rate| rate.time_for(PACKET));
        self.until = self.until.max(now) + wait;
        if output.padding > Bitrate::ZERO {
            self.padded_until = now.max(self.padded_until) + output.padding.time_for(PACKET);
        }
    }
}
