//! The delay-based estimate of one report: groups, trend, rate.
//!
//! Implements: DelayBasedBwe of libwebrtc (modules/congestion_controller/
//! goog_cc/delay_based_bwe, July 2026).
//! Not modelled: the trial that judges audio and video packets apart.

use super::Arrival;
use super::aimd::{Aimd, AimdConfig};
use super::inter_arrival::{GroupingConfig, InterArrival};
use super::trendline::{Trendline, TrendlineConfig, Usage};
use super::units::{Delta, Rate, Stamp};

/// Silence after which the past says nothing.
const STREAM_TIMEOUT: Delta = Delta::from_secs(2);

/// What a report led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The estimate, when it may be used.
    pub(super) estimate: Option<Rate>,
    /// Whether a probe set it.
    pub(super) from_probe: bool,
    /// Whether an underuse ended in this report.
    pub(super) recovered: bool,
}

/// Estimates from delay.
#[derive(Debug, Clone)]
pub(super) struct DelayBased {
    grouping: GroupingConfig,
    groups: InterArrival,
    trend: Trendline,
    aimd: Aimd,
    last_report: Option<Stamp>,
    last_estimate: Rate,
    last_usage: Usage,
}

impl DelayBased {
    pub(super) fn new(
        grouping: &GroupingConfig,
        trend: &TrendlineConfig,
        aimd: &AimdConfig,
        min: Rate,
    ) -> Self {
        Self {
            grouping: grouping.clone(),
            groups: InterArrival::new(grouping),
            trend: Trendline::new(trend),
            aimd: Aimd::new(aimd, min),
            last_report: None,
            last_estimate: Rate::ZERO,
            last_usage: Usage::Normal,
        }
    }

    /// The estimate that was last published.
    pub(super) const fn last_estimate(&self) -> Rate {
        self.last_estimate
    }
    /// What the delay said after the last report.
    pub(super) const fn last_usage(&self) -> Usage {
        self.last_usage
    }
    pub(super) const fn trend(&self) -> &Trendline {
        &self.trend
    }
    pub(super) const fn aimd(&self) -> &Aimd {
        &self.aimd
    }
    pub(super) const fn aimd_mut(&mut self) -> &mut Aimd {
        &mut self.aimd
    }

    /// Takes the packets that arrived, in order of arrival.
    pub(super) fn on_report(
        &mut self,
        arrivals: &[Arrival],
        acked: Option<Rate>,
        probed: Option<Rate>,
        app_limited: bool,
        now: Stamp,
    ) -> Outcome {
        if arrivals.is_empty() {
            return Outcome {
                estimate: None,
                from_probe: false,
                recovered: false,
            };
        }
        let recovered = self.follow_delay(arrivals, now);
        self.aimd.set_app_limited(app_limited);
        let outcome = self.estimate(acked, probed, recovered, now);
        self.last_estimate = outcome.estimate.unwrap_or(self.last_estimate);
        self.last_usage = self.trend.usage();
        outcome
    }

    fn follow_delay(&mut self, arrivals: &[Arrival], now: Stamp) -> bool {
        let mut before = self.trend.usage();
        if self
            .last_report
            .is_none_or(|last| now - last > STREAM_TIMEOUT)
        {
            self.groups = InterArrival::new(&self.grouping);
            self.trend.reset();
        }
        self.last_report = Some(now);
        let mut recovered = false;
        for packet in arrivals {
            if let Some(delta) = self.groups.on_packet(packet.sent, packet.received, now) {
                self.trend.on_group(delta, packet.received);
            }
            let usage = self.trend.usage();
            recovered |= before == Usage::Underusing && usage == Usage::Normal;
            before = usage;
        }
        recovered
    }

    fn estimate(
        &mut self,
        acked: Option<Rate>,
        probed: Option<Rate>,
        recovered: bool,
        now: Stamp,
    ) -> Outcome {
        let mut outcome = Outcome {
            estimate: None,
            from_probe: false,
            recovered: false,
        };
        if self.trend.usage() == Usage::Overusing {
            outcome.estimate = match acked {
                Some(acked) if self.aimd.may_decrease(acked, now) => self.update(Some(acked), now),
                None if self.aimd.is_initialized() => {
                    self.aimd.set_estimate(self.aimd.estimate().half(), now);
                    Some(self.aimd.estimate())
                }
                _ => None,
            };
        } else if let Some(probed) = probed {
            self.aimd.set_estimate(probed, now);
            outcome.estimate = Some(self.aimd.estimate());
            outcome.from_probe = true;
        } else {
            outcome.estimate = self.update(acked, now);
            outcome.recovered = recovered;
        }
        outcome
    }

    fn update(&mut self, acked: Option<Rate>, now: Stamp) -> Option<Rate> {
        self.aimd.update(self.trend.usage(), acked, now);
        self.aimd.is_initialized().then(|| self.aimd.estimate())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::gcc::units::Size;
    use weaknet_core::Time;

    /// Packets sent every 20 ms from `from` on, each `growth_ms` later on the
    /// way than the one before.
    fn arrivals(from: u64, growth_ms: u64) -> Vec<Arrival> {
        (from..from + 50)
            .map(|number| Arrival {
                number,
                sent: Time::from_millis(number * 20).into(),
                received: Time::from_millis(number * 20 + 30 + (number - from) * growth_ms).into(),
                size: Size::from_bytes(1_000),
                probe: None,
            })
            .collect()
    }

    fn started() -> DelayBased {
        let mut delay = DelayBased::new(
            &GroupingConfig::default(),
            &TrendlineConfig::default(),
            &AimdConfig::default(),
            Rate::from_kbps(5),
        );
        delay.aimd_mut().start_at(Rate::from_kbps(800));
        delay
    }

    fn at(ms: u64) -> Stamp {
        Time::from_millis(ms).into()
    }

    #[test]
    fn rising_delay_cuts_to_a_share_of_what_is_acknowledged() {
        let mut delay = started();
        let acked = Some(Rate::from_kbps(400));
        let outcome = delay.on_report(&arrivals(0, 4), acked, None, false, at(1_300));
        assert_eq!(delay.last_usage(), Usage::Overusing);
        assert_eq!(outcome.estimate, Some(Rate::from_kbps(335)));
    }

    #[test]
    fn rising_delay_halves_when_nothing_is_acknowledged() {
        let mut delay = started();
        let outcome = delay.on_report(&arrivals(0, 4), None, None, false, at(1_300));
        assert_eq!(outcome.estimate, Some(Rate::from_kbps(400)));
        let again = delay.on_report(&arrivals(50, 4), None, None, false, at(1_400));
        assert_eq!(
            again.estimate,
            Some(Rate::from_kbps(200)),
            "with each report"
        );
    }

    #[test]
    fn probe_sets_the_estimate_unless_the_path_is_overused() {
        let probed = Some(Rate::from_kbps(1_500));
        let mut delay = started();
        let outcome = delay.on_report(&arrivals(0, 0), None, probed, false, at(1_300));
        assert_eq!((outcome.estimate, outcome.from_probe), (probed, true));
        assert_eq!(delay.last_estimate(), Rate::from_kbps(1_500));
        let mut delay = started();
        let outcome = delay.on_report(&arrivals(0, 4), None, probed, false, at(1_300));
        assert!(!outcome.from_probe);
    }

    #[test]
    fn two_seconds_of_silence_forget_the_trend() {
        let mut delay = started();
        delay.on_report(&arrivals(0, 4), None, None, false, at(1_300));
        delay.on_report(&arrivals(50, 0)[..1], None, None, false, at(3_300));
        assert_eq!(
            delay.last_usage(),
            Usage::Overusing,
            "exactly two are no silence"
        );
        delay.on_report(&arrivals(51, 0)[..1], None, None, false, at(5_301));
        assert_eq!(
            (delay.last_usage(), delay.trend().slope()),
            (Usage::Normal, 0.0)
        );
    }

    #[test]
    fn end_of_an_underuse_is_a_recovery() {
        let mut delay = started();
        let mut falling = arrivals(0, 0);
        for (packet, ms) in falling.iter_mut().zip((0..50).rev()) {
            packet.received = packet.received + Delta::from_millis(ms * 4);
        }
        let outcome = delay.on_report(&falling, None, None, false, at(1_300));
        assert_eq!(
            (delay.last_usage(), outcome.recovered),
            (Usage::Underusing, false)
        );
        let outcome = delay.on_report(&arrivals(50, 0), None, None, false, at(2_300));
        assert_eq!(
            (delay.last_usage(), outcome.recovered),
            (Usage::Normal, true)
        );
    }
}
