//! A rate recorded on a real network.
//!
//! Implements: packet opportunities (see the server of opportunities), and
//! rates that hold from their row to the next; the trace repeats after its end.
//! Formats: see the trace module.
//! Differs: time of rates counts from the first row; values are rounded to
//! 1 bit/s. Of a trace longer than the run only what the run can reach is read.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Bytes, Plugin, Time};

use super::curve::{CurveServer, RateCurve};
use super::opportunities::{OUTAGE, Opportunities, OpportunityServer};
use crate::model::{Rate, RateModel};
use crate::trace::{self, Direction, Format, Kind, Names, Options, Quantity, TraceReader};

/// Who may use an opportunity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// Bytes: several packets may share an opportunity, a packet may span
    /// several.
    #[default]
    Bytes,
    /// Packets: one packet of any size leaves at each.
    Packets,
}

/// A trace file, repeated when it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"file": "lte-drive.down.txt", "format": "seconds_mbps"}]))]
pub struct RateTrace {
    /// The file's name, looked for in the trace folders.
    pub file: String,
    /// How the file is written; absent: told from its beginning.
    pub format: Option<Format>,
    /// IP bytes that an opportunity of a Mahimahi trace carries: 1500B, or
    /// 1504B as Mahimahi's own code counts with the header of its TUN device.
    pub opportunity: Bytes,
    /// What opportunities are counted in.
    pub unit: Sharing,
    /// The direction, of a trace with two.
    pub direction: Option<Direction>,
    /// The column of time in a table with names; absent: told from the names.
    pub time: Option<String>,
    /// The column of the rate, as `dl_kbps`, or `DL_bitrate:kbps` where the name
    /// lacks the unit; absent: told from the names.
    pub rate: Option<String>,
}

impl Default for RateTrace {
    fn default() -> Self {
        Self {
            file: String::new(),
            format: None,
            opportunity: trace::OPPORTUNITY,
            unit: Sharing::Bytes,
            direction: None,
            time: None,
            rate: None,
        }
    }
}

/// What the file was made into.
enum Loaded {
    Opportunities(Arc<Opportunities>),
    Curve(Arc<RateCurve>),
}

impl Plugin for RateTrace {
    type Kind = Rate;
    const NAME: &'static str = "trace";
    const SUMMARY: &'static str = "a rate recorded on a real network, repeated when it ends";
    const REFERENCES: &'static [&'static str] = &[
        "Mahimahi, Netravali et al., USENIX ATC 2015; link_queue.cc at ae477d4 (2024-12-29)",
        "Pensieve, Mao et al., SIGCOMM 2017: traces of seconds and Mbit/s",
        "Oboe, Akhtar et al., SIGCOMM 2018; OpenNetLab gym for AlphaRTC, 2021",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn RateModel>, BuildError> {
        let unusable = |message| BuildError::field("file", message);
        if self.file.is_empty() {
            return Err(unusable("expected the name of a trace file".to_owned()));
        }
        if self.opportunity == Bytes::ZERO {
            let message = "expected more than 0B, or nothing would ever leave";
            return Err(BuildError::field("opportunity", message));
        }
        let options = self.options();
        let horizon = cx.assets.horizon();
        let loaded = cx
            .assets
            .stream(&self.file, &format!("{options:?}"), |input| {
                load(trace::model::open(input, &options)?, horizon)
            });
        Ok(match &*loaded.map_err(unusable)? {
            Loaded::Opportunities(trace) => {
                OpportunityServer::boxed(Arc::clone(trace), self.unit == Sharing::Packets)
            }
            Loaded::Curve(curve) => CurveServer::boxed(Arc::clone(curve)),
        })
    }
}

impl RateTrace {
    fn options(&self) -> Options {
        let format = self.format.map(|format| match format {
            // Its rate is a Mahimahi file; the other file is for the delay.
            Format::Leoreplayer => Format::Mahimahi,
            other => other,
        });
        Options {
            format,
            wanted: Some(Quantity::Rate),
            opportunity: self.opportunity,
            direction: self.direction,
            columns: Names {
                time: self.time.clone(),
                rate: self.rate.clone(),
                ..Names::default()
            },
        }
    }
}

fn load(reader: TraceReader<'_>, horizon: Time) -> Result<Loaded, String> {
    if reader.kind() == Kind::Opportunities {
        let kept = trace::model::opportunities(reader, horizon, OUTAGE)?;
        let trace = Opportunities::new(&kept);
        let trace = trace.ok_or_else(|| "the trace has no length".to_owned())?;
        return Ok(Loaded::Opportunities(Arc::new(trace)));
    }
    let rates = trace::model::timeline(reader, Quantity::Rate, horizon, |segment| segment.rate)?;
    Ok(Loaded::Curve(Arc::new(RateCurve::new(rates))))
}
