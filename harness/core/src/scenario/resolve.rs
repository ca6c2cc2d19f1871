//! From the file's own terms to the typed scenario: fills in defaults, chooses
//! plug-ins, turns names into positions, and checks what no grammar can.

use serde::de::DeserializeOwned;
use weaknet_core::packet::LinkId;
use weaknet_core::{Kind, Span, Time};
use weaknet_transports::cc::Constraints;
use weaknet_transports::traffic::Traffic;

use super::de;
use super::document::{Document, DrawsDoc, FlowDoc, LinkDoc, Seeds};
use super::error::{Diagnostic, Diagnostics, Place};
use super::expectation::Subjects;
use super::model::{
    AudioStream, Bulk, Call, DrawKey, End, Feedback, Flow, LinkSpec, Load, Measure, Media,
    Messages, Network, Path, Scenario, Topology, VideoStream,
};
use super::tree::{Node, Value};
use crate::metrics::Definition;
use crate::registry::{Registry, Spec};

/// Flows and links are numbered in 16 bits.
const MAX_ITEMS: usize = 1 << 16;

/// Paths are numbered in 8 bits.
const MAX_PATHS: usize = 1 << 8;

/// What a flow can carry, one of them.
const LOADS: [&str; 4] = ["media", "bulk", "messages", "traffic"];

/// What only calls have.
const OF_CALLS: [&str; 11] = [
    "fec",
    "protection",
    "arq",
    "jitter_buffer",
    "audio_buffer",
    "clock_drift",
    "lip_sync",
    "pacer",
    "rtp_overhead",
    "signalling",
    "feedback",
];

/// What only flows have that adapt to the network.
const OF_ADAPTING: [&str; 2] = ["congestion_control", "constraints"];

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

    fn flows(&mut self, doc: &Document, tree: &Node, network: &Network) -> Option<Vec<Flow>> {
        let Some(Value::List(nodes)) = tree.get("flows").map(|flows| &flows.value) else {
            return Some(Vec::new());
        };
        if nodes.len() > MAX_ITEMS {
            self.report(
                tree.get("flows")?.place(),
                format!("{} flows: at most {MAX_ITEMS}", nodes.len()),
            );
            return None;
        }
        let mut flows = Vec::new();
        for (at, (flow, node)) in doc.flows.iter().zip(nodes).enumerate() {
            let place = node.get("name").map_or_else(|| node.place(), Node::place);
            if !is_name(&flow.name) {
                self.report(
                    place,
                    format!(
                        "`{}` is no name: expected letters, digits, `_` and `-`",
                        flow.name
                    ),
                );
            }
            if let Some(first) = doc.flows[..at]
                .iter()
                .position(|other| other.name == flow.name)
            {
                let line = nodes[first]
                    .get("name")
                    .map_or(0, |name| name.place().line());
                self.report(
                    place,
                    format!("two flows are called `{}`: first on line {line}", flow.name),
                );
            }
            if network.links.iter().any(|link| link.name == flow.name) {
                self.report(place, format!("a link is called `{}` already", flow.name));
            }
            flows.push(self.flow(flow, node, doc, network));
        }
        flows.into_iter().collect()
    }

    fn flow(
        &mut self,
        flow: &FlowDoc,
        node: &Node,
        doc: &Document,
        network: &Network,
    ) -> Option<Flow> {
        let place = |key: &str| node.get(key).map_or_else(|| node.place(), Node::place);
        let stop = flow.stop.unwrap_or(doc.duration).min(doc.duration);
        if flow.start >= stop && !doc.duration.is_zero() {
            self.report(
                place("start"),
                format!(
                    "the flow starts at {}, not before it stops at {stop}",
                    flow.start
                ),
            );
        }
        let paths = self.paths(flow, node, network);
        let load = self.load(flow, node);
        Some(Flow {
            name: flow.name.clone(),
            from: flow.from.unwrap_or_default(),
            start: Time::ZERO + flow.start,
            stop: Time::ZERO + stop,
            paths,
            load: load?,
        })
    }

    /// What the flow carries: one thing out of several.
    fn load(&mut self, flow: &FlowDoc, node: &Node) -> Option<Load> {
        let given = |key: &&str| node.get(key).is_some_and(|node| !node.is_null());
        let loads: Vec<&str> = LOADS.into_iter().filter(given).collect();
        match loads[..] {
            ["traffic"] => {
                let help = "`traffic:` sends whatever the network does";
                self.refuse(node, &OF_CALLS, "`media:`", help);
                self.refuse(node, &OF_ADAPTING, "`media:`, `bulk:` or `messages:`", help);
                self.choose(node.get("traffic"), "cbr").map(Load::Traffic)
            }
            ["bulk"] => {
                let help = "`bulk:` has its own pacing, acknowledgements and retransmissions";
                self.refuse(node, &OF_CALLS, "`media:`", help);
                self.bulk(flow, node).map(|bulk| Load::Bulk(Box::new(bulk)))
            }
            ["messages"] => {
                let help = "`messages:` has its own reliability and redundancy";
                self.refuse(node, &OF_CALLS, "`media:`", help);
                let messages = self.messages(flow, node);
                messages.map(|messages| Load::Messages(Box::new(messages)))
            }
            [_] => self.call(flow, node).map(|call| Load::Call(Box::new(call))),
            [] => {
                let message = "the flow carries nothing: expected `media:`, `bulk:`, `messages:` or \
                               `traffic:`";
                self.report(node.place(), message);
                None
            }
            [first, second, ..] => {
                let place = node.get(second).map_or_else(|| node.place(), Node::place);
                let message = format!("`{first}:` and `{second}:` exclude each other");
                self.report(place, message);
                None
            }
        }
    }

    /// Keys that are of no use for what a flow carries.
    fn refuse(&mut self, node: &Node, keys: &[&str], owner: &str, help: &str) {
        for key in keys {
            if let Some(given) = node.get(key).filter(|node| !node.is_null()) {
                let message = format!("`{key}:` is of no use here: it goes with {owner}");
                let found = Diagnostic::new(given.place(), message);
                self.found.push(found.help(help));
            }
        }
    }

    fn bulk(&mut self, flow: &FlowDoc, node: &Node) -> Option<Bulk> {
        let (config, place) = (flow.bulk.as_ref()?, node.get("bulk")?);
        if let Err(error) = config.check() {
            let field = error.field.unwrap_or_default();
            let place = place.get(&field).unwrap_or(place).place();
            self.report(place, format!("bulk: {field}: {}", error.message));
        }
        let constraints = self.constraints(flow, node);
        let controller = self.choose(node.get("congestion_control"), "cubic");
        Some(Bulk {
            config: config.clone(),
            congestion_control: controller?,
            constraints,
        })
    }

    fn messages(&mut self, flow: &FlowDoc, node: &Node) -> Option<Messages> {
        let (config, place) = (flow.messages.as_ref()?, node.get("messages")?);
        if let Err(error) = config.check() {
            let field = error.field.unwrap_or_default();
            let place = place.get(&field).unwrap_or(place).place();
            self.report(place, format!("messages: {field}: {}", error.message));
        }
        let constraints = self.constraints(flow, node);
        let controller = node
            .get("congestion_control")
            .filter(|node| !node.is_null());
        let congestion_control = match controller {
            None => None,
            given => Some(self.choose(given, "cubic")?),
        };
        Some(Messages {
            config: config.clone(),
            congestion_control,
            constraints,
        })
    }

    fn constraints(&mut self, flow: &FlowDoc, node: &Node) -> Constraints {
        let most = flow.constraints.max_bitrate;
        let bounds = Constraints {
            min: flow.constraints.min_bitrate,
            start: flow.constraints.start_bitrate,
            max: most.unwrap_or(weaknet_core::Bitrate::MAX),
        };
        if !(bounds.min <= bounds.start && bounds.start <= bounds.max) {
            let place = node.get("constraints").unwrap_or(node).place();
            self.report(
                place,
                "expected min_bitrate <= start_bitrate <= max_bitrate",
            );
        }
        bounds
    }

    fn call(&mut self, flow: &FlowDoc, node: &Node) -> Option<Call> {
        let place = |key: &str| node.get(key).map_or_else(|| node.place(), Node::place);
        let feedback = Feedback {
            format: flow.feedback.format,
            every: flow.feedback.every,
        };
        if feedback.every.is_some_and(Span::is_zero) {
            self.report(place("feedback"), "expected an interval above zero");
        }
        let bounds = self.constraints(flow, node);
        let media = self.media(flow, node);
        let plugins = self.flow_plugins(node);
        let plugins = plugins?;
        Some(Call {
            media: media?,
            congestion_control: plugins.congestion_control,
            fec: plugins.fec,
            protection: plugins.protection,
            arq: plugins.arq,
            jitter_buffer: plugins.jitter_buffer,
            audio_buffer: plugins.audio_buffer,
            clock_drift: flow.clock_drift,
            lip_sync: flow.lip_sync.unwrap_or(true),
            pacer: plugins.pacer,
            rtp_overhead: flow.rtp_overhead,
            signalling: flow.signalling,
            feedback,
            constraints: bounds,
        })
    }

    fn media(&mut self, flow: &FlowDoc, node: &Node) -> Option<Media> {
        let (doc, media) = (flow.media.as_ref()?, node.get("media")?);
        if doc.video.is_none() && doc.audio.is_none() {
            self.report(media.place(), "expected `video:`, `audio:` or both");
        }
        let video = doc.video.as_ref().map(|video| {
            let node = media.get("video");
            let place = |key| {
                node.and_then(|node| node.get(key))
                    .map_or_else(|| media.place(), Node::place)
            };
            if !(video.fps.is_finite() && video.fps > 0.0) {
                self.report(
                    place("fps"),
                    format!("expected frames per second above zero, found {}", video.fps),
                );
            }
            if video.min_bitrate > video.max_bitrate || video.max_bitrate.is_zero() {
                let message = format!(
                    "the encoder has no rate between {} and {}",
                    video.min_bitrate, video.max_bitrate
                );
                self.report(place("max_bitrate"), message);
            }
            let source = self.choose(node.and_then(|node| node.get("source")), "rfc8593");
            Some(VideoStream {
                max_bitrate: video.max_bitrate,
                min_bitrate: video.min_bitrate,
                fps: video.fps,
                source: source?,
            })
        });
        let audio = doc.audio.as_ref().map(|audio| {
            let node = media.get("audio");
            if audio.bitrate.is_zero() {
                let place = node
                    .and_then(|node| node.get("bitrate"))
                    .map_or_else(|| media.place(), Node::place);
                self.report(place, "expected a bit rate above zero");
            }
            let source = self.choose(node.and_then(|node| node.get("source")), "opus");
            Some(AudioStream {
                bitrate: audio.bitrate,
                source: source?,
            })
        });
        let video = video.map_or(Some(None), |video| video.map(Some))?;
        let audio = audio.map_or(Some(None), |audio| audio.map(Some))?;
        Some(Media { video, audio })
    }

    fn paths(&mut self, flow: &FlowDoc, node: &Node, network: &Network) -> Vec<Path> {
        let given = |key: &&str| node.get(key).is_some_and(|node| !node.is_null());
        let place = |key: &str| node.get(key).map_or_else(|| node.place(), Node::place);
        if network.topology == Topology::Ends {
            for key in ["route", "route_back", "paths"]
                .iter()
                .filter(|key| given(key))
            {
                self.report(
                    place(key),
                    format!("`{key}:` needs named `links:` in the network"),
                );
            }
            let (forward, backward) = (vec![LinkId(0)], vec![LinkId(1)]);
            let (outward, back) = match flow.from.unwrap_or_default() {
                End::A => (forward, backward),
                End::B => (backward, forward),
            };
            let name = None;
            return vec![Path {
                name,
                outward,
                back,
            }];
        }
        if flow.from.is_some() {
            self.report(
                place("from"),
                "`from:` needs the two-ended network; here the route says it",
            );
        }
        let Some(paths) = &flow.paths else {
            let mut route = |key: &str, names: &Option<Vec<String>>| match names {
                Some(names) => self.route(key, names, node, network),
                None => {
                    self.report(
                        place("name"),
                        format!("`{key}:` is missing: with named links a flow says its way"),
                    );
                    Vec::new()
                }
            };
            return vec![Path {
                name: None,
                outward: route("route", &flow.route),
                back: route("route_back", &flow.route_back),
            }];
        };
        for key in ["route", "route_back"].iter().filter(|key| given(key)) {
            self.report(
                place(key),
                format!("`{key}:` and `paths:` exclude each other"),
            );
        }
        if paths.is_empty() || paths.len() > MAX_PATHS {
            let message = format!("{} paths: expected 1 to {MAX_PATHS}", paths.len());
            self.report(place("paths"), message);
        }
        let mut resolved: Vec<Path> = Vec::new();
        for (i, path) in paths.iter().enumerate() {
            let node = node.find(&format!("paths.{i}")).unwrap_or(node);
            let place = node.get("name").map_or_else(|| node.place(), Node::place);
            let name = &path.name;
            if !is_name(name) {
                let message = format!("`{name}` is no name: expected letters, digits, `_` and `-`");
                self.report(place, message);
            }
            if paths[..i].iter().any(|other| other.name == *name) {
                self.report(place, format!("two paths are called `{name}`"));
            }
            resolved.push(Path {
                name: Some(name.clone()),
                outward: self.route("route", &path.route, node, network),
                back: self.route("route_back", &path.route_back, node, network),
            });
        }
        resolved
    }

    /// The links of the route under `key` of a node.
    fn route(
        &mut self,
        key: &str,
        names: &[String],
        node: &Node,
        network: &Network,
    ) -> Vec<LinkId> {
        let place = |key: &str| node.get(key).map_or_else(|| node.place(), Node::place);
        if names.len() > usize::from(u8::MAX) {
            self.report(place(key), "a route has 255 links at most");
        }
        let mut links = Vec::new();
        for (i, name) in names.iter().enumerate() {
            let place = node
                .find(&format!("{key}.{i}"))
                .map_or_else(|| place(key), Node::place);
            match network.links.iter().position(|link| link.name == *name) {
                Some(at) => links.push(LinkId(u16::try_from(at).unwrap_or(u16::MAX))),
                None => {
                    let known = network.links.iter().map(|link| link.name.as_str());
                    self.found
                        .push(Diagnostic::unknown(place, "link", name, known));
                }
            }
        }
        links
    }

    fn flow_plugins(&mut self, node: &Node) -> Option<FlowPlugins> {
        let congestion_control = self.choose(node.get("congestion_control"), "gcc");
        let fec = self.choose(node.get("fec"), "none");
        let protection = self.choose(node.get("protection"), "webrtc");
        let arq = self.choose(node.get("arq"), "nack");
        let jitter_buffer = self.choose(node.get("jitter_buffer"), "webrtc");
        let audio_buffer = self.choose(node.get("audio_buffer"), "neteq");
        let pacer = self.choose(node.get("pacer"), "webrtc");
        Some(FlowPlugins {
            congestion_control: congestion_control?,
            fec: fec?,
            protection: protection?,
            arq: arq?,
            jitter_buffer: jitter_buffer?,
            audio_buffer: audio_buffer?,
            pacer: pacer?,
        })
    }
}

struct FlowPlugins {
    congestion_control: Spec<weaknet_transports::cc::CongestionControl>,
    fec: Spec<weaknet_transports::fec::Fec>,
    protection: Spec<weaknet_transports::fec::ProtectionControl>,
    arq: Spec<weaknet_transports::arq::Arq>,
    jitter_buffer: Spec<weaknet_transports::jitter::Jitter>,
    audio_buffer: Spec<weaknet_transports::jitter::AudioJitter>,
    pacer: Spec<weaknet_transports::pacing::Pacing>,
}
