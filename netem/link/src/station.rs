//! A serialiser behind any queue discipline: the general path, in which the end
//! of each service is an event, and so is the instant at which a discipline
//! that holds packets back lets one go.

use weaknet_core::Time;

use crate::counts::Tally;
use crate::fifo::Service;
use crate::model::{QueueContext, QueueDiscipline, Queued, RateModel, Verdict};

/// A queue discipline and its server.
pub(crate) struct Station {
    discipline: Box<dyn QueueDiscipline>,
    in_service: Option<(Service, Queued)>,
    /// When the rate last changed during this service, and the bits left then.
    replanned: Option<(Time, f64)>,
}

/// What a station did at an instant.
pub(crate) enum Step {
    /// A packet has left the serialiser.
    Departed(Service, Queued),
    /// The discipline was asked for a packet.
    Asked(Time),
}

impl Station {
    pub(crate) fn new(discipline: Box<dyn QueueDiscipline>) -> Self {
        Self {
            discipline,
            in_service: None,
            replanned: None,
        }
    }

    /// When something happens next if no packet arrives.
    pub(crate) fn next_step(&self) -> Option<Time> {
        match &self.in_service {
            Some((service, _)) => Some(service.finish),
            None => self.discipline.next_ready(),
        }
    }

    /// Takes a packet that arrives, and serves it or another at once when idle.
    pub(crate) fn arrive(
        &mut self,
        queued: Queued,
        rate: &mut dyn RateModel,
        verdicts: &mut Vec<Verdict>,
    ) {
        let now = queued.arrived;
        self.discipline
            .enqueue(queued, &mut QueueContext::new(now, rate, verdicts));
        if self.in_service.is_none() {
            self.start(now, rate, verdicts);
        }
    }

    /// The first thing that happens by `now`, if any. The next service starts
    /// at the very instant at which one ends.
    pub(crate) fn step(
        &mut self,
        now: Time,
        rate: &mut dyn RateModel,
        verdicts: &mut Vec<Verdict>,
    ) -> Option<Step> {
        let at = self.next_step().filter(|at| *at <= now)?;
        let done = self.in_service.take();
        self.start(at, rate, verdicts);
        Some(match done {
            Some((service, queued)) => Step::Departed(service, queued),
            None => Step::Asked(at),
        })
    }

    fn start(&mut self, now: Time, rate: &mut dyn RateModel, verdicts: &mut Vec<Verdict>) {
        let mut cx = QueueContext::new(now, rate, verdicts);
        self.replanned = None;
        self.in_service = self.discipline.dequeue(&mut cx).map(|queued| {
            let finish = rate.serve(now, queued.packet.size, queued.arrived < now);
            (Service { start: now, finish }, queued)
        });
    }

    /// Serves the rest of what is in service at another rate from `now` on.
    pub(crate) fn replan(&mut self, now: Time, old: &dyn RateModel, new: &mut dyn RateModel) {
        let Some((service, queued)) = &mut self.in_service else {
            return;
        };
        let all = (service.start, f64::from(queued.packet.size) * 8.0);
        let (since, bits) = self.replanned.unwrap_or(all);
        // The last bit has yet to leave.
        let left = match old.capacity(since, now) {
            Some(done) => (bits - done).max(1.0),
            None => 1.0,
        };
        self.replanned = Some((now, left));
        service.finish = new.serve(now, libm::ceil(left / 8.0) as u32, true);
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
