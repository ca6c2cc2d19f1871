//! BBR as a controller: events in, output and snapshot out.

use weaknet_core::rng::Sequence;
use weaknet_core::{Span, Time};

use super::Bbr1;
use super::engine::Engine;
use crate::cc::{CcEvent, CcOutput, CongestionController, Feedback, SentPacket, Visitor};

/// The controller.
#[derive(Debug, Clone)]
pub(super) struct Controller {
    engine: Engine,
}

impl Controller {
    pub(super) fn new(config: &Bbr1, random: Sequence) -> Self {
        Self {
            engine: Engine::new(config, random),
        }
    }
}

impl CongestionController for Controller {
    fn on_sent(&mut self, packet: &SentPacket) {
        self.engine.on_sent(packet);
    }

    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        self.engine.on_feedback(feedback);
    }

    fn on_event(&mut self, now: Time, event: &CcEvent) {
        match event {
            CcEvent::RetransmissionTimeout | CcEvent::PersistentCongestion => {
                self.engine.on_timeout(now);
            }
            CcEvent::SpuriousLoss => self.engine.leave_recovery(),
            CcEvent::RouteChange => self.engine.on_route_change(),
            CcEvent::Mtu(mtu) => self.engine.on_mtu(*mtu),
            _ => {}
        }
    }

    fn output(&self) -> CcOutput {
        let engine = &self.engine;
        CcOutput {
            pacing: Some(engine.pacing.rate()),
            cwnd: Some(engine.cwnd),
            ..CcOutput::default()
        }
    }

    /// `state` is 0 Startup, 1 Drain, 2 ProbeBW, 3 ProbeRTT; `cycle_phase` is
    /// 0 where ProbeBW probes, 1 where it drains, 2 to 7 where it cruises. A
    /// round trip that is not known is absent.
    fn snapshot(&self, visitor: &mut dyn Visitor) {
        let engine = &self.engine;
        let flag = |is: bool| f64::from(u8::from(is));
        for (name, value) in [
            ("state", f64::from(engine.state as u8)),
            ("cycle_phase", engine.cycle.phase() as f64),
            ("pacing_gain", engine.pacing_gain()),
            ("cwnd_gain", engine.cwnd_gain()),
            ("bw_bps", engine.bandwidth.as_bps_f64()),
            ("round_count", engine.intake.round() as f64),
            ("full_bw_count", f64::from(engine.full_pipe.count())),
            ("full_bw_reached", flag(engine.full_pipe.reached())),
            ("in_recovery", flag(engine.repair.recovery.active())),
            ("packet_conservation", flag(engine.repair.conserving)),
            ("idle_restart", flag(engine.idle_restart)),
        ] {
            visitor.number(name, value);
        }
        for (name, size) in [
            ("bdp_bytes", engine.bdp()),
            ("target_cwnd_bytes", engine.inflight(engine.cwnd_gain())),
            ("send_quantum_bytes", engine.quantum),
            ("cwnd_bytes", engine.cwnd),
        ] {
            visitor.number(name, size.get() as f64);
        }
        if let Some(rtt) = engine.min_rtt.map(Span::as_millis_f64) {
            visitor.number("min_rtt_ms", rtt);
        }
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}
