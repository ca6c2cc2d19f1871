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
pub(crate) enum Fate {
    Received,
    Marked,
    /// Received without an ECN codepoint.
    Bleached,
    Lost,
}

/// A controller and what it has sent.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) controller: Box<dyn CongestionController>,
    history: SendHistory,
    results: Vec<PacketResult>,
}

impl Clone for Box<dyn CongestionController> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

impl Script {
    pub(crate) fn new(controller: Box<dyn CongestionController>) -> Self {
        Self {
            controller,
            history: SendHistory::new(),
            results: Vec::new(),
        }
    }

    /// Sends `count` packets; returns the number after the last one.
    pub(crate) fn send(&mut self, at: Time, count: u64) -> u64 {
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
    pub(crate) fn send_window(&mut self, at: Time) -> u64 {
        let cwnd = self.controller.output().cwnd.unwrap_or_default();
        let free = cwnd - self.history.in_flight();
        self.send(at, free.get() / PACKET.get())
    }

    /// The number of the next packet.
    pub(crate) fn next_number(&self) -> u64 {
        self.history.next_number()
    }

    /// The application has nothing more.
    pub(crate) fn set_app_limited(&mut self) {
        self.history.set_app_limited();
    }

    /// Reports the same of all `numbers` at once.
    pub(crate) fn report(&mut self, at: Time, numbers: impl IntoIterator<Item = u64>, fate: Fate) {
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
        let told = self.history.on_report(at, at, &arrivals, &mut self.results);
        self.controller.on_feedback(&Feedback {
            now: at,
            made: Some(at),
            packets: &self.results,
            in_flight: self.history.in_flight(),
            prior_in_flight: told.prior_in_flight,
            kind: FeedbackKind::PerPacket,
        });
    }

    /// Reports `numbers` received, one by one.
    pub(crate) fn ack_each(&mut self, at: Time, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            self.report(at, [number], Fate::Received);
        }
    }

    pub(crate) fn event(&mut self, at: Time, event: CcEvent) {
        self.controller.on_event(at, &event);
    }

    /// A named value inside the controller.
    pub(crate) fn value(&self, name: &str) -> f64 {
        value(self.controller.as_ref(), name)
    }
}
