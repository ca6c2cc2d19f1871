//! A rate that rises and falls steadily.
//!
//! Implements: straight lines between the given points; the work done is their
//! exact integral. A service ends at the first whole nanosecond at which its
//! work is done, found by solving the quadratic in floating point and
//! correcting the solution in integers; a busy server carries the exact
//! remainder from packet to packet and never drifts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Span, Time};

use super::curve::WORK_PER_BYTE;
use crate::model::{Rate, RateModel};
use crate::timeline::{Cursor, Timeline};

/// Bounds within which all integers fit: 1 Tbit/s and 146 years.
const MOST_BPS: u64 = 1_000_000_000_000;
const LATEST: Span = Span::from_nanos(1 << 62);

/// Points `[time, rate]`: the first at 0s, times ascending, 0bps allowed, 1 Tbps
/// at most. Between two points the rate follows a straight line; the last rate
/// holds for ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("examples" = [[["0s", "2Mbps"], ["10s", "500kbps"]]]))]
pub struct RateRamps(pub Vec<(Span, Bitrate)>);

impl Default for RateRamps {
    fn default() -> Self {
        Self(vec![(Span::ZERO, Bitrate::from_mbps(3))])
    }
}

impl Plugin for RateRamps {
    type Kind = Rate;
    const NAME: &'static str = "ramps";
    const SUMMARY: &'static str = "a rate that follows straight lines between given points";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn RateModel>, BuildError> {
        for (i, (at, rate)) in self.0.iter().enumerate() {
            if *at > LATEST || rate.as_bps() > MOST_BPS {
                let message = "expected at most 1000Gbps, within 146 years";
                return Err(BuildError::field(i.to_string(), message));
            }
        }
        let next = self.0.iter().skip(1).map(Some).chain([None]);
        let mut done = 0;
        let mut lines = Vec::with_capacity(self.0.len());
        for (&(start, rate), next) in self.0.iter().zip(next) {
            let line = Line {
                from: i128::from(rate.as_bps()),
                to: next.map_or(rate, |(_, rate)| *rate).as_bps().into(),
                length: next.map_or(u64::MAX, |(end, _)| (*end - start).as_nanos()),
                start: start.as_nanos(),
                done,
            };
            done += (line.from + line.to) * i128::from(line.length);
            lines.push((start, line));
        }
        let lines = Timeline::new(lines).map_err(|e| BuildError::new(e.message("3Mbps")))?;
        Ok(Box::new(Ramps {
            limits: limits(&self.0),
            lines,
            service: Cursor::default(),
            limit: Cursor::default(),
            finish: Time::ZERO,
            total: 0,
        }))
    }
}

/// For each point: its rate or, at 0bps, the last other one; before any other
/// rate the first one to come.
fn limits(points: &[(Span, Bitrate)]) -> Vec<Bitrate> {
    let rates = points.iter().map(|(_, rate)| *rate);
    let mut last = rates.clone().find(|rate| !rate.is_zero());
    let limit = |rate: Bitrate| {
        if !rate.is_zero() {
            last = Some(rate);
        }
        last.unwrap_or_default()
    };
    rates.map(limit).collect()
}

/// A straight line from a point to the next. Work is counted in halves of bits
/// x 10^-9, so that it is whole at every point.
#[derive(Debug, Clone, Copy)]
struct Line {
    start: u64,
    /// The largest number when it has no end; `to` is `from` then.
    length: u64,
    from: i128,
    to: i128,
    /// Work done before its start.
    done: i128,
}

impl Line {
    /// Work done `t` after its start, rounded down, and whether it is more.
    fn work(&self, t: u64) -> (i128, bool) {
        let (t, length, slope) = (i128::from(t), i128::from(self.length), self.to - self.from);
        if slope == 0 {
            return (self.done + 2 * self.from * t, false);
        }
        // slope t^2 / length, by whole and remainder so that nothing overflows.
        let (whole, rest) = (t * t / length, slope * (t * t % length));
        let bent = slope * whole + rest.div_euclid(length);
        let more = rest.rem_euclid(length) != 0;
        (self.done + 2 * self.from * t + bent, more)
    }

    /// The first instant after its start at which the total is done; `None`
    /// when it is not on this line.
    fn reach(&self, total: i128) -> Option<u64> {
        let need = total - self.done;
        if self.to == self.from {
            let rate = 2 * self.from;
            let nanos = (need + rate - 1).checked_div(rate)?;
            return u64::try_from(nanos).ok().filter(|t| *t <= self.length);
        }
        if self.work(self.length).0 < total {
            return None;
        }
        let guess = self.estimate(need);
        let (mut low, mut high) = (0, self.length);
        for probe in [guess.saturating_sub(2), guess.saturating_add(2)] {
            if low < probe && probe < high {
                let side = if self.work(probe).0 < total {
                    &mut low
                } else {
                    &mut high
                };
                *side = probe;
            }
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let side = if self.work(middle).0 < total {
                &mut low
            } else {
                &mut high
            };
            *side = middle;
        }
        Some(high)
    }

    /// About when so much work is done since its start.
    fn estimate(&self, need: i128) -> u64 {
        let (from, need) = (self.from as f64, need as f64);
        let slope = (self.to - self.from) as f64 / self.length as f64;
        let root = (from * from + slope * need).max(0.0).sqrt();
        libm::round(need / (from + root)) as u64
    }

    fn rate(&self, t: u64) -> u64 {
        let change = (self.to - self.from) * i128::from(t);
        let rate = self.from + change.div_euclid(i128::from(self.length));
        u64::try_from(rate).unwrap_or_default()
    }
}

struct Ramps {
    lines: Timeline<Line>,
    limits: Vec<Bitrate>,
    service: Cursor,
    limit: Cursor,
    /// End of the last service, and the total of work that it had to reach.
    finish: Time,
    total: i128,
}

impl Ramps {
    /// When the total is done, from `start` on.
    fn reach(&mut self, start: Time, total: i128) -> Time {
        let mut now = start;
        while now < Time::MAX {
            let piece = self.lines.piece(&mut self.service, now);
            if let Some(t) = piece.value.reach(total) {
                let at = piece.value.start.checked_add(t);
                return at.map_or(Time::MAX, Time::from_nanos);
            }
            now = piece.end;
        }
        Time::MAX
    }

    fn work(&self, at: Time) -> i128 {
        let (_, at, index) = self.lines.locate(at.as_nanos());
        let (start, _, line) = self.lines.piece_at(index);
        line.work(at - start).0
    }
}

impl RateModel for Ramps {
    fn serve(&mut self, start: Time, bytes: u32, _: bool) -> Time {
        let line = self.lines.piece(&mut self.service, start).value;
        let (done, more) = line.work(start.as_nanos() - line.start);
        let before = if start == self.finish {
            self.total
        } else {
            done + i128::from(more)
        };
        self.total = before + 2 * i128::from(bytes) * i128::from(WORK_PER_BYTE);
        self.finish = if self.total <= done {
            start
        } else {
            self.reach(start, self.total)
        };
        self.finish
    }

    fn rate_at(&mut self, now: Time) -> Option<Bitrate> {
        let line = self.lines.piece(&mut self.limit, now).value;
        match line.rate(now.as_nanos() - line.start) {
            0 => self.limits.get(self.limit.index()).copied(),
            rate => Some(Bitrate::from_bps(rate)),
        }
    }

    fn capacity(&self, from: Time, to: Time) -> Option<f64> {
        let work = (self.work(to) - self.work(from)).max(0);
        Some(work as f64 / 2e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use proptest::prelude::*;

    fn build(points: &[(u64, u64)]) -> Result<Box<dyn RateModel>, String> {
        let point = |(ms, bps): &(u64, u64)| (Span::from_millis(*ms), Bitrate::from_bps(*bps));
        testing::build(&RateRamps(points.iter().map(point).collect())).map_err(|e| e.to_string())
    }

    fn ms(t: u64) -> Time {
        Time::from_millis(t)
    }

    #[test]
    fn a_million_packets_follow_the_integral() {
        // 2 Mbit/s to 500 kbit/s in 10 s: after t the work is
        // r t - d t^2 / (2 T). One byte per packet: 8 of the 12.5 Mbit.
        let (r, d, length) = (2_000_000u128, 1_500_000u128, 10_000_000_000u128);
        let twice_scaled = |t: u128| 2 * r * t * length - d * t * t;
        let mut link = build(&[(0, 2_000_000), (10_000, 500_000)]).unwrap();
        let mut now = Time::ZERO;
        for k in 1..=1_000_000u128 {
            now = link.serve(now, 1, true);
            let (t, need) = (u128::from(now.as_nanos()), 2 * length * 8_000_000_000 * k);
            assert!(twice_scaled(t) >= need, "packet {k} too early");
            assert!(twice_scaled(t - 1) < need, "packet {k} too late");
        }
        assert!(now < ms(10_000));
    }

    #[test]
    fn closed_forms() {
        // From 0 to 8 Mbit/s in 1 s: n bytes take sqrt(n / 500000) s.
        let mut link = build(&[(0, 0), (1_000, 8_000_000)]).unwrap();
        assert_eq!(link.serve(ms(0), 5_000, false), ms(100));
        assert_eq!(link.serve(ms(100), 15_000, true), ms(200));
        assert_eq!(link.rate_at(ms(250)), Some(Bitrate::from_mbps(2)));
        // The rest of the ramp, then 8 Mbit/s for ever.
        assert_eq!(link.serve(ms(200), 480_000, true), ms(1_000));
        assert_eq!(link.serve(ms(1_000), 1_000, true), ms(1_001));
        assert_eq!(link.capacity(ms(0), ms(500)), Some(1e6));
        assert_eq!(link.capacity(ms(500), ms(1_500)), Some(7e6));
    }

    #[test]
    fn nothing_moves_at_zero_and_limits_remember() {
        let mut link =
            build(&[(0, 1_000_000), (10, 0), (20, 0), (30, 1_000_000), (40, 0)]).unwrap();
        // 5 kbit on the way down, nothing for 10 ms, 3 kbit of 5 on the way up.
        let finish = link.serve(ms(0), 1_000, false);
        assert_eq!(finish.as_nanos() / 1_000, 27_745, "20 ms + 10 ms sqrt(3/5)");
        assert_eq!(link.rate_at(ms(5)), Some(Bitrate::from_kbps(500)));
        assert_eq!(link.rate_at(ms(15)), Some(Bitrate::from_mbps(1)));
        assert_eq!(link.rate_at(ms(50)), Some(Bitrate::from_mbps(1)));
        assert_eq!(link.serve(ms(39), 1_000, false), Time::MAX);
        assert_eq!(link.serve(Time::MAX, 1, true), Time::MAX);
    }

    #[test]
    fn refuses_what_is_no_ramp() {
        assert!(build(&[]).is_err_and(|e| e.starts_with("no steps")));
        assert!(build(&[(1, 5)]).is_err_and(|e| e == "the first step must be at 0s"));
        assert!(build(&[(0, MOST_BPS + 1)]).is_err());
        assert!(build(&[(0, MOST_BPS), (4_611_686_018_427, MOST_BPS)]).is_ok());
    }

    proptest! {
        /// A flat ramp is a constant rate, and any ramp does what its own
        /// integral says, to the nanosecond.
        #[test]
        fn services_end_when_their_work_is_done(
            points in prop::collection::vec((1u64..400, prop_oneof![Just(0u64), 1u64..50_000_000]), 1..6),
            packets in prop::collection::vec((prop_oneof![Just(0u64), 0u64..30_000_000], 1u32..3_000), 1..40),
        ) {
            let mut at = 0;
            let points: Vec<(u64, u64)> = points.iter().map(|(gap, bps)| {
                let point = (at, *bps);
                at += gap;
                point
            }).collect();
            let mut link = build(&points).unwrap();
            let mut finish = Time::ZERO;
            // Bits that must have passed since the start of the busy period.
            let (mut busy_since, mut bits) = (Time::ZERO, 0.0);
            for (pause, bytes) in packets {
                let start = finish + Span::from_nanos(pause);
                if pause > 0 { (busy_since, bits) = (start, 0.0); }
                bits += f64::from(bytes) * 8.0;
                finish = link.serve(start, bytes, pause == 0);
                if finish == Time::MAX { break; }
                prop_assert!(finish > start);
                let done = link.capacity(busy_since, finish).unwrap();
                let before = link.capacity(busy_since, Time::from_nanos(finish.as_nanos() - 1)).unwrap();
                prop_assert!(done >= bits - 1e-6, "{} of {}", done, bits);
                prop_assert!(before < bits + 1e-6, "{} of {}", before, bits);
            }
        }
    }
}
