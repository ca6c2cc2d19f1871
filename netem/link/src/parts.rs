//! What a link is made of.

use crate::model::{
    Blocks, CorruptionModel, DelayModel, DrawKey, DuplicationModel, EcnField, LossAt, LossModel,
    Queue, RateModel, ReorderingModel,
};

/// What a link is made of.
pub struct Parts {
    /// How fast it serialises.
    pub rate: Box<dyn RateModel>,
    /// What waits for the serialiser.
    pub queue: Queue,
    /// How long packets travel: one stage behind the other.
    pub delay: Vec<Box<dyn DelayModel>>,
    /// Which packets get lost: those that any of them loses.
    pub loss: Vec<Box<dyn LossModel>>,
    /// Where they get lost.
    pub loss_at: LossAt,
    /// The largest packet that it carries, in bytes from the IP header on.
    pub mtu: Option<u32>,
    /// What it does to the ECN field.
    pub ecn: EcnField,
    /// Which protocols its firewall drops, ahead of everything else.
    pub blocks: Blocks,
    /// Which packets are damaged.
    pub corrupt: Option<Box<dyn CorruptionModel>>,
    /// Which packets are delivered twice.
    pub duplicate: Option<Box<dyn DuplicationModel>>,
    /// Which packets leave their place in the order.
    pub reorder: Option<Box<dyn ReorderingModel>>,
    /// What random draws are keyed by.
    pub draws: DrawKey,
}

impl Parts {
    /// A link without impairments.
    #[must_use]
    pub fn new(rate: Box<dyn RateModel>, queue: Queue, delay: Box<dyn DelayModel>) -> Self {
        Self {
            rate,
            queue,
            delay: vec![delay],
            loss: Vec::new(),
            loss_at: LossAt::default(),
            mtu: None,
            ecn: EcnField::default(),
            blocks: Blocks::default(),
            corrupt: None,
            duplicate: None,
            reorder: None,
            draws: DrawKey::default(),
        }
    }
}
