//! What a congestion window is worth to an encoder.
//!
//! A window says how much may be under way, not how fast to encode. By Little's
//! law a sender that keeps its window full sends window / time in flight, the
//! time from departure until a report takes the packet out of the flight: the
//! round trip and the wait for the report. That rate, at most the controller's
//! own pacing rate, is smoothed, because encoders follow slowly and windows
//! move fast (a probe for the least round trip closes one for 200 ms). Whatever
//! this promises too much waits in the pacer; the excess is taken back from the
//! target, so that a queue drains instead of growing for ever.
//!
//! Implements: draft-ietf-avtcore-rtp-over-quic (2025), "Congestion Control and
//! Rate Adaptation", leaves open how a target follows from QUIC's window; here
//! the reduction by the send queue is that of RFC 8298 section 4.1.3
//! (`TX_QUEUE_SIZE_FACTOR`), twice as strong. The time constants are our own.
//! Not modelled: targets from several flows that share one window.

use weaknet_core::{Bitrate, Bytes, Span, Time};

use crate::cc::{CcOutput, PacketResult};

/// Time constant of the target.
const SMOOTHING: Span = Span::from_millis(200);
/// The excess of the queue is drained within this time.
const DRAIN: Span = Span::from_millis(500);
/// A queue of less is no excess: frames come in bursts.
const ALLOWED: Span = Span::from_millis(50);
/// Weight of the newest report in the time in flight, as in RFC 6298.
const WEIGHT: f64 = 0.125;

/// The target under a controller that gives a window only.
#[derive(Debug, Clone)]
pub(super) struct WindowTarget {
    target: Bitrate,
    /// Mean time in flight, in seconds.
    in_flight: Option<f64>,
    /// The smoothed rate in bit/s, and of when.
    rate: Option<(Time, f64)>,
}

impl WindowTarget {
    /// `start` is the target before the first report.
    pub(super) const fn new(start: Bitrate) -> Self {
        Self {
            target: start,
            in_flight: None,
            rate: None,
        }
    }

    pub(super) const fn target(&self) -> Bitrate {
        self.target
    }

    /// Packets were reported now.
    pub(super) fn on_report(&mut self, now: Time, results: &[PacketResult]) {
        let received = results
            .iter()
            .filter(|packet| packet.received.is_some() && !packet.recovered);
        let (mut sum, mut count) = (0.0, 0.0);
        for packet in received {
            sum += now.since(packet.sent.at).as_secs_f64();
            count += 1.0;
        }
        if count > 0.0 {
            let mean = sum / count;
            let time = self.in_flight.get_or_insert(mean);
            *time += WEIGHT * (mean - *time);
        }
    }

    /// Sets the target by the window, `queued` bytes waiting in the pacer.
    pub(super) fn update(&mut self, now: Time, output: &CcOutput, queued: Bytes) {
        let window = output.cwnd.zip(self.in_flight.filter(|time| *time > 0.0));
        let Some((cwnd, in_flight)) = window else {
            return;
        };
        let worth = cwnd.bits() as f64 / in_flight;
        let worth = output
            .pacing
            .map_or(worth, |most| worth.min(most.as_bps_f64()));
        let (at, rate) = self.rate.unwrap_or((now, worth));
        let share = -libm::expm1(-(now.since(at).as_secs_f64() / SMOOTHING.as_secs_f64()));
        let rate = rate + share * (worth - rate);
        self.rate = Some((now, rate));
        let excess = queued.bits() as f64 - rate * ALLOWED.as_secs_f64();
        let back = excess.max(0.0) / DRAIN.as_secs_f64();
        self.target = Bitrate::from_bps_f64((rate - back).max(0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::{DeliverySnapshot, SentKind, SentPacket};
    use weaknet_core::packet::Ecn;

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    /// A packet sent 50 ms ago.
    fn reported(now: Time, received: bool) -> PacketResult {
        PacketResult {
            sent: SentPacket {
                number: 0,
                at: now.saturating_sub(Span::from_millis(50)),
                size: Bytes::new(1_200),
                kind: SentKind::Video,
                probe: None,
                in_flight: Bytes::ZERO,
                app_limited: false,
            },
            received: received.then_some(now),
            ecn: Ecn::NotEct,
            recovered: false,
            delivery: DeliverySnapshot::default(),
        }
    }

    fn output(cwnd: u64, pacing: Option<u64>) -> CcOutput {
        CcOutput {
            cwnd: Some(Bytes::new(cwnd)),
            pacing: pacing.map(Bitrate::from_kbps),
            ..CcOutput::default()
        }
    }

    fn fresh() -> WindowTarget {
        WindowTarget::new(Bitrate::from_kbps(300))
    }

    fn kbps(target: &mut WindowTarget, ms: u64, output: &CcOutput, queued: u64) -> u64 {
        target.update(at(ms), output, Bytes::new(queued));
        (target.target().as_bps() + 500) / 1_000
    }

    #[test]
    fn a_full_window_is_delivered_once_per_time_in_flight() {
        let mut target = fresh();
        let window = output(12_500, None);
        assert_eq!(kbps(&mut target, 0, &window, 0), 300, "nothing is known");
        target.on_report(at(50), &[reported(at(50), true), reported(at(50), false)]);
        // 100 kbit in 50 ms.
        assert_eq!(kbps(&mut target, 50, &window, 0), 2_000);
        let paced = output(12_500, Some(1_500));
        let mut target = fresh();
        target.on_report(at(50), &[reported(at(50), true)]);
        assert_eq!(kbps(&mut target, 50, &paced, 0), 1_500);
    }

    #[test]
    fn it_follows_in_a_fifth_of_a_second() {
        let mut target = fresh();
        target.on_report(at(50), &[reported(at(50), true)]);
        assert_eq!(kbps(&mut target, 50, &output(12_500, None), 0), 2_000);
        let half = output(6_250, None);
        assert_eq!(kbps(&mut target, 50, &half, 0), 2_000);
        // 1000 + 1000 / e after one time constant, in however many steps.
        kbps(&mut target, 130, &half, 0);
        assert_eq!(kbps(&mut target, 250, &half, 0), 1_368);
    }

    #[test]
    fn what_waits_too_long_is_taken_back() {
        let mut target = fresh();
        target.on_report(at(50), &[reported(at(50), true)]);
        let window = output(12_500, None);
        // 50 ms of 2 Mbit/s are no excess; 25 000 B more are 200 kbit in 0.5 s.
        assert_eq!(kbps(&mut target, 50, &window, 12_500), 2_000);
        assert_eq!(kbps(&mut target, 50, &window, 37_500), 1_600);
        assert_eq!(kbps(&mut target, 50, &window, 1_000_000), 0);
    }
}
