//! The deterministic discrete-event engine: links and nodes driven through
//! virtual time.
//!
//! # Order of events
//! Events run by ascending key (time, class, component id, per-component
//! counter). Class 0 are links in order of their ids, class 1 are nodes in
//! order of theirs (the sender of flow f is node 2f, its receiver node 2f + 1).
//! The counter of a link is the order in which its packets reach the far end,
//! so that one component's events keep their own order. No key depends on the
//! order in which events were made known. Within one event everything that
//! follows at once is done at once and in order: a packet that leaves a link
//! arrives at the next link or node, a packet that a node sends arrives at the
//! first link of its route, and a packet on an empty route is received by the
//! other end when the node that sent it has finished.
//!
//! Implements: one entry per component in the event set, whatever the number of
//! packets in flight (simulation reference 2b: FIFO heads and closed-form
//! departures); the tie-break rule of architecture section 5.

mod agenda;
mod component;
mod routes;
mod trajectory;
mod world;

pub use component::Component;
pub use routes::Path;
pub use trajectory::Trajectory;
pub use world::{Flow, Misfit, Stuck, World};
