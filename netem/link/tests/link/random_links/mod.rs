//! Random links of all parts that there are, and random packets for them.

mod models;
mod part;
mod queues;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use weaknet_core::packet::{Class, Ecn, FlowId, Leg, LinkId, Packet};
use weaknet_core::{Span, Time};
use weaknet_netem::model::{Corruption, Delay, Duplication, Loss, LossAt, Qdisc, Rate, Reordering};
use weaknet_netem::{Blocks, DrawKey, EcnField, Link, Parts};

use self::models::{any_rates, corruptions, delays, duplications, losses, reorderings};
use self::queues::queues;
use crate::queue::Order;
use crate::support::{packet, payload};

pub(crate) use models::rates;
pub(crate) use part::Part;

/// What a random link is made of.
#[derive(Debug, Clone)]
pub(crate) struct RandomLink {
    rate: Part<Rate>,
    queue: Part<Qdisc>,
    order: Option<Order>,
    delay: Vec<Part<Delay>>,
    loss: Vec<Part<Loss>>,
    loss_at: LossAt,
    mtu: Option<u32>,
    ecn: EcnField,
    corrupt: Option<Part<Corruption>>,
    duplicate: Option<Part<Duplication>>,
    reorder: Option<Part<Reordering>>,
    draws: DrawKey,
    seed: u64,
}

impl RandomLink {
    pub(crate) fn build(&self) -> Link {
        Link::new(LinkId(0), self.parts())
    }

    pub(crate) fn parts(&self) -> Parts {
        let seed = self.seed;
        let number = |what: &str, i: usize| format!("link/{what}/{i}");
        let delay = self.delay.iter().enumerate();
        let loss = self.loss.iter().enumerate();
        Parts {
            rate: self.rate.build(seed, "link/rate"),
            queue: self.queue.build(seed, "link/queue"),
            delay: delay
                .map(|(i, part)| part.build(seed, &number("delay", i)))
                .collect(),
            loss: loss
                .map(|(i, part)| part.build(seed, &number("loss", i)))
                .collect(),
            loss_at: self.loss_at,
            mtu: self.mtu,
            ecn: self.ecn,
            blocks: Blocks::Nothing,
            corrupt: self
                .corrupt
                .as_ref()
                .map(|part| part.build(seed, "link/corrupt")),
            duplicate: self
                .duplicate
                .as_ref()
                .map(|part| part.build(seed, "link/duplicate")),
            reorder: self
                .reorder
                .as_ref()
                .map(|part| part.build(seed, "link/reorder")),
            draws: self.draws,
        }
    }

    /// Which packets keep their order; `None`: none need to.
    pub(crate) fn order(&self) -> Option<Order> {
        let displaces = self.reorder.is_some() || self.duplicate.is_some();
        let overtakes = |part: &Part<Delay>| part.build(self.seed, "link/delay").reorders();
        let free = displaces || self.delay.iter().any(overtakes);
        if free { None } else { self.order }
    }
}

pub(crate) fn random_links() -> impl Strategy<Value = RandomLink> {
    let ecn = select(vec![
        EcnField::Pass,
        EcnField::Bleach,
        EcnField::Ect1ToEct0,
        EcnField::MarkAll,
        EcnField::DropEct,
    ]);
    let draws = prop_oneof![
        Just(DrawKey::Packet),
        (1..30u64).prop_map(|ms| DrawKey::Slot(Span::from_millis(ms))),
    ];
    (
        (any_rates(), queues()),
        prop::collection::vec(delays(), 1..4),
        prop::collection::vec(losses(), 0..4),
        prop_oneof![Just(LossAt::BeforeQueue), Just(LossAt::AfterLink)],
        (option::of(300..2_000u32), ecn),
        option::of(corruptions()),
        option::of(duplications()),
        option::of(reorderings()),
        (draws, any::<u64>()),
    )
        .prop_map(
            |((rate, queue), delay, loss, loss_at, field, corrupt, duplicate, reorder, random)| {
                RandomLink {
                    rate,
                    queue: queue.0,
                    order: queue.1,
                    delay,
                    loss,
                    loss_at,
                    mtu: field.0,
                    ecn: field.1,
                    corrupt,
                    duplicate,
                    reorder,
                    draws: random.0,
                    seed: random.1,
                }
            },
        )
}

/// Packets of a few flows, in bursts and after idle gaps, up to a size and at
/// times beyond it.
pub(crate) fn packets(most: usize) -> impl Strategy<Value = Vec<Packet>> {
    let ecns = select(vec![Ecn::NotEct, Ecn::Ect0, Ecn::Ect1, Ecn::Ce]);
    let size = prop_oneof![
        20 => 1u32..1_600,
        1 => Just(0u32),
        1 => Just(3_000_000),
    ];
    let gap = prop_oneof![
        6 => Just(0u64),
        6 => 0u64..2_000,
        3 => 0u64..20_000,
        1 => 0u64..500_000,
    ];
    let class = select(vec![Class::Other, Class::Rtcp, Class::Session]);
    let one = (gap, size, 0u16..4, any::<bool>(), ecns, class);
    prop::collection::vec(one, 0..most).prop_map(|packets| {
        let mut now = Time::ZERO;
        let place = |(id, (gap, size, flow, back, ecn, class))| {
            now += Span::from_micros(gap);
            Packet {
                flow: FlowId(flow),
                leg: if back { Leg::Return } else { Leg::Outward },
                ecn,
                payload: payload(class),
                ..packet(id as u64, size, now)
            }
        };
        packets.into_iter().enumerate().map(place).collect()
    })
}
