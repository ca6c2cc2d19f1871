//! The two ends of a flow of cross traffic.

use weaknet_core::packet::{Ecn, FlowId, Leg, Packet, Payload, Protocol};
use weaknet_core::{Event, Node, Outbox, Time};

use super::{Emission, TrafficModel};

/// Sends what a model says, from the flow's start until before its stop.
pub struct TrafficSender {
    flow: FlowId,
    start: Time,
    stop: Time,
    model: Box<dyn TrafficModel>,
    next: Option<Emission>,
    sent: u64,
}

impl TrafficSender {
    /// A sender that has sent nothing yet.
    #[must_use]
    pub fn new(flow: FlowId, start: Time, stop: Time, mut model: Box<dyn TrafficModel>) -> Self {
        let next = model.next_emission();
        Self {
            flow,
            start,
            stop,
            model,
            next,
            sent: 0,
        }
    }

    /// The next packet and when it is due, unless the flow has stopped by then.
    fn due(&self) -> Option<(Time, Emission)> {
        let next = self.next?;
        let at = self.start + next.at;
        (at < self.stop).then_some((at, next))
    }
}

impl Node for TrafficSender {
    fn receive(&mut self, _: &mut Packet, _: &mut Outbox<'_>) {}

    fn wake(&mut self, out: &mut Outbox<'_>) {
        while let Some((_, emission)) = self.due().filter(|(at, _)| *at <= out.now()) {
            self.sent += 1;
            let packet = Packet {
                id: u64::from(self.flow.0) << 48 | self.sent,
                flow: self.flow,
                leg: Leg::Outward,
                path: 0,
                hop: 0,
                ecn: Ecn::NotEct,
                damaged: false,
                protocol: Protocol::Udp,
                size: emission.size,
                sent: out.now(),
                payload: Payload::Opaque,
            };
            out.event(Event::Sent {
                packet: packet.tag(),
                payload: 0,
            });
            out.send(packet);
            self.next = self.model.next_emission();
        }
    }

    fn next_wake(&self) -> Option<Time> {
        self.due().map(|(at, _)| at)
    }
}

/// Takes what arrives and says so.
#[derive(Debug, Clone, Copy, Default)]
pub struct TrafficSink;

impl Node for TrafficSink {
    fn receive(&mut self, packet: &mut Packet, out: &mut Outbox<'_>) {
        let one_way = out.now() - packet.sent;
        let packet = packet.tag();
        out.event(Event::Received { packet, one_way });
    }

    fn wake(&mut self, _: &mut Outbox<'_>) {}

    fn next_wake(&self) -> Option<Time> {
        None
    }
}
