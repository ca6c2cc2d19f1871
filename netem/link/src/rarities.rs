//! Impairments that most links do not have, behind the serialiser.

use std::collections::VecDeque;

use weaknet_core::Time;
use weaknet_core::event::DropReason;
use weaknet_core::packet::{Packet, Payload, Tag};

use crate::model::{CorruptionModel, Displacement, DuplicationModel, Passage, ReorderingModel};
use crate::pipe::{InFlight, Pipe};

/// What happens to a packet when it has left the serialiser, besides going on.
pub(crate) enum Aftermath {
    Lost(Packet, DropReason),
    Copied(Tag),
}

/// Impairments that most links do not have.
#[derive(Default)]
pub(crate) struct Rarities {
    pub(crate) corrupt: Option<Box<dyn CorruptionModel>>,
    pub(crate) duplicate: Option<Box<dyn DuplicationModel>>,
    pub(crate) reorder: Option<Box<dyn ReorderingModel>>,
}

impl Rarities {
    /// Without the models that do nothing; `None` when that is all of them.
    pub(crate) fn effective(self) -> Option<Box<Self>> {
        let rarities = Self {
            corrupt: self.corrupt.filter(|model| !model.never()),
            duplicate: self.duplicate.filter(|model| !model.never()),
            reorder: self.reorder.filter(|model| !model.never()),
        };
        let is_empty = rarities.corrupt.is_none() && !rarities.displaces();
        (!is_empty).then(|| Box::new(rarities))
    }

    /// Whether packets may leave their place in the order.
    pub(crate) const fn displaces(&self) -> bool {
        self.duplicate.is_some() || self.reorder.is_some()
    }

    #[inline(never)]
    pub(crate) fn leave(
        &mut self,
        passage: Passage,
        mut in_flight: InFlight,
        pipe: &mut Pipe,
        aftermath: &mut VecDeque<(Time, Aftermath)>,
    ) {
        let Self {
            corrupt,
            duplicate,
            reorder,
        } = self;
        if let Some(bit) = corrupt.as_mut().and_then(|model| model.flip(passage)) {
            damage(&mut in_flight.packet, bit);
        }
        let copy = duplicate.as_mut().and_then(|model| model.copy(passage));
        let copy = copy.map(|lag| InFlight {
            release: in_flight.release + lag,
            packet: in_flight.packet.clone(),
            ..in_flight
        });
        let displacement = match reorder {
            Some(model) => model.displace(passage),
            None => Displacement::None,
        };
        match displacement {
            Displacement::None => pipe.push(in_flight),
            Displacement::SkipDelay => {
                in_flight.release = passage.at;
                pipe.push_displaced(in_flight);
            }
            Displacement::Late(by) => {
                in_flight.release += by;
                pipe.push_displaced(in_flight);
            }
            Displacement::Behind(successors, at_most) => {
                pipe.push_behind(in_flight, successors, at_most);
            }
        }
        if let Some(copy) = copy {
            let tag = Aftermath::Copied(copy.packet.tag());
            aftermath.push_back((passage.at, tag));
            pipe.push_displaced(copy);
        }
    }
}

/// Flips a bit, in the bytes if the packet has any.
pub(crate) fn damage(packet: &mut Packet, bit: u64) {
    packet.damaged = true;
    if let Payload::Bytes(bytes) = &mut packet.payload
        && !bytes.is_empty()
    {
        let bit = bit % (bytes.len() as u64 * 8);
        bytes[(bit / 8) as usize] ^= 0x80 >> (bit % 8);
    }
}
