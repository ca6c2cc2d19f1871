//! The rules, each with the run that shows whether it is kept.

mod allocations;
mod behaviour;
mod bounds;
mod extremes;
mod reports;
mod sameness;

use super::battery::{Bench, Outcome};
use super::report::Verdict;
use super::rule::Rule;

/// Shows whether a rule is kept.
pub(super) type Check = fn(&Bench<'_>) -> Verdict;

/// All runs. What is watched in every run, values and timers, has none of its
/// own.
pub(super) const ALL: [(Rule, Check); 21] = [
    (Rule::Bounds, bounds::any_bounds),
    (Rule::Duplicates, reports::duplicates),
    (Rule::LateReports, reports::late),
    (Rule::Reordering, reports::reordered),
    (Rule::WrappedNumbers, reports::wrapped),
    (Rule::EmptyReports, reports::empty),
    (Rule::UnknownPackets, reports::unknown),
    (Rule::EarlyReports, reports::early),
    (Rule::ExtremeValues, extremes::any_values),
    (Rule::RepeatedReports, sameness::repeated_reports),
    (Rule::Determinism, sameness::determinism),
    (Rule::Copies, sameness::copies),
    (Rule::TimeShift, sameness::time_shift),
    (Rule::NumberShift, sameness::number_shift),
    (Rule::Soak, behaviour::soak),
    (Rule::Overload, behaviour::overload),
    (Rule::Outage, behaviour::outage),
    (Rule::AppLimited, behaviour::app_limited),
    (Rule::StartRates, behaviour::start_rates),
    (Rule::FeedbackIntervals, behaviour::feedback_intervals),
    (Rule::Allocations, allocations::none),
];

/// It got through without a panic.
const fn unharmed() -> Verdict {
    Verdict::Pass(String::new())
}

fn judge(outcome: Outcome) -> Verdict {
    match outcome {
        Ok(figures) => Verdict::Pass(figures),
        Err(what) => Verdict::Fail(what),
    }
}
