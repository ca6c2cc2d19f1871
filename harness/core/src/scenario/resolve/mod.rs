//! From the file's own terms to the typed scenario: fills in defaults, chooses
//! plug-ins, turns names into positions, and checks what no grammar can.

mod flows;

use serde::de::DeserializeOwned;
use weaknet_core::{Kind, Span, Time};
use weaknet_transports::traffic::Traffic;

use super::de;
use super::document::{Document, DrawsDoc, LinkDoc, Seeds};
use super::error::{Diagnostic, Diagnostics, Place};
use super::expectation::Subjects;
use super::model::{DrawKey, LinkSpec, Measure, Network, Scenario, Topology};
use super::tree::{Node, Value};
use crate::metrics::Definition;
use crate::registry::{Registry, Spec};

/// Flows and links are numbered in 16 bits.
const MAX_ITEMS: usize = 1 << 16;

/// What a scenario is resolved with besides its tree.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// The plug-ins.
    pub registry: &'a Registry,
    /// The metrics.
    pub metrics: &'a [Definition],
    /// The scenario's name when it has none.
    pub stem: &'a str,
    /// Counts instead of the file's own seeds.
    pub seeds: Option<&'a Seeds>,
    /// How many cases the scenario stands for.
    pub cases: u64,
    /// How many runs, cases times seeds, there may be.
    pub limit: u64,
}

/// Resolves a tree without `extends` and `matrix`.
///
/// # Errors
/// Everything that is found wrong.
pub fn resolve(tree: &Node, terms: Terms<'_>) -> Result<Scenario, Diagnostics> {
    let mut resolver = Resolver {
        terms,
        found: Vec::new(),
    };
    let document: Option<Document> = resolver.read(tree);
    let Some(document) = document else {
        resolver.plugins_of_tree(tree);
        return Err(Diagnostics(resolver.found));
    };
    let scenario = resolver.scenario(&document, tree);
    match scenario {
        Some(scenario) if resolver.found.is_empty() => Ok(scenario),
        _ => Err(Diagnostics(resolver.found)),
    }
}

/// Whether a name can be used in paths and file names.
fn is_name(text: &str) -> bool {
    let ok = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    !text.is_empty() && text.len() <= 128 && text.chars().all(ok)
}

struct Resolver<'a> {
    terms: Terms<'a>,
    found: Vec<Diagnostic>,
}

impl Resolver<'_> {
    fn report(&mut self, place: &Place, message: impl Into<String>) {
        self.found.push(Diagnostic::new(place, message));
    }

    fn read<T: DeserializeOwned>(&mut self, node: &Node) -> Option<T> {
        de::read(node)
            .map_err(|errors| self.found.extend(errors.0))
            .ok()
    }

    fn scenario(&mut self, doc: &Document, tree: &Node) -> Option<Scenario> {
        let place = |key: &str| tree.get(key).map_or_else(|| tree.place(), Node::place);
        let name = doc.name.as_deref().unwrap_or(self.terms.stem);
        if !is_name(name) {
            self.report(
                place("name"),
                format!("`{name}` is no name: expected letters, digits, `_` and `-`"),
            );
        }
        if doc.duration.is_zero() {
            self.report(
                place("duration"),
                "a scenario of `0s` has nothing to run: expected a duration above zero",
            );
        }
        let seeds = self.seeds(self.terms.seeds.unwrap_or(&doc.seeds), place("seeds"))?;
        let measure = self.measure(doc, tree);
        let network = self.network(doc, tree)?;
        let flows = self.flows(doc, tree, &network);
        let flow_names: Vec<&str> = doc.flows.iter().map(|flow| flow.name.as_str()).collect();
        let link_names: Vec<&str> = network
            .links
            .iter()
            .map(|link| link.name.as_str())
            .collect();
        let subjects = Subjects {
            flows: &flow_names,
            links: &link_names,
            metrics: self.terms.metrics,
        };
        let expect = doc.expect.iter().enumerate().filter_map(|(i, text)| {
            let place = tree
                .find(&format!("expect.{i}"))
                .map_or_else(|| place("expect"), Node::place);
            subjects
                .parse(text, place)
                .map_err(|error| self.found.push(error))
                .ok()
        });
        let expect = expect.collect();
        Some(Scenario {
            name: name.to_owned(),
            about: doc.about.clone(),
            duration: doc.duration,
            seeds,
            measure,
            max_error_p99: doc.live.max_error_p99,
            network,
            flows: flows?,
            expect,
        })
    }

    fn seeds(&mut self, seeds: &Seeds, place: &Place) -> Option<Vec<u64>> {
        if seeds.is_empty() {
            self.report(place, "no seeds: expected at least one");
        }
        let Terms { cases, limit, .. } = self.terms;
        if cases
            .checked_mul(seeds.len())
            .is_none_or(|runs| runs > limit)
        {
            let runs = u128::from(cases) * u128::from(seeds.len());
            let message = format!(
                "{cases} cases x {} seeds = {runs} runs: more than the limit of {limit}",
                seeds.len()
            );
            self.report(place, message);
            return None;
        }
        let seeds = seeds.to_vec();
        let mut sorted = seeds.clone();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            self.report(place, format!("seed {} is here twice", pair[0]));
        }
        Some(seeds)
    }

    fn measure(&mut self, doc: &Document, tree: &Node) -> Measure {
        let from = doc.measure.from.unwrap_or(Span::ZERO);
        let to = doc.measure.to.unwrap_or(doc.duration);
        let place = tree
            .get("measure")
            .map_or_else(|| tree.place(), Node::place);
        if to > doc.duration {
            self.report(
                place,
                format!(
                    "`to: {to}` lies beyond the end of the run, {}",
                    doc.duration
                ),
            );
        } else if from >= to && !doc.duration.is_zero() {
            self.report(
                place,
                format!("nothing to measure: `from: {from}` is not before {to}"),
            );
        }
        Measure {
            from: Time::ZERO + from,
            to: Time::ZERO + to,
        }
    }

    fn network(&mut self, doc: &Document, tree: &Node) -> Option<Network> {
        let node = tree.get("network");
        let child = |name: &str| node.and_then(|node| node.get(name));
        let network = &doc.network;
        let draws = match network.draws {
            DrawsDoc::Packet => DrawKey::Packet,
            DrawsDoc::Slot(length) => {
                if length.is_zero() {
                    let place = child("draws").map_or_else(|| tree.place(), Node::place);
                    self.report(place, "expected a slot above zero");
                }
                DrawKey::Slot(length)
            }
        };
        let Some(links) = &network.links else {
            let forward = self.link("forward", network.forward.as_ref(), child("forward"));
            let backward = self.link("backward", network.backward.as_ref(), child("backward"));
            return Some(Network {
                topology: Topology::Ends,
                links: vec![forward?, backward?],
                draws,
            });
        };
        for end in ["forward", "backward"] {
            if let Some(node) = child(end).filter(|node| !node.is_null()) {
                self.report(
                    node.place(),
                    format!("`{end}:` and `links:` exclude each other"),
                );
            }
        }
        let entries = child("links").map_or(&[][..], Node::entries);
        if entries.len() > MAX_ITEMS {
            self.report(
                child("links")?.place(),
                format!("{} links: at most {MAX_ITEMS}", entries.len()),
            );
            return None;
        }
        let mut resolved = Vec::new();
        for entry in entries {
            if !is_name(&entry.key.name) {
                let message = format!(
                    "`{}` is no name: expected letters, digits, `_` and `-`",
                    entry.key.name
                );
                self.report(&entry.key.place, message);
            }
            resolved.push(self.link(
                &entry.key.name,
                links.get(&entry.key.name),
                Some(&entry.value),
            ));
        }
        Some(Network {
            topology: Topology::Links,
            links: resolved.into_iter().collect::<Option<_>>()?,
            draws,
        })
    }

    fn link(&mut self, name: &str, doc: Option<&LinkDoc>, node: Option<&Node>) -> Option<LinkSpec> {
        let child = |key: &str| node.and_then(|node| node.get(key));
        let rate = self.choose(child("rate"), "unlimited");
        let delay = self.choose_all(child("delay"), "0ms");
        let loss = self.choose_all(child("loss"), "none");
        let corrupt = self.choose(child("corrupt"), "none");
        let duplicate = self.choose(child("duplicate"), "none");
        let reorder = self.choose(child("reorder"), "none");
        let queue = self.choose(child("queue"), "drop_tail");
        let mtu = doc.and_then(|doc| doc.mtu);
        if let (Some(mtu), Some(node)) = (mtu, child("mtu"))
            && !(68..=65_535).contains(&mtu.get())
        {
            let message = format!("expected 68B (RFC 791) to 65535B, found {mtu}");
            self.report(node.place(), message);
        }
        let loss_at = doc.map_or_else(Default::default, |doc| doc.loss_at);
        Some(LinkSpec {
            name: name.to_owned(),
            rate: rate?,
            delay: delay?,
            loss: loss?,
            loss_at,
            corrupt: corrupt?,
            duplicate: duplicate?,
            reorder: reorder?,
            mtu,
            ecn: doc.map_or_else(Default::default, |doc| doc.ecn),
            blocks: doc.map_or_else(Default::default, |doc| doc.blocks),
            queue: queue?,
        })
    }

    /// A plug-in or a list of them.
    fn choose_all<K: Kind>(&mut self, node: Option<&Node>, default: &str) -> Option<Vec<Spec<K>>> {
        match node {
            Some(list) if matches!(&list.value, Value::List(_)) => {
                let Value::List(items) = &list.value else {
                    return None;
                };
                if items.is_empty() {
                    let message = format!("expected at least one {}", K::NAME);
                    self.report(list.place(), message);
                }
                let chosen: Vec<_> = items
                    .iter()
                    .map(|item| self.choose(Some(item), default))
                    .collect();
                chosen.into_iter().collect()
            }
            one => self.choose(one, default).map(|one| vec![one]),
        }
    }

    fn choose<K: Kind>(&mut self, node: Option<&Node>, default: &str) -> Option<Spec<K>> {
        let chosen = match node.filter(|node| !node.is_null()) {
            Some(node) => self.terms.registry.choose(node),
            None => self
                .terms
                .registry
                .default_of(default)
                .map_err(Diagnostics::from),
        };
        chosen.map_err(|errors| self.found.extend(errors.0)).ok()
    }

    /// The plug-ins' own errors, when the rest of the file cannot be read.
    fn plugins_of_tree(&mut self, tree: &Node) {
        let network = tree.get("network");
        let links = network
            .and_then(|network| network.get("links"))
            .map_or(&[][..], Node::entries)
            .iter();
        let ends = ["forward", "backward"]
            .into_iter()
            .filter_map(|end| network?.get(end));
        for link in links.map(|entry| &entry.value).chain(ends) {
            self.link("", None, Some(link));
        }
        if let Some(Value::List(flows)) = tree.get("flows").map(|flows| &flows.value) {
            for flow in flows {
                self.flow_plugins(flow);
                self.choose::<Traffic>(flow.get("traffic"), "cbr");
            }
        }
    }
}
