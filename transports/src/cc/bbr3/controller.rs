//! BBRv3 as a controller: events in, output and snapshot out.

use weaknet_core::packet::Ecn;
use weaknet_core::rng::Sequence;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::Bbr3;
use super::engine::Engine;
use crate::cc::{CcEvent, CcOutput, CongestionController, Feedback, SentPacket, Visitor};

/// The controller.
#[derive(Debug, Clone)]
pub(super) struct Controller {
    engine: Engine,
}

impl Controller {
    pub(super) fn new(config: &Bbr3, random: Sequence) -> Self {
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
            CcEvent::SpuriousLoss => self.engine.on_spurious_loss(),
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
            ecn: if engine.config.ecn {
                Ecn::Ect0
            } else {
                Ecn::NotEct
            },
            ..CcOutput::default()
        }
    }

    /// `state` is 0 Startup, 1 Drain, 2 ProbeBW_DOWN, 3 ProbeBW_CRUISE,
    /// 4 ProbeBW_REFILL, 5 ProbeBW_UP, 6 ProbeRTT; `ack_phase` is 0 init,
    /// 1 refilling, 2 probe starting, 3 probe feedback, 4 probe stopping.
    /// Bounds that are not set and a round trip that is not known are absent.
    fn snapshot(&self, visitor: &mut dyn Visitor) {
        let engine = &self.engine;
        let flag = |is: bool| f64::from(u8::from(is));
        for (name, value) in [
            ("state", f64::from(engine.state as u8)),
            ("ack_phase", f64::from(engine.cycle.ack_phase as u8)),
            ("pacing_gain", engine.state.pacing_gain(&engine.config)),
            ("cwnd_gain", engine.state.cwnd_gain(&engine.config)),
            ("round_count", engine.intake.round() as f64),
            ("cycle_count", engine.max_bandwidth.cycles() as f64),
            ("full_bw_count", f64::from(engine.full_pipe.count())),
            ("full_bw_reached", flag(engine.full_pipe.reached())),
            ("in_recovery", flag(engine.recovery.active())),
            ("idle_restart", flag(engine.idle_restart)),
        ] {
            visitor.number(name, value);
        }
        let bounds = engine.congestion.bounds();
        for (name, rate) in [
            ("max_bw_bps", engine.max_bandwidth.get()),
            ("bw_bps", engine.bandwidth),
            ("bw_shortterm_bps", bounds.bandwidth),
        ] {
            if rate != Bitrate::MAX {
                visitor.number(name, rate.as_bps_f64());
            }
        }
        for (name, size) in [
            ("bdp_bytes", engine.bdp()),
            ("max_inflight_bytes", engine.max_inflight()),
            ("inflight_longterm_bytes", engine.long_term.limit),
            ("inflight_shortterm_bytes", bounds.in_flight),
            ("extra_acked_bytes", engine.aggregation.extra()),
            ("send_quantum_bytes", engine.quantum),
            ("cwnd_bytes", engine.cwnd),
        ] {
            if size != Bytes::MAX {
                visitor.number(name, size.get() as f64);
            }
        }
        if let Some(rtt) = engine.min_rtt.get().map(Span::as_millis_f64) {
            visitor.number("min_rtt_ms", rtt);
        }
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}
