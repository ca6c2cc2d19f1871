//! What the receiver of RFC 8698 measures, out of reports on single packets.
//!
//! Implements: RFC 8698, sections 4.2 and 5.1: delays against the base delay,
//! the least of the last few of them, loss and marking ratios and the receiving
//! rate over a window, and whether ramp-up is safe. A packet that comes after a
//! report that missed it counts as lost, its bytes as received.

use weaknet_core::packet::Ecn;
use weaknet_core::{Span, Time};

use super::Nada;
use super::congestion::Signal;
use super::loss_interval::LossIntervals;
use super::window::{Fate, Totals, Window};
use crate::cc::base_delay::{BaseDelay, RecentMin, one_way_delay};
use crate::cc::{Feedback, PacketResult, Visitor};

/// What the sender gets to know (RFC 8698, section 5.3).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Report {
    /// Whether the rate may jump up: nothing lost and no queue in the window.
    pub(super) ramp_up: bool,
    /// The congestion signal.
    pub(super) signal_ms: f64,
    /// Bits per second received in the window.
    pub(super) receiving_bps: f64,
}

/// The measurements of one flow.
#[derive(Debug, Clone)]
pub(super) struct Receiver {
    window: Span,
    qeps: Span,
    alpha: f64,
    signal: Signal,
    base: BaseDelay,
    least_delay: RecentMin,
    seen: Window,
    /// The end of the window by the receiver's clock.
    end: Time,
    losses: LossIntervals,
    loss_ratio: f64,
    mark_ratio: f64,
    queue_ms: f64,
    report: Report,
}

impl Receiver {
    pub(super) fn new(config: &Nada) -> Self {
        Self {
            window: config.logwin,
            qeps: config.qeps,
            alpha: config.alpha,
            signal: Signal::new(config),
            base: BaseDelay::new(config.base_minutes),
            least_delay: RecentMin::new(config.min_filter),
            seen: Window::new(),
            end: Time::ZERO,
            losses: LossIntervals::default(),
            loss_ratio: 0.0,
            mark_ratio: 0.0,
            queue_ms: 0.0,
            report: Report {
                ramp_up: true,
                signal_ms: 0.0,
                receiving_bps: 0.0,
            },
        }
    }

    pub(super) fn on_feedback(&mut self, feedback: &Feedback<'_>, rtt: Span) {
        self.advance(feedback);
        for packet in feedback.packets {
            self.on_packet(feedback.now, packet, rtt);
        }
        self.seen.expire(self.end, self.window);
    }

    /// Moves the end of the window; a clock that was set back begins anew.
    fn advance(&mut self, feedback: &Feedback<'_>) {
        let newest = feedback
            .received()
            .filter_map(|packet| packet.received)
            .max();
        let Some(made) = feedback.made.or(newest) else {
            return;
        };
        if made + self.window < self.end {
            self.seen.clear();
            self.end = made;
        }
        self.end = self.end.max(made);
    }

    fn on_packet(&mut self, now: Time, packet: &PacketResult, rtt: Span) {
        let (Some(at), Some(delay)) = (packet.received, one_way_delay(packet)) else {
            self.losses.on_lost(packet.sent.at, rtt);
            self.seen.push(self.end, Fate::Lost);
            return;
        };
        self.base.on_sample(now, delay);
        self.least_delay.push(delay);
        if !packet.recovered {
            self.losses.on_received();
        }
        let fate = Fate::Received {
            bytes: packet.sent.size.get(),
            delay,
            marked: packet.ecn == Ecn::Ce,
            recovered: packet.recovered,
        };
        self.seen.push(at, fate);
    }

    /// The report that is due now.
    pub(super) fn report(&mut self) -> Report {
        let Totals {
            expected,
            lost,
            marked,
            bytes,
        } = self.seen.totals();
        let most_delay = self.seen.most_delay().unwrap_or(i64::MIN);
        if expected > 0 {
            let smooth = |old: f64, count: u64| {
                self.alpha * (count as f64 / expected as f64) + (1.0 - self.alpha) * old
            };
            self.loss_ratio = smooth(self.loss_ratio, lost);
            self.mark_ratio = smooth(self.mark_ratio, marked);
        }
        let base = self.base.get().unwrap_or(0);
        let above_base = |delay: i64| delay.saturating_sub(base).max(0);
        self.queue_ms = self.least_delay.get().map_or(0, above_base) as f64 / 1e6;
        let delay_ms = self.signal.delay(self.queue_ms, &self.losses);
        self.report = Report {
            ramp_up: lost == 0 && above_base(most_delay).unsigned_abs() < self.qeps.as_nanos(),
            signal_ms: self
                .signal
                .combine(delay_ms, self.loss_ratio, self.mark_ratio),
            receiving_bps: bytes as f64 * 8.0 / self.window.as_secs_f64(),
        };
        self.report
    }

    pub(super) fn snapshot(&self, visitor: &mut dyn Visitor) {
        for (name, value) in [
            ("queue_delay_ms", self.queue_ms),
            (
                "counted_delay_ms",
                self.signal.delay(self.queue_ms, &self.losses),
            ),
            ("congestion_signal_ms", self.report.signal_ms),
            ("loss_ratio_smoothed", self.loss_ratio),
            ("mark_ratio_smoothed", self.mark_ratio),
            ("loss_interval_packets", self.signal.interval(&self.losses)),
            ("receiving_bps", self.report.receiving_bps),
            ("ramp_up", f64::from(u8::from(self.report.ramp_up))),
        ] {
            visitor.number(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::testing::{lost, received, report as feedback};

    fn ms(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    /// `count` packets of 1000 bytes every 10 ms from packet `first` on, with
    /// that delay each; a report at the last arrival.
    fn feed(receiver: &mut Receiver, first: u64, count: u64, delay: u64) {
        let packets: Vec<_> = (first..first + count)
            .map(|k| received(k, ms(10 * k), ms(10 * k + delay), 1_000))
            .collect();
        let made = packets.last().and_then(|last| last.received);
        let mut report = feedback(made.unwrap() + Span::from_millis(20), &packets);
        report.made = made;
        receiver.on_feedback(&report, Span::ZERO);
    }

    #[test]
    fn a_steady_flow_ramps_up_at_its_rate() {
        let mut receiver = Receiver::new(&Nada::default());
        feed(&mut receiver, 0, 100, 30);
        let report = receiver.report();
        assert_eq!((report.ramp_up, report.signal_ms), (true, 0.0));
        assert_eq!(report.receiving_bps, 800e3);
    }

    #[test]
    fn one_late_packet_ends_ramp_up_but_no_filtered_delay() {
        let mut receiver = Receiver::new(&Nada::default());
        feed(&mut receiver, 0, 20, 30);
        feed(&mut receiver, 20, 1, 40);
        let report = receiver.report();
        assert_eq!((report.ramp_up, report.signal_ms), (false, 0.0));
        feed(&mut receiver, 21, 14, 39);
        assert_eq!(receiver.report().signal_ms, 9.0, "the 15 newest");
        feed(&mut receiver, 35, 35, 39);
        assert!(!receiver.report().ramp_up, "480 ms since");
        feed(&mut receiver, 70, 2, 39);
        assert!(receiver.report().ramp_up, "500 ms since");
    }

    #[test]
    fn the_loss_ratio_is_smoothed_per_report() {
        let mut receiver = Receiver::new(&Nada::default());
        let packets: Vec<_> = (0..40)
            .map(|k| {
                if k % 10 == 5 {
                    lost(k, ms(10 * k), 1_000)
                } else {
                    received(k, ms(10 * k), ms(10 * k + 30), 1_000)
                }
            })
            .collect();
        receiver.on_feedback(&feedback(ms(450), &packets), Span::ZERO);
        for expected in [0.01, 0.019, 0.0271, 0.034_39, 0.040_951, 0.046_856] {
            assert!(!receiver.report().ramp_up);
            assert!((receiver.loss_ratio - expected).abs() < 5e-7);
        }
        assert_eq!(receiver.mark_ratio, 0.0);
    }

    #[test]
    fn marks_count_but_leave_ramp_up_alone() {
        let mut receiver = Receiver::new(&Nada::default());
        let packets = [0, 1].map(|k| {
            let mut packet = received(k, ms(10 * k), ms(10 * k + 30), 1_000);
            packet.ecn = if k == 0 { Ecn::Ce } else { Ecn::Ect0 };
            packet
        });
        receiver.on_feedback(&feedback(ms(60), &packets), Span::ZERO);
        let report = receiver.report();
        // Half of the packets, a tenth of that: 2 ms * 5^2.
        assert!((report.signal_ms - 50.0).abs() < 1e-9 && report.ramp_up);
    }

    #[test]
    fn a_recovered_packet_stays_lost_but_its_bytes_count() {
        let mut receiver = Receiver::new(&Nada::default());
        let mut late = received(1, ms(10), ms(95), 1_000);
        late.recovered = true;
        let packets = [received(0, ms(0), ms(30), 1_000), lost(1, ms(10), 1_000)];
        receiver.on_feedback(&feedback(ms(60), &packets), Span::ZERO);
        receiver.on_feedback(&feedback(ms(120), &[late]), Span::ZERO);
        let report = receiver.report();
        assert_eq!(report.receiving_bps, 32_000.0);
        assert!((receiver.loss_ratio - 0.05).abs() < 1e-12);
    }

    #[test]
    fn nothing_expected_leaves_the_ratios_alone() {
        let mut receiver = Receiver::new(&Nada::default());
        receiver.loss_ratio = 0.25;
        let report = receiver.report();
        assert_eq!((receiver.loss_ratio, report.receiving_bps), (0.25, 0.0));
    }

    #[test]
    fn a_receiver_clock_set_back_begins_a_new_window() {
        let mut receiver = Receiver::new(&Nada::default());
        feed(&mut receiver, 0, 100, 5_000);
        let packets = [received(100, ms(1_000), ms(40), 1_000)];
        receiver.on_feedback(&feedback(ms(1_100), &packets), Span::ZERO);
        assert_eq!(receiver.report().receiving_bps, 16_000.0);
    }

    #[test]
    fn a_long_flow_needs_no_more_room() {
        let mut receiver = Receiver::new(&Nada::default());
        let (_, room) = receiver.seen.room();
        for k in 0..6_000 {
            feed(&mut receiver, 10 * k, 10, 30 + k % 40);
        }
        let (packets, capacity) = receiver.seen.room();
        assert!(packets <= 60 && capacity == room);
    }
}
