//! The service curve of a piecewise-constant rate, in integers.
//!
//! Work is counted in bit-nanoseconds per second: a rate of `r` bit/s does `r`
//! units per nanosecond and a packet of `n` bytes takes `8e9 n` of them. A
//! service ends at the first whole nanosecond at which its work is done; what
//! that nanosecond did in excess belongs to the next packet when it starts at
//! that very instant.
//!
//! Implements: one project-wide rounding (up, so that a link never exceeds its
//! rate) with the remainder carried, after simulation reference section 4.

use std::sync::Arc;

use weaknet_core::{Bitrate, Time};

use crate::model::RateModel;
use crate::timeline::{Cursor, Timeline};

/// Work is counted in bits x 10^-9: what 1 bit/s does in a nanosecond.
pub(super) const WORK_PER_BYTE: u64 = 8_000_000_000;

/// A piecewise-constant rate and its integral.
#[derive(Debug)]
pub(super) struct RateCurve {
    rates: Timeline<Bitrate>,
    /// Work done from the start of the period to the start of each piece.
    done: Vec<u128>,
    /// Work of a whole period; 0 when there is none.
    per_period: u128,
    /// For each piece: its rate or, at 0bps, the last other one.
    limits: Vec<Bitrate>,
}

impl RateCurve {
    pub(super) fn new(rates: Timeline<Bitrate>) -> Self {
        let mut done = Vec::with_capacity(rates.values().len());
        let mut total = 0;
        for index in 0..rates.values().len() {
            let (start, end, rate) = rates.piece_at(index);
            done.push(total);
            total += u128::from(rate.as_bps()) * u128::from(end - start);
        }
        let mut not_zero = rates
            .values()
            .iter()
            .copied()
            .filter(|rate| !rate.is_zero());
        // What stands before the first piece: in a loop the last one.
        let before = if rates.period().is_some() {
            not_zero.next_back()
        } else {
            not_zero.next()
        };
        let limits = rates
            .values()
            .iter()
            .scan(before.unwrap_or_default(), |last, rate| {
                *last = if rate.is_zero() { *last } else { *rate };
                Some(*last)
            });
        let limits = limits.collect();
        let per_period = if rates.period().is_some() { total } else { 0 };
        Self {
            rates,
            done,
            per_period,
            limits,
        }
    }

    /// Work done before `at`.
    fn work(&self, at: Time) -> u128 {
        let (cycle, offset, index) = self.rates.locate(at.as_nanos());
        let (start, _, rate) = self.rates.piece_at(index);
        u128::from(cycle) * self.per_period
            + self.done[index]
            + u128::from(rate.as_bps()) * u128::from(offset - start)
    }

    pub(super) fn server(self) -> Box<dyn RateModel> {
        CurveServer::boxed(Arc::new(self))
    }
}

/// A serialiser that follows a curve.
pub(super) struct CurveServer {
    curve: Arc<RateCurve>,
    service: Cursor,
    limit: Cursor,
    /// End of the last service, and the work done by then beyond its need.
    finish: Time,
    excess: u64,
}

impl CurveServer {
    pub(super) fn boxed(curve: Arc<RateCurve>) -> Box<dyn RateModel> {
        let (service, limit) = (Cursor::default(), Cursor::default());
        Box::new(Self {
            curve,
            service,
            limit,
            finish: Time::ZERO,
            excess: 0,
        })
    }

    /// When `need` more work is done from `start` on, and what is done by then
    /// in excess.
    fn finish(&mut self, start: Time, need: u128) -> Option<(Time, u64)> {
        let (mut now, mut need) = (start, need);
        if let Some(period) = self.curve.rates.period()
            && need > self.curve.per_period
        {
            let periods = u64::try_from((need - 1).checked_div(self.curve.per_period)?).ok()?;
            need -= u128::from(periods) * self.curve.per_period;
            now = Time::from_nanos(now.as_nanos().checked_add(period.checked_mul(periods)?)?);
        }
        while now < Time::MAX {
            let piece = self.curve.rates.piece(&mut self.service, now);
            let rate = piece.value.as_bps();
            let done = u128::from(rate) * u128::from((piece.end - now).as_nanos());
            if need <= done {
                let nanos = match u64::try_from(need) {
                    Ok(need) => need.div_ceil(rate),
                    Err(_) => u64::try_from(need.div_ceil(u128::from(rate))).ok()?,
                };
                let excess = u128::from(rate) * u128::from(nanos) - need;
                return Some((
                    Time::from_nanos(now.as_nanos() + nanos),
                    u64::try_from(excess).ok()?,
                ));
            }
            need -= done;
            now = piece.end;
        }
        None
    }
}

impl RateModel for CurveServer {
    fn serve(&mut self, start: Time, bytes: u32, _: bool) -> Time {
        let excess = if start == self.finish {
            u128::from(self.excess)
        } else {
            0
        };
        let need = u128::from(bytes) * u128::from(WORK_PER_BYTE);
        let (finish, excess) = if need > excess {
            self.finish(start, need - excess).unwrap_or((Time::MAX, 0))
        } else {
            (start, u64::try_from(excess - need).unwrap_or(0))
        };
        (self.finish, self.excess) = (finish, excess);
        finish
    }

    fn rate_at(&mut self, now: Time) -> Option<Bitrate> {
        self.curve.rates.piece(&mut self.limit, now);
        self.curve.limits.get(self.limit.index()).copied()
    }

    fn capacity(&self, from: Time, to: Time) -> Option<f64> {
        let work = self.curve.work(to).saturating_sub(self.curve.work(from));
        Some(work as f64 / 1e9)
    }
}
