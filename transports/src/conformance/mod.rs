//! A conformance kit for congestion controllers, anyone's: a battery of rules
//! that a [`CongestionController`] is held to, each with the reason why it
//! broke.
//!
//! ```
//! use weaknet_transports::cc::{CcEvent, CcOutput, CongestionController, Feedback};
//! use weaknet_transports::conformance::{Kit, Rule};
//! use weaknet_core::{Bitrate, Time};
//!
//! /// Sends at 1.2 Mbit/s, whatever happens.
//! #[derive(Clone)]
//! struct Stubborn(Bitrate);
//!
//! impl CongestionController for Stubborn {
//!     fn on_feedback(&mut self, _: &Feedback<'_>) {}
//!     fn on_event(&mut self, _: Time, event: &CcEvent) {
//!         if let CcEvent::Start(bounds) | CcEvent::Constraints(bounds) = event {
//!             self.0 = bounds.bound(Bitrate::from_kbps(1_200));
//!         }
//!     }
//!     fn output(&self) -> CcOutput {
//!         CcOutput { target: Some(self.0), ..CcOutput::default() }
//!     }
//!     fn clone_box(&self) -> Box<dyn CongestionController> {
//!         Box::new(self.clone())
//!     }
//! }
//!
//! let kit = Kit::new(|| Box::new(Stubborn(Bitrate::from_kbps(1_200))));
//! let report = kit.run();
//! assert_eq!(report.failures(), [Rule::Overload], "{report}");
//! kit.except(Rule::Overload, "a constant rate").run().assert();
//! ```
//!
//! Three families of rules. Some watch every call of every run: bounds, finite
//! values, timers. Some feed input that a network, a peer or a transport with
//! faults may produce, and fail if the controller panics. Some judge how it
//! behaves on a link: a controller with a target drives an encoder there, one
//! with a window only drives bulk data.
//!
//! All is deterministic, without a clock or a file, and takes a few seconds per
//! controller. A rule that does not apply to a controller is declared by
//! whoever tests it ([`Kit::except`]), with the reason. A controller that panics
//! breaks the rule that was run; the panic's own message goes to standard error
//! as well.

mod battery;
mod flow;
mod life;
mod link;
#[cfg(test)]
mod link_tests;
mod pacer;
mod playback;
mod report;
mod rule;
mod rules;
mod script;
mod source;
mod watch;

use weaknet_core::Bytes;

use crate::cc::CongestionController;
use battery::Lab;

pub use flow::Interval;
pub use link::IdealLink;
pub use report::{Finding, Report, Verdict};
pub use rule::Rule;
pub use script::{Fate, Script};
pub use watch::{CountAllocations, value, values};

/// Size of every packet of an [`IdealLink`] and a [`Script`].
pub const PACKET: Bytes = Bytes::new(1_200);

/// Holds controllers to all rules.
pub fn check<'a>(build: impl Fn() -> Box<dyn CongestionController> + 'a) -> Report {
    Kit::new(build).run()
}

/// The battery and what is known about the controller beforehand.
pub struct Kit<'a> {
    lab: Lab<'a>,
    exceptions: Vec<(Rule, &'a str)>,
}

impl<'a> Kit<'a> {
    /// For controllers that `build` makes, each as new.
    #[must_use]
    pub fn new(build: impl Fn() -> Box<dyn CongestionController> + 'a) -> Self {
        Self {
            lab: Lab::new(build),
            exceptions: Vec::new(),
        }
    }

    /// Declares that a rule does not apply, and why. A rule that is kept all
    /// the same fails then: the exception has no ground.
    #[must_use]
    pub fn except(mut self, rule: Rule, why: &'a str) -> Self {
        self.exceptions.push((rule, why));
        self
    }

    /// Counts allocations, for [`Rule::Allocations`], which needs a global
    /// allocator that counts. `count` runs what it is given and returns the
    /// number of allocations that this thread made meanwhile, for example
    /// `|act| allocation_counter::measure(act).count_total`.
    #[must_use]
    pub const fn count_allocations(mut self, count: CountAllocations) -> Self {
        self.lab.count = Some(count);
        self
    }

    /// Other random input.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.lab.seed = seed;
        self
    }

    /// Runs the battery.
    #[must_use]
    pub fn run(&self) -> Report {
        let findings = self.lab.run().into_iter().map(|(rule, verdict)| {
            let exception = self.exceptions.iter().find(|(known, _)| *known == rule);
            let verdict = match (exception, verdict) {
                (Some((_, why)), Verdict::Fail(found)) => {
                    Verdict::NotApplicable(format!("{why}\n({found})"))
                }
                (Some((_, why)), Verdict::Pass(_)) => {
                    Verdict::Fail(format!("the rule is kept, yet excepted: {why}"))
                }
                (_, verdict) => verdict,
            };
            Finding { rule, verdict }
        });
        Report::new(findings.collect())
    }
}
