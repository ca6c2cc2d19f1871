//! When to probe, and how fast: at the start, while probes get through, in
//! application-limited regions, after a drop, and when more is allocated.
//!
//! Implements: ProbeController of libwebrtc (modules/congestion_controller/
//! goog_cc/probe_controller, July 2026).
//! Not modelled: probes to a remote network estimate; skipping probes near the
//! maximum; spacing of bursts within a probe, which is the pacer's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::Span;

use crate::cc::ProbeCluster;

use super::units::{Delta, Rate, Stamp};

/// When and how fast to probe (WebRTC-Bwe-ProbingConfiguration).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProbingConfig {
    /// Whether to probe now and then while the application is the limit
    /// (true; StreamsConfig::requests_alr_probing, set by applications).
    pub alr_probing: bool,
    /// First probe as a multiple of the start rate (3).
    pub first_scale: f64,
    /// Second probe as a multiple of the start rate; 0 for none (6).
    pub second_scale: f64,
    /// Next probe as a multiple of what the last one measured (2).
    pub further_scale: f64,
    /// Share of a probe's rate that has to be measured for the next (0.7).
    pub further_threshold: f64,
    /// Time between probes while the application is the limit (5 s).
    pub alr_interval: Span,
    /// Such a probe as a multiple of the estimate (2).
    pub alr_scale: f64,
    /// Whether to probe when more is allocated while the application is the
    /// limit (true).
    pub allocation_probing: bool,
    /// First such probe as a multiple of what is allocated; 0 for none (1).
    pub first_allocation_scale: f64,
    /// Second such probe as a multiple of what is allocated; 0 for none (2).
    pub second_allocation_scale: f64,
    /// Such probes are at most this multiple of the estimate (2).
    pub allocation_limit_scale: f64,
    /// Probes are at most this multiple of the estimate while it grows under
    /// loss (1.5).
    pub loss_limited_scale: f64,
    /// Least packets of a cluster (5).
    pub min_packets: u32,
    /// Length of a cluster (15 ms).
    pub duration: Span,
    /// Whether to repeat the first probe before anything is allocated (false;
    /// StreamsConfig::enable_repeated_initial_probing).
    pub repeat_initial: bool,
    /// For how long to repeat it (5 s).
    pub repeat_for: Span,
    /// Length of a repeated cluster (100 ms).
    pub repeat_duration: Span,
}

impl Default for ProbingConfig {
    fn default() -> Self {
        Self {
            alr_probing: true,
            first_scale: 3.0,
            second_scale: 6.0,
            further_scale: 2.0,
            further_threshold: 0.7,
            alr_interval: Span::from_secs(5),
            alr_scale: 2.0,
            allocation_probing: true,
            first_allocation_scale: 1.0,
            second_allocation_scale: 2.0,
            allocation_limit_scale: 2.0,
            loss_limited_scale: 1.5,
            min_packets: 5,
            duration: Span::from_millis(15),
            repeat_initial: false,
            repeat_for: Span::from_secs(5),
            repeat_duration: Span::from_millis(100),
        }
    }
}

/// Time until a probe's result has to be there.
const RESULT_TIMEOUT: Delta = Delta::from_secs(1);
/// Fastest probe when the application sets no maximum.
const DEFAULT_MAX: Rate = Rate::from_kbps(5_000);
/// A fall to less than this share of the estimate is a large drop.
const LARGE_DROP: f64 = 0.66;
/// Time after a large drop in which recovery is probed.
const DROP_TIMEOUT: Delta = Delta::from_secs(5);
/// That probe as a share of the estimate before the drop.
const AFTER_DROP: f64 = 0.85;
/// Time after an application-limited region in which it is.
const ALR_ENDED_TIMEOUT: Delta = Delta::from_secs(3);
/// Time between two such probes.
const BETWEEN_DROP_PROBES: Delta = Delta::from_secs(5);
/// Uncertainty of a result, as a share of the probe.
const UNCERTAINTY: f64 = 0.05;
/// Clusters that wait to be fetched; older ones give way.
const QUEUE: usize = 8;

/// What holds the estimate down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// Loss, and the estimate grows.
    LossIncreasing,
    /// Loss.
    Loss,
    /// Nothing but the delay-based estimate.
    Delay,
    /// The delay is moving.
    DelayIncreased,
    /// Feedback stays away.
    HighRtt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Init,
    Waiting,
    Complete,
}

/// Decides on probes and keeps them until they are fetched.
#[derive(Debug, Clone)]
pub(super) struct ProbeController {
    config: ProbingConfig,
    network_up: bool,
    state: State,
    limit: Limit,
    further_above: Rate,
    initiated: Option<Stamp>,
    estimate: Rate,
    start: Rate,
    max: Rate,
    max_allocated: Rate,
    alr_since: Option<Stamp>,
    alr_ended: Option<Stamp>,
    drop_probed: Option<Stamp>,
    dropped: Option<Stamp>,
    before_drop: Rate,
    repeat_until: Option<Stamp>,
    next_id: u32,
    queue: [Option<ProbeCluster>; QUEUE],
    launched: u64,
}

impl ProbeController {
    pub(super) fn new(config: &ProbingConfig) -> Self {
        Self {
            config: config.clone(),
            network_up: false,
            state: State::Init,
            limit: Limit::Delay,
            further_above: Rate::INFINITE,
            initiated: None,
            estimate: Rate::ZERO,
            start: Rate::ZERO,
            max: DEFAULT_MAX,
            max_allocated: Rate::ZERO,
            alr_since: None,
            alr_ended: None,
            drop_probed: None,
            dropped: None,
            before_drop: Rate::ZERO,
            repeat_until: None,
            next_id: 1,
            queue: [None; QUEUE],
            launched: 0,
        }
    }

    /// Clusters asked for so far.
    pub(super) const fn launched(&self) -> u64 {
        self.launched
    }

    /// The oldest cluster that waits.
    pub(super) fn poll(&mut self) -> Option<ProbeCluster> {
        let first = self.queue[0].take();
        self.queue.rotate_left(1);
        first
    }

    /// Starts over on another path; what the application set stays.
    pub(super) const fn reset(&mut self, now: Stamp) {
        self.state = State::Init;
        self.limit = Limit::Delay;
        self.further_above = Rate::INFINITE;
        self.initiated = None;
        self.estimate = Rate::ZERO;
        self.start = Rate::ZERO;
        self.max = DEFAULT_MAX;
        self.drop_probed = Some(now);
        self.alr_ended = None;
        self.dropped = Some(now);
        self.before_drop = Rate::ZERO;
    }

    pub(super) const fn set_alr(&mut self, since: Option<Stamp>) {
        self.alr_since = since;
    }

    pub(super) const fn on_alr_ended(&mut self, now: Stamp) {
        self.alr_ended = Some(now);
    }

    pub(super) fn on_network(&mut self, up: bool, now: Stamp) {
        self.network_up = up;
        if !up && self.state == State::Waiting {
            self.complete();
        }
        if up && self.state == State::Init && self.start > Rate::ZERO {
            self.probe_start(now);
        }
    }

    /// Takes the bounds; without a start rate the estimate stays.
    pub(super) fn set_bounds(&mut self, min: Rate, start: Option<Rate>, max: Rate, now: Stamp) {
        if let Some(start) = start.filter(|start| *start > Rate::ZERO) {
            self.start = start;
            self.estimate = start;
        } else if self.start == Rate::ZERO {
            self.start = min;
        }
        let before = self.max;
        self.max = if max.is_finite() { max } else { DEFAULT_MAX };
        match self.state {
            State::Init if self.network_up => self.probe_start(now),
            State::Complete
                if self.estimate > Rate::ZERO && before < self.max && self.estimate < self.max =>
            {
                self.probe(&[self.max], false, now);
            }
            _ => {}
        }
    }

    /// The streams together would use this much.
    pub(super) fn set_max_allocated(&mut self, max_allocated: Rate, now: Stamp) {
        let probes = self.config.allocation_probing
            && self.state == State::Complete
            && max_allocated != self.max_allocated
            && self.estimate < self.max
            && self.estimate < max_allocated
            && self.alr_since.is_some();
        if !probes && max_allocated > Rate::ZERO {
            self.repeat_until = Some(now);
        }
        self.max_allocated = max_allocated;
        if !probes || self.config.first_allocation_scale <= 0.0 {
            return;
        }
        let limit = self.estimate * self.config.allocation_limit_scale;
        let first = max_allocated * self.config.first_allocation_scale;
        let second = max_allocated * self.config.second_allocation_scale;
        if limit < first {
            self.probe(&[limit], true, now);
        } else if second.min(limit) > first {
            self.probe(&[first, second.min(limit)], limit < second, now);
        } else {
            self.probe(
                &[first],
                self.config.second_allocation_scale > 0.0 && limit < second,
                now,
            );
        }
    }

    /// Takes a published estimate.
    pub(super) fn set_estimate(&mut self, estimate: Rate, limit: Limit, now: Stamp) {
        self.limit = limit;
        if estimate < self.estimate * LARGE_DROP {
            self.dropped = Some(now);
            self.before_drop = self.estimate;
        }
        self.estimate = estimate;
        if self.state == State::Waiting && estimate > self.further_above {
            self.probe(&[estimate * self.config.further_scale], true, now);
        }
    }

    /// An underuse has ended: asks whether the rate before a large drop is
    /// back.
    pub(super) fn on_recovery(&mut self, now: Stamp) {
        let alr = self.alr_since.is_some()
            || self
                .alr_ended
                .is_some_and(|ended| now - ended < ALR_ENDED_TIMEOUT);
        let suggested = self.before_drop * AFTER_DROP;
        if alr
            && self.state == State::Complete
            && suggested * (1.0 - UNCERTAINTY) > self.estimate
            && self
                .dropped
                .is_some_and(|dropped| now - dropped < DROP_TIMEOUT)
            && self
                .drop_probed
                .is_none_or(|probed| now - probed > BETWEEN_DROP_PROBES)
        {
            self.drop_probed = Some(now);
            self.probe(&[suggested], false, now);
        }
    }

    /// Looks whether it is time for a probe.
    pub(super) fn on_tick(&mut self, now: Stamp) {
        let timed_out = self
            .initiated
            .is_none_or(|initiated| now - initiated > RESULT_TIMEOUT);
        if timed_out && self.state == State::Waiting {
            self.complete();
        }
        if self.estimate == Rate::ZERO || self.state != State::Complete {
            return;
        }
        if self.may_repeat(now) {
            self.probe(&[self.estimate * self.config.first_scale], true, now);
        } else if self.is_alr_probe_due(now) {
            self.probe(&[self.estimate * self.config.alr_scale], true, now);
        }
    }

    fn may_repeat(&self, now: Stamp) -> bool {
        self.repeat_until.is_some_and(|until| until > now)
            && self
                .initiated
                .is_none_or(|initiated| now - initiated >= RESULT_TIMEOUT)
    }

    fn is_alr_probe_due(&self, now: Stamp) -> bool {
        let Some(since) = self.alr_since.filter(|_| self.config.alr_probing) else {
            return false;
        };
        let latest = self
            .initiated
            .map_or(since, |initiated| initiated.max(since));
        now - latest >= self.config.alr_interval.into()
    }

    fn probe_start(&mut self, now: Stamp) {
        if self.config.repeat_initial && self.max_allocated == Rate::ZERO {
            self.repeat_until = Some(now + self.config.repeat_for.into());
        }
        let first = self.start * self.config.first_scale;
        if self.config.second_scale > 0.0 {
            self.probe(&[first, self.start * self.config.second_scale], true, now);
        } else {
            self.probe(&[first], true, now);
        }
    }

    fn probe(&mut self, rates: &[Rate], further: bool, now: Stamp) {
        let mut fastest = self.max;
        if self.max_allocated > Rate::ZERO {
            fastest = fastest.min(self.max_allocated + self.max_allocated);
        }
        match self.limit {
            Limit::HighRtt | Limit::DelayIncreased | Limit::Loss => return,
            Limit::LossIncreasing => {
                fastest = fastest.min(self.estimate * self.config.loss_limited_scale)
            }
            Limit::Delay => {}
        }
        let mut last = Rate::ZERO;
        for rate in rates {
            last = fastest.min(*rate);
            self.launch(last, now);
        }
        self.initiated = Some(now);
        if further && rates.iter().all(|rate| *rate < fastest) {
            self.state = State::Waiting;
            self.further_above = last * self.config.further_threshold;
        } else {
            self.complete();
        }
    }

    fn launch(&mut self, rate: Rate, now: Stamp) {
        let repeated = self.repeat_until.is_some_and(|until| now < until);
        let duration = if repeated {
            self.config.repeat_duration
        } else {
            self.config.duration
        };
        let cluster = ProbeCluster {
            id: self.next_id,
            rate: rate.into(),
            min_packets: self.config.min_packets,
            min_bytes: (rate * Delta::from(duration)).into(),
            duration,
        };
        self.next_id = self.next_id.wrapping_add(1);
        self.launched += 1;
        if let Some(free) = self.queue.iter_mut().find(|place| place.is_none()) {
            *free = Some(cluster);
        } else {
            self.queue.rotate_left(1);
            self.queue[QUEUE - 1] = Some(cluster);
        }
    }

    const fn complete(&mut self) {
        self.state = State::Complete;
        self.further_above = Rate::INFINITE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::Time;

    fn at(ms: u64) -> Stamp {
        Time::from_millis(ms).into()
    }

    /// Rates of the clusters that wait, in kbps.
    fn launched(probes: &mut ProbeController) -> Vec<u64> {
        std::iter::from_fn(|| probes.poll())
            .map(|cluster| cluster.rate.as_bps() / 1_000)
            .collect()
    }

    /// After the first probes of a start at 300 kbps.
    fn started(config: &ProbingConfig) -> ProbeController {
        let mut probes = ProbeController::new(config);
        probes.on_network(true, at(0));
        probes.set_bounds(
            Rate::from_kbps(50),
            Some(Rate::from_kbps(300)),
            Rate::from_kbps(5_000),
            at(0),
        );
        assert_eq!(launched(&mut probes), [900, 1_800]);
        probes
    }

    /// With an estimate of 500 kbps and nothing under way.
    fn settled() -> ProbeController {
        let mut probes = started(&ProbingConfig::default());
        probes.set_estimate(Rate::from_kbps(500), Limit::Delay, at(100));
        probes.on_tick(at(1_025));
        probes
    }

    #[test]
    fn probes_go_on_while_seventy_per_cent_get_through() {
        let mut probes = started(&ProbingConfig::default());
        probes.set_estimate(Rate::from_kbps(1_260), Limit::Delay, at(100));
        assert_eq!(launched(&mut probes), [] as [u64; 0]);
        probes.set_estimate(Rate::from_kbps(1_800), Limit::Delay, at(150));
        assert_eq!(launched(&mut probes), [3_600]);
        // The next is cut to the maximum and is the last.
        probes.set_estimate(Rate::from_kbps(2_850), Limit::Delay, at(200));
        assert_eq!(launched(&mut probes), [5_000]);
        probes.set_estimate(Rate::from_kbps(4_500), Limit::Delay, at(250));
        assert_eq!(launched(&mut probes), [] as [u64; 0]);
    }

    #[test]
    fn results_are_awaited_for_a_second() {
        let mut probes = started(&ProbingConfig::default());
        probes.on_tick(at(1_001));
        probes.set_estimate(Rate::from_kbps(1_800), Limit::Delay, at(1_002));
        assert_eq!(launched(&mut probes), [] as [u64; 0]);
    }

    #[test]
    fn no_network_no_probe() {
        let mut probes = ProbeController::new(&ProbingConfig::default());
        let (min, max) = (Rate::from_kbps(50), Rate::INFINITE);
        probes.set_bounds(min, Some(Rate::from_kbps(1_000)), max, at(0));
        assert_eq!(probes.launched(), 0);
        probes.on_network(true, at(10));
        // No maximum is set: 5 Mbps.
        assert_eq!(launched(&mut probes), [3_000, 5_000]);
    }

    #[test]
    fn application_limited_region_is_probed_every_five_seconds() {
        let mut probes = settled();
        probes.set_alr(Some(at(2_000)));
        let ticks: Vec<u64> = (0..600)
            .map(|k| 2_000 + 20 * k)
            .filter(|ms| {
                probes.on_tick(at(*ms));
                !launched(&mut probes).is_empty()
            })
            .collect();
        assert_eq!(ticks, [7_000, 12_000]);
    }

    #[test]
    fn causes_that_forbid_probing() {
        for (limit, rates) in [
            (Limit::Loss, vec![]),
            (Limit::DelayIncreased, vec![]),
            (Limit::HighRtt, vec![]),
            (Limit::LossIncreasing, vec![750]),
            (Limit::Delay, vec![1_000]),
        ] {
            let mut probes = settled();
            probes.set_estimate(Rate::from_kbps(500), limit, at(1_100));
            probes.set_alr(Some(at(1_100)));
            probes.on_tick(at(6_100));
            assert_eq!(launched(&mut probes), rates, "{limit:?}");
        }
    }

    #[test]
    fn recovery_after_a_large_drop_is_probed_once() {
        let mut probes = settled();
        probes.set_estimate(Rate::from_kbps(2_000), Limit::Delay, at(2_000));
        probes.set_estimate(Rate::from_kbps(1_000), Limit::Delay, at(3_000));
        probes.on_recovery(at(3_500));
        assert_eq!(
            launched(&mut probes),
            [] as [u64; 0],
            "the application is not the limit"
        );
        probes.on_alr_ended(at(3_600));
        probes.on_recovery(at(3_700));
        assert_eq!(launched(&mut probes), [1_700]);
        probes.on_recovery(at(3_800));
        assert_eq!(launched(&mut probes), [] as [u64; 0]);
    }

    #[test]
    fn more_allocation_is_probed_in_application_limited_regions() {
        let mut probes = settled();
        probes.set_max_allocated(Rate::from_kbps(800), at(2_000));
        assert_eq!(probes.launched(), 2);
        probes.set_alr(Some(at(2_000)));
        // 1 x 600 kbps; 2 x is cut to 2 x the estimate.
        probes.set_max_allocated(Rate::from_kbps(600), at(2_100));
        assert_eq!(launched(&mut probes), [600, 1_000]);
        let mut probes = settled();
        probes.set_alr(Some(at(2_000)));
        probes.set_max_allocated(Rate::from_kbps(1_200), at(2_100));
        assert_eq!(launched(&mut probes), [1_000]);
    }

    #[test]
    fn higher_maximum_is_probed_at_once() {
        let mut probes = settled();
        let (min, max) = (Rate::from_kbps(50), Rate::from_kbps(8_000));
        probes.set_bounds(min, None, max, at(2_000));
        assert_eq!(launched(&mut probes), [8_000]);
    }

    #[test]
    fn first_probe_is_repeated_until_something_is_allocated() {
        let config = ProbingConfig {
            repeat_initial: true,
            ..ProbingConfig::default()
        };
        let mut probes = started(&config);
        probes.set_estimate(Rate::from_kbps(500), Limit::Delay, at(100));
        probes.on_tick(at(1_025));
        assert_eq!(launched(&mut probes), [1_500]);
        probes.set_max_allocated(Rate::from_kbps(2_000), at(1_100));
        probes.on_tick(at(3_000));
        assert_eq!(launched(&mut probes), [] as [u64; 0]);
    }

    #[test]
    fn clusters_that_nobody_fetches_give_way() {
        let mut probes = settled();
        for k in 0..20 {
            probes.launch(Rate::from_kbps(k), at(0));
        }
        assert_eq!(launched(&mut probes), [12, 13, 14, 15, 16, 17, 18, 19]);
    }
}
