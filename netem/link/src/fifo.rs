//! A serialiser behind a FIFO with tail drop, in closed form: the departure of
//! a packet is known when it arrives, so that nothing has to happen later.
//!
//! Implements: start = max(arrival, end of the service before); limits on what
//! waits, the packet in service excluded.

use weaknet_core::Time;

use crate::counts::Tally;
use crate::model::{Limit, RateModel};
use crate::ring::Ring;

/// A packet's time at the serialiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) start: Time,
    pub(crate) finish: Time,
}

/// The FIFO and its server.
pub(crate) struct Fifo {
    limit: Limit,
    busy_until: Time,
    /// Start of service and size of each packet that waits, and of some that
    /// no longer do.
    waiting: Ring<(Time, u32)>,
    bytes: u64,
}

impl Fifo {
    pub(crate) fn new(limit: Limit) -> Self {
        Self {
            limit,
            busy_until: Time::ZERO,
            waiting: Ring::new(),
            bytes: 0,
        }
    }

    /// The service of a packet that arrives now; `None` when it finds no room.
    #[inline(always)]
    pub(crate) fn admit(
        &mut self,
        now: Time,
        size: u32,
        rate: &mut dyn RateModel,
    ) -> Option<Service> {
        let start = if self.busy_until <= now {
            self.waiting.clear();
            self.bytes = 0;
            now
        } else {
            while let Some(&(start, size)) = self.waiting.front()
                && start <= now
            {
                self.bytes -= u64::from(size);
                self.waiting.pop();
            }
            if !self.fits(now, size, rate) {
                return None;
            }
            *self.waiting.push() = (self.busy_until, size);
            self.bytes += u64::from(size);
            self.busy_until
        };
        self.busy_until = rate.serve(start, size, now < start);
        Some(Service {
            start,
            finish: self.busy_until,
        })
    }

    #[inline(always)]
    fn fits(&self, now: Time, size: u32, rate: &mut dyn RateModel) -> bool {
        let bytes = self.bytes + u64::from(size);
        match self.limit {
            Limit::Packets(limit) => (self.waiting.len() as u64) < limit,
            Limit::Bytes(limit) => bytes <= limit,
            Limit::Time(limit, fixed) => fixed.or_else(|| rate.rate_at(now)).is_none_or(|rate| {
                u128::from(bytes) * 8_000_000_000
                    <= u128::from(rate.as_bps()) * u128::from(limit.as_nanos())
            }),
        }
    }

    /// What waits at `now`.
    pub(crate) fn waiting(&self, now: Time) -> Tally {
        self.waiting
            .iter()
            .filter(|(start, _)| *start > now)
            .map(|(_, size)| Tally::one(*size))
            .sum()
    }
}
