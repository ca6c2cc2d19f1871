//! The pacer of libwebrtc: a debt of bytes that drains at the pacing rate.
//!
//! Implements: `PacingController` and `TaskQueuePacedSender` (July 2026). Sent
//! bytes are debt; packets leave at once while the debt is worth less than the
//! burst window, else when it is drained, so a frame of ten packets leaves in
//! one burst at 1.1 times the target, as a recorded Chromium call shows. Audio
//! does not wait. A queue that would last longer than `queue_time_limit` drains
//! faster than the pacing rate. A full congestion window stops all but audio,
//! probes and a keep-alive each 500 ms. Padding fills up an empty queue. Probes
//! go first, before audio too: a small padding packet marks the start of a cluster,
//! then bursts of 2 ms worth of packets, or padding when nothing waits. Audio that
//! comes between two bursts leaves with the next one. Packets that come while
//! the pacer sends the last ones, which repair packets do, wait until something
//! else comes or for 5 ms, or three times what a packet takes at the pacing rate
//! if that is less: a recorded Chromium call has just that gap.
//! Differs: exact wake-ups instead of up to 1 ms early for probes and rounded up
//! to 1 ms for the rest; the debt is exact in bits x 10^-9.
//! Not modelled: pausing, time-to-live, flushing at key frames, round robin
//! between streams of a class, holding back in other cases.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin, Span, Time};

use super::prober::{Prober, ProberTimes};
use super::queue::PacketQueue;
use super::{Paced, Pacer, PacerAction, Pacing, Priority, ProbeCluster};

/// Most debt, as time at the current rate.
const MAX_DEBT: Span = Span::from_millis(500);
/// Largest burst whatever the window.
const MAX_BURST: Bytes = Bytes::new(63_000);
const KEEP_ALIVE: Span = Span::from_millis(500);
/// Padding that is asked for at a time.
const PADDING: Span = Span::from_millis(5);
const MIN_TIME_LEFT: Span = Span::from_millis(1);
/// Longest time that packets are held back, and the same in packets
/// (`RtpTransportControllerSend`).
const HOLD_BACK: Span = Span::from_millis(5);
/// See [`HOLD_BACK`].
const HOLD_BACK_PACKETS: u64 = 3;
/// What the mean packet size keeps at each packet.
const SIZE_KEPT: f64 = 0.95;

/// The pacer of libwebrtc.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebrtcPacing {
    /// Debt up to which packets leave at once (40 ms, `PacerConfig`).
    pub burst: Span,
    /// The queue drains at least so fast that its packets wait no longer (2 s).
    pub queue_time_limit: Span,
    /// Whether the queue time limit raises the rate.
    pub drain_large_queues: bool,
    /// Whether audio waits for its turn like video.
    pub pace_audio: bool,
    /// Whether audio bytes count as debt.
    pub account_for_audio: bool,
    /// Time worth of packets in one burst of a probe (2 ms).
    pub probe_burst: Span,
    /// A probe cluster whose burst is later than this is given up (10 ms).
    pub max_probe_delay: Span,
    /// A packet of this size starts probing (200 B).
    pub min_probe_packet: Bytes,
}

impl Default for WebrtcPacing {
    fn default() -> Self {
        Self {
            burst: Span::from_millis(40),
            queue_time_limit: Span::from_secs(2),
            drain_large_queues: true,
            pace_audio: false,
            account_for_audio: true,
            probe_burst: Span::from_millis(2),
            max_probe_delay: Span::from_millis(10),
            min_probe_packet: Bytes::new(200),
        }
    }
}

impl Plugin for WebrtcPacing {
    type Kind = Pacing;
    const NAME: &'static str = "webrtc";
    const SUMMARY: &'static str =
        "sends bursts of up to 40 ms worth of packets, then waits until they are paid for";
    const REFERENCES: &'static [&'static str] = &["libwebrtc modules/pacing, July 2026"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Pacer>, BuildError> {
        if self.probe_burst.is_zero() {
            return Err(BuildError::field(
                "probe_burst",
                "expected a duration above zero",
            ));
        }
        Ok(Box::new(WebrtcPacer::new(self.clone())))
    }
}

/// Sent bytes that are not paid for, in bits x 10^-9.
#[derive(Debug, Default)]
struct Debt(u128);

impl Debt {
    fn pay(&mut self, rate: Bitrate, time: Span) {
        self.0 = self
            .0
            .saturating_sub(u128::from(rate.as_bps()) * u128::from(time.as_nanos()));
    }

    fn add(&mut self, size: Bytes, rate: Bitrate) {
        let most = u128::from(rate.as_bps()) * u128::from(MAX_DEBT.as_nanos());
        self.0 = (self.0 + u128::from(size.bits()) * 1_000_000_000).min(most);
    }

    /// Time until it is paid; `None` when it never is.
    fn drain_time(&self, rate: Bitrate) -> Option<Span> {
        if self.0 == 0 {
            return Some(Span::ZERO);
        }
        if rate.is_zero() {
            return None;
        }
        let nanos = self.0.div_ceil(u128::from(rate.as_bps()));
        Some(Span::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

/// A burst of a probe that is being sent.
#[derive(Debug)]
struct Burst {
    cluster: ProbeCluster,
    /// Bytes wanted.
    size: Bytes,
    sent: Bytes,
    /// The small padding packet that opens a cluster is still to come.
    opens: bool,
}

/// What [`PacerAction::Pad`] was for.
#[derive(Debug)]
enum Asked {
    KeepAlive,
    Opening,
    Padding(Bytes),
}

struct WebrtcPacer {
    config: WebrtcPacing,
    pacing: Bitrate,
    /// Pacing rate, or more when the queue is long.
    media_rate: Bitrate,
    padding: Bitrate,
    media_debt: Debt,
    padding_debt: Debt,
    /// Up to when debts are paid.
    paid_at: Time,
    last_send: Time,
    queue: PacketQueue,
    prober: Prober,
    burst: Option<Burst>,
    /// The last probe burst had nothing to send.
    probe_failed: bool,
    asked: Option<Asked>,
    congested: bool,
    seen_first: bool,
    /// Something left the queue since `media_rate` was computed.
    stale: bool,
    /// Until when packets are held back, unless others come.
    held_until: Option<Time>,
    /// Mean size of packets, in bytes.
    packet_size: Option<f64>,
}

impl WebrtcPacer {
    fn new(config: WebrtcPacing) -> Self {
        let times = ProberTimes {
            max_delay: config.max_probe_delay,
            burst: config.probe_burst,
            min_packet: config.min_probe_packet,
        };
        Self {
            config,
            pacing: Bitrate::ZERO,
            media_rate: Bitrate::ZERO,
            padding: Bitrate::ZERO,
            media_debt: Debt::default(),
            padding_debt: Debt::default(),
            paid_at: Time::ZERO,
            last_send: Time::ZERO,
            queue: PacketQueue::default(),
            prober: Prober::new(times),
            burst: None,
            probe_failed: false,
            asked: None,
            congested: false,
            seen_first: false,
            stale: false,
            held_until: None,
            packet_size: None,
        }
    }

    fn pay_until(&mut self, at: Time) {
        let elapsed = at.since(self.paid_at);
        self.media_debt.pay(self.media_rate, elapsed);
        self.padding_debt.pay(self.padding, elapsed);
        self.paid_at = self.paid_at.max(at);
    }

    fn account(&mut self, size: Bytes) {
        self.media_debt.add(size, self.media_rate);
        self.padding_debt.add(size, self.padding);
    }

    fn update_media_rate(&mut self, now: Time) {
        self.stale = false;
        self.media_rate = self.pacing;
        if self.config.drain_large_queues && !self.queue.is_empty() {
            let left =
                (self.config.queue_time_limit - self.queue.mean_wait(now)).max(MIN_TIME_LEFT);
            self.media_rate = self.pacing.max(self.queue.bytes().per(left));
        }
    }

    fn unpaced(&self) -> Option<Time> {
        self.queue
            .oldest(Priority::Audio)
            .filter(|_| !self.config.pace_audio)
    }

    fn keep_alive_at(&self) -> Option<Time> {
        (self.congested && self.seen_first).then(|| self.last_send + KEEP_ALIVE)
    }

    /// When the next packet, padding or keep-alive is due.
    fn due(&self, now: Time) -> Option<Time> {
        if let Some(at) = self.prober.next(now).filter(|_| !self.probe_failed) {
            return Some(at);
        }
        if let Some(at) = self.unpaced() {
            return Some(at);
        }
        if self.congested || !self.seen_first {
            return self.keep_alive_at();
        }
        let media = self.media_debt.drain_time(self.media_rate)?;
        if !self.queue.is_empty() {
            let window = self.config.burst.min(self.media_rate.time_for(MAX_BURST));
            let due = self.paid_at + if media < window { Span::ZERO } else { media };
            return (!self.media_rate.is_zero()).then(|| due.max(self.held_until.unwrap_or(due)));
        }
        if self.padding.is_zero() {
            return None;
        }
        Some(self.paid_at + media.max(self.padding_debt.drain_time(self.padding)?))
    }

    /// Packets that come to an empty queue at the instant of the last sending are
    /// held back; any that come later end that.
    fn hold_back(&mut self, now: Time, size: Bytes) {
        let size = size.get() as f64;
        let mean = self
            .packet_size
            .map_or(size, |m| SIZE_KEPT * m + (1.0 - SIZE_KEPT) * size);
        self.packet_size = Some(mean);
        if self.last_send < now || !self.seen_first {
            self.held_until = None;
        } else if self.queue.is_empty() {
            let packets = Bytes::new(mean as u64 * HOLD_BACK_PACKETS);
            self.held_until = Some(now + HOLD_BACK.min(self.pacing.time_for(packets)));
        }
    }

    fn send(&mut self, now: Time, packet: Paced, probe: Option<ProbeCluster>) -> PacerAction {
        if packet.priority != Priority::Audio || self.config.account_for_audio {
            self.account(packet.size);
        }
        self.last_send = now;
        self.held_until = self.held_until.filter(|until| now < *until);
        self.stale = true;
        PacerAction::Send {
            handle: packet.handle,
            probe,
        }
    }

    fn ask(&mut self, size: Bytes, asked: Asked) -> PacerAction {
        self.asked = Some(asked);
        PacerAction::Pad {
            size,
            probe: self.burst.as_ref().map(|burst| burst.cluster),
        }
    }

    /// The next packet of the burst, or `None` when it is complete.
    fn continue_burst(&mut self, now: Time) -> Option<PacerAction> {
        let burst = self.burst.as_mut()?;
        if std::mem::take(&mut burst.opens) {
            return Some(self.ask(Bytes::new(1), Asked::Opening));
        }
        let left = burst.size - burst.sent;
        if left > Bytes::ZERO {
            let cluster = burst.cluster;
            if let Some(packet) = self.queue.pop() {
                burst.sent += packet.size;
                return Some(self.send(now, packet, Some(cluster)));
            }
            if !self.congested {
                return Some(self.ask(left, Asked::Padding(left)));
            }
        }
        self.end_burst(now);
        None
    }

    fn end_burst(&mut self, now: Time) {
        if let Some(burst) = self.burst.take() {
            self.probe_failed = burst.sent == Bytes::ZERO;
            if !self.probe_failed {
                self.prober.sent(now, burst.sent);
            }
        }
    }

    fn on_padded(&mut self, now: Time, asked: &Asked, size: Bytes) {
        if let Some(burst) = &mut self.burst {
            burst.sent += size;
        }
        if size > Bytes::ZERO {
            self.account(size);
            self.last_send = now;
            return;
        }
        match *asked {
            Asked::KeepAlive => self.last_send = now,
            Asked::Opening => {}
            Asked::Padding(wanted) => {
                self.padding_debt.add(wanted, self.padding);
                self.end_burst(now);
            }
        }
    }
}

impl Pacer for WebrtcPacer {
    fn enqueue(&mut self, now: Time, packet: Paced) {
        self.prober.on_packet(packet.size);
        self.hold_back(now, packet.size);
        if self.queue.is_empty() {
            // Time without packets earns no credit.
            self.pay_until(now);
        }
        self.queue.push(now, packet);
        self.seen_first = true;
        self.update_media_rate(now);
    }

    fn set_rates(&mut self, now: Time, pacing: Bitrate, padding: Bitrate) {
        self.pacing = pacing;
        self.padding = padding.min(pacing);
        self.held_until = self.held_until.filter(|_| now <= self.last_send);
        self.update_media_rate(now);
    }

    fn set_congested(&mut self, now: Time, congested: bool) {
        if self.congested && !congested {
            self.pay_until(now);
        }
        self.congested = congested;
    }

    fn add_probe(&mut self, now: Time, cluster: ProbeCluster) {
        self.prober.add(now, cluster);
    }

    fn poll(&mut self, now: Time) -> Option<PacerAction> {
        if let Some(asked) = self.asked.take() {
            self.on_padded(now, &asked, Bytes::ZERO); // no answer: nothing was sent
        }
        loop {
            if self.burst.is_some() {
                if let Some(action) = self.continue_burst(now) {
                    return Some(action);
                }
                continue;
            }
            if self.keep_alive_at().is_some_and(|at| at <= now) {
                return Some(self.ask(Bytes::new(1), Asked::KeepAlive));
            }
            let Some(due) = self.due(now).filter(|due| *due <= now) else {
                if self.stale {
                    self.update_media_rate(now);
                    continue;
                }
                return None;
            };
            self.pay_until(due);
            if self.prober.is_active() {
                if let Some((cluster, opens)) = self.prober.current(now) {
                    self.burst = Some(Burst {
                        cluster,
                        size: self.prober.burst_size(),
                        sent: Bytes::ZERO,
                        opens,
                    });
                }
                continue; // without a cluster the prober is no longer active
            }
            if let Some(packet) = self.queue.pop() {
                return Some(self.send(now, packet, None));
            }
            if !self.padding.is_zero() {
                let size = self.padding.bytes_in(PADDING).max(Bytes::new(1));
                return Some(self.ask(size, Asked::Padding(size)));
            }
        }
    }

    fn on_padding(&mut self, now: Time, size: Bytes) {
        if let Some(asked) = self.asked.take() {
            self.on_padded(now, &asked, size);
        }
    }

    fn next_wake(&self, now: Time) -> Option<Time> {
        let due = self.due(now);
        match self.keep_alive_at() {
            Some(at) => Some(due.map_or(at, |due| due.min(at))),
            None => due,
        }
    }

    fn queued(&self) -> Bytes {
        self.queue.bytes()
    }
}
