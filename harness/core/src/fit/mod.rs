//! From a measurement to a model: rate, delay, queue and loss of a path, with
//! the error of every parameter and how well each part fits.
//!
//! capture ([`capture`], [`frame`]) or text ([`irtt`], [`ping`]) ->
//! [`series::Series`] -> [`fit`] -> [`LinkFit`] -> scenario ([`scenario`]).

use serde::Serialize;

mod busy;
pub mod capture;
mod constant;
mod delay;
pub mod describe;
mod families;
pub mod frame;
mod gilbert_elliott;
mod input;
pub mod irtt;
mod loss;
mod matching;
mod overflow;
pub mod ping;
mod rate;
mod receiver;
pub mod scenario;
mod segments;
pub mod series;
mod special;
mod stalls;

pub use delay::{Basis, DelayFit};
pub use families::Family;
pub use input::{Measurement, read};
pub use loss::{ChiSquare, LossFit, LossModel};
pub use overflow::QueueFit;
pub use rate::{RateFit, RateShape};
pub use stalls::Stalls;

use series::{Series, View};

/// Fewer packets than this are no measurement.
const FEWEST: usize = 20;

/// Why there is no model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FitError(String);

impl FitError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// The model of one direction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LinkFit {
    /// What it was read from.
    pub source: String,
    /// What the times of the measurement mean.
    pub view: View,
    /// Length of the measurement in seconds.
    pub seconds: f64,
    /// Packets sent.
    pub packets: usize,
    /// Share of the packets that arrived more than once.
    pub duplicated: f64,
    /// How fast it is.
    pub rate: RateFit,
    /// How long packets travel.
    pub delay: DelayFit,
    /// How much may wait.
    pub queue: QueueFit,
    /// Which packets it loses.
    pub loss: LossFit,
    /// Silences.
    pub stalls: Stalls,
    /// What people must know about the measurement.
    pub notices: Vec<String>,
}

/// Fits all parts of a link to a series.
///
/// # Errors
/// When there are too few packets for any statement.
pub fn fit(series: &Series) -> Result<LinkFit, FitError> {
    let arrived = series.delivered().count();
    if arrived < FEWEST {
        return Err(FitError::new(format!(
            "only {arrived} packets arrived: expected {FEWEST} or more"
        )));
    }
    let settled = series.settled();
    if settled < series.passages.len() {
        let mut shorter = series.clone();
        shorter.passages.truncate(settled);
        return fit(&shorter);
    }
    let Some(found) = busy::find(series) else {
        return Err(FitError::new("no packet arrived"));
    };
    let both_ends = matches!(series.view, View::BothEnds | View::TwoClocks);
    let found = if both_ends {
        found
    } else {
        found.without_intervals()
    };
    let rate = match series.view {
        View::Receiver => receiver::rate(series),
        _ => rate::fit(series, &found),
    };
    let service = found.size * 8e9 / rate.mean(series.seconds()).max(1.0);
    let elsewhere = rate.lost_use_link.unwrap_or(1.0);
    let shares = overflow::link_time_shares(series, &found, service, elsewhere);
    let delay = delay::fit(series, &found, &rate, &shares);
    let fates = overflow::tell_apart(series, &found, &rate);
    let loss = loss::fit(&fates.sequences, fates.overflow, fates.unclear);
    Ok(LinkFit {
        source: series.source.clone(),
        view: series.view,
        seconds: series.seconds(),
        packets: series.passages.len(),
        duplicated: series.duplicates as f64 / arrived as f64,
        queue: fates.queue,
        stalls: stalls::find(series, found.base),
        rate,
        delay,
        loss,
        notices: series.notices.clone(),
    })
}
