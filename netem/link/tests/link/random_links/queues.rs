//! Every queue discipline, with random parameters.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use weaknet_netem::model::Qdisc;
use weaknet_netem::queue;

use super::part::{Part, kbps, ms, of, one_of, percent, read};
use crate::queue::{self as disciplines, Order, limits};

/// Disciplines that are not in [`disciplines::ALL`], and what order they keep.
fn other_queues() -> BoxedStrategy<(Part<Qdisc>, Option<Order>)> {
    let cell = of(|a, b, _| {
        let (rate, limit) = (kbps(10 * a), format!("{}packets", 1 + b));
        read::<queue::WifiCell>(json!({
            "phy_rate": rate, "limit": limit, "aggregate": 1 + a / 20, "retry_limit": b / 20
        }))
    });
    let mobile = of(|a, b, fades| {
        let (rate, limit) = (kbps(10 * a), format!("{}packets", 1 + b));
        let fading = fades.then(|| json!({"depth": "30%", "good": "30ms", "bad": "10ms"}));
        let scheduler = ["round_robin", "proportional_fair", "max_rate"][a as usize % 3];
        read::<queue::CellularCell>(json!({
            "rate": rate, "limit": limit, "fading": fading, "scheduler": scheduler,
            "grant_delay": ms(b / 20)
        }))
    });
    let netem = of(|a, b, slots| {
        let slot = slots.then(|| json!({"min": "1ms", "max": "5ms", "packets": 3}));
        let rate = (b % 2 == 0).then(|| kbps(a));
        read::<queue::Netem>(json!({
            "limit": 1 + b, "delay": ms(1 + a), "jitter": ms(1 + b / 10),
            "distribution": "normal", "loss": {"random": {"probability": percent(a / 4)}},
            "ecn": slots, "duplicate": percent(b / 2), "corrupt": percent(a / 2),
            "reorder": percent(b), "rate": rate, "slot": slot
        }))
    });
    let per_flow = one_of(vec![cell, mobile]);
    prop_oneof![
        2 => per_flow.prop_map(|part| (part, Some(Order::Flow))),
        1 => netem.prop_map(|part| (part, None)),
    ]
    .boxed()
}

/// Whose order a queue keeps; `None`: nobody's.
pub(super) fn queues() -> BoxedStrategy<(Part<Qdisc>, Option<Order>)> {
    let named = (select(&disciplines::ALL[..]), limits())
        .prop_map(|(which, limit)| (which.part(limit), Some(which.order())));
    let closed_form = limits().prop_map(|limit| {
        let config = queue::DropTail {
            limit,
            at: None,
            ce_threshold: None,
        };
        (Part::new(config), Some(Order::All))
    });
    prop_oneof![4 => named, 2 => closed_form, 1 => other_queues()].boxed()
}
