//! `weaknet replay`: a recorded feedback trace through a controller, open loop.

use std::fs;

use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Streams};
use weaknet_harness::registry::Registry;
use weaknet_harness::scenario::error::{Diagnostics, Source};
use weaknet_harness::scenario::{overrides, tree};
use weaknet_transports::cc::CongestionControl;
use weaknet_transports::cc::replay::{ReplayConfig, replay};

use crate::args::Replay;
use crate::exit::{Exit, Failure};
use crate::screen;

pub(super) fn run(args: &Replay, registry: &Registry) -> Result<(), Failure> {
    let bad = |errors: Diagnostics| Failure::new(Exit::Usage, errors.to_string());
    let source = Source::new("--controller", format!("{}: {{}}", args.controller));
    let mut choice = tree::parse(&source).map_err(|error| bad(error.into()))?;
    for set in &args.sets {
        let axis = overrides::parse_set(&format!("{}.{set}", args.controller))
            .map_err(|error| bad(error.into()))?;
        let [value] = axis.values.as_slice() else {
            let message = format!("`--set {set}`: a replay takes one value, not several");
            return Err(Failure::new(Exit::Usage, message));
        };
        overrides::apply(&mut choice, &axis.path, &value.node, &|_| Vec::new())
            .map_err(|errors| bad(Diagnostics(errors)))?;
    }
    let spec = registry.choose::<CongestionControl>(&choice).map_err(bad)?;
    let (streams, assets) = (Streams::new(1), Assets::default());
    let cx = BuildContext {
        path: "replay",
        streams: &streams,
        assets: &assets,
    };
    let mut controller = spec
        .build(&cx)
        .map_err(|error| bad(spec.diagnose(&error).into()))?;
    let name = args.packets.display();
    let packets = fs::read_to_string(&args.packets).map_err(|error| {
        Failure::new(Exit::BadData, format!("`{name}` cannot be read: {error}"))
    })?;
    let updates = replay(&packets, &mut *controller, &ReplayConfig::default())
        .map_err(|error| Failure::new(Exit::BadData, format!("{name}: {error}")))?;
    match &args.out {
        None => screen::print(&updates),
        Some(path) => fs::write(path, updates).map_err(|error| {
            let message = format!("`{}` cannot be written: {error}", path.display());
            Failure::new(Exit::Usage, message)
        })?,
    }
    Ok(())
}
