//! Reports of a run: a terminal table that is read in ten seconds, and one
//! self-contained HTML page.
//!
//! Reports see only what a run recorded (the summary, the time series, the
//! definitions of metrics), so that any old run can be reported again. Equal
//! input gives equal bytes: there are no times of day in a report.

mod board;
mod html;
mod markdown;
mod table;

pub use html::html;
pub use markdown::markdown;
pub use table::table;

use weaknet_harness::metrics::Definition;
use weaknet_harness::results::{Series, Summary};

/// The 95 % interval (low, high) of the mean of a sample; `None` where the
/// sample allows none.
pub type Interval = fn(&[f64]) -> Option<(f64, f64)>;

/// What a report is made of.
#[derive(Clone, Copy)]
pub struct ReportInput<'a> {
    /// The title of the report: the run's name.
    pub title: &'a str,
    /// The scores.
    pub summary: &'a Summary,
    /// The recorded time series of a case, by the case's id.
    pub series: &'a dyn Fn(&str) -> Option<Series>,
    /// The metrics that the run knows.
    pub definitions: &'a [Definition],
    /// Metrics by which rows that compete are sorted, the first one first; none:
    /// rows stay in the order of the run.
    pub rank: &'a [&'a str],
    /// The interval of a mean over seeds.
    pub interval: Interval,
    /// The resolved scenario, as YAML.
    pub scenario_yaml: &'a str,
    /// The command line of the run, `weaknet run` and the words after it.
    pub command: &'a [&'a str],
    /// The version of weaknet that ran it.
    pub version: &'a str,
}
