//! Duplication models: which packets a link delivers twice.

mod independent;

pub use independent::IndependentDuplication;
