//! Scenario files: from text to the typed [`model::Scenario`].
//!
//! file -> [`tree`] -> [`extends`] -> [`overrides`] (`--set`, `matrix`) ->
//! [`document`] -> [`resolve`] -> [`model`].

mod canonical;
pub mod de;
pub mod document;
pub mod error;
pub mod expectation;
pub mod extends;
pub mod model;
pub mod overrides;
pub mod resolve;
pub mod schema;
pub mod tree;
