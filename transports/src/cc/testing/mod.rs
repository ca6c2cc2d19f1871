//! What tests of controllers share beside the conformance kit.

mod packets;

pub(crate) use packets::{lost, received, report};

use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, BuildError, Plugin, Streams};

use super::{CongestionControl, CongestionController};

/// Builds a controller.
pub(crate) fn build<P>(config: &P) -> Result<Box<dyn CongestionController>, BuildError>
where
    P: Plugin<Kind = CongestionControl>,
{
    build_seeded(config, 1)
}

/// Builds a controller for runs with that seed.
pub(crate) fn build_seeded<P>(
    config: &P,
    seed: u64,
) -> Result<Box<dyn CongestionController>, BuildError>
where
    P: Plugin<Kind = CongestionControl>,
{
    let (streams, assets) = (Streams::new(seed), Assets::default());
    config.build(&BuildContext {
        path: "call",
        streams: &streams,
        assets: &assets,
    })
}
