//! What unit tests of parts need: plug-ins built, files, packets, passages.

use weaknet_core::packet::{Ecn, FlowId, Leg, Packet, Payload, Protocol};
use weaknet_core::plugin::{Assets, ReadFile};
use weaknet_core::{BuildContext, BuildError, Kind, Plugin, Streams, Time};

use crate::model::Passage;

pub(crate) type Built<P> = Result<<<P as Plugin>::Kind as Kind>::Product, BuildError>;

/// Every file has this text.
pub(crate) struct File(pub(crate) &'static str);

impl ReadFile for File {
    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(self.0.as_bytes().to_vec())
    }
}

pub(crate) fn build_with<P: Plugin>(config: &P, seed: u64, assets: &Assets) -> Built<P> {
    config.build(&BuildContext {
        path: "forward",
        streams: &Streams::new(seed),
        assets,
    })
}

/// With a seed, and no files.
pub(crate) fn build_seeded<P: Plugin>(config: &P, seed: u64) -> Built<P> {
    build_with(config, seed, &Assets::default())
}

pub(crate) fn build<P: Plugin>(config: &P) -> Built<P> {
    build_seeded(config, 1)
}

/// The field that a configuration is refused for, and the message.
#[track_caller]
pub(crate) fn refusal<P: Plugin>(config: &P) -> (String, String) {
    match build(config) {
        Ok(_) => panic!("it was built"),
        Err(e) => (e.field.unwrap_or_default(), e.message),
    }
}

/// Packet number `draw`, of some size.
pub(crate) fn passage(draw: u64, at: Time) -> Passage {
    Passage {
        draw,
        step: draw,
        at,
        size: 1_200,
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
        protocol: Protocol::Udp,
        size,
        sent: Time::ZERO,
        payload: Payload::Opaque,
    }
}
