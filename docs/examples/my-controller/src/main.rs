//! A congestion controller of your own, in your own crate.
//!
//! `cargo test` holds it to the rules of the conformance kit: bounds, hostile
//! reports, copies, clocks, overload, outages and more. `cargo run --release --
//! run scenario.yaml` compares it with `gcc`.

use std::ops::RangeInclusive;
use std::process::ExitCode;

use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Ratio, Time};
use weaknet_transports::cc::{
    CcEvent, CcOutput, CongestionControl, CongestionController, Feedback,
};

fn main() -> ExitCode {
    weaknet::main(weaknet::Registry::builtin().add::<MyController>())
}

/// Additive increase, multiplicative decrease on loss alone.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct MyController {
    /// What a report with more loss than `tolerate` leaves of the rate.
    keep: Ratio,
    /// Loss that is not taken for congestion.
    tolerate: Ratio,
    /// Growth per report without such loss.
    step: Bitrate,
}

impl Default for MyController {
    fn default() -> Self {
        Self {
            keep: Ratio::from_f64(0.8),
            tolerate: Ratio::from_f64(0.05),
            step: Bitrate::from_kbps(10),
        }
    }
}

impl Plugin for MyController {
    type Kind = CongestionControl;
    const NAME: &'static str = "my_controller";
    const SUMMARY: &'static str = "additive increase, multiplicative decrease on loss";
    const REFERENCES: &'static [&'static str] = &["this example"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        Ok(Box::new(Running {
            config: self.clone(),
            rate: Bitrate::from_kbps(300),
            reported: Time::ZERO,
            limits: Bitrate::ZERO..=Bitrate::MAX,
        }))
    }
}

#[derive(Clone)]
struct Running {
    config: MyController,
    rate: Bitrate,
    reported: Time,
    limits: RangeInclusive<Bitrate>,
}

impl CongestionController for Running {
    fn on_event(&mut self, now: Time, event: &CcEvent) {
        if let CcEvent::Start(bounds) | CcEvent::Constraints(bounds) = event {
            if matches!(event, CcEvent::Start(_)) {
                (self.rate, self.reported) = (bounds.start, now);
            }
            self.limits = bounds.min..=bounds.max;
            self.rate = bounds.bound(self.rate);
        }
    }

    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        let packets = feedback.packets;
        if packets.is_empty() {
            return;
        }
        let since = feedback.now.since(self.reported);
        self.reported = feedback.now;
        // A rate that is not used is not proven: an application that sends less
        // must not make it grow.
        let is_used = feedback.acked_bytes().per(since) >= self.rate.mul_f64(0.5);
        let lost = feedback.lost().count();
        let rate = if lost as f64 > self.config.tolerate.as_f64() * packets.len() as f64 {
            self.rate.mul_f64(self.config.keep.as_f64())
        } else if is_used {
            self.rate + self.config.step
        } else {
            self.rate
        };
        self.rate = rate.clamp(*self.limits.start(), *self.limits.end());
    }

    fn output(&self) -> CcOutput {
        CcOutput {
            target: Some(self.rate),
            pacing: Some(self.rate.mul_f64(1.5)),
            ..CcOutput::default()
        }
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use weaknet_core::Streams;
    use weaknet_core::plugin::Assets;
    use weaknet_transports::conformance::Kit;

    use super::*;

    #[test]
    fn keeps_the_rules() {
        let (streams, assets) = (Streams::new(1), Assets::default());
        let context = BuildContext {
            path: "call",
            streams: &streams,
            assets: &assets,
        };
        let report = Kit::new(|| MyController::default().build(&context).unwrap()).run();
        println!("{report}");
        report.assert();
    }
}
