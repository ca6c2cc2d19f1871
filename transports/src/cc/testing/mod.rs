//! What tests of all controllers share.

pub(crate) mod decisions;
mod flow;
pub(crate) mod laws;
mod link;
mod link_tests;
mod packets;
mod script;

pub(crate) use flow::Interval;
pub(crate) use link::IdealLink;
pub(crate) use packets::{lost, received, report};
pub(crate) use script::{Fate, Script};

use weaknet_core::plugin::Assets;
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin, Streams};

use super::{CongestionControl, CongestionController, Constraints, Visitor};

/// Size of every packet on an [`IdealLink`].
pub(crate) const PACKET: Bytes = Bytes::new(1_200);

/// What every flow on an [`IdealLink`] starts with.
pub(crate) const CONSTRAINTS: Constraints = Constraints {
    min: Bitrate::from_kbps(30),
    start: Bitrate::from_kbps(300),
    max: Bitrate::from_mbps(1_000),
};

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

/// The named values inside a controller.
pub(crate) fn values(controller: &dyn CongestionController) -> Vec<(&'static str, f64)> {
    struct Values(Vec<(&'static str, f64)>);
    impl Visitor for Values {
        fn number(&mut self, name: &'static str, value: f64) {
            self.0.push((name, value));
        }
    }
    let mut values = Values(Vec::new());
    controller.snapshot(&mut values);
    values.0
}

/// One of them; NaN if there is none of that name.
pub(crate) fn value(controller: &dyn CongestionController, name: &str) -> f64 {
    let values = values(controller);
    values
        .iter()
        .find(|(known, _)| *known == name)
        .map_or(f64::NAN, |(_, value)| *value)
}
