//! One link with one part exchanged, for each plug-in that a link can have: what
//! an impairment costs is the difference to the plain link.

use weaknet_core::packet::LinkId;
use weaknet_core::plugin::{Assets, ReadFile};
use weaknet_core::{Bitrate, BuildContext, Kind, Plugin, Span, Streams, Time};
use weaknet_netem::model::{Corruption, Delay, Duplication, Loss, Qdisc, Rate, Reordering};
use weaknet_netem::{Link, Parts, delay, queue, rate};
use weaknet_sim::{Flow, Path, World};

use super::paced::{Paced, Sink, time_for};
use crate::registry::{Entry, Registry};
use crate::scenario::error::Source;
use crate::scenario::tree;

/// The kinds of plug-ins that a link is made of.
const KINDS: [&str; 7] = [
    Rate::NAME,
    Qdisc::NAME,
    Delay::NAME,
    Loss::NAME,
    Duplication::NAME,
    Corruption::NAME,
    Reordering::NAME,
];

/// A plug-in in the configuration with which it is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its configuration as JSON: the example of its schema, else its defaults.
    pub config: String,
}

/// Every plug-in that a link can have, by kind and name.
#[must_use]
pub fn parts(registry: &Registry) -> Vec<Part> {
    let of_kind = |kind| registry.of_kind(kind);
    let entries = KINDS.into_iter().flat_map(of_kind);
    let part = |entry: &Entry| Part {
        kind: entry.kind,
        name: entry.name,
        config: example(entry),
    };
    entries.map(part).collect()
}

fn example(entry: &Entry) -> String {
    let schema = entry.schema(&mut schemars::SchemaGenerator::default());
    let examples = schema.get("examples").and_then(|list| list.get(0));
    examples.map_or_else(|| entry.defaults().to_string(), ToString::to_string)
}

/// A short file in the place of every one that the examples name.
struct AnyTrace;

impl ReadFile for AnyTrace {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let text = match name.rsplit_once('.') {
            Some(("wifi", "csv")) => "t_s,loss_pct\n0,4\n1,3\n2,5\n",
            Some((_, "dist")) => "-8192 0 8192\n",
            _ => "0 4\n1 3\n2 5\n3 4\n",
        };
        Ok(text.into())
    }
}

/// A link of 3 Mbit/s, 20 ms and the default queue with one part exchanged, or
/// none, and the time at which so many packets have been sent into it.
///
/// # Errors
/// When the plug-in cannot be built without further data.
pub fn single(
    registry: &Registry,
    part: Option<&Part>,
    packets: u64,
) -> Result<(World, Time), String> {
    let (streams, assets) = (Streams::new(1), Assets::new(AnyTrace));
    let cx = BuildContext {
        path: "link",
        streams: &streams,
        assets: &assets,
    };
    let mut parts = plain(&cx).map_err(|error| error.to_string())?;
    if let Some(part) = part {
        let build = Build { registry, part, cx };
        match part.kind {
            Rate::NAME => parts.rate = build.product::<Rate>()?,
            Qdisc::NAME => parts.queue = build.product::<Qdisc>()?,
            Delay::NAME => parts.delay = vec![build.product::<Delay>()?],
            Loss::NAME => parts.loss = vec![build.product::<Loss>()?],
            Duplication::NAME => parts.duplicate = Some(build.product::<Duplication>()?),
            Corruption::NAME => parts.corrupt = Some(build.product::<Corruption>()?),
            Reordering::NAME => parts.reorder = Some(build.product::<Reordering>()?),
            kind => return Err(format!("{kind} is not a part of a link")),
        }
    }
    let flow = Flow {
        sender: Box::new(Paced::default()),
        receiver: Box::new(Sink),
        paths: vec![Path {
            outward: vec![LinkId(0)],
            back: Vec::new(),
        }],
    };
    let world = World::new(vec![Link::new(LinkId(0), parts)], vec![flow])
        .map_err(|misfit| misfit.to_string())?;
    Ok((world, time_for(packets)))
}

fn plain(cx: &BuildContext<'_>) -> Result<Parts, weaknet_core::BuildError> {
    Ok(Parts::new(
        rate::ConstantRate(Bitrate::from_mbps(3)).build(cx)?,
        queue::DropTail::default().build(cx)?,
        delay::ConstantDelay(Span::from_millis(20)).build(cx)?,
    ))
}

/// Builds a plug-in as a scenario would.
struct Build<'a> {
    registry: &'a Registry,
    part: &'a Part,
    cx: BuildContext<'a>,
}

impl Build<'_> {
    fn product<K: Kind>(&self) -> Result<K::Product, String> {
        let Part { name, config, .. } = self.part;
        let source = Source::new("example", format!("{name}: {config}"));
        let node = tree::parse(&source).map_err(|error| error.message)?;
        let spec = self
            .registry
            .choose::<K>(&node)
            .map_err(|errors| errors.to_string())?;
        spec.build(&self.cx).map_err(|error| error.to_string())
    }
}
