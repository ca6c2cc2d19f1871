//! How much may wait in a queue of the general path, counted as the closed form
//! counts: the packet in service does not count, unless asked for, and a packet
//! that finds the serialiser idle does not wait and is always taken.

use crate::model::{Limit, QueueContext, Queued};

/// The limit of a queue, and whether the serialiser behind it is idle.
///
/// A discipline that never idles with packets is asked again as soon as the
/// serialiser has finished, so that the serialiser is idle exactly since a
/// question that gave nothing.
#[derive(Debug)]
pub(super) struct Room {
    limit: Limit,
    idle: bool,
    /// Bytes of the packet in service, where they count.
    in_service: Option<u64>,
}

impl Room {
    pub(super) fn new(limit: impl Into<Limit>) -> Self {
        Self {
            limit: limit.into(),
            idle: true,
            in_service: None,
        }
    }

    /// A limit that the packet in service counts for too.
    pub(super) fn with_service(limit: impl Into<Limit>) -> Self {
        Self {
            in_service: Some(0),
            ..Self::new(limit)
        }
    }

    /// Notes what the serialiser was given.
    pub(super) fn give(&mut self, queued: Option<Queued>) -> Option<Queued> {
        self.idle = queued.is_none();
        if let Some(bytes) = &mut self.in_service {
            *bytes = queued.as_ref().map_or(0, |q| u64::from(q.packet.size));
        }
        queued
    }

    /// Whether so much may wait.
    pub(super) fn holds(&self, packets: u64, bytes: u64, cx: &mut QueueContext<'_>) -> bool {
        let (one, served) = self.in_service.map_or((0, 0), |bytes| (1, bytes));
        self.idle || holds(self.limit, packets + one, bytes + served, cx)
    }
}

/// Whether so much is within a limit.
pub(super) fn holds(limit: Limit, packets: u64, bytes: u64, cx: &mut QueueContext<'_>) -> bool {
    match limit {
        Limit::Packets(limit) => packets <= limit,
        Limit::Bytes(limit) => bytes <= limit,
        Limit::Time(limit, fixed) => fixed.or_else(|| cx.rate()).is_none_or(|rate| {
            u128::from(bytes) * 8_000_000_000
                <= u128::from(rate.as_bps()) * u128::from(limit.as_nanos())
        }),
    }
}
