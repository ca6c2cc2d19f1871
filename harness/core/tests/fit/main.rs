//! Models fitted to captures of links whose parameters are known.

mod known_links;
mod support;
