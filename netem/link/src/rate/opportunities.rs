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
//! as queued; the rate that limits in time count with, unknown there, is the
//! mean over the second that ends at the last opportunity, so that it stays
//! during an outage (in the first second: the mean of the trace's first second;
//! before the first opportunity: that of the whole trace).

use std::sync::Arc;

use weaknet_core::{Bitrate, Time};

use crate::model::RateModel;

const BYTES: u64 = 1_500;
const SECOND: u64 = 1_000_000_000;

/// A trace of opportunities.
#[derive(Debug)]
pub(super) struct Opportunities {
    /// Non-decreasing instants in nanoseconds; the last is also the period.
    instants: Vec<u64>,
    period: u64,
}

impl Opportunities {
    /// A trace whose last instant is above zero.
    pub(super) fn new(instants: Vec<u64>) -> Option<Self> {
        let period = instants.last().copied().filter(|last| *last > 0)?;
        Some(Self { instants, period })
    }

    /// The number of opportunities before `at`.
    fn before(&self, at: u64) -> u128 {
        // Rounds count as (0, period]: the last instant belongs to its round.
        let round = at.saturating_sub(1) / self.period;
        let within = self
            .instants
            .partition_point(|instant| *instant < at - round * self.period);
        u128::from(round) * self.instants.len() as u128 + within as u128
    }

    /// The mean rate of the whole trace.
    fn mean(&self) -> Bitrate {
        rate_of(self.instants.len() as u64, self.period)
    }
}

/// The next opportunity: a round of the trace and a position in it.
#[derive(Debug, Clone, Copy, Default)]
struct Next {
    round: u64,
    index: usize,
}

impl Next {
    /// Its instant; `None` beyond the end of time.
    fn at(self, trace: &Opportunities) -> Option<u64> {
        self.round
            .checked_mul(trace.period)?
            .checked_add(trace.instants[self.index])
    }

    /// Opportunities before it.
    const fn number(self, trace: &Opportunities) -> u64 {
        self.round
            .saturating_mul(trace.instants.len() as u64)
            .saturating_add(self.index as u64)
    }

    /// The instant of the opportunity before it; `None` at the very first.
    fn last(self, trace: &Opportunities) -> Option<u64> {
        match self.index.checked_sub(1) {
            Some(index) => Self { index, ..self }.at(trace),
            None if self.round > 0 => self.round.checked_mul(trace.period),
            None => None,
        }
    }

    /// Moves over `n` opportunities.
    fn skip(&mut self, trace: &Opportunities, n: u64) {
        let len = trace.instants.len() as u64;
        let index = self.index as u64 + n;
        self.round = self.round.saturating_add(index / len);
        self.index = (index % len) as usize;
    }

    /// Moves to the first opportunity after `at`, unless already there. The
    /// search doubles its steps: cheap when near, never long when far.
    fn pass(&mut self, trace: &Opportunities, at: u64) {
        if self.at(trace).is_none_or(|next| next > at) {
            return;
        }
        let round = at / trace.period;
        if round > self.round {
            // Opportunities of the round before end where this one begins.
            *self = Self { round, index: 0 };
        }
        let Some(offset) = at.checked_sub(self.round.saturating_mul(trace.period)) else {
            return;
        };
        let rest = &trace.instants[self.index..];
        let mut width = 1;
        while rest.get(width).is_some_and(|instant| *instant <= offset) {
            width *= 2;
        }
        let low = width / 2;
        let high = rest.len().min(width + 1);
        let passed = low + rest[low..high].partition_point(|instant| *instant <= offset);
        self.skip(trace, passed as u64);
    }
}

/// A serialiser that follows a trace of opportunities.
pub(super) struct OpportunityServer {
    trace: Arc<Opportunities>,
    next: Next,
    /// End of the last service and bytes left of its opportunity.
    finish: Time,
    left: u64,
    /// The edges of the second over which the rate is the mean.
    head: Next,
    tail: Next,
}

impl OpportunityServer {
    pub(super) fn boxed(trace: Arc<Opportunities>) -> Box<dyn RateModel> {
        let (next, head, tail) = (Next::default(), Next::default(), Next::default());
        Box::new(Self {
            trace,
            next,
            finish: Time::ZERO,
            left: 0,
            head,
            tail,
        })
    }
}

impl RateModel for OpportunityServer {
    fn serve(&mut self, start: Time, bytes: u32, waited: bool) -> Time {
        let bytes = u64::from(bytes);
        let mut usable = self.left;
        if !waited || start != self.finish {
            usable = 0;
            self.next.pass(&self.trace, start.as_nanos());
        }
        self.finish = start;
        if bytes > usable {
            let opportunities = (bytes - usable).div_ceil(BYTES);
            self.next.skip(&self.trace, opportunities - 1);
            self.finish = self
                .next
                .at(&self.trace)
                .map_or(Time::MAX, Time::from_nanos);
            self.next.skip(&self.trace, 1);
            usable += opportunities * BYTES;
        }
        self.left = usable - bytes;
        self.finish
    }

    fn rate_at(&mut self, now: Time) -> Option<Bitrate> {
        // Both edges stand behind the opportunities that they count.
        self.head.pass(&self.trace, now.as_nanos().max(SECOND - 1));
        let Some(last) = self.head.last(&self.trace) else {
            return Some(self.trace.mean());
        };
        if let Some(tail) = last.checked_sub(SECOND) {
            self.tail.pass(&self.trace, tail);
        }
        Some(rate_of(
            self.head.number(&self.trace) - self.tail.number(&self.trace),
            SECOND,
        ))
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
    fn rate_is_the_mean_of_the_second_up_to_the_last_opportunity() {
        // 100 opportunities in the first second, none in the next three.
        let mut trace: Vec<u64> = (1..=100).map(|i| i * 10).collect();
        trace.push(4_000);
        let mut link = server(&trace);
        let mut opportunities = |t| link.rate_at(ms(t)).unwrap().as_bps() / 12_000;
        assert_eq!(opportunities(0), 99, "the first second, its end excluded");
        assert_eq!(opportunities(1_000), 100);
        assert_eq!(opportunities(3_999), 100, "an outage keeps the last rate");
        assert_eq!(opportunities(4_000), 1);
        assert_eq!(opportunities(4_500), 51);
        // Nothing in the first second: the mean of the trace, 2 in 5 s.
        let mut late = server(&[3_000, 5_000]);
        assert_eq!(late.rate_at(ms(10)).unwrap().as_bps(), 4_800);
        assert_eq!(late.rate_at(ms(3_000)).unwrap().as_bps(), 12_000);
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
