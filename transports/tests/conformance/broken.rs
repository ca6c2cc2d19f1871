//! Controllers that are broken on purpose, each in one way: the kit finds
//! exactly that, and every rule is broken by somebody.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use weaknet_core::{Bitrate, Span, Time};
use weaknet_transports::cc::gcc_draft02::GccDraft02;
use weaknet_transports::cc::{
    CcEvent, CcOutput, CongestionController, Constraints, Feedback, ProbeCluster, SentPacket,
    Visitor,
};
use weaknet_transports::conformance::{Kit, Report, Rule, Verdict};

use crate::builtin::build;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    GoesBeyondTheMaximum,
    ShowsNan,
    TimerStandsStill,
    PanicsOnDuplicates,
    PanicsOnAncientPackets,
    PanicsOnDescendingNumbers,
    PanicsOnWrappedNumbers,
    PanicsOnUnknownPackets,
    PanicsOnHugePackets,
    CountsEmptyReports,
    DependsOnOtherControllers,
    DiffersAfterCopying,
    DependsOnTheClock,
    DependsOnTheNumbers,
    TiresAfterAnHour,
    NeverGivesWay,
    NeverForgivesSilence,
    GrowsWithoutProof,
    DependsOnTheStart,
    DespairsOfRareReports,
    Allocates,
}

/// Faults and what the kit must find of them: of what it watches and feeds.
const BY_INPUT: [(Fault, &[Rule]); 10] = [
    (Fault::GoesBeyondTheMaximum, &[Rule::Bounds]),
    (Fault::ShowsNan, &[Rule::Finite]),
    (Fault::TimerStandsStill, &[Rule::Timers]),
    (Fault::PanicsOnDuplicates, &[Rule::Duplicates]),
    // Times of any value include ancient ones.
    (
        Fault::PanicsOnAncientPackets,
        &[Rule::LateReports, Rule::ExtremeValues],
    ),
    (Fault::PanicsOnDescendingNumbers, &[Rule::Reordering]),
    (Fault::PanicsOnWrappedNumbers, &[Rule::WrappedNumbers]),
    // Before the first packet is sent, all are unknown.
    (
        Fault::PanicsOnUnknownPackets,
        &[Rule::UnknownPackets, Rule::EarlyReports],
    ),
    (Fault::PanicsOnHugePackets, &[Rule::ExtremeValues]),
    // For the controller, a repeated report is an empty one.
    (
        Fault::CountsEmptyReports,
        &[Rule::EmptyReports, Rule::RepeatedReports],
    ),
];

/// Of sameness and behaviour.
const BY_RUNS: [(Fault, &[Rule]); 11] = [
    // Whatever compares two controllers sees it.
    (
        Fault::DependsOnOtherControllers,
        &[
            Rule::RepeatedReports,
            Rule::Determinism,
            Rule::Copies,
            Rule::TimeShift,
            Rule::NumberShift,
        ],
    ),
    (Fault::DiffersAfterCopying, &[Rule::Copies]),
    (Fault::DependsOnTheClock, &[Rule::TimeShift]),
    (Fault::DependsOnTheNumbers, &[Rule::NumberShift]),
    (Fault::TiresAfterAnHour, &[Rule::Soak]),
    (Fault::NeverGivesWay, &[Rule::Overload]),
    (Fault::NeverForgivesSilence, &[Rule::Outage]),
    (Fault::GrowsWithoutProof, &[Rule::AppLimited]),
    (Fault::DependsOnTheStart, &[Rule::StartRates]),
    (Fault::DespairsOfRareReports, &[Rule::FeedbackIntervals]),
    (Fault::Allocates, &[Rule::Allocations]),
];

/// A good controller with a fault.
#[derive(Clone)]
struct Broken {
    inner: Box<dyn CongestionController>,
    fault: Fault,
    bounds: Option<Constraints>,
    born: Time,
    now: Time,
    reported: Option<Time>,
    highest: u64,
    /// What the fault makes of the target.
    factor: f64,
}

impl Broken {
    fn new(fault: Fault) -> Self {
        static BUILT: AtomicU64 = AtomicU64::new(0);
        let mut factor = 1.0;
        if fault == Fault::DependsOnOtherControllers {
            factor -= BUILT.fetch_add(1, Ordering::Relaxed) as f64 / 1e3 % 0.1;
        }
        Self {
            inner: build(&GccDraft02::default()),
            fault,
            bounds: None,
            born: Time::ZERO,
            now: Time::ZERO,
            reported: None,
            highest: 0,
            factor,
        }
    }

    fn wanted(&self, target: Bitrate, bounds: &Constraints) -> Bitrate {
        let wanted = match self.fault {
            Fault::NeverGivesWay => Bitrate::from_kbps(1_200),
            Fault::DependsOnTheStart => target.min(bounds.start.mul_f64(4.0)),
            _ => target.mul_f64(self.factor),
        };
        match self.fault {
            Fault::GoesBeyondTheMaximum if wanted >= bounds.max => {
                bounds.max + Bitrate::from_bps(1)
            }
            _ => bounds.bound(wanted),
        }
    }

    fn look_at(&self, feedback: &Feedback<'_>) {
        let packets = feedback.packets;
        let mut pairs = packets.windows(2);
        let wrong = match self.fault {
            Fault::PanicsOnDuplicates => pairs.any(|p| p[0].sent.number == p[1].sent.number),
            Fault::PanicsOnDescendingNumbers => pairs.any(|p| p[0].sent.number > p[1].sent.number),
            Fault::PanicsOnUnknownPackets => packets.iter().any(|p| p.sent.number > self.highest),
            Fault::PanicsOnAncientPackets => {
                let age = |at: Time| self.now.since(at);
                packets
                    .iter()
                    .any(|p| age(p.sent.at) > Span::from_secs(595))
            }
            Fault::PanicsOnHugePackets => packets.iter().any(|p| p.sent.size.get() > 1 << 40),
            _ => false,
        };
        assert!(!wrong, "{:?}", self.fault);
    }

    /// Changes the factor as the fault does with a report.
    fn change(&mut self, feedback: &Feedback<'_>) {
        let gap = self.reported.map_or(Span::ZERO, |at| self.now.since(at));
        match self.fault {
            Fault::CountsEmptyReports if feedback.packets.is_empty() => self.factor *= 0.99,
            Fault::DependsOnTheClock if self.now > Time::from_secs(3_600) => self.factor = 0.99,
            Fault::DependsOnTheNumbers if self.highest >= 1 << 16 => self.factor = 0.99,
            Fault::TiresAfterAnHour if self.now - self.born > Span::from_secs(3_600) => {
                self.factor = 0.0;
            }
            Fault::NeverForgivesSilence if gap > Span::from_secs(3) => self.factor = 0.0,
            Fault::DespairsOfRareReports if gap > Span::from_millis(200) => self.factor = 0.1,
            Fault::DespairsOfRareReports => self.factor = 1.0,
            Fault::GrowsWithoutProof if !feedback.packets.is_empty() => {
                let limited = feedback.packets.iter().all(|p| p.sent.app_limited);
                self.factor = if limited { self.factor * 1.01 } else { 1.0 };
            }
            Fault::Allocates => drop(std::hint::black_box(Box::new(self.now))),
            _ => {}
        }
    }
}

impl CongestionController for Broken {
    fn on_sent(&mut self, packet: &SentPacket) {
        if self.fault == Fault::PanicsOnWrappedNumbers {
            let back = self.highest.saturating_sub(packet.number);
            assert!(back < 32_768, "from {} to {}", self.highest, packet.number);
        }
        self.highest = self.highest.max(packet.number);
        self.inner.on_sent(packet);
    }

    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        self.now = feedback.now;
        self.look_at(feedback);
        self.change(feedback);
        self.reported = Some(feedback.now);
        self.inner.on_feedback(feedback);
    }

    fn next_timer(&self) -> Option<Time> {
        match self.fault {
            Fault::TimerStandsStill => Some(self.born),
            _ => self.inner.next_timer(),
        }
    }

    fn on_event(&mut self, now: Time, event: &CcEvent) {
        match event {
            CcEvent::Start(bounds) => {
                self.bounds = Some(*bounds);
                self.born = now;
            }
            CcEvent::Constraints(bounds) => self.bounds = Some(*bounds),
            _ => {}
        }
        self.inner.on_event(now, event);
    }

    fn output(&self) -> CcOutput {
        let output = self.inner.output();
        let (Some(target), Some(bounds)) = (output.target, &self.bounds) else {
            return output;
        };
        let rest = match self.fault {
            Fault::NeverGivesWay => CcOutput::default(),
            _ => output,
        };
        CcOutput {
            target: Some(self.wanted(target, bounds)),
            ..rest
        }
    }

    fn poll_probe(&mut self) -> Option<ProbeCluster> {
        self.inner.poll_probe()
    }

    fn snapshot(&self, visitor: &mut dyn Visitor) {
        self.inner.snapshot(visitor);
        if self.fault == Fault::ShowsNan && self.now - self.born > Span::from_secs(5) {
            visitor.number("gain", f64::NAN);
        }
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        let mut copy = self.clone();
        if self.fault == Fault::DiffersAfterCopying {
            copy.factor = 0.99;
        }
        Box::new(copy)
    }
}

fn report(fault: Fault) -> Report {
    Kit::new(|| Box::new(Broken::new(fault)))
        .count_allocations(|act| allocation_counter::measure(act).count_total)
        .run()
}

#[test]
fn without_a_fault_all_rules_are_kept() {
    report(Fault::None).assert();
}

fn assert_found(faults: &[(Fault, &[Rule])]) {
    for (fault, rules) in faults {
        let report = report(*fault);
        assert_eq!(report.failures(), *rules, "{fault:?}\n{report}");
    }
}

#[test]
fn faults_of_input_break_their_own_rule_and_no_other() {
    assert_found(&BY_INPUT);
}

#[test]
fn faults_of_behaviour_break_their_own_rule_and_no_other() {
    assert_found(&BY_RUNS);
}

#[test]
fn every_rule_is_broken_by_somebody() {
    let broken = BY_INPUT
        .iter()
        .chain(&BY_RUNS)
        .flat_map(|(_, rules)| *rules);
    assert_eq!(
        broken.copied().collect::<BTreeSet<_>>(),
        BTreeSet::from(Rule::ALL)
    );
}

/// The verdict of a fault on a rule.
fn verdict(fault: Fault, rule: Rule) -> Verdict {
    let report = report(fault);
    let mut findings = report.findings().iter();
    let found = findings.find(|finding| finding.rule == rule).unwrap();
    found.verdict.clone()
}

#[test]
fn findings_say_when_and_with_which_values() {
    let Verdict::Fail(why) = verdict(Fault::GoesBeyondTheMaximum, Rule::Bounds) else {
        panic!("passed");
    };
    for part in [" s: after ", "target ", "allowed ", " to "] {
        assert!(why.contains(part), "{why}");
    }
    let Verdict::Fail(why) = verdict(Fault::PanicsOnDuplicates, Rule::Duplicates) else {
        panic!("passed");
    };
    assert!(
        why.contains("on_feedback panicked: PanicsOnDuplicates"),
        "{why}"
    );
}

#[test]
fn exceptions_need_a_ground_and_are_reported_with_it() {
    let kit = Kit::new(|| Box::new(Broken::new(Fault::NeverGivesWay)));
    let why = "a constant rate";
    let report = kit.except(Rule::Overload, why).run();
    report.assert();
    let table = report.to_string();
    assert!(
        table.contains("n/a   overload            a constant rate"),
        "{table}"
    );
    assert!(table.contains("n/a   allocations"), "{table}");

    let kit = Kit::new(|| Box::new(Broken::new(Fault::None)));
    let report = kit.except(Rule::Overload, why).run();
    assert_eq!(report.failures(), [Rule::Overload]);
}
