//! Which probe cluster is due, and when its next burst leaves.
//!
//! Implements: libwebrtc `BitrateProber` (July 2026): a first cluster waits for
//! a packet that is large enough; bursts are placed so that the cluster keeps
//! its rate from its start on; a cluster whose burst is overdue is given up.

use std::collections::VecDeque;

use weaknet_core::{Bytes, Span, Time};

use super::ProbeCluster;

const CLUSTER_TIMEOUT: Span = Span::from_secs(5);
const MAX_PENDING: usize = 5;

/// Times of a prober.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProberTimes {
    /// A burst that is overdue by more is given up with its cluster.
    pub(super) max_delay: Span,
    /// Least distance of two bursts.
    pub(super) burst: Span,
    /// A packet of this size starts waiting clusters.
    pub(super) min_packet: Bytes,
}

#[derive(Debug)]
struct Cluster {
    probe: ProbeCluster,
    requested: Time,
    started: Time,
    bytes: u64,
    bursts: u32,
}

#[derive(Debug)]
pub(super) struct Prober {
    times: ProberTimes,
    clusters: VecDeque<Cluster>,
    active: bool,
    /// `None`: at once.
    next: Option<Time>,
}

impl Prober {
    pub(super) const fn new(times: ProberTimes) -> Self {
        Self {
            times,
            clusters: VecDeque::new(),
            active: false,
            next: None,
        }
    }

    pub(super) fn add(&mut self, now: Time, probe: ProbeCluster) {
        if probe.rate.is_zero() {
            return;
        }
        while self.clusters.len() > MAX_PENDING
            || self
                .clusters
                .front()
                .is_some_and(|c| now.since(c.requested) > CLUSTER_TIMEOUT)
        {
            self.clusters.pop_front();
        }
        self.clusters.push_back(Cluster {
            probe,
            requested: now,
            started: now,
            bytes: 0,
            bursts: 0,
        });
    }

    pub(super) fn on_packet(&mut self, size: Bytes) {
        if !self.active
            && !self.clusters.is_empty()
            && size >= self.burst_size().min(self.times.min_packet)
        {
            self.active = true;
            self.next = None;
        }
    }

    pub(super) const fn is_active(&self) -> bool {
        self.active
    }

    /// When the next burst is due.
    pub(super) fn next(&self, now: Time) -> Option<Time> {
        self.active.then(|| self.next.unwrap_or(now))
    }

    /// Bytes of one burst.
    pub(super) fn burst_size(&self) -> Bytes {
        self.clusters.front().map_or(Bytes::ZERO, |c| {
            c.probe.rate.bytes_in(self.times.burst).max(Bytes::new(1))
        })
    }

    /// The cluster whose burst leaves now, and whether it is its first.
    pub(super) fn current(&mut self, now: Time) -> Option<(ProbeCluster, bool)> {
        if self.active
            && self
                .next
                .is_some_and(|next| now.since(next) > self.times.max_delay)
        {
            self.clusters.pop_front();
        }
        self.active &= !self.clusters.is_empty();
        let cluster = self.clusters.front().filter(|_| self.active)?;
        Some((cluster.probe, cluster.bytes == 0))
    }

    /// A burst of `size` left.
    pub(super) fn sent(&mut self, now: Time, size: Bytes) {
        let Some(cluster) = self.clusters.front_mut() else {
            return;
        };
        if cluster.bursts == 0 {
            cluster.started = now;
        }
        cluster.bytes = cluster.bytes.saturating_add(size.get());
        cluster.bursts += 1;
        self.next = Some(cluster.started + cluster.probe.rate.time_for(Bytes::new(cluster.bytes)));
        if cluster.bytes >= cluster.probe.min_bytes.get()
            && cluster.bursts >= cluster.probe.min_packets
        {
            self.clusters.pop_front();
        }
        self.active = !self.clusters.is_empty();
    }
}
