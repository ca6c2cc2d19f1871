//! What holds for every controller with a window, whatever happens to it.

use proptest::prelude::*;
use weaknet_core::{Bytes, Span, Time};

use super::script::{Fate, Script};
use super::values;
use crate::cc::{CcEvent, CongestionController};

/// Something that happens to a flow.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Wait(u64),
    Send(u64),
    SendWindow,
    AppLimited,
    /// So many packets, of those from an offset behind the newest.
    Report(u64, u64, Fate),
    Event(CcEvent),
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fate = prop_oneof![
        6 => Just(Fate::Received),
        1 => Just(Fate::Marked),
        1 => Just(Fate::Lost),
    ];
    let event = prop_oneof![
        Just(CcEvent::RetransmissionTimeout),
        Just(CcEvent::PersistentCongestion),
        Just(CcEvent::SpuriousLoss),
        Just(CcEvent::RouteChange),
        (0_u64..20_000).prop_map(|size| CcEvent::Mtu(Bytes::new(size))),
    ];
    let step = prop_oneof![
        4 => (0_u64..200).prop_map(Step::Wait),
        1 => (0_u64..100_000).prop_map(Step::Wait),
        2 => (0_u64..20).prop_map(Step::Send),
        4 => Just(Step::SendWindow),
        1 => Just(Step::AppLimited),
        8 => (0_u64..30, 0_u64..40, fate).prop_map(|(n, behind, f)| Step::Report(n, behind, f)),
        1 => event.prop_map(Step::Event),
    ];
    prop::collection::vec(step, 0..300)
}

/// A flow that lives through steps.
#[derive(Clone)]
struct Life {
    script: Script,
    now: Time,
    sent: u64,
}

impl Life {
    fn step(&mut self, step: Step) {
        match step {
            Step::Wait(ms) => self.now += Span::from_millis(ms),
            Step::Send(count) => self.sent = self.script.send(self.now, count),
            // A window of any size, but not a test of any length.
            Step::SendWindow => {
                let cwnd = self.script.controller.output().cwnd.unwrap_or_default();
                if cwnd < Bytes::new(1_000_000) {
                    self.sent = self.script.send_window(self.now);
                }
            }
            Step::AppLimited => self.script.set_app_limited(),
            Step::Report(count, behind, fate) => {
                let from = self.sent.saturating_sub(behind);
                self.script.report(self.now, from..from + count, fate);
            }
            Step::Event(event) => self.script.event(self.now, event),
        }
    }

    fn state(&self) -> String {
        let controller = &self.script.controller;
        format!(
            "{:?} {:?}",
            controller.output(),
            values(controller.as_ref())
        )
    }
}

/// The window never vanishes, every value is a number, a clone made on the way
/// behaves alike, and so does a flow that began much later.
pub(crate) fn check(
    build: impl Fn() -> Box<dyn CongestionController>,
    steps: &[Step],
) -> Result<(), TestCaseError> {
    let born = |at| Life {
        script: Script::new(build()),
        now: at,
        sent: 0,
    };
    let (mut life, mut late) = (born(Time::ZERO), born(Time::from_secs(40_000_000)));
    let mut copy = life.clone();
    for (index, step) in steps.iter().enumerate() {
        life.step(*step);
        late.step(*step);
        copy.step(*step);
        if index == steps.len() / 2 {
            copy = life.clone();
        }
        let output = life.script.controller.output();
        let cwnd = output.cwnd.expect("a window controller").get();
        prop_assert!(cwnd >= 64, "{cwnd}");
        for (name, value) in values(life.script.controller.as_ref()) {
            prop_assert!(value.is_finite() && value >= 0.0, "{name} = {value}");
        }
        prop_assert_eq!(life.state(), late.state());
        prop_assert_eq!(life.state(), copy.state());
    }
    Ok(())
}
