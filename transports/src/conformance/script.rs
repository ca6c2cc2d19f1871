//! A flow whose every packet and report a test writes down itself.

use weaknet_core::packet::{Arrival, Ecn};
use weaknet_core::{Bytes, Time};

use super::{PACKET, value};
use crate::cc::{
    CcEvent, CongestionController, Feedback, FeedbackKind, PacketResult, SentKind, SentPacket,
};
use crate::transport::SendHistory;

/// What a report says of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Received with ECT(1).
    Received,
    /// Received with a mark of congestion.
    Marked,
    /// Received without an ECN codepoint.
    Bleached,
    /// Not received.
    Lost,
}

/// A controller and what it has sent.
#[derive(Clone)]
pub struct Script {
    /// The controller.
    pub controller: Box<dyn CongestionController>,
    history: SendHistory,
    results: Vec<PacketResult>,
}

impl Script {
    /// A flow that has sent nothing yet; the controller is not told of a start.
    #[must_use]
    pub fn new(controller: Box<dyn CongestionController>) -> Self {
        Self::starting_at(0, controller)
    }

    /// One whose first packet has that number.
    #[must_use]
    pub fn starting_at(number: u64, controller: Box<dyn CongestionController>) -> Self {
        Self {
            controller,
            history: SendHistory::starting_at(number),
            results: Vec::new(),
        }
    }

    /// Sends `count` packets; returns the number after the last one.
    pub fn send(&mut self, at: Time, count: u64) -> u64 {
        for _ in 0..count {
            let sent = self.history.on_sent(SentPacket {
                number: self.history.next_number(),
                at,
                size: PACKET,
                kind: SentKind::Data,
                probe: None,
                in_flight: Bytes::ZERO,
                app_limited: false,
            });
            self.controller.on_sent(&sent);
        }
        self.history.next_number()
    }

    /// Sends as much as the window allows; returns the number after the last.
    pub fn send_window(&mut self, at: Time) -> u64 {
        let cwnd = self.controller.output().cwnd.unwrap_or_default();
        let free = cwnd - self.history.in_flight();
        self.send(at, free.get() / PACKET.get())
    }

    /// The number of the next packet.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.history.next_number()
    }

    /// The application has nothing more.
    pub fn set_app_limited(&mut self) {
        self.history.set_app_limited();
    }

    /// Reports the same of all `numbers` at once.
    pub fn report(&mut self, at: Time, numbers: impl IntoIterator<Item = u64>, fate: Fate) {
        let arrivals: Vec<Arrival> = numbers
            .into_iter()
            .map(|seq| Arrival {
                seq,
                at: (fate != Fate::Lost).then_some(at),
                ecn: match fate {
                    Fate::Received => Ecn::Ect1,
                    Fate::Marked => Ecn::Ce,
                    Fate::Bleached | Fate::Lost => Ecn::NotEct,
                },
            })
            .collect();
        self.deliver(at, at, &arrivals);
    }

    /// A report arrives that was made at `made` and tells of `arrivals`. The
    /// controller is told what is new.
    pub fn deliver(&mut self, now: Time, made: Time, arrivals: &[Arrival]) {
        let told = self
            .history
            .on_report(now, made, arrivals, &mut self.results);
        self.controller.on_feedback(&Feedback {
            now,
            made: Some(made),
            packets: &self.results,
            in_flight: self.history.in_flight(),
            prior_in_flight: told.prior_in_flight,
            kind: FeedbackKind::PerPacket,
        });
    }

    /// What the last report told of.
    pub(super) fn results(&self) -> &[PacketResult] {
        &self.results
    }

    /// Reports `numbers` received, one by one.
    pub fn ack_each(&mut self, at: Time, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            self.report(at, [number], Fate::Received);
        }
    }

    /// Something else happens.
    pub fn event(&mut self, at: Time, event: CcEvent) {
        self.controller.on_event(at, &event);
    }

    /// A named value inside the controller; NaN if there is none of that name.
    #[must_use]
    pub fn value(&self, name: &str) -> f64 {
        value(self.controller.as_ref(), name)
    }
}
