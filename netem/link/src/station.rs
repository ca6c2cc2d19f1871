//! A serialiser behind any queue discipline: the general path, in which the end
//! of each service is an event.

use weaknet_core::Time;
use weaknet_core::event::DropReason;

use crate::counts::Tally;
use crate::fifo::Service;
use crate::model::{QueueDiscipline, Queued, RateModel};

/// A queue discipline and its server.
pub(crate) struct Station {
    discipline: Box<dyn QueueDiscipline>,
    in_service: Option<(Service, Queued)>,
}

impl Station {
    pub(crate) fn new(discipline: Box<dyn QueueDiscipline>) -> Self {
        Self {
            discipline,
            in_service: None,
        }
    }

    /// When the packet in service will have left.
    pub(crate) fn next_departure(&self) -> Option<Time> {
        self.in_service.as_ref().map(|(service, _)| service.finish)
    }

    /// Takes a packet that arrives, and serves it or another at once when idle.
    pub(crate) fn arrive(
        &mut self,
        queued: Queued,
        rate: &mut dyn RateModel,
        dropped: &mut Vec<(Queued, DropReason)>,
    ) {
        let now = queued.arrived;
        self.discipline.enqueue(now, queued, dropped);
        if self.in_service.is_none() {
            self.start(now, rate, dropped);
        }
    }

    /// The packet that has left by `now`, if any; the next service starts at
    /// that very instant.
    pub(crate) fn depart(
        &mut self,
        now: Time,
        rate: &mut dyn RateModel,
        dropped: &mut Vec<(Queued, DropReason)>,
    ) -> Option<(Service, Queued)> {
        let done = self
            .in_service
            .take_if(|(service, _)| service.finish <= now)?;
        self.start(done.0.finish, rate, dropped);
        Some(done)
    }

    fn start(
        &mut self,
        now: Time,
        rate: &mut dyn RateModel,
        dropped: &mut Vec<(Queued, DropReason)>,
    ) {
        self.in_service = self.discipline.dequeue(now, dropped).map(|queued| {
            let finish = rate.serve(now, queued.packet.size, queued.arrived < now);
            (Service { start: now, finish }, queued)
        });
    }

    /// What waits.
    pub(crate) fn waiting(&self) -> Tally {
        Tally {
            packets: self.discipline.packets(),
            bytes: self.discipline.bytes(),
        }
    }

    /// What waits or is in service.
    pub(crate) fn inside(&self) -> Tally {
        self.waiting()
            + self
                .in_service
                .iter()
                .map(|(_, queued)| Tally::one(queued.packet.size))
                .sum()
    }
}
