//! HyStart++: leaves slow start when round trips grow, before the queue
//! overflows.
//!
//! A round whose least round-trip time is clearly above that of the round
//! before starts conservative slow start (CSS), which grows a quarter as fast.
//! If round trips fall again it was noise and slow start goes on; if not, it
//! ends after five rounds.
//!
//! Implements: RFC 9406 sections 4.2 and 4.3.
//! Differs: the round in which CSS begins counts as its first; samples are not
//! counted anew when it begins.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildError, Span};

use super::{Feedback, FeedbackKind};

/// Constants of HyStart++.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HystartPp {
    /// An increase of the round-trip time below this is never one
    /// (MIN_RTT_THRESH, 4 ms).
    pub min_rtt_threshold: Span,
    /// An increase above this always is one (MAX_RTT_THRESH, 16 ms).
    pub max_rtt_threshold: Span,
    /// In between, this part of the round-trip time is (MIN_RTT_DIVISOR, 8).
    pub min_rtt_divisor: u32,
    /// Samples that a round needs to be judged (N_RTT_SAMPLE, 8).
    pub rtt_samples: u32,
    /// Growth in conservative slow start is divided by this
    /// (CSS_GROWTH_DIVISOR, 4).
    pub css_growth_divisor: u32,
    /// Rounds of conservative slow start until it ends slow start
    /// (CSS_ROUNDS, 5).
    pub css_rounds: u32,
    /// Packets that one report may add at most (L): none where packets are
    /// paced; 8 where they are not.
    pub burst_limit: Option<u32>,
}

impl Default for HystartPp {
    fn default() -> Self {
        Self {
            min_rtt_threshold: Span::from_millis(4),
            max_rtt_threshold: Span::from_millis(16),
            min_rtt_divisor: 8,
            rtt_samples: 8,
            css_growth_divisor: 4,
            css_rounds: 5,
            burst_limit: None,
        }
    }
}

impl HystartPp {
    pub(super) fn validate(&self) -> Result<(), BuildError> {
        let refuse = |field: &str, expected: &str| {
            Err(BuildError::field(format!("hystart_pp.{field}"), expected))
        };
        if self.min_rtt_threshold > self.max_rtt_threshold {
            return refuse("min_rtt_threshold", "expected at most `max_rtt_threshold`");
        }
        if self.min_rtt_divisor == 0 {
            return refuse("min_rtt_divisor", "expected at least 1");
        }
        if self.css_growth_divisor < 2 {
            return refuse("css_growth_divisor", "expected at least 2");
        }
        if self.css_rounds == 0 {
            return refuse("css_rounds", "expected at least 1");
        }
        if self.burst_limit == Some(0) {
            return refuse("burst_limit", "expected at least 1 packet, or none");
        }
        Ok(())
    }

    /// Increase over `last` from which a round trip has grown.
    fn threshold(&self, last: Span) -> Span {
        (last / u64::from(self.min_rtt_divisor))
            .max(self.min_rtt_threshold)
            .min(self.max_rtt_threshold)
    }
}

/// Conservative slow start.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Css {
    /// Least round-trip time of the round in which it began.
    baseline: Span,
    /// Rounds that it has seen the end of.
    rounds: u32,
}

/// Watches the round trips of the initial slow start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hystart {
    config: HystartPp,
    last_min: Option<Span>,
    current_min: Option<Span>,
    samples: u32,
    css: Option<Css>,
}

impl Hystart {
    pub(super) const fn new(config: &HystartPp) -> Self {
        Self {
            config: *config,
            last_min: None,
            current_min: None,
            samples: 0,
            css: None,
        }
    }

    /// The same without a past.
    pub(super) const fn fresh(self) -> Self {
        Self::new(&self.config)
    }

    /// Whether slow start is conservative at present.
    pub(super) const fn is_conservative(&self) -> bool {
        self.css.is_some()
    }

    /// Bytes that `acked` bytes add to the window.
    pub(super) fn growth(&self, acked: f64, packet: f64) -> f64 {
        let limit = self.config.burst_limit.map_or(f64::INFINITY, f64::from);
        let acked = acked.min(limit * packet);
        if self.is_conservative() {
            acked / f64::from(self.config.css_growth_divisor)
        } else {
            acked
        }
    }

    /// Takes a report in; `round_ended` when it is the first of a new round.
    /// Whether slow start is over.
    pub(super) fn on_feedback(&mut self, feedback: &Feedback<'_>, round_ended: bool) -> bool {
        if round_ended && self.end_round() {
            return true;
        }
        match feedback.kind {
            FeedbackKind::AckRanges => feedback.rtt().into_iter().for_each(|r| self.sample(r)),
            FeedbackKind::PerPacket => feedback.received().for_each(|packet| {
                let held = feedback.made.zip(packet.received);
                let held = held.map_or(Span::ZERO, |(made, at)| made.since(at));
                self.sample(feedback.now.since(packet.sent.at) - held);
            }),
        }
        false
    }

    fn end_round(&mut self) -> bool {
        self.last_min = self.current_min.take();
        self.samples = 0;
        let Some(css) = &mut self.css else {
            return false;
        };
        css.rounds += 1;
        css.rounds >= self.config.css_rounds
    }

    fn sample(&mut self, rtt: Span) {
        let current = self.current_min.map_or(rtt, |least| least.min(rtt));
        self.current_min = Some(current);
        self.samples = self.samples.saturating_add(1);
        if self.samples < self.config.rtt_samples {
            return;
        }
        match self.css {
            Some(css) if current < css.baseline => self.css = None,
            Some(_) => {}
            None => {
                let grown = self
                    .last_min
                    .is_some_and(|last| current >= last + self.config.threshold(last));
                self.css = grown.then_some(Css {
                    baseline: current,
                    rounds: 0,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Span {
        Span::from_millis(n)
    }

    #[test]
    fn threshold_is_an_eighth_within_4_and_16_ms() {
        let config = HystartPp::default();
        for (last, us) in [
            (1, 4_000),
            (10, 4_000),
            (32, 4_000),
            (40, 5_000),
            (50, 6_250),
            (80, 10_000),
            (100, 12_500),
            (128, 16_000),
            (200, 16_000),
            (500, 16_000),
        ] {
            assert_eq!(config.threshold(ms(last)), Span::from_micros(us), "{last}");
        }
    }

    #[test]
    fn growth_is_limited_unless_paced_and_quartered_in_css() {
        let mut paced = Hystart::new(&HystartPp::default());
        let mut unpaced = Hystart::new(&HystartPp {
            burst_limit: Some(8),
            ..HystartPp::default()
        });
        let growth = |h: &Hystart| h.growth(12_000.0, 1_200.0);
        assert_eq!((growth(&paced), growth(&unpaced)), (12_000.0, 9_600.0));
        for hystart in [&mut paced, &mut unpaced] {
            hystart.css = Some(Css {
                baseline: ms(1),
                rounds: 0,
            });
        }
        assert_eq!((growth(&paced), growth(&unpaced)), (3_000.0, 2_400.0));
    }

    #[test]
    fn a_fall_resumes_slow_start_and_five_rounds_end_it() {
        let mut hystart = Hystart::new(&HystartPp::default());
        let mut seen = Vec::new();
        for least in [100, 113, 112, 127, 127, 127, 127, 127] {
            for extra in [9, 0, 3, 4, 5, 6, 7] {
                hystart.sample(ms(least + extra));
            }
            let before = hystart.is_conservative();
            hystart.sample(ms(least + 8));
            seen.push((before, hystart.is_conservative(), hystart.end_round()));
        }
        assert_eq!(
            seen,
            [
                (false, false, false),
                (false, true, false),
                (true, false, false),
                (false, true, false),
                (true, true, false),
                (true, true, false),
                (true, true, false),
                (true, true, true),
            ]
        );
    }

    #[test]
    fn seven_samples_are_too_few_to_judge_a_round() {
        let mut hystart = Hystart::new(&HystartPp::default());
        for round in [50, 500, 5_000] {
            for _ in 0..7 {
                hystart.sample(ms(round));
            }
            assert!(!hystart.is_conservative());
            hystart.end_round();
        }
    }
}
