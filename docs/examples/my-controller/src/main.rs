//! A congestion controller of your own, in your own crate.

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
            limits: Bitrate::ZERO..=Bitrate::MAX,
        }))
    }
}

#[derive(Clone)]
struct Running {
    config: MyController,
    rate: Bitrate,
    limits: RangeInclusive<Bitrate>,
}

impl CongestionController for Running {
    fn on_event(&mut self, _: Time, event: &CcEvent) {
        if let CcEvent::Start(bounds) = event {
            self.rate = bounds.start;
            self.limits = bounds.min..=bounds.max;
        }
    }

    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        let packets = feedback.packets;
        let lost = packets.iter().filter(|p| p.received.is_none()).count();
        let rate = if lost as f64 > self.config.tolerate.as_f64() * packets.len() as f64 {
            self.rate.mul_f64(self.config.keep.as_f64())
        } else {
            self.rate + self.config.step
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
