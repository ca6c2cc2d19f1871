//! Packets of a node as payloads of datagrams, and back.

use weaknet_core::packet::{Ecn, FlowId, Leg, Packet, Payload, Protocol};
use weaknet_transports::wire::{Addresses, Encoder, FlowFormat, Reader};

use super::ledger::Ledger;
use super::{HEADERS, signalling};

/// Writes what one node sends.
pub(super) struct Writer {
    encoder: Encoder,
    addresses: Addresses,
    ledger: Ledger,
    datagram: Vec<u8>,
}

impl Writer {
    pub(super) fn new(
        flow: FlowId,
        format: FlowFormat,
        addresses: Addresses,
        ledger: Ledger,
    ) -> Self {
        let mut encoder = Encoder::default();
        encoder.set_format(flow, format);
        Self {
            encoder,
            addresses,
            ledger,
            datagram: Vec::new(),
        }
    }

    /// The payload of the datagram that carries a packet.
    pub(super) fn write(&mut self, packet: &Packet) -> &[u8] {
        let datagram = &mut self.datagram;
        self.encoder.encode(packet, &self.addresses, datagram);
        let payload = datagram.get_mut(HEADERS as usize..).unwrap_or_default();
        match &packet.payload {
            Payload::Opaque => {
                // Told apart by their numbers, as far as there is room.
                for (to, from) in payload.iter_mut().zip(packet.id.to_le_bytes()) {
                    *to = from;
                }
            }
            Payload::Session(message) => drop(signalling::write(message, payload)),
            _ => {}
        }
        self.ledger.enter(packet, payload);
        payload
    }
}

/// Reads what one node receives.
pub(super) struct Incoming {
    flow: FlowId,
    /// The leg that the other end sends on.
    leg: Leg,
    reader: Reader,
    ledger: Ledger,
}

impl Incoming {
    pub(super) fn new(flow: FlowId, leg: Leg, format: FlowFormat, ledger: Ledger) -> Self {
        Self {
            flow,
            leg,
            reader: Reader::new(format),
            ledger,
        }
    }

    /// The packet of a datagram with this payload; `None` when it is nobody's, or says
    /// nothing that is understood.
    pub(super) fn read(&mut self, bytes: &[u8], ecn: Ecn) -> Option<Packet> {
        let entry = self.ledger.find(self.flow, self.leg, bytes)?;
        let signalling = signalling::read(bytes);
        let protocol = match signalling {
            Some(_) => Protocol::Tcp,
            None => Protocol::Udp,
        };
        let payload = if entry.is_opaque() {
            Payload::Opaque
        } else if let Some(message) = signalling {
            Payload::Session(message)
        } else {
            let mut payload = self.reader.read(bytes).ok()?;
            entry.complete(&mut payload);
            payload
        };
        Some(Packet {
            id: entry.tag.id,
            flow: self.flow,
            leg: self.leg,
            ecn,
            protocol,
            size: HEADERS.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX)),
            sent: entry.sent,
            payload,
            ..Packet::VACANT
        })
    }
}
