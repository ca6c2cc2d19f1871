//! Models fitted to captures of links whose parameters are known.

mod files;
mod known_links;
mod support;
