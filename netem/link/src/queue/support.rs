//! A bench for queue disciplines: packets in, calls at given instants, and what
//! the discipline reported.

use weaknet_core::event::DropReason;
use weaknet_core::packet::Packet;
use weaknet_core::{Bitrate, Plugin, Time};

use crate::model::{Qdisc, Queue, QueueContext, QueueDiscipline, Queued, RateModel, Verdict};
use crate::rate::ConstantRate;
use crate::testing::build;

pub(crate) use crate::testing::{packet, refusal};

/// A rate and a place for reports.
pub(crate) struct Bench {
    rate: Box<dyn RateModel>,
    pub(crate) verdicts: Vec<Verdict>,
}

impl Bench {
    pub(crate) fn new(mbps: u64) -> Self {
        Self {
            rate: build(&ConstantRate(Bitrate::from_mbps(mbps))).unwrap(),
            verdicts: Vec::new(),
        }
    }

    pub(crate) fn at(&mut self, now: Time) -> QueueContext<'_> {
        QueueContext::new(now, &mut *self.rate, &mut self.verdicts)
    }

    /// The packets dropped since the last call.
    pub(crate) fn dropped(&mut self) -> Vec<(u64, DropReason)> {
        let dropped = |verdict| match verdict {
            Verdict::Drop(queued, reason) => Some((queued.packet.id, reason)),
            Verdict::Mark(_) | Verdict::Copy(_) => None,
        };
        self.verdicts.drain(..).filter_map(dropped).collect()
    }

    /// The packets marked since the last call.
    pub(crate) fn marked(&mut self) -> Vec<u64> {
        let marked = |verdict| match verdict {
            Verdict::Mark(tag) => Some(tag.id),
            Verdict::Drop(..) | Verdict::Copy(_) => None,
        };
        self.verdicts.drain(..).filter_map(marked).collect()
    }
}

/// A discipline on the bench.
pub(crate) struct Tested<D: QueueDiscipline + ?Sized = dyn QueueDiscipline> {
    pub(crate) bench: Bench,
    pub(crate) discipline: Box<D>,
}

impl Tested {
    pub(crate) fn new<P: Plugin<Kind = Qdisc>>(config: &P) -> Self {
        let Ok(Queue::Active(discipline)) = build(config) else {
            panic!("no discipline of the general path");
        };
        Self::of(discipline)
    }
}

impl<D: QueueDiscipline + ?Sized> Tested<D> {
    pub(crate) fn of(discipline: Box<D>) -> Self {
        Self {
            bench: Bench::new(10),
            discipline,
        }
    }

    pub(crate) fn enqueue(&mut self, at: Time, packet: Packet) {
        let queued = Queued {
            arrived: at,
            packet,
        };
        self.discipline.enqueue(queued, &mut self.bench.at(at));
    }

    pub(crate) fn dequeue(&mut self, at: Time) -> Option<Queued> {
        self.discipline.dequeue(&mut self.bench.at(at))
    }

    /// The packets that leave at one instant, so many at most.
    pub(crate) fn ids(&mut self, at: Time, count: usize) -> Vec<u64> {
        (0..count)
            .map_while(|_| self.dequeue(at))
            .map(|queued| queued.packet.id)
            .collect()
    }
}
