//! New parts for a link that runs.

use weaknet_core::Time;
use weaknet_core::event::EventSink;

use super::{Link, Server};
use crate::model::{
    Blocks, CorruptionModel, DelayModel, DuplicationModel, EcnField, LossAt, LossModel, RateModel,
    ReorderingModel,
};
use crate::rarities::Rarities;

/// What becomes different; the rest stays as it is, with all that it remembers.
///
/// New models go on with the numbers of packets where the old ones were, so that the
/// k-th packet meets the draw that it would have met had they been there from the
/// start.
#[derive(Default)]
pub struct Change {
    /// How fast it serialises: from the instant of the change on, for the rest of the
    /// packet in service too.
    pub rate: Option<Box<dyn RateModel>>,
    /// How long packets travel that leave the serialiser from now on.
    pub delay: Option<Vec<Box<dyn DelayModel>>>,
    /// Which packets get lost, and where.
    pub loss: Option<(Vec<Box<dyn LossModel>>, LossAt)>,
    /// The largest packet that it carries.
    pub mtu: Option<Option<u32>>,
    /// What it does to the ECN field.
    pub ecn: Option<EcnField>,
    /// Which protocols its firewall drops.
    pub blocks: Option<Blocks>,
    /// Which packets are damaged.
    pub corrupt: Option<Box<dyn CorruptionModel>>,
    /// Which packets are delivered twice.
    pub duplicate: Option<Box<dyn DuplicationModel>>,
    /// Which packets leave their place in the order.
    pub reorder: Option<Box<dyn ReorderingModel>>,
}

impl Link {
    /// Changes parts at `now`, when all that was due by then has happened. What has
    /// left the serialiser arrives as it would have. Of a link that is not
    /// [`Self::changeable`] departures that are settled already stay.
    pub fn change<S: EventSink + ?Sized>(&mut self, now: Time, change: Change, sink: &mut S) {
        if let Server::General(_) = self.server {
            self.run_station(now, sink);
        }
        if let Some(mut rate) = change.rate {
            if let Server::General(station) = &mut self.server {
                station.replan(now, &*self.rate, &mut *rate);
            }
            self.rate = rate;
        }
        if let Some(delay) = change.delay {
            self.pipe
                .set_free(delay.iter().any(|stage| stage.reorders()));
            self.set_delay(delay);
        }
        if let Some((models, at)) = change.loss {
            self.set_loss(models, at);
        }
        if let Some(mtu) = change.mtu {
            self.set_mtu(mtu);
        }
        self.ecn = change.ecn.unwrap_or(self.ecn);
        self.blocks = change.blocks.unwrap_or(self.blocks);
        let mut rarities = self
            .rarities
            .take()
            .map_or_else(Rarities::default, |some| *some);
        rarities.corrupt = change.corrupt.or(rarities.corrupt);
        rarities.duplicate = change.duplicate.or(rarities.duplicate);
        rarities.reorder = change.reorder.or(rarities.reorder);
        self.rarities = rarities.effective();
        self.next = self.soonest();
    }
}
