//! Metrics: numbers made of events, each with its formula and its source.
//!
//! A metric plug-in is a *set* of metrics that share their bookkeeping. Sets
//! see every event of a run in order of time and nothing else; at the end they
//! write their scores. A metric that does not apply is absent, never zero.
//!
//! Windows (contract section 4): packets belong to the window by arrival at
//! the receiver (send metrics: by send), frames by render, a freeze by its
//! clipped part; set-up, first frame, connect and convergence are never
//! windowed; rates divide by the window's length.

mod audio;
mod av_sync;
mod convergence;
pub mod e_model;
mod emulation;
mod frame_delay;
mod freeze_rule;
mod histogram;
mod link;
mod loss_bursts;
mod mask;
mod messages;
mod packet_delay;
mod packet_loss;
mod pictures;
mod quiet;
mod repair;
mod samples;
mod scorer;
mod session;
#[cfg(test)]
pub(crate) mod testing;
mod throughput;
mod traffic;
mod transfers;
mod usable;
mod video_freezes;
mod video_quality;

use std::collections::{BTreeMap, BTreeSet};

pub use audio::Audio;
pub use av_sync::AvSync;
pub use convergence::Convergence;
pub use emulation::Emulation;
pub use frame_delay::FrameDelay;
pub use freeze_rule::{FreezeRule, Gap, GapKind};
pub use link::Links;
pub use mask::EventMask;
pub use messages::Messages;
pub use packet_delay::PacketDelay;
pub use packet_loss::PacketLoss;
pub use pictures::Pictures;
pub use repair::Repair;
pub use samples::Samples;
pub use scorer::Scorer;
pub use session::Session;
pub use throughput::Throughput;
pub use traffic::is_flow_traffic;
pub use transfers::Transfers;
pub use video_freezes::VideoFreezes;
pub use video_quality::VideoQuality;
use weaknet_core::packet::{FlowId, LinkId};
use weaknet_core::{Event, Kind, Span, Time};
use weaknet_sim::Path;

/// The kind of metric sets.
pub enum Metrics {}

impl Kind for Metrics {
    type Product = Box<dyn MetricSet>;
    const NAME: &'static str = "metric_set";
    const ABOUT: &'static str = "turns the events of a run into named numbers";
}

/// Which way a metric improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
    /// Neither: it describes.
    Neither,
}

/// What a number is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// One per flow.
    Flow,
    /// One per link.
    Link,
}

/// The definition of one metric, as `weaknet explain` prints it.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Definition {
    /// Its name, unit included.
    pub name: &'static str,
    /// What it is about.
    pub subjects: &'static [Subject],
    /// Which way it improves.
    pub better: Better,
    /// One sentence for people.
    pub summary: &'static str,
    /// The exact rule.
    pub formula: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
}

/// A flow as metrics need to know it.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowFacts {
    /// Its name.
    pub name: String,
    /// When it starts.
    pub start: Time,
    /// When it stops.
    pub stop: Time,
    /// Whether it carries video.
    pub video: bool,
    /// Whether it carries audio.
    pub audio: bool,
    /// Whether it may follow what the network gives; cross traffic does not,
    /// and takes no part in fairness.
    pub adapts: bool,
    /// Until when its messages have to be delivered after they are given; `None`:
    /// it carries none.
    pub deadline: Option<Span>,
    /// Ways between its ends; at least one.
    pub paths: Vec<Path>,
}

impl FlowFacts {
    /// Whether it is a call, and media metrics apply.
    #[must_use]
    pub const fn is_call(&self) -> bool {
        self.video || self.audio
    }

    /// Whether it is a reliable byte stream.
    #[must_use]
    pub const fn is_bulk(&self) -> bool {
        self.adapts && !self.is_call() && self.deadline.is_none()
    }

    /// The links from sender to receiver on all of its paths, each once.
    pub fn outward(&self) -> impl Iterator<Item = LinkId> + '_ {
        let links: BTreeSet<LinkId> = self
            .paths
            .iter()
            .flat_map(|path| path.outward.iter().copied())
            .collect();
        links.into_iter()
    }
}

/// A link as metrics need to know it.
pub struct LinkFacts {
    /// Its name.
    pub name: String,
    /// Bits that the link could carry in [from, to); `None`: unlimited.
    pub capacity: Box<dyn Fn(Time, Time) -> Option<f64> + Send>,
}

/// What is known about a run before it starts.
pub struct RunFacts {
    /// End of the run.
    pub duration: Time,
    /// Start of the measurement window.
    pub from: Time,
    /// End of the measurement window.
    pub to: Time,
    /// The flows, by [`FlowId`].
    pub flows: Vec<FlowFacts>,
    /// The links, by [`LinkId`].
    pub links: Vec<LinkFacts>,
}

impl RunFacts {
    /// Whether an instant lies in the measurement window.
    #[must_use]
    pub fn in_window(&self, at: Time) -> bool {
        self.from <= at && at < self.to
    }

    /// Length of the measurement window.
    #[must_use]
    pub fn window(&self) -> Span {
        self.to.since(self.from)
    }

    /// The part of the window in which a flow is on: `None` when empty.
    #[must_use]
    pub fn on_air(&self, flow: &FlowFacts) -> Option<(Time, Time)> {
        let (from, to) = (
            self.from.max(flow.start),
            self.to.min(flow.stop).min(self.duration),
        );
        (from < to).then_some((from, to))
    }

    /// Bits that a flow's bottlenecks carry in the window (see
    /// [`bottlenecks`]).
    #[must_use]
    pub fn bottlenecks(&self, flow: &FlowFacts) -> Option<f64> {
        bottlenecks(&flow.paths, |id| {
            let link = self.links.get(usize::from(id.0))?;
            (link.capacity)(self.from, self.to)
        })
    }
}

/// What the bottlenecks of paths carry, given what each link carries (`None`:
/// unlimited): on each path the outward link with the smallest capacity; one
/// that several paths share counts once. `None` when a path is unlimited.
pub fn bottlenecks(paths: &[Path], capacity: impl Fn(LinkId) -> Option<f64>) -> Option<f64> {
    let narrowest = |path: &Path| {
        let links = path.outward.iter();
        let limited = links.filter_map(|&id| Some((id, capacity(id)?)));
        limited.min_by(|a, b| a.1.total_cmp(&b.1))
    };
    let bottlenecks: BTreeMap<LinkId, f64> = paths.iter().map(narrowest).collect::<Option<_>>()?;
    Some(bottlenecks.values().sum())
}

/// Where metric sets write their scores.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scores {
    /// By flow, then by name.
    pub flows: Vec<BTreeMap<&'static str, f64>>,
    /// By link, then by name.
    pub links: Vec<BTreeMap<&'static str, f64>>,
}

impl Scores {
    /// Empty scores for so many flows and links.
    #[must_use]
    pub fn new(flows: usize, links: usize) -> Self {
        Self {
            flows: vec![BTreeMap::new(); flows],
            links: vec![BTreeMap::new(); links],
        }
    }

    /// Sets a flow's metric. Values that are not finite are left out.
    pub fn flow(&mut self, flow: FlowId, name: &'static str, value: f64) {
        if let Some(scores) = self
            .flows
            .get_mut(usize::from(flow.0))
            .filter(|_| value.is_finite())
        {
            scores.insert(name, value);
        }
    }

    /// Sets a link's metric. Values that are not finite are left out.
    pub fn link(&mut self, link: LinkId, name: &'static str, value: f64) {
        if let Some(scores) = self
            .links
            .get_mut(usize::from(link.0))
            .filter(|_| value.is_finite())
        {
            scores.insert(name, value);
        }
    }
}

/// A set of metrics that share their bookkeeping.
pub trait MetricSet: Send {
    /// The run begins.
    fn start(&mut self, run: &RunFacts);
    /// Something happened.
    fn event(&mut self, run: &RunFacts, at: Time, event: &Event);
    /// The run is over.
    fn finish(&mut self, run: &RunFacts, scores: &mut Scores);
    /// What the set defines.
    fn definitions(&self) -> &'static [Definition];
    /// Which events the set wants; it may get others and must ignore them.
    fn interest(&self) -> EventMask {
        EventMask::ALL
    }
}

/// The definitions of all metrics that weaknet brings along, set by set.
pub fn builtin_definitions() -> impl Iterator<Item = &'static Definition> {
    [
        video_freezes::DEFINITIONS,
        frame_delay::DEFINITIONS,
        pictures::DEFINITIONS,
        video_quality::DEFINITIONS,
        audio::DEFINITIONS,
        av_sync::DEFINITIONS,
        throughput::DEFINITIONS,
        packet_loss::DEFINITIONS,
        repair::DEFINITIONS,
        packet_delay::DEFINITIONS,
        convergence::DEFINITIONS,
        link::DEFINITIONS,
        session::DEFINITIONS,
        transfers::DEFINITIONS,
        messages::DEFINITIONS,
    ]
    .into_iter()
    .flatten()
}

const FLOW: &[Subject] = &[Subject::Flow];
const LINK: &[Subject] = &[Subject::Link];
const BOTH: &[Subject] = &[Subject::Flow, Subject::Link];

#[cfg(test)]
mod tests;
