//! The congestion controllers of quinn-proto: CUBIC, NewReno and BBR.
//!
//! Implements: `quinn_proto::congestion` 0.11.19 (2026) behind its public
//! traits `ControllerFactory` and `Controller`, called in the order of quinn's
//! own connection: every newly acknowledged packet with the round-trip time as
//! it was before the acknowledgement, the end of the batch, then losses, then
//! marks.
//! Differs: sizes count from the IP header on (quinn: UDP payload), and so does
//! the MTU. Whether the application limits the flow is what the transport said
//! when the packet was sent (quinn: when the acknowledgement arrives). A
//! retransmission timeout, which QUIC does not have, counts as persistent
//! congestion. The round-trip time is weaknet's estimate (RFC 9002, to the
//! nearest nanosecond; quinn's division rounds down).
//! Not modelled: quinn's pacer; its law, 1.25 windows per round trip, is that
//! of the transport here, which allows bursts of another size. MTU discovery.
//!
//! CUBIC and NewReno are functions of what they are told: same inputs, same
//! bytes. BBR is not: quinn seeds it from the operating system, and draws the
//! phase of each gain cycle.

mod controller;
mod estimator;
mod loopback;
mod plaintext;

use std::sync::Arc;

use quinn_proto::congestion::{BbrConfig, ControllerFactory, CubicConfig, NewRenoConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Bytes, Plugin};
use weaknet_transports::cc::{CongestionControl, CongestionController};

use controller::QuinnController;

/// The version that is behind these plug-ins.
const SOURCE: &str = "quinn-proto 0.11.19, src/congestion";

/// quinn's CUBIC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QuinnCubic {
    /// Initial congestion window, 1 B to 1 GB (12 kB, ten packets of 1200 B:
    /// quinn's default).
    pub initial_window: Bytes,
    /// Whether packets are sent as ECN-capable, ECT(0) (true, as quinn does).
    pub ecn: bool,
}

impl Default for QuinnCubic {
    fn default() -> Self {
        Self {
            initial_window: Bytes::new(12_000),
            ecn: true,
        }
    }
}

impl Plugin for QuinnCubic {
    type Kind = CongestionControl;
    const NAME: &'static str = "quinn_cubic";
    const SUMMARY: &'static str = "CUBIC as quinn has it";
    const REFERENCES: &'static [&'static str] = &[SOURCE, "RFC 8312"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        let mut config = CubicConfig::default();
        config.initial_window(checked(self.initial_window)?);
        build(config, self.ecn)
    }
}

/// quinn's NewReno.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QuinnNewReno {
    /// Initial congestion window, 1 B to 1 GB (12 kB, ten packets of 1200 B:
    /// quinn's default).
    pub initial_window: Bytes,
    /// What congestion leaves of the window, 0.1 to below 1 (0.5: quinn's
    /// default).
    pub loss_reduction_factor: f64,
    /// Whether packets are sent as ECN-capable, ECT(0) (true, as quinn does).
    pub ecn: bool,
}

impl Default for QuinnNewReno {
    fn default() -> Self {
        Self {
            initial_window: Bytes::new(12_000),
            loss_reduction_factor: 0.5,
            ecn: true,
        }
    }
}

impl Plugin for QuinnNewReno {
    type Kind = CongestionControl;
    const NAME: &'static str = "quinn_new_reno";
    const SUMMARY: &'static str = "NewReno as quinn has it";
    const REFERENCES: &'static [&'static str] = &[SOURCE, "RFC 9002, section 7"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        if !(0.1..1.0).contains(&self.loss_reduction_factor) {
            let expected = "expected 0.1 to below 1";
            return Err(BuildError::field("loss_reduction_factor", expected));
        }
        let mut config = NewRenoConfig::default();
        config.initial_window(checked(self.initial_window)?);
        config.loss_reduction_factor(self.loss_reduction_factor as f32);
        build(config, self.ecn)
    }
}

/// quinn's BBR, which its authors call experimental.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QuinnBbr {
    /// Initial congestion window, 1 B to 1 GB (240 kB, 200 packets of 1200 B:
    /// quinn's default).
    pub initial_window: Bytes,
    /// Whether packets are sent as ECN-capable, ECT(0) (true, as quinn does).
    pub ecn: bool,
}

impl Default for QuinnBbr {
    fn default() -> Self {
        Self {
            initial_window: Bytes::new(240_000),
            ecn: true,
        }
    }
}

impl Plugin for QuinnBbr {
    type Kind = CongestionControl;
    const NAME: &'static str = "quinn_bbr";
    const SUMMARY: &'static str =
        "BBR as quinn has it (experimental there); two runs differ: it draws from the system";
    const REFERENCES: &'static [&'static str] =
        &[SOURCE, "draft-cardwell-iccrg-bbr-congestion-control-00"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        let mut config = BbrConfig::default();
        config.initial_window(checked(self.initial_window)?);
        build(config, self.ecn)
    }
}

fn checked(initial_window: Bytes) -> Result<u64, BuildError> {
    match initial_window.get() {
        window @ 1..=1_000_000_000 => Ok(window),
        _ => Err(BuildError::field("initial_window", "expected 1 B to 1 GB")),
    }
}

fn build(
    config: impl ControllerFactory + Send + Sync + 'static,
    ecn: bool,
) -> Result<Box<dyn CongestionController>, BuildError> {
    let controller = QuinnController::new(Arc::new(config), ecn);
    match controller {
        Some(controller) => Ok(Box::new(controller)),
        None => Err(BuildError::new(
            "quinn's connections do not come up over loopback",
        )),
    }
}
