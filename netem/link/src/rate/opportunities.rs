//! A serialiser driven by a trace of packet opportunities: at each of the
//! recorded instants up to 1500 bytes may leave, at no other time anything.
//!
//! A packet may span opportunities and several may share one; it has left at
//! the opportunity that carries its last byte. What is left of an opportunity
//! can be used by packets that were waiting then, and by no others. The trace
//! repeats: its base moves by the instant of its last opportunity, so that an
//! opportunity at 0 coincides with the last one of the round before.
//!
//! Implements: Mahimahi's link queue (snapshot ae477d4, 2024-12-29), where the
//! opportunities of an instant are handled before a packet that arrives then.
//! Differs: an opportunity carries 1500 bytes (there 1504, for the header of
//! its TUN device); larger packets pass instead of ending the program; the
//! packet that waits for the next opportunity alone counts as in service, not
//! as queued. The rate that limits in time count with is unknown there; here it
//! is the mean over the last second of service: gaps of 200 ms and more between
//! opportunities, the outages of the weak-network figures, do not count, so that
//! neither an outage nor the second after it makes the queue shorter (in the
//! first second of service: the mean of that second; where everything is
//! outage: that of the whole trace).

use std::sync::Arc;

use weaknet_core::{Bitrate, Time};

use crate::model::RateModel;

const BYTES: u64 = 1_500;
const SECOND: u64 = 1_000_000_000;

/// Gaps of this length and more are outages.
const OUTAGE: u64 = 200_000_000;

/// Non-decreasing values that repeat: the last is also the period.
#[derive(Debug)]
struct Cycle(Vec<u64>);

impl Cycle {
    fn period(&self) -> u64 {
        self.0.last().copied().unwrap_or_default()
    }
}

/// A trace of opportunities.
#[derive(Debug)]
pub(super) struct Opportunities {
    /// Instants in nanoseconds.
    instants: Cycle,
    /// The same without the time of outages.
    served: Cycle,
}

impl Opportunities {
    /// A trace whose last instant is above zero.
    pub(super) fn new(instants: Vec<u64>) -> Option<Self> {
        instants.last().copied().filter(|last| *last > 0)?;
        let (mut last, mut served) = (0, 0);
        let without_outages = |instant: &u64| {
            let gap = instant - std::mem::replace(&mut last, *instant);
            served += if gap < OUTAGE { gap } else { 0 };
            served
        };
        let served = Cycle(instants.iter().map(without_outages).collect());
        Some(Self {
            instants: Cycle(instants),
            served,
        })
    }

    /// The number of opportunities before `at`.
    fn before(&self, at: u64) -> u128 {
        // Rounds count as (0, period]: the last instant belongs to its round.
        let period = self.instants.period();
        let round = at.saturating_sub(1) / period;
        let within = self
            .instants
            .0
            .partition_point(|instant| *instant < at - round * period);
        u128::from(round) * self.instants.0.len() as u128 + within as u128
    }

    /// The mean rate of the whole trace.
    fn mean(&self) -> Bitrate {
        rate_of(self.instants.0.len() as u64, self.instants.period())
    }
}

/// The next opportunity: a round of the trace and a position in it.
#[derive(Debug, Clone, Copy, Default)]
struct Next {
    round: u64,
    index: usize,
}

impl Next {
    /// Its value; `None` beyond the largest number.
    fn at(self, cycle: &Cycle) -> Option<u64> {
        self.round
            .checked_mul(cycle.period())?
            .checked_add(cycle.0[self.index])
    }

    /// Opportunities before it.
    const fn number(self, cycle: &Cycle) -> u64 {
        self.round
            .saturating_mul(cycle.0.len() as u64)
            .saturating_add(self.index as u64)
    }

    /// The value of the opportunity before it; `None` at the very first.
    fn last(self, cycle: &Cycle) -> Option<u64> {
        match self.index.checked_sub(1) {
            Some(index) => Self { index, ..self }.at(cycle),
            None if self.round > 0 => self.round.checked_mul(cycle.period()),
            None => None,
        }
    }

    /// Moves over `n` opportunities.
    fn skip(&mut self, cycle: &Cycle, n: u64) {
        let len = cycle.0.len() as u64;
        let index = self.index as u64 + n;
        self.round = self.round.saturating_add(index / len);
        self.index = (index % len) as usize;
    }

    /// Moves to the first opportunity above `value`, unless already there. The
    /// search doubles its steps: cheap when near, never long when far.
    fn pass(&mut self, cycle: &Cycle, value: u64) {
        if self.at(cycle).is_none_or(|next| next > value) {
            return;
        }
        let round = value / cycle.period();
        if round > self.round {
            // Opportunities of the round before end where this one begins.
            *self = Self { round, index: 0 };
        }
        let Some(offset) = value.checked_sub(self.round.saturating_mul(cycle.period())) else {
            return;
        };
        let rest = &cycle.0[self.index..];
        let mut width = 1;
        while rest.get(width).is_some_and(|value| *value <= offset) {
            width *= 2;
        }
        let low = width / 2;
        let high = rest.len().min(width + 1);
        let passed = low + rest[low..high].partition_point(|value| *value <= offset);
        self.skip(cycle, passed as u64);
    }
}

/// A serialiser that follows a trace of opportunities.
pub(super) struct OpportunityServer {
    trace: Arc<Opportunities>,
    next: Next,
    /// End of the last service and bytes left of its opportunity.
    finish: Time,
    left: u64,
    /// The next opportunity for whoever asks for the rate.
    head: Next,
    /// The edges of the second of service over which the rate is the mean.
    edges: [Next; 2],
}

impl OpportunityServer {
    pub(super) fn boxed(trace: Arc<Opportunities>) -> Box<dyn RateModel> {
        Box::new(Self {
            trace,
            next: Next::default(),
            finish: Time::ZERO,
            left: 0,
            head: Next::default(),
            edges: [Next::default(); 2],
        })
    }
}

impl RateModel for OpportunityServer {
    fn serve(&mut self, start: Time, bytes: u32, waited: bool) -> Time {
        let bytes = u64::from(bytes);
        let mut usable = self.left;
        if !waited || start != self.finish {
            usable = 0;
            self.next.pass(&self.trace.instants, start.as_nanos());
        }
        self.finish = start;
        if bytes > usable {
            let opportunities = (bytes - usable).div_ceil(BYTES);
            self.next.skip(&self.trace.instants, opportunities - 1);
            self.finish = self
                .next
                .at(&self.trace.instants)
                .map_or(Time::MAX, Time::from_nanos);
            self.next.skip(&self.trace.instants, 1);
            usable += opportunities * BYTES;
        }
        self.left = usable - bytes;
        self.finish
    }

    fn rate_at(&mut self, now: Time) -> Option<Bitrate> {
        let served = &self.trace.served;
        if served.period() == 0 {
            return Some(self.trace.mean());
        }
        self.head.pass(&self.trace.instants, now.as_nanos());
        let end = self.head.last(served).unwrap_or_default().max(SECOND - 1);
        let [tail, head] = &mut self.edges;
        head.pass(served, end);
        if let Some(start) = end.checked_sub(SECOND) {
            tail.pass(served, start);
        }
        let count = head.number(served) - tail.number(served);
        Some(rate_of(count, SECOND))
    }

    fn capacity(&self, from: Time, to: Time) -> Option<f64> {
        let count = self
            .trace
            .before(to.as_nanos())
            .saturating_sub(self.trace.before(from.as_nanos()));
        Some(count as f64 * (BYTES * 8) as f64)
    }
}

fn rate_of(opportunities: u64, nanos: u64) -> Bitrate {
    let bps = u128::from(opportunities) * u128::from(BYTES * 8 * SECOND) / u128::from(nanos);
    Bitrate::from_bps(u64::try_from(bps).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: u64 = 1_000_000;

    fn server(ms: &[u64]) -> Box<dyn RateModel> {
        let trace = Opportunities::new(ms.iter().map(|t| t * MS).collect()).unwrap();
        OpportunityServer::boxed(Arc::new(trace))
    }

    fn ms(t: u64) -> Time {
        Time::from_nanos(t * MS)
    }

    #[test]
    fn packets_span_and_share_opportunities() {
        let mut link = server(&[1, 2, 3, 10]);
        // 2000 bytes take the opportunities at 1 and 2 and leave 1000 bytes.
        assert_eq!(link.serve(ms(0), 2_000, false), ms(2));
        assert_eq!(link.serve(ms(2), 600, true), ms(2));
        assert_eq!(link.serve(ms(2), 400, true), ms(2));
        assert_eq!(link.serve(ms(2), 1, true), ms(3));
        // Nobody waits at 3: what is left of it is lost.
        assert_eq!(link.serve(ms(5), 1_499, false), ms(10));
    }

    #[test]
    fn arrival_at_an_opportunity_misses_it() {
        let mut link = server(&[1, 1, 2, 10]);
        assert_eq!(link.serve(ms(1), 100, false), ms(2));
        // Arrives just as the one before leaves: the leftover is not for it.
        assert_eq!(link.serve(ms(2), 100, false), ms(10));
        assert_eq!(link.serve(ms(10), 100, true), ms(10));
    }

    #[test]
    fn several_opportunities_of_one_instant_are_used_one_by_one() {
        let mut link = server(&[5, 5, 5, 9]);
        assert_eq!(link.serve(ms(0), 1_500, false), ms(5));
        assert_eq!(link.serve(ms(5), 1_500, true), ms(5));
        assert_eq!(link.serve(ms(5), 3_000, true), ms(9));
    }

    #[test]
    fn base_moves_by_the_last_value() {
        // The opportunity at 0 and that at 4 of the round before coincide.
        let mut link = server(&[0, 4]);
        assert_eq!(link.serve(ms(0), 1_500, false), ms(4));
        assert_eq!(link.serve(ms(4), 1_500, true), ms(4));
        assert_eq!(link.serve(ms(4), 1_500, true), ms(8));
        // Long idle: four rounds later.
        assert_eq!(link.serve(ms(17), 1_500, false), ms(20));
        assert_eq!(link.capacity(ms(0), ms(4)), Some(12_000.0));
        assert_eq!(link.capacity(ms(0), ms(8)), Some(36_000.0));
        assert_eq!(link.capacity(ms(4), ms(5)), Some(24_000.0));
    }

    #[test]
    fn rate_is_the_mean_of_the_last_second_of_service() {
        // 100 opportunities in the first second, an outage of 3 s, then one
        // each 5 ms.
        let mut trace: Vec<u64> = (1..=100).map(|i| i * 10).collect();
        trace.extend((0..=200).map(|i| 4_000 + i * 5));
        let mut link = server(&trace);
        let mut opportunities = |t| link.rate_at(ms(t)).unwrap().as_bps() / 12_000;
        assert_eq!(opportunities(0), 99, "the first second, its end excluded");
        assert_eq!(opportunities(1_000), 101);
        assert_eq!(opportunities(3_999), 101, "an outage keeps the last rate");
        assert_eq!(opportunities(4_000), 101, "and so does its end");
        assert_eq!(opportunities(4_500), 151);
        assert_eq!(opportunities(5_000), 200);
        // Nothing but outages: the mean of the trace, 2 in 5 s.
        let mut late = server(&[3_000, 5_000]);
        assert_eq!(late.rate_at(ms(10)).unwrap().as_bps(), 4_800);
        assert_eq!(late.rate_at(ms(3_000)).unwrap().as_bps(), 4_800);
    }

    proptest! {
        /// The jumps agree with a walk over every single opportunity.
        #[test]
        fn agrees_with_a_walk(gaps in prop::collection::vec(0u64..4, 1..12),
                              packets in prop::collection::vec((0u64..9, 1u32..4_000), 1..40)) {
            let mut instants: Vec<u64> = gaps.iter().scan(0, |t, g| { *t += g; Some(*t) }).collect();
            if instants.last() == Some(&0) { instants.push(1); }
            let period = *instants.last().unwrap();
            let mut walk = (0..).flat_map(|round| instants.iter().map(move |t| (t + round * period) * MS));
            let mut link = server(&instants);
            let (mut now, mut finish, mut spare) = (0, 0, 0u64);
            let mut upcoming = walk.next().unwrap();
            for (gap, size) in packets {
                now += gap * MS;
                let start = now.max(finish);
                let got = link.serve(Time::from_nanos(start), size, now < start);
                if now >= start {
                    spare = 0;
                    while upcoming <= start { upcoming = walk.next().unwrap(); }
                }
                finish = start;
                let mut need = u64::from(size);
                while need > spare {
                    need -= spare;
                    spare = BYTES;
                    finish = upcoming;
                    upcoming = walk.next().unwrap();
                }
                spare -= need;
                prop_assert_eq!(got, Time::from_nanos(finish));
            }
        }

        #[test]
        fn capacity_counts_every_opportunity_once(gaps in prop::collection::vec(0u64..4, 1..12), from in 0u64..60, length in 0u64..60) {
            let mut instants: Vec<u64> = gaps.iter().scan(0, |t, g| { *t += g; Some(*t) }).collect();
            if instants.last() == Some(&0) { instants.push(1); }
            let period = *instants.last().unwrap();
            let all = (0..200).flat_map(|round| instants.iter().map(move |t| t + round * period));
            let want = all.filter(|t| (from..from + length).contains(t)).count();
            prop_assert_eq!(server(&instants).capacity(ms(from), ms(from + length)), Some(want as f64 * 12_000.0));
        }
    }
}
