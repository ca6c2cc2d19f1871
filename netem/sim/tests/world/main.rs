//! Whole worlds: the order of events, repeatability, independence.

mod order;
mod plain_driver;
mod support;
mod trajectories;
