//! The rules that a controller is held to.

/// A rule of the kit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rule {
    /// Lowest target, highest target, a window that lets packets go.
    Bounds,
    /// Values are numbers.
    Finite,
    /// Timers move on.
    Timers,
    /// The same packets again.
    Duplicates,
    /// Packets of long ago.
    LateReports,
    /// Reports and packets in another order.
    Reordering,
    /// Numbers that were not unwrapped.
    WrappedNumbers,
    /// Reports that tell nothing.
    EmptyReports,
    /// Packets that were never sent.
    UnknownPackets,
    /// Anything before the start.
    EarlyReports,
    /// Times, sizes and bounds of any value.
    ExtremeValues,
    /// Reports that come twice.
    RepeatedReports,
    /// Two runs alike.
    Determinism,
    /// A copy goes on alike.
    Copies,
    /// The epoch of the clock does not matter.
    TimeShift,
    /// The first packet number does not matter.
    NumberShift,
    /// Two hours.
    Soak,
    /// Less capacity.
    Overload,
    /// No capacity.
    Outage,
    /// A source that is the limit.
    AppLimited,
    /// Where it starts does not matter.
    StartRates,
    /// How often it is told does not matter.
    FeedbackIntervals,
    /// No memory is asked for.
    Allocations,
}

impl Rule {
    /// All rules, in the order of the report.
    pub const ALL: [Self; 23] = [
        Self::Bounds,
        Self::Finite,
        Self::Timers,
        Self::Duplicates,
        Self::LateReports,
        Self::Reordering,
        Self::WrappedNumbers,
        Self::EmptyReports,
        Self::UnknownPackets,
        Self::EarlyReports,
        Self::ExtremeValues,
        Self::RepeatedReports,
        Self::Determinism,
        Self::Copies,
        Self::TimeShift,
        Self::NumberShift,
        Self::Soak,
        Self::Overload,
        Self::Outage,
        Self::AppLimited,
        Self::StartRates,
        Self::FeedbackIntervals,
        Self::Allocations,
    ];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.text().0
    }

    /// What it demands.
    #[must_use]
    pub const fn statement(self) -> &'static str {
        self.text().1
    }

    const fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::Bounds => (
                "bounds",
                "min <= target <= max after every call, whatever the bounds change to; a window is never below 64 bytes",
            ),
            Self::Finite => (
                "finite",
                "every named value is a finite number, the share of frames to drop 0 to 1",
            ),
            Self::Timers => (
                "timers",
                "a timer that was served is not due again at the same instant for ever",
            ),
            Self::Duplicates => (
                "duplicates",
                "packets reported twice, in one report or two, do no harm",
            ),
            Self::LateReports => (
                "late_reports",
                "a report about packets of ten minutes ago does no harm",
            ),
            Self::Reordering => (
                "reordering",
                "reports, packets and arrivals in any order do no harm",
            ),
            Self::WrappedNumbers => (
                "wrapped_numbers",
                "packet numbers that wrap at 16 bits or jump by more than 32768 do no harm",
            ),
            Self::EmptyReports => (
                "empty_reports",
                "a report without packets does no harm and changes nothing",
            ),
            Self::UnknownPackets => (
                "unknown_packets",
                "a report about packets that were never sent does no harm",
            ),
            Self::EarlyReports => (
                "early_reports",
                "reports, timers and events before the start or the first packet do no harm",
            ),
            Self::ExtremeValues => (
                "extreme_values",
                "times, sizes, bounds and events of any value do no harm",
            ),
            Self::RepeatedReports => (
                "repeated_reports",
                "a report that arrives twice changes nothing the second time",
            ),
            Self::Determinism => ("determinism", "the same input gives the same output"),
            Self::Copies => ("copies", "a copy made on the way goes on identically"),
            Self::TimeShift => (
                "time_shift",
                "a flow that begins an hour, or just under 2^31 ms, later decides alike, and so does one whose receiver's clock is ahead",
            ),
            Self::NumberShift => (
                "number_shift",
                "a flow whose packet numbers begin just below 2^16 or 2^32 decides alike",
            ),
            Self::Soak => (
                "soak",
                "two hours on a clean link: never five seconds at the lowest target, a quarter of the capacity in use in every minute",
            ),
            Self::Overload => (
                "overload",
                "10 s after the capacity fell to a quarter, at most 1.25 of it is sent",
            ),
            Self::Outage => (
                "outage",
                "30 s after an outage of 5 s half of the capacity is in use",
            ),
            Self::AppLimited => (
                "app_limited",
                "a source of 300 kbps on an endless link: the target stays within ten times that, or within what a probe showed",
            ),
            Self::StartRates => (
                "start_rates",
                "starts at 0.3, 1.6 and 3.2 Mbps settle alike within a tenth",
            ),
            Self::FeedbackIntervals => (
                "feedback_intervals",
                "with a report every 25, 50, 100 or 250 ms two fifths of the capacity are in use and less than a tenth lost",
            ),
            Self::Allocations => (
                "allocations",
                "no call allocates memory after ten seconds of warm-up",
            ),
        }
    }
}
