//! Whole worlds: the order of events, repeatability, independence.

mod order;
mod paths;
mod plain_driver;
mod support;
mod trajectories;
