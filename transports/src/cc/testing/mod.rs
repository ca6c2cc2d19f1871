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
    let (streams, assets) = (Streams::new(1), Assets::default());
    config.build(&BuildContext {
        path: "call",
        streams: &streams,
        assets: &assets,
    })
}
