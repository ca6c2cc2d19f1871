//! Scenario files: from text to the typed [`model::Scenario`].

pub mod error;
pub mod model;
pub mod tree;
