//! The congestion controllers of s2n-quic: CUBIC and BBRv2.
//!
//! Implements: `s2n_quic_core::recovery` 0.91.0 (2026) behind its trait
//! `CongestionController`, called in the order of s2n-quic's recovery manager:
//! round-trip time, marks, losses, then all newly acknowledged packets at once.
//! One packet may go beyond the window when a loss has just been found (RFC 9002
//! section 7.3.2).
//! Differs: sizes count from the IP header on (s2n-quic: UDP payload), and so
//! does the MTU, which is known from the start. Times are rounded down to
//! microseconds, as everywhere in s2n-quic. Round-trip time samples come without
//! the time that the other end held its report back. A retransmission timeout,
//! which QUIC does not have, counts as persistent congestion.
//! Not modelled: the bursts of s2n-quic's pacer; packets leave one by one at the
//! pacing rate that it has published.
//!
//! Random numbers, of which BBR draws some, come from the run's streams: same
//! inputs, same bytes. The trait is not a stable interface of s2n-quic.

mod controller;

use s2n_quic_core::recovery::bbr::{self, BbrCongestionController};
use s2n_quic_core::recovery::cubic::{self, CubicCongestionController};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin};
use weaknet_transports::cc::{CongestionControl, CongestionController};

use controller::S2nController;

/// The version that is behind these plug-ins.
const SOURCE: &str = "s2n-quic-core 0.91.0, src/recovery";

/// s2n-quic's CUBIC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct S2nCubic {
    /// Whether packets are sent as ECN-capable, ECT(0) (true, as s2n-quic does).
    pub ecn: bool,
}

impl Default for S2nCubic {
    fn default() -> Self {
        Self { ecn: true }
    }
}

impl Plugin for S2nCubic {
    type Kind = CongestionControl;
    const NAME: &'static str = "s2n_cubic";
    const SUMMARY: &'static str = "CUBIC as s2n-quic has it";
    const REFERENCES: &'static [&'static str] = &[SOURCE, "RFC 8312"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        let make = |mtu| CubicCongestionController::new(mtu, cubic::ApplicationSettings::default());
        Ok(Box::new(S2nController::new(make, self.ecn, cx)))
    }
}

/// s2n-quic's BBRv2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct S2nBbr {
    /// Whether packets are sent as ECN-capable, ECT(0) (true, as s2n-quic does).
    pub ecn: bool,
}

impl Default for S2nBbr {
    fn default() -> Self {
        Self { ecn: true }
    }
}

impl Plugin for S2nBbr {
    type Kind = CongestionControl;
    const NAME: &'static str = "s2n_bbr";
    const SUMMARY: &'static str = "BBRv2 as s2n-quic has it";
    const REFERENCES: &'static [&'static str] =
        &[SOURCE, "draft-cardwell-iccrg-bbr-congestion-control-02"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        let make = |mtu| BbrCongestionController::new(mtu, bbr::ApplicationSettings::default());
        Ok(Box::new(S2nController::new(make, self.ecn, cx)))
    }
}
