//! The rate that the delay allows.
//!
//! Implements: draft-ietf-rmcat-gcc-02, section 5.5.

use weaknet_core::{Bitrate, Span, Time};

use super::GccDraft02;
use super::detector::Signal;
use crate::cc::gcc::LinkCapacity;
use crate::cc::units::Rate;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Hold,
    Increase,
    Decrease,
}

impl State {
    const fn on_signal(self, signal: Signal) -> Self {
        match (signal, self) {
            (Signal::Overuse, _) => Self::Decrease,
            (Signal::Normal, Self::Hold | Self::Increase) => Self::Increase,
            (Signal::Normal, Self::Decrease) | (Signal::Underuse, _) => Self::Hold,
        }
    }
}

/// Time that a detector needs, besides a round trip.
const DETECTION: Span = Span::from_millis(100);
/// Frames per second that packets are cut from.
const FRAMES_PER_SECOND: f64 = 30.0;
/// Bits of a full packet.
const PACKET_BITS: f64 = 1_200.0 * 8.0;
/// Least additive step in bits per second.
const LEAST_STEP: f64 = 1_000.0;

/// The delay-based rate.
#[derive(Debug, Clone)]
pub(super) struct RateControl {
    beta: f64,
    growth: f64,
    bound: f64,
    state: State,
    /// Bits per second.
    rate: f64,
    /// The throughput at past decreases.
    capacity: LinkCapacity,
    updated: Option<Time>,
}

impl RateControl {
    pub(super) const fn new(config: &GccDraft02, start: Bitrate) -> Self {
        Self {
            beta: config.beta,
            growth: config.growth,
            bound: config.throughput_bound,
            state: State::Increase,
            rate: start.as_bps_f64(),
            capacity: LinkCapacity::new(),
            updated: None,
        }
    }

    /// Moves the rate by what the path has shown until `now`.
    pub(super) fn update(
        &mut self,
        now: Time,
        signal: Signal,
        throughput: Option<Bitrate>,
        rtt: Span,
    ) {
        self.state = self.state.on_signal(signal);
        let elapsed = now - *self.updated.get_or_insert(now);
        self.updated = Some(now);
        match self.state {
            State::Hold => {}
            State::Increase => self.increase(elapsed, throughput, rtt),
            State::Decrease => self.decrease(throughput),
        }
    }

    fn increase(&mut self, elapsed: Span, throughput: Option<Bitrate>, rtt: Span) {
        if self.is_near_capacity(throughput) {
            self.rate += self.additive_step(elapsed, rtt);
        } else {
            let seconds = elapsed.as_secs_f64().min(1.0);
            self.rate *= libm::pow(self.growth, seconds);
        }
        if let Some(throughput) = throughput {
            self.rate = self.rate.min(self.bound * throughput.as_bps_f64());
        }
    }

    /// Whether the throughput is what it was when the path was over-used. When
    /// it is higher, the path has changed and that is forgotten.
    fn is_near_capacity(&mut self, throughput: Option<Bitrate>) -> bool {
        let Some(throughput) = throughput.map(Rate::from) else {
            return false;
        };
        if throughput > self.capacity.upper() {
            self.capacity.reset();
        }
        self.capacity.is_known() && throughput >= self.capacity.lower()
    }

    /// Half a packet per response time.
    fn additive_step(&self, elapsed: Span, rtt: Span) -> f64 {
        let response = (DETECTION + rtt).as_secs_f64();
        let frame_bits = self.rate / FRAMES_PER_SECOND;
        let packet_bits = frame_bits / (frame_bits / PACKET_BITS).ceil().max(1.0);
        let packets = 0.5 * (elapsed.as_secs_f64() / response).min(1.0);
        (packets * packet_bits).max(LEAST_STEP)
    }

    fn decrease(&mut self, throughput: Option<Bitrate>) {
        let received = throughput.map_or(self.rate, Bitrate::as_bps_f64);
        self.rate = self.rate.min(self.beta * received);
        let received = Rate::from(Bitrate::from_bps_f64(received));
        if received < self.capacity.lower() {
            self.capacity.reset();
        }
        self.capacity.on_overuse(received);
    }

    pub(super) const fn bound(&mut self, least: f64, most: f64) {
        self.rate = self.rate.min(most).max(least);
    }

    /// Bits per second.
    pub(super) const fn rate(&self) -> f64 {
        self.rate
    }

    /// 0: hold, 1: increase, 2: decrease.
    pub(super) const fn state(&self) -> u8 {
        self.state as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Span = Span::from_millis(50);

    fn control(bps: u64) -> RateControl {
        let mut control = RateControl::new(&GccDraft02::default(), Bitrate::from_bps(bps));
        control.updated = Some(Time::ZERO);
        control
    }

    #[test]
    fn states_follow_the_table() {
        use State::{Decrease, Hold, Increase};
        for (signal, from, to) in [
            (Signal::Overuse, Hold, Decrease),
            (Signal::Overuse, Increase, Decrease),
            (Signal::Overuse, Decrease, Decrease),
            (Signal::Normal, Hold, Increase),
            (Signal::Normal, Increase, Increase),
            (Signal::Normal, Decrease, Hold),
            (Signal::Underuse, Hold, Hold),
            (Signal::Underuse, Increase, Hold),
            (Signal::Underuse, Decrease, Hold),
        ] {
            assert_eq!(from.on_signal(signal), to, "{signal:?} {from:?}");
        }
    }

    #[test]
    fn grows_by_eight_per_cent_a_second_far_from_the_capacity() {
        for (ms, bps) in [
            (25, 1_001_926),
            (100, 1_007_726),
            (1_000, 1_080_000),
            (5_000, 1_080_000),
        ] {
            let mut control = control(1_000_000);
            let throughput = Some(Bitrate::from_mbps(1));
            control.update(Time::from_millis(ms), Signal::Normal, throughput, RTT);
            assert!((control.rate() - f64::from(bps)).abs() < 0.5, "{ms}");
        }
    }

    #[test]
    fn grows_by_half_a_packet_per_response_time_near_the_capacity() {
        for (kbps, steps) in [
            (100, [1_000, 1_111, 1_667]),
            (300, [1_000, 1_667, 2_500]),
            (1_000, [1_000, 2_778, 4_167]),
            (3_000, [1_000, 3_030, 4_545]),
        ] {
            for (ms, step) in [25, 100, 150].into_iter().zip(steps) {
                let mut control = control(kbps * 1_000);
                let throughput = Bitrate::from_kbps(kbps);
                control.capacity.on_overuse(throughput.into());
                control.update(Time::from_millis(ms), Signal::Normal, Some(throughput), RTT);
                let got = control.rate() - kbps as f64 * 1e3;
                assert!((got - f64::from(step)).abs() < 0.5, "{kbps} {ms}: {got}");
            }
        }
    }

    #[test]
    fn overuse_leaves_85_per_cent_of_the_throughput_and_never_raises() {
        let mut falling = control(1_200_000);
        falling.update(
            Time::ZERO,
            Signal::Overuse,
            Some(Bitrate::from_mbps(1)),
            RTT,
        );
        assert_eq!(falling.rate(), 850_000.0);
        falling.update(
            Time::ZERO,
            Signal::Overuse,
            Some(Bitrate::from_mbps(2)),
            RTT,
        );
        assert_eq!(falling.rate(), 850_000.0);
        let mut unknown = control(1_000_000);
        unknown.update(Time::ZERO, Signal::Overuse, None, RTT);
        assert_eq!(unknown.rate(), 850_000.0);
    }

    #[test]
    fn throughput_beyond_three_deviations_forgets_the_capacity() {
        let mut control = control(1_000_000);
        control.capacity.on_overuse(Rate::from_kbps(1_000));
        // 3 * sqrt(0.4 * 1000) = 60 kbit/s.
        assert!(control.is_near_capacity(Some(Bitrate::from_kbps(1_060))));
        assert!(control.is_near_capacity(Some(Bitrate::from_kbps(940))));
        assert!(!control.is_near_capacity(Some(Bitrate::from_kbps(939))));
        assert!(control.capacity.is_known());
        assert!(!control.is_near_capacity(Some(Bitrate::from_kbps(1_061))));
        assert!(!control.capacity.is_known());
    }

    #[test]
    fn stays_within_one_and_a_half_times_the_throughput() {
        let mut control = control(1_000_000);
        let throughput = Some(Bitrate::from_kbps(400));
        control.update(Time::from_millis(100), Signal::Normal, throughput, RTT);
        assert_eq!(control.rate(), 600_000.0);
    }
}
