//! Queue disciplines on links: laws for any traffic, and behaviour against
//! sources that respond.

mod behaviour;
mod disciplines;
mod laws;
mod scenario_text;
mod sources;
mod traffic;
