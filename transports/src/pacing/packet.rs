//! A pacer without bursts: after each packet it waits for that packet's time at
//! the pacing rate.
//!
//! Implements: the pacer of the harness behind the reference traces of
//! congestion controllers, to the microsecond. Next send time = last + size /
//! pacing rate (at least 30 kbit/s), rounded down to microseconds; what the
//! pacer finds nothing to do at is tried again 5 ms later, so a frame that comes
//! meanwhile waits for that. Probe clusters begin at the first such instant
//! after the first packet; their packets, media first and else 1200 bytes of
//! padding, leave at the start of the cluster + bytes so far / rate. Padding
//! fills up to the padding rate: its budget earns that rate since the instant
//! before, at most 500 ms of it, and every packet that leaves is taken from it,
//! without a limit below. From 200 bytes on it is spent, at most 1200 bytes at a
//! time and 5 ms apart.
//! Differs: instants at which there would be nothing to do are not visited; a
//! probe that finds neither media nor padding is given up.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin, Span, Time};

use super::queue::PacketQueue;
use super::{Paced, Pacer, PacerAction, Pacing, ProbeCluster};

const RETRY: Span = Span::from_millis(5);
const MIN_RATE: Bitrate = Bitrate::from_kbps(30);
const PADDING_PACKET: Bytes = Bytes::new(1_200);
const LEAST_PADDING: u64 = 200;
const PADDING_BUDGET: Span = Span::from_millis(500);

/// One packet at a time, evenly spaced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PacketPacing {}

impl Plugin for PacketPacing {
    type Kind = Pacing;
    const NAME: &'static str = "packet";
    const SUMMARY: &'static str = "one packet at a time, evenly spaced at the pacing rate";
    const REFERENCES: &'static [&'static str] =
        &["pacer of the reference traces of congestion controllers, 2026"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Pacer>, BuildError> {
        Ok(Box::new(PacketPacer::default()))
    }
}

#[derive(Debug)]
struct Probe {
    cluster: ProbeCluster,
    started: Option<Time>,
    bytes: u64,
    packets: u32,
}

/// What [`PacerAction::Pad`] was for.
#[derive(Debug, Clone, Copy)]
enum Asked {
    Probe,
    Padding,
}

#[derive(Debug, Default)]
struct PacketPacer {
    pacing: Bitrate,
    padding: Bitrate,
    /// Bits x 10^-9 that the padding rate has earned and no packet has used, as
    /// of `budget_at`.
    budget: i128,
    budget_at: Time,
    next: Time,
    queue: PacketQueue,
    probes: VecDeque<Probe>,
    asked: Option<Asked>,
    congested: bool,
    /// A packet has left.
    running: bool,
}

/// Time that `bytes` take at `rate`, rounded down to microseconds.
fn whole_micros(bytes: u64, rate: Bitrate) -> Span {
    let micros = u128::from(bytes) * 8_000_000 / u128::from(rate.as_bps().max(1));
    Span::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

impl PacketPacer {
    /// Moves `next` along the 5 ms grid of instants that were not visited.
    fn skip_idle_time(&mut self, now: Time) {
        let missed = now.since(self.next).as_nanos().div_ceil(RETRY.as_nanos());
        if missed > 0 {
            self.refill(self.next + RETRY * (missed - 1));
            self.next += RETRY * missed;
        }
    }

    fn idle(&self) -> bool {
        self.queue.is_empty()
            && !(self.running && (!self.probes.is_empty() || !self.padding.is_zero()))
    }

    /// Earns padding at the present rate since the last instant.
    fn refill(&mut self, now: Time) {
        let rate = i128::from(self.padding.as_bps());
        let earned = rate * i128::from(now.since(self.budget_at).as_nanos());
        let most = rate * i128::from(PADDING_BUDGET.as_nanos());
        self.budget = self.budget.saturating_add(earned).min(most);
        self.budget_at = self.budget_at.max(now);
    }

    /// Whole bytes of padding that are due.
    fn padding_due(&self) -> Option<Bytes> {
        let bytes = u64::try_from(self.budget / 8_000_000_000).ok()?;
        (bytes >= LEAST_PADDING).then(|| Bytes::new(bytes).min(PADDING_PACKET))
    }

    fn use_budget(&mut self, size: Bytes) {
        let bits = i128::from(size.bits()) * 1_000_000_000;
        self.budget = self.budget.saturating_sub(bits);
    }

    /// A packet of a probe left.
    fn probed(&mut self, now: Time, size: Bytes) {
        self.use_budget(size);
        let Some(probe) = self.probes.front_mut() else {
            return;
        };
        let started = *probe.started.get_or_insert(now);
        probe.bytes = probe.bytes.saturating_add(size.get());
        probe.packets += 1;
        self.next = started + whole_micros(probe.bytes, probe.cluster.rate);
        if probe.bytes >= probe.cluster.min_bytes.get()
            && probe.packets >= probe.cluster.min_packets
        {
            self.probes.pop_front();
        }
    }

    fn paced(&mut self, now: Time, size: Bytes) {
        self.use_budget(size);
        self.next = now + whole_micros(size.get(), self.pacing.max(MIN_RATE));
    }

    fn ask(&mut self, size: Bytes, asked: Asked) -> PacerAction {
        self.asked = Some(asked);
        let probe = self
            .probes
            .front()
            .map(|probe| probe.cluster)
            .filter(|_| matches!(asked, Asked::Probe));
        PacerAction::Pad { size, probe }
    }

    fn answer(&mut self, now: Time, asked: Asked, size: Bytes) {
        match asked {
            _ if size == Bytes::ZERO => {
                self.next = now + RETRY;
                if matches!(asked, Asked::Probe) {
                    self.probes.pop_front();
                }
            }
            Asked::Probe => self.probed(now, size),
            Asked::Padding => {
                self.use_budget(size);
                self.next = now + RETRY;
            }
        }
    }
}

impl Pacer for PacketPacer {
    fn enqueue(&mut self, now: Time, packet: Paced) {
        self.skip_idle_time(now);
        if !self.running && self.queue.is_empty() {
            self.next = now;
            (self.budget, self.budget_at) = (0, now);
        }
        self.queue.push(now, packet);
    }

    fn set_rates(&mut self, now: Time, pacing: Bitrate, padding: Bitrate) {
        self.skip_idle_time(now);
        self.pacing = pacing;
        self.padding = padding;
    }

    fn set_congested(&mut self, now: Time, congested: bool) {
        self.skip_idle_time(now);
        self.congested = congested;
    }

    fn add_probe(&mut self, now: Time, cluster: ProbeCluster) {
        self.skip_idle_time(now);
        if !cluster.rate.is_zero() {
            self.probes.push_back(Probe {
                cluster,
                started: None,
                bytes: 0,
                packets: 0,
            });
        }
    }

    fn poll(&mut self, now: Time) -> Option<PacerAction> {
        if let Some(asked) = self.asked.take() {
            self.answer(now, asked, Bytes::ZERO); // no answer: nothing was sent
        }
        while self.next <= now && !self.idle() {
            self.refill(now);
            if self.congested {
                self.next = now + RETRY;
                break;
            }
            let probe = self
                .probes
                .front()
                .map(|probe| probe.cluster)
                .filter(|_| self.running);
            if let Some(packet) = self.queue.pop() {
                match probe {
                    Some(_) => self.probed(now, packet.size),
                    None => self.paced(now, packet.size),
                }
                self.running = true;
                return Some(PacerAction::Send {
                    handle: packet.handle,
                    probe,
                });
            }
            if probe.is_some() {
                return Some(self.ask(PADDING_PACKET, Asked::Probe));
            }
            if let Some(size) = self.padding_due() {
                return Some(self.ask(size, Asked::Padding));
            }
            self.next = now + RETRY;
        }
        None
    }

    fn on_padding(&mut self, now: Time, size: Bytes) {
        if let Some(asked) = self.asked.take() {
            self.answer(now, asked, size);
        }
    }

    fn next_wake(&self, _: Time) -> Option<Time> {
        (!self.idle()).then_some(self.next)
    }

    fn queued(&self) -> Bytes {
        self.queue.bytes()
    }
}
