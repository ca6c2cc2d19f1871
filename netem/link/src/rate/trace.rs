//! A rate recorded on a real network.
//!
//! Implements: two formats. `mahimahi`: see the server of opportunities.
//! `seconds_mbps`, the "cooked" form of Pensieve, Zhuge, the Norway 3G and the
//! Solis WiFi traces: two columns, seconds and Mbit/s; a value holds to the
//! next row, the last one as long as the one before it, then the trace repeats.
//! Differs: time counts from the first row; values are rounded to 1 bit/s.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin};

use super::curve::{CurveServer, RateCurve};
use super::mahimahi;
use super::opportunities::{Opportunities, OpportunityServer};
use crate::model::{Rate, RateModel};
use crate::table;
use crate::timeline::Timeline;

/// How a rate trace is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TraceFormat {
    /// One number per line: the millisecond at which 1500 bytes may leave.
    #[default]
    Mahimahi,
    /// Two columns: seconds and Mbit/s.
    SecondsMbps,
}

/// A trace file, repeated when it ends.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"file": "lte-drive.down.txt", "format": "seconds_mbps"}]))]
pub struct RateTrace {
    /// The file's name, looked for in the trace folders.
    pub file: String,
    /// How the file is written.
    pub format: TraceFormat,
}

impl Plugin for RateTrace {
    type Kind = Rate;
    const NAME: &'static str = "trace";
    const SUMMARY: &'static str = "a rate recorded on a real network, repeated when it ends";
    const REFERENCES: &'static [&'static str] = &[
        "Mahimahi, Netravali et al., USENIX ATC 2015; link_queue.cc at ae477d4 (2024-12-29)",
        "Pensieve, Mao et al., SIGCOMM 2017: traces of seconds and Mbit/s",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn RateModel>, BuildError> {
        let unusable = |message| BuildError::field("file", message);
        if self.file.is_empty() {
            return Err(unusable("expected the name of a trace file".to_owned()));
        }
        match self.format {
            TraceFormat::Mahimahi => cx
                .assets
                .get(&self.file, parse_opportunities)
                .map(OpportunityServer::boxed)
                .map_err(unusable),
            TraceFormat::SecondsMbps => cx
                .assets
                .get(&self.file, parse_curve)
                .map(CurveServer::boxed)
                .map_err(unusable),
        }
    }
}

fn parse_opportunities(bytes: &[u8]) -> Result<Opportunities, String> {
    Opportunities::new(mahimahi::parse(bytes)?).ok_or_else(|| "the trace has no length".to_owned())
}

fn parse_curve(bytes: &[u8]) -> Result<RateCurve, String> {
    let rows = table::series(bytes, 6, "Mbit/s")?;
    let rates = Timeline::looped(
        rows.into_iter()
            .map(|(at, bps)| (at, Bitrate::from_bps(bps))),
    )
    .map_err(|e| e.message("Mbit/s"))?;
    let curve = RateCurve::new(rates);
    if curve.is_dead() {
        Err("the rate is zero all the time".to_owned())
    } else {
        Ok(curve)
    }
}
