//! Runs the rules one after the other and turns panics into findings.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::report::Verdict;
use super::rule::Rule;
use super::rules;
use super::watch::{CountAllocations, SharedLog, Watched, seconds};
use crate::cc::CongestionController;

/// How a controller did by a rule, if that has figures: `Err` breaks it.
pub(super) type Outcome = Result<String, String>;

/// Makes the controllers of one battery.
pub(super) struct Lab<'a> {
    build: Box<dyn Fn() -> Box<dyn CongestionController> + 'a>,
    pub(super) count: Option<CountAllocations>,
    pub(super) seed: u64,
}

/// Makes the controllers of one rule and sees what they do.
pub(super) struct Bench<'a> {
    lab: &'a Lab<'a>,
    pub(super) log: SharedLog,
}

impl Bench<'_> {
    /// A new controller under observation.
    pub(super) fn controller(&self) -> Box<dyn CongestionController> {
        Box::new(Watched::new((self.lab.build)(), self.log.clone(), None))
    }

    /// One whose allocations are counted, if anyone can.
    pub(super) fn counted(&self) -> Option<Box<dyn CongestionController>> {
        let count = self.lab.count?;
        let inner = (self.lab.build)();
        Some(Box::new(Watched::new(inner, self.log.clone(), Some(count))))
    }

    pub(super) const fn seed(&self) -> u64 {
        self.lab.seed
    }
}

impl<'a> Lab<'a> {
    pub(super) fn new(build: impl Fn() -> Box<dyn CongestionController> + 'a) -> Self {
        Self {
            build: Box::new(build),
            count: None,
            seed: 1,
        }
    }

    /// The verdict on each rule, in the order of [`Rule::ALL`].
    pub(super) fn run(&self) -> Vec<(Rule, Verdict)> {
        let mut seen: Vec<(Rule, String)> = Vec::new();
        let mut verdicts: Vec<(Rule, Verdict)> = Vec::new();
        for (rule, check) in rules::ALL {
            let bench = Bench {
                lab: self,
                log: SharedLog::default(),
            };
            let verdict = match catch_unwind(AssertUnwindSafe(|| check(&bench))) {
                Ok(verdict) => verdict,
                Err(panic) => Verdict::Fail(describe(&*panic, &bench.log)),
            };
            for (broken, what) in std::mem::take(&mut bench.log.get().breaches) {
                if !seen.iter().any(|(known, _)| *known == broken) {
                    seen.push((broken, format!("{what} (run of rule {})", rule.name())));
                }
            }
            verdicts.push((rule, verdict));
        }
        let verdict_on = |rule: Rule| {
            let breach = seen.iter().find(|(known, _)| *known == rule);
            let judged = verdicts.iter().find(|(known, _)| *known == rule);
            match (breach, judged) {
                (Some((_, what)), _) => Verdict::Fail(what.clone()),
                (None, Some((_, verdict))) => verdict.clone(),
                (None, None) => Verdict::Pass(String::new()),
            }
        };
        Rule::ALL.map(|rule| (rule, verdict_on(rule))).into()
    }
}

fn describe(panic: &(dyn std::any::Any + Send), log: &SharedLog) -> String {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message");
    let last = log.get().last;
    last.map_or_else(
        || format!("panicked: {message}"),
        |(call, at)| format!("{}: {call} panicked: {message}", seconds(at)),
    )
}
