//! The plug-ins of the adapters, as far as this build has them.

use weaknet_harness::registry::Registry;

/// Adds them.
pub(crate) fn add(registry: Registry) -> Registry {
    #[cfg(feature = "quinn")]
    let registry = {
        use weaknet_adapters::quinn::{QuinnBbr, QuinnCubic, QuinnNewReno};
        registry
            .add::<QuinnBbr>()
            .add::<QuinnCubic>()
            .add::<QuinnNewReno>()
    };
    #[cfg(feature = "s2n")]
    let registry = {
        use weaknet_adapters::s2n::{S2nBbr, S2nCubic};
        registry.add::<S2nBbr>().add::<S2nCubic>()
    };
    registry
}
