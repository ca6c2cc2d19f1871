//! Controllers with their defaults, links, and a flow whose path the test makes
//! up.

use std::collections::VecDeque;

use weaknet_core::packet::{Arrival, Ecn};
use weaknet_core::plugin::Assets;
use weaknet_core::{Bitrate, BuildContext, Bytes, Plugin, Span, Streams, Time};
use weaknet_transports::cc::{self, CcEvent, CongestionControl, CongestionController, Constraints};
use weaknet_transports::conformance::{IdealLink, PACKET, Script};

pub(crate) type Controller = Box<dyn CongestionController>;

pub(crate) const SECOND: Span = Span::from_secs(1);

pub(crate) const fn kbps(n: u64) -> Bitrate {
    Bitrate::from_kbps(n)
}

pub(crate) const fn ms(n: u64) -> Span {
    Span::from_millis(n)
}

/// The bounds of the reference runs.
pub(crate) const CONSTRAINTS: Constraints = Constraints {
    min: kbps(50),
    start: kbps(300),
    max: kbps(5_000),
};

pub(crate) fn build<P: Plugin<Kind = CongestionControl>>(config: &P) -> Controller {
    let (streams, assets) = (Streams::new(1), Assets::default());
    let context = BuildContext {
        path: "call",
        streams: &streams,
        assets: &assets,
    };
    config.build(&context).expect("a valid configuration")
}

pub(crate) fn gcc() -> Controller {
    build(&cc::gcc::Gcc::default())
}

/// All controllers that adapt to what reports say.
pub(crate) fn adaptive() -> Vec<(&'static str, Controller)> {
    fn named<P: Plugin<Kind = CongestionControl>>() -> (&'static str, Controller) {
        (P::NAME, build(&P::default()))
    }
    vec![
        named::<cc::gcc::Gcc>(),
        named::<cc::gcc_draft02::GccDraft02>(),
        named::<cc::scream::Scream>(),
        named::<cc::scream_ericsson::ScreamEricsson>(),
        named::<cc::nada::Nada>(),
        named::<cc::copa::Copa>(),
        named::<cc::bbr1::Bbr1>(),
        named::<cc::bbr3::Bbr3>(),
        named::<cc::cubic::Cubic>(),
        named::<cc::new_reno::NewReno>(),
        named::<cc::prague::Prague>(),
        named::<cc::ledbat::Ledbat>(),
        named::<cc::ledbat::LedbatPlusPlus>(),
    ]
}

/// Those of them with a target.
pub(crate) fn with_target() -> Vec<(&'static str, Controller)> {
    let mut all = adaptive();
    all.retain_mut(|(_, controller)| {
        let mut copy = controller.clone();
        copy.on_event(Time::ZERO, &CcEvent::Start(CONSTRAINTS));
        copy.output().target.is_some()
    });
    all
}

/// 50 ms there and back, a buffer of 300 ms, reports every 50 ms.
pub(crate) fn link(rate: Bitrate) -> IdealLink {
    IdealLink::new(rate, ms(50), rate.bytes_in(ms(300)))
        .reporting_every(ms(50))
        .with_constraints(CONSTRAINTS)
}

/// The target of a flow.
pub(crate) fn target(link: &IdealLink, flow: usize) -> Bitrate {
    let output = link.controller(flow).output();
    output.target.expect("a controller with a target")
}

/// A flow over a path without a bottleneck, whose every packet meets the fate
/// that the test says. Probes are not sent.
pub(crate) struct Feed {
    pub(crate) script: Script,
    pub(crate) now: Time,
    /// Time between two reports.
    pub(crate) every: Span,
    next_report: Time,
    credit: Bytes,
    /// Number and arrival.
    flying: VecDeque<(u64, Option<Time>)>,
}

/// One way, without a queue.
pub(crate) const ONE_WAY: Span = ms(25);

impl Feed {
    pub(crate) fn new(controller: Controller) -> Self {
        let mut script = Script::new(controller);
        let (min, max) = (Bitrate::ZERO, CONSTRAINTS.max);
        script.event(Time::ZERO, CcEvent::Allocated { min, max });
        script.event(Time::ZERO, CcEvent::Start(CONSTRAINTS));
        Self {
            script,
            now: Time::ZERO,
            every: ms(50),
            next_report: Time::ZERO + ms(50),
            credit: Bytes::ZERO,
            flying: VecDeque::new(),
        }
    }

    pub(crate) fn target(&self) -> Bitrate {
        let output = self.script.controller.output();
        output.target.expect("a controller with a target")
    }

    /// Runs for that long at a rate, `None`: at the target. `way` says how long
    /// a packet sent then takes, `None`: it is lost. Returns the target after
    /// each millisecond.
    pub(crate) fn run(
        &mut self,
        span: Span,
        rate: Option<Bitrate>,
        mut way: impl FnMut(u64, Time) -> Option<Span>,
    ) -> Vec<Bitrate> {
        let end = self.now + span;
        let mut targets = Vec::new();
        while self.now < end {
            let rate = rate.unwrap_or_else(|| self.target());
            self.credit += rate.bytes_in(ms(1));
            while self.credit >= PACKET {
                self.credit = self.credit - PACKET;
                let number = self.script.next_number();
                self.script.send(self.now, 1);
                let arrival = way(number, self.now).map(|way| self.now + way);
                self.flying.push_back((number, arrival));
            }
            self.poll_report();
            let controller = &mut self.script.controller;
            if controller.next_timer().is_some_and(|at| at <= self.now) {
                controller.on_timer(self.now);
            }
            while controller.poll_probe().is_some() {}
            targets.push(self.target());
            self.now += ms(1);
        }
        targets
    }

    /// Tells of all up to the newest that has arrived and been reported.
    fn poll_report(&mut self) {
        if self.now < self.next_report {
            return;
        }
        self.next_report += self.every;
        let made = self.now.saturating_sub(ONE_WAY);
        let is_there = |(_, at): &(u64, Option<Time>)| at.is_some_and(|at| at <= made);
        let Some(last) = self.flying.iter().rposition(is_there) else {
            return;
        };
        let told: Vec<Arrival> = self
            .flying
            .iter()
            .take(last + 1)
            .map(|(seq, at)| Arrival {
                seq: *seq,
                at: at.filter(|at| *at <= made),
                ecn: Ecn::NotEct,
            })
            .collect();
        self.script.deliver(self.now, made, &told);
        // What has not arrived yet will be told when it has.
        let mut index = 0;
        self.flying.retain(|(_, at)| {
            index += 1;
            index > last + 1 || at.is_some_and(|at| at > made)
        });
    }
}
