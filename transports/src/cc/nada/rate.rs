//! The reference rate, and what encoder and pacer get of it.
//!
//! Implements: RFC 8698, section 4.3, equations 3 to 9 (ramp-up, gradual
//! update, bounds) and section 5.2.2, equations 10 to 12 (shaping by what waits
//! to be sent).

use weaknet_core::{Bitrate, Bytes, Span};

use super::Nada;
use super::receiver::Report;

/// Bounds in bits per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) min: f64,
    pub(super) max: f64,
    /// What the encoder could use at most (RMAX of equation 5).
    pub(super) encoder_max: f64,
}

/// The rate that follows the congestion signal.
#[derive(Debug, Clone)]
pub(super) struct ReferenceRate {
    config: Nada,
    bounds: Bounds,
    rate: f64,
    last_signal_ms: f64,
}

impl ReferenceRate {
    /// Starts at the least rate. When that is nothing, there is no way up from
    /// it: then at `start`.
    pub(super) fn new(config: &Nada, bounds: Bounds, start: Bitrate) -> Self {
        let rate = if bounds.min > 0.0 {
            bounds.min
        } else {
            start.as_bps_f64().min(bounds.max)
        };
        Self {
            config: config.clone(),
            bounds,
            rate,
            last_signal_ms: 0.0,
        }
    }

    pub(super) const fn set_bounds(&mut self, bounds: Bounds) {
        self.bounds = bounds;
        self.rate = self.rate.clamp(bounds.min, bounds.max);
    }

    /// Bits per second.
    pub(super) const fn get(&self) -> f64 {
        self.rate
    }

    /// Takes a report in that comes `delta` after the previous one.
    pub(super) fn on_report(&mut self, report: &Report, rtt: Span, delta: Span) {
        let rate = if report.ramp_up {
            self.rate
                .max((1.0 + self.gamma(rtt)) * report.receiving_bps)
        } else {
            self.gradual(report.signal_ms, delta)
        };
        self.rate = rate.clamp(self.bounds.min, self.bounds.max);
        self.last_signal_ms = report.signal_ms;
    }

    /// Equation 3: what ramp-up adds to the receiving rate.
    fn gamma(&self, rtt: Span) -> f64 {
        let config = &self.config;
        let reaction = rtt + config.delta + config.dfilt;
        (config.qbound.as_secs_f64() / reaction.as_secs_f64()).min(config.gamma_max)
    }

    /// Equations 5 to 7.
    fn gradual(&self, signal_ms: f64, delta: Span) -> f64 {
        let config = &self.config;
        let tau_ms = config.tau.as_millis_f64();
        let delta_ms = delta.min(config.max_delta).as_millis_f64();
        let rate = self.rate.max(1.0);
        let settling = config.prio * config.xref.as_millis_f64() * self.bounds.encoder_max / rate;
        let offset = signal_ms - settling;
        let change = signal_ms - self.last_signal_ms;
        rate - config.kappa * (delta_ms / tau_ms) * (offset / tau_ms) * rate
            - config.kappa * config.eta * (change / tau_ms) * rate
    }

    /// Equation 11: what the encoder gets while so much waits to be sent.
    pub(super) fn encoder(&self, waiting: Bytes) -> f64 {
        (self.rate - self.backlog(waiting, self.config.beta_v)).max(self.bounds.min)
    }

    /// Equation 12: how fast packets leave while so much waits.
    pub(super) fn sending(&self, waiting: Bytes) -> f64 {
        (self.rate + self.backlog(waiting, self.config.beta_s)).min(self.bounds.max)
    }

    fn backlog(&self, waiting: Bytes, share: f64) -> f64 {
        let rate = share * 8.0 * waiting.get() as f64 * self.config.fps;
        rate.min(MOST_SHAPING * self.rate)
    }
}

/// Shaping takes or adds at most this share of the reference rate.
const MOST_SHAPING: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        min: 150e3,
        max: 1.5e6,
        encoder_max: 1.5e6,
    };

    fn reference(rate: f64, last_signal_ms: f64) -> ReferenceRate {
        ReferenceRate {
            rate,
            last_signal_ms,
            ..ReferenceRate::new(&Nada::default(), BOUNDS, Bitrate::ZERO)
        }
    }

    fn report(signal_ms: f64) -> Report {
        Report {
            ramp_up: false,
            signal_ms,
            receiving_bps: 0.0,
        }
    }

    fn ms(ms: u64) -> Span {
        Span::from_millis(ms)
    }

    fn close(got: f64, expected: f64, within: f64) {
        assert!((got - expected).abs() <= within, "{got} {expected}");
    }

    #[test]
    fn ramp_up_adds_what_bounds_the_queue() {
        for (rtt, gamma) in [
            (0, 0.22727),
            (20, 0.20833),
            (50, 0.18519),
            (100, 0.15625),
            (200, 0.11905),
            (300, 0.09615),
        ] {
            close(reference(1e6, 0.0).gamma(ms(rtt)), gamma, 5e-6);
        }
    }

    #[test]
    fn ramp_up_never_lowers_the_rate() {
        let mut rate = reference(600e3, 3.0);
        let mut up = Report {
            ramp_up: true,
            signal_ms: 5.0,
            receiving_bps: 0.0,
        };
        rate.on_report(&up, ms(100), ms(100));
        close(rate.get(), 600e3, 0.0);
        close(rate.last_signal_ms, 5.0, 0.0);
        up.receiving_bps = 800e3;
        rate.on_report(&up, ms(100), ms(100));
        close(rate.get(), 925e3, 1e-6);
    }

    #[test]
    fn gradual_steps() {
        for (rate, signal, last, delta, expected) in [
            (1e6, 20.0, 15.0, 100, 989_000.0),
            (1e6, 15.0, 15.0, 100, 1_000_000.0),
            (1e6, 10.0, 20.0, 100, 1_021_000.0),
            (1e6, 100.0, 20.0, 100, 823_000.0),
            (0.5e6, 10.0, 10.0, 100, 502_000.0),
            (1e6, 20.0, 15.0, 50, 989_500.0),
            (1e6, 600.0, 20.0, 100, 150_000.0),
        ] {
            let mut rate = reference(rate, last);
            rate.on_report(&report(signal), Span::ZERO, ms(delta));
            close(rate.get(), expected, 1e-6);
        }
    }

    #[test]
    fn a_silence_counts_as_half_a_second() {
        let after = |delta| {
            let mut rate = reference(1e6, 20.0);
            rate.on_report(&report(20.0), Span::ZERO, delta);
            rate.get()
        };
        close(after(Span::from_secs(10)), after(ms(500)), 0.0);
        close(after(ms(500)), 995_000.0, 1e-6);
    }

    #[test]
    fn signal_settles_inversely_to_the_rate() {
        for (rate, encoder_max, signal) in [
            (1.5e6, 1.5e6, 10.0),
            (1e6, 1.5e6, 15.0),
            (0.5e6, 1.5e6, 30.0),
            (0.3e6, 1.5e6, 50.0),
            (0.15e6, 1.5e6, 100.0),
            (1e6, 3e6, 30.0),
            (0.3e6, 3e6, 100.0),
        ] {
            let mut reference = reference(rate, signal);
            reference.bounds.encoder_max = encoder_max;
            reference.on_report(&report(signal), Span::ZERO, ms(100));
            close(reference.get(), rate, 1e-6);
        }
    }

    /// One flow over 1 Mbit/s of fluid, seen without a filter every 100 ms.
    #[test]
    fn fluid_loop() {
        let (mut rate, mut queue_bits) = (reference(1.5e6, 0.0), 0.0);
        let mut seen = Vec::new();
        for _ in 0..40 {
            queue_bits = f64::max(0.0, queue_bits + (rate.get() - 1e6) * 0.1);
            let signal = queue_bits / 1e3;
            rate.on_report(&report(signal), Span::ZERO, ms(100));
            seen.push((signal, rate.get()));
        }
        for (k, signal, expected) in [
            (1, 50.000, 1_338_000.0),
            (2, 83.800, 1_228_126.0),
            (3, 106.613, 1_148_906.0),
            (4, 121.503, 1_089_771.0),
            (5, 130.480, 1_044_766.0),
            (6, 134.957, 1_010_213.0),
            (8, 134.346, 963_457.0),
            (10, 125.523, 937_311.0),
            (15, 89.144, 922_825.0),
            (20, 53.633, 941_453.0),
            (30, 16.733, 985_535.0),
            (40, 11.437, 1_001_274.0),
        ] {
            close(seen[k - 1].0, signal, 5e-4);
            close(seen[k - 1].1, expected, 0.5);
        }
    }

    /// Flows of priority 1 and 2 over 1.5 Mbit/s of fluid.
    #[test]
    fn two_flows_share_by_priority() {
        let (mut one, mut two) = (reference(1.2e6, 0.0), reference(300e3, 0.0));
        two.config.prio = 2.0;
        let mut queue_bits: f64 = 0.0;
        for _ in 0..20_000 {
            queue_bits = (queue_bits + (one.get() + two.get() - 1.5e6) * 0.1).max(0.0);
            let signal = report(queue_bits / 1.5e3);
            one.on_report(&signal, Span::ZERO, ms(100));
            two.on_report(&signal, Span::ZERO, ms(100));
        }
        close(one.get(), 0.5e6, 1.0);
        close(two.get(), 1e6, 1.0);
        close(queue_bits / 1.5e3, 30.0, 1e-3);
    }

    #[test]
    fn a_backlog_moves_encoder_and_pacer_apart_by_a_twentieth_at_most() {
        let waiting = Bytes::new(2_000);
        for (rate, shaped) in [(300e3, 15e3), (600e3, 30e3), (960e3, 48e3), (1.2e6, 48e3)] {
            let rate = reference(rate, 0.0);
            close(rate.encoder(waiting), rate.get() - shaped, 1e-6);
            close(rate.sending(waiting), rate.get() + shaped, 1e-6);
            close(rate.encoder(Bytes::ZERO), rate.get(), 0.0);
        }
        close(reference(150e3, 0.0).encoder(waiting), 150e3, 0.0);
        close(reference(1.5e6, 0.0).sending(waiting), 1.5e6, 0.0);
    }

    #[test]
    fn starts_at_the_least_rate_unless_that_is_nothing() {
        let config = Nada::default();
        let start = Bitrate::from_kbps(300);
        close(ReferenceRate::new(&config, BOUNDS, start).get(), 150e3, 0.0);
        let nothing = Bounds { min: 0.0, ..BOUNDS };
        let mut rate = ReferenceRate::new(&config, nothing, start);
        close(rate.get(), 300e3, 0.0);
        // Without a queue the rate rises by the same amount from anywhere.
        rate.rate = 0.0;
        rate.on_report(&report(0.0), Span::ZERO, ms(100));
        close(rate.get(), 3_001.0, 1e-6);
    }
}
