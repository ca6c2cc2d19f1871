//! The plug-ins that scenarios can choose.

mod spec;

pub use spec::Spec;
