//! The receiving end of a bulk flow: puts the stream together and acknowledges.

use weaknet_core::packet::{Ecn, FlowId, Leg, Packet, Payload};
use weaknet_core::{Event, Node, Outbox, Time};

use super::config::BulkConfig;
use super::stream::ReceiveStream;
use crate::transport::AckGenerator;

/// The parts of a receiver.
#[derive(Debug, Clone)]
pub struct BulkReceiverConfig {
    /// The flow.
    pub flow: FlowId,
    /// When it stops listening.
    pub stop: Time,
    /// What the flow is.
    pub bulk: BulkConfig,
    /// Whether the sender wants to know when each packet arrived.
    pub arrival_times: bool,
}

/// The receiving end of a bulk flow.
pub struct BulkReceiver {
    parts: BulkReceiverConfig,
    stream: ReceiveStream,
    acks: AckGenerator,
    /// Transfers that have been delivered whole.
    finished: u64,
    ids: u64,
}

impl BulkReceiver {
    /// A receiver that has seen nothing.
    #[must_use]
    pub fn new(parts: BulkReceiverConfig) -> Self {
        Self {
            stream: ReceiveStream::default(),
            acks: AckGenerator::new(parts.bulk.ack_rules(parts.arrival_times)),
            finished: 0,
            ids: 0,
            parts,
        }
    }

    fn acknowledge(&mut self, out: &mut Outbox<'_>) {
        let Some(ack) = self.acks.poll(out.now()) else {
            return;
        };
        self.ids += 1;
        let packet = Packet {
            id: u64::from(self.parts.flow.0) << 48 | 1 << 47 | self.ids,
            flow: self.parts.flow,
            leg: Leg::Return,
            path: 0,
            hop: 0,
            ecn: Ecn::NotEct,
            damaged: false,
            protocol: self.parts.bulk.protocol(),
            size: self.parts.bulk.ack_size(&ack, self.stream.holes()),
            sent: out.now(),
            payload: Payload::Ack(ack),
        };
        out.event(Event::Sent {
            packet: packet.tag(),
            payload: 0,
        });
        out.send(packet);
    }
}

impl Node for BulkReceiver {
    fn receive(&mut self, packet: &mut Packet, out: &mut Outbox<'_>) {
        let (now, flow) = (out.now(), self.parts.flow);
        out.event(Event::Received {
            packet: packet.tag(),
            one_way: now - packet.sent,
        });
        let Payload::Stream(piece) = &packet.payload else {
            return;
        };
        if now >= self.parts.stop {
            return;
        }
        let end = piece.offset.saturating_add(u64::from(piece.length));
        let bytes = self.stream.on_piece(piece.offset..end, piece.last);
        if bytes > 0 {
            out.event(Event::StreamDelivered { flow, bytes });
        }
        while self.stream.finished() {
            out.event(Event::TransferFinished {
                flow,
                transfer: self.finished,
            });
            self.finished += 1;
        }
        let hole = self.stream.holes() > 0;
        let floor = piece.number.saturating_sub(u64::from(piece.waits_for));
        self.acks
            .on_packet(now, piece.number, floor, packet.ecn, hole);
        self.acknowledge(out);
    }

    fn wake(&mut self, out: &mut Outbox<'_>) {
        self.acknowledge(out);
    }

    fn next_wake(&self) -> Option<Time> {
        self.acks.next_wake().filter(|at| *at < self.parts.stop)
    }
}
