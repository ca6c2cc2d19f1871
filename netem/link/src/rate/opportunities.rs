//! A serialiser driven by a trace of packet opportunities: at each of the
//! recorded instants some bytes may leave, 1500 as a rule, at no other time
//! anything.
//!
//! A packet may span opportunities and several may share one; it has left at
//! the opportunity that carries its last byte. (Counted in packets instead of
//! bytes, each opportunity carries one packet of any size.) What is left of an opportunity
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
use crate::trace::Opportunity;

const SECOND: u64 = 1_000_000_000;

/// Gaps of this length and more are outages.
pub(super) const OUTAGE: u64 = 200_000_000;

/// Non-decreasing values that repeat: the last is also the period.
#[derive(Debug)]
struct Cycle(Vec<u64>);

impl Cycle {
    fn period(&self) -> u64 {
        self.0.last().copied().unwrap_or_default()
    }
}

/// What the opportunities of a round carry.
#[derive(Debug)]
enum Sizes {
    /// Each the same, and their number.
    Equal(u64, u64),
    /// For each: what it and those before it carry.
    Sums(Vec<u64>),
}

impl Sizes {
    fn new(trace: &[Opportunity]) -> Self {
        let first = trace.first().map_or(0, |opportunity| opportunity.bytes);
        if trace.iter().all(|opportunity| opportunity.bytes == first) {
            return Self::Equal(first, trace.len() as u64);
        }
        let sums = trace.iter().scan(0u64, |sum, opportunity| {
            *sum = sum.saturating_add(opportunity.bytes);
            Some(*sum)
        });
        Self::Sums(sums.collect())
    }

    /// What all opportunities of a round before one carry.
    fn before(&self, index: usize) -> u64 {
        match self {
            Self::Equal(bytes, _) => bytes.saturating_mul(index as u64),
            Self::Sums(sums) => index.checked_sub(1).map_or(0, |last| sums[last]),
        }
    }

    /// What a round carries.
    fn round(&self) -> u64 {
        match self {
            Self::Equal(bytes, count) => bytes.saturating_mul(*count),
            Self::Sums(sums) => sums.last().copied().unwrap_or_default(),
        }
    }

    /// The first opportunity with which a round has carried `bytes`, at least 1
    /// and at most those of a round.
    fn covering(&self, bytes: u64) -> usize {
        match self {
            Self::Equal(each, _) => ((bytes - 1) / each) as usize,
            Self::Sums(sums) => sums.partition_point(|sum| *sum < bytes),
        }
    }
}

/// A trace of opportunities.
#[derive(Debug)]
pub(super) struct Opportunities {
    /// Instants in nanoseconds.
    instants: Cycle,
    /// The same without the time of outages.
    served: Cycle,
    sizes: Sizes,
}

impl Opportunities {
    /// A trace whose last instant is above zero.
    pub(super) fn new(trace: &[Opportunity]) -> Option<Self> {
        let instants = trace.iter().map(|opportunity| opportunity.at.as_nanos());
        let instants: Vec<u64> = instants.collect();
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
            sizes: Sizes::new(trace),
        })
    }

    /// What the opportunities before `at` carry.
    fn before(&self, at: u64) -> u128 {
        // Rounds count as (0, period]: the last instant belongs to its round.
        let period = self.instants.period();
        let round = at.saturating_sub(1) / period;
        let within = self
            .instants
            .0
            .partition_point(|instant| *instant < at - round * period);
        u128::from(round) * u128::from(self.sizes.round()) + u128::from(self.sizes.before(within))
    }

    /// The opportunity from `next` on with which `need` bytes have been carried,
    /// and what is left of it; `None`: never.
    fn carry(&self, next: Next, need: u64) -> Option<(Next, u64)> {
        let (before, round) = (self.sizes.before(next.index), self.sizes.round());
        let goal = before.checked_add(need)?;
        let rounds = (goal - 1).checked_div(round)?;
        let within = goal - rounds * round;
        let index = self.sizes.covering(within);
        let last = Next {
            round: next.round.checked_add(rounds)?,
            index,
        };
        Some((last, self.sizes.before(index + 1) - within))
    }

    /// The mean rate of the whole trace.
    fn mean(&self) -> Bitrate {
        rate_of(self.sizes.round().into(), self.instants.period())
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

    /// What all opportunities before it carry.
    fn carried(self, sizes: &Sizes) -> u128 {
        u128::from(self.round) * u128::from(sizes.round()) + u128::from(sizes.before(self.index))
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
    /// Whether an opportunity carries a packet instead of bytes.
    per_packet: bool,
    /// The next opportunity for whoever asks for the rate.
    head: Next,
    /// The edges of the second of service over which the rate is the mean.
    edges: [Next; 2],
}

impl OpportunityServer {
    pub(super) fn boxed(trace: Arc<Opportunities>, per_packet: bool) -> Box<dyn RateModel> {
        Box::new(Self {
            trace,
            next: Next::default(),
            finish: Time::ZERO,
            left: 0,
            per_packet,
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
        (self.finish, self.left) = (start, usable.saturating_sub(bytes));
        if bytes > usable {
            let need = if self.per_packet { 0 } else { bytes - usable };
            let carried = match need {
                0 => Some((self.next, 0)),
                need => self.trace.carry(self.next, need),
            };
            let finish = carried.and_then(|(last, left)| {
                (self.next, self.left) = (last, left);
                self.next.skip(&self.trace.instants, 1);
                last.at(&self.trace.instants)
            });
            self.finish = finish.map_or(Time::MAX, Time::from_nanos);
        }
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
        let sizes = &self.trace.sizes;
        let bytes = head.carried(sizes).saturating_sub(tail.carried(sizes));
        Some(rate_of(bytes, SECOND))
    }

    fn capacity(&self, from: Time, to: Time) -> Option<f64> {
        let bytes = self
            .trace
            .before(to.as_nanos())
            .saturating_sub(self.trace.before(from.as_nanos()));
        Some(bytes as f64 * 8.0)
    }
}

fn rate_of(bytes: u128, nanos: u64) -> Bitrate {
    let bps = bytes.saturating_mul(8 * u128::from(SECOND)) / u128::from(nanos);
    Bitrate::from_bps(u64::try_from(bps).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weaknet_core::Span;

    const MS: u64 = 1_000_000;

    const BYTES: u64 = 1_500;

    fn server(ms: &[u64]) -> Box<dyn RateModel> {
        sized(&ms.iter().map(|t| (*t, BYTES)).collect::<Vec<_>>(), false)
    }

    fn sized(trace: &[(u64, u64)], per_packet: bool) -> Box<dyn RateModel> {
        let opportunity = |(ms, bytes): &(u64, u64)| Opportunity {
            at: Span::from_millis(*ms),
            bytes: *bytes,
        };
        let trace: Vec<_> = trace.iter().map(opportunity).collect();
        OpportunityServer::boxed(Arc::new(Opportunities::new(&trace).unwrap()), per_packet)
    }

    #[test]
    fn opportunities_carry_what_they_say() {
        let mut link = sized(&[(1, 100), (2, 0), (3, 400), (10, 1_000)], false);
        assert_eq!(link.serve(ms(0), 100, false), ms(1));
        assert_eq!(link.serve(ms(1), 300, true), ms(3));
        assert_eq!(link.serve(ms(3), 100, true), ms(3));
        assert_eq!(link.serve(ms(3), 1, true), ms(10));
        // 999 are left, a round of 1500, then 100 + 400 of the next.
        assert_eq!(link.serve(ms(10), 999 + 1_500 + 101, true), ms(23));
        assert_eq!(link.capacity(ms(1), ms(10)), Some(4_000.0));
        assert_eq!(link.capacity(ms(0), ms(21)), Some(8.0 * 3_000.0));
        assert_eq!(
            link.rate_at(ms(0)).unwrap().as_bps(),
            8 * 1_500 * 99 + 8 * 500
        );
    }

    #[test]
    fn a_link_that_carries_nothing_never_delivers() {
        let mut link = sized(&[(1, 0), (5, 0)], false);
        assert_eq!(link.serve(ms(0), 1, false), Time::MAX);
        assert_eq!(link.serve(Time::MAX, 1, true), Time::MAX);
        assert_eq!(link.rate_at(ms(3)).unwrap(), Bitrate::ZERO);
        assert_eq!(link.capacity(ms(0), ms(9)), Some(0.0));
    }

    #[test]
    fn an_opportunity_may_be_for_one_packet() {
        let mut link = sized(&[(1, 1_500), (2, 1_500), (5, 1_500)], true);
        assert_eq!(link.serve(ms(0), 40, false), ms(1));
        assert_eq!(link.serve(ms(1), 40, true), ms(2));
        assert_eq!(link.serve(ms(2), 9_000, true), ms(5));
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
