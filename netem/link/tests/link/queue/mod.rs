//! Queue disciplines on links: laws for any traffic, and behaviour against
//! sources that respond.

mod behaviour;
mod disciplines;
mod laws;
mod scenario_text;
mod sources;

pub(crate) use disciplines::{ALL, Order, limits};

use weaknet_netem::model::{Queue, RateModel};
use weaknet_netem::{Link, Parts, rate};

use crate::support::{self, build, parts};

/// A link without delay.
fn link(rate: Box<dyn RateModel>, queue: Queue) -> Link {
    support::link(Parts {
        rate,
        ..parts("unlimited", queue, "0ms")
    })
}

fn constant(rate: &str) -> Box<dyn RateModel> {
    build(&rate::ConstantRate(rate.parse().unwrap()), 1)
}
