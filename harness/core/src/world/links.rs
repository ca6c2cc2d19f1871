//! Links alone: for a driver that has packets of its own.

use std::cell::Cell;

use weaknet_core::plugin::Assets;
use weaknet_core::{BuildError, Streams};
use weaknet_netem::{Change, Link};

use super::{Builder, WorldError};
use crate::metrics::LinkFacts;
use crate::registry::Spec;
use crate::scenario::model::{LinkSpec, Scenario};

fn builder<'a>(scenario: &'a Scenario, streams: &'a Streams, assets: &'a Assets) -> Builder<'a> {
    Builder {
        streams,
        assets,
        links: &scenario.network.links,
        arrivals: None,
        wants_arrivals: Cell::new(false),
    }
}

/// The links of one run, in the order of the scenario; their parts may change.
///
/// # Errors
/// When a plug-in refuses its parameters or a file that it needs.
pub fn links(scenario: &Scenario, seed: u64, assets: &Assets) -> Result<Vec<Link>, WorldError> {
    let streams = Streams::new(seed);
    let builder = builder(scenario, &streams, assets);
    builder.all_links(scenario.network.draws, Link::changeable)
}

/// What metrics need to know of the links of one run.
///
/// # Errors
/// When a rate model refuses its parameters or a file that it needs.
pub fn link_facts(
    scenario: &Scenario,
    seed: u64,
    assets: &Assets,
) -> Result<Vec<LinkFacts>, WorldError> {
    let streams = Streams::new(seed);
    builder(scenario, &streams, assets).link_facts()
}

/// What becomes different of each link when another scenario takes the place of one.
///
/// # Errors
/// When the other one has other links, or a queue that cannot take the place of one
/// with packets in it; when a plug-in refuses its parameters.
pub fn changes(
    from: &Scenario,
    to: &Scenario,
    seed: u64,
    assets: &Assets,
) -> Result<Vec<Change>, WorldError> {
    let streams = Streams::new(seed);
    let (old, new) = (&from.network.links, &to.network.links);
    let names = |links: &[LinkSpec]| -> Vec<String> {
        links.iter().map(|link| link.name.clone()).collect()
    };
    if names(old) != names(new) || from.network.draws != to.network.draws {
        return Err(WorldError {
            path: "network".to_owned(),
            source: BuildError::new("which links there are cannot change while they run"),
        });
    }
    let builder = builder(to, &streams, assets);
    let pairs = old.iter().zip(new);
    pairs.map(|(old, new)| builder.change(old, new)).collect()
}

/// Whether two scenarios have the same network.
#[must_use]
pub fn same_network(a: &Scenario, b: &Scenario) -> bool {
    let (a, b) = (&a.network, &b.network);
    a.draws == b.draws
        && a.topology == b.topology
        && a.links.len() == b.links.len()
        && a.links.iter().zip(&b.links).all(|(a, b)| same_link(a, b))
}

fn same_link(a: &LinkSpec, b: &LinkSpec) -> bool {
    a.name == b.name
        && same(&a.rate, &b.rate)
        && all_same(&a.delay, &b.delay)
        && all_same(&a.loss, &b.loss)
        && a.loss_at == b.loss_at
        && same(&a.corrupt, &b.corrupt)
        && same(&a.duplicate, &b.duplicate)
        && same(&a.reorder, &b.reorder)
        && a.mtu == b.mtu
        && a.ecn == b.ecn
        && a.blocks == b.blocks
        && same(&a.queue, &b.queue)
}

/// Whether two plug-ins are chosen alike.
fn same<K: weaknet_core::Kind>(a: &Spec<K>, b: &Spec<K>) -> bool {
    a.name() == b.name() && a.config() == b.config()
}

fn all_same<K: weaknet_core::Kind>(a: &[Spec<K>], b: &[Spec<K>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

impl Builder<'_> {
    fn change(&self, old: &LinkSpec, new: &LinkSpec) -> Result<Change, WorldError> {
        let name = &new.name;
        if !same(&old.queue, &new.queue) {
            return Err(WorldError {
                path: format!("{name}/queue"),
                source: BuildError::new(
                    "a queue cannot change while packets wait in it: expected rate, delay, loss, \
                     corrupt, duplicate, reorder, mtu, ecn or blocks",
                ),
            });
        }
        let mut change = Change::default();
        if !same(&old.rate, &new.rate) {
            change.rate = Some(self.part(name, &new.rate)?);
        }
        if !all_same(&old.delay, &new.delay) {
            change.delay = Some(self.parts(name, &new.delay)?);
        }
        if !all_same(&old.loss, &new.loss) || old.loss_at != new.loss_at {
            change.loss = Some((self.parts(name, &new.loss)?, new.loss_at));
        }
        if !same(&old.corrupt, &new.corrupt) {
            change.corrupt = Some(self.part(name, &new.corrupt)?);
        }
        if !same(&old.duplicate, &new.duplicate) {
            change.duplicate = Some(self.part(name, &new.duplicate)?);
        }
        if !same(&old.reorder, &new.reorder) {
            change.reorder = Some(self.part(name, &new.reorder)?);
        }
        change.mtu = (old.mtu != new.mtu).then(|| super::mtu(new));
        change.ecn = (old.ecn != new.ecn).then_some(new.ecn);
        change.blocks = (old.blocks != new.blocks).then_some(new.blocks);
        Ok(change)
    }
}
