//! A bench for queue disciplines: packets in, calls at given instants, and what
//! the discipline reported.

use weaknet_core::event::DropReason;
use weaknet_core::packet::{Ecn, FlowId, Leg, Packet, Payload};
use weaknet_core::plugin::Assets;
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Streams, Time};

use crate::model::{Qdisc, Queue, QueueContext, QueueDiscipline, Queued, RateModel, Verdict};
use crate::rate::ConstantRate;

pub(crate) fn build_with<P: Plugin<Kind = Qdisc>>(config: &P) -> Result<Queue, BuildError> {
    let (streams, assets) = (Streams::new(1), Assets::default());
    config.build(&BuildContext {
        path: "link/queue",
        streams: &streams,
        assets: &assets,
    })
}

/// What a configuration is refused for.
pub(crate) fn refusal<P: Plugin<Kind = Qdisc>>(config: &P) -> (String, String) {
    match build_with(config) {
        Ok(_) => panic!("it was built"),
        Err(e) => (e.field.unwrap_or_default(), e.message),
    }
}

pub(crate) fn packet(id: u64, flow: u16, size: u32) -> Packet {
    Packet {
        id,
        flow: FlowId(flow),
        leg: Leg::Outward,
        path: 0,
        hop: 0,
        ecn: Ecn::NotEct,
        damaged: false,
        size,
        sent: Time::ZERO,
        payload: Payload::Opaque,
    }
}

/// A rate and a place for reports.
pub(crate) struct Bench {
    rate: Box<dyn RateModel>,
    pub(crate) verdicts: Vec<Verdict>,
}

impl Bench {
    pub(crate) fn new(mbps: u64) -> Self {
        let (streams, assets) = (Streams::new(1), Assets::default());
        let cx = BuildContext {
            path: "link/rate",
            streams: &streams,
            assets: &assets,
        };
        Self {
            rate: ConstantRate(Bitrate::from_mbps(mbps)).build(&cx).unwrap(),
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
        let Ok(Queue::Active(discipline)) = build_with(config) else {
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
