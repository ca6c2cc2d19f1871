//! Builds plug-ins in tests.

use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, BuildError, Kind, Plugin, Streams};

fn try_build<P: Plugin>(config: &P) -> Result<<P::Kind as Kind>::Product, BuildError> {
    let (streams, assets) = (Streams::new(1), Assets::default());
    config.build(&BuildContext {
        path: "call",
        streams: &streams,
        assets: &assets,
    })
}

pub(crate) fn build<P: Plugin>(config: &P) -> <P::Kind as Kind>::Product {
    try_build(config).expect("the configuration is valid")
}

/// The field that is refused.
pub(crate) fn build_error<P: Plugin>(config: &P) -> String {
    let error = try_build(config).err().expect("a refusal");
    error.field.expect("a field")
}
