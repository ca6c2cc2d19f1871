//! A policer with one rate, and a peak rate if wanted.
//!
//! Implements: a token bucket, and a second one for the peak rate that holds one
//! packet of full size; a packet passes when both have tokens for it, and only
//! then takes any (Linux act_police; queues reference 1.8). A packet larger
//! than a bucket never passes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::event::DropReason;
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin};

use super::bucket::{Bucket, cost};
use super::{above_zero, some_room};
use crate::model::{Loss, LossAt, LossModel, Passage};

/// A rate, and how much may come faster than it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policer {
    /// The rate that passes in the long run, IP headers included.
    pub rate: Bitrate,
    /// Size of the bucket: how much passes at once after a silence.
    pub burst: Bytes,
    /// The rate that even bursts may not exceed; no such limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak: Option<Bitrate>,
    /// The largest packet, which is the size of the peak rate's bucket.
    pub mtu: Bytes,
}

impl Default for Policer {
    fn default() -> Self {
        Self {
            rate: Bitrate::from_mbps(1),
            burst: Bytes::new(10_000),
            peak: None,
            mtu: Bytes::new(1_500),
        }
    }
}

impl Plugin for Policer {
    type Kind = Loss;
    const NAME: &'static str = "policer";
    const SUMMARY: &'static str =
        "drops on arrival what exceeds a rate: a token bucket without a queue";
    const REFERENCES: &'static [&'static str] = &["tc-police(8)", "RFC 2475 section 2.3.3.3"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn LossModel>, BuildError> {
        above_zero("rate", self.rate)?;
        some_room("burst", self.burst)?;
        let mut buckets = vec![Bucket::full(self.rate, self.burst)];
        if let Some(peak) = self.peak {
            if peak < self.rate {
                let message = format!("expected at least `rate`, {}, found {peak}", self.rate);
                return Err(BuildError::field("peak", message));
            }
            some_room("mtu", self.mtu)?;
            buckets.push(Bucket::full(peak, self.mtu));
        }
        Ok(Box::new(Model { buckets }))
    }
}

struct Model {
    buckets: Vec<Bucket>,
}

impl LossModel for Model {
    fn lose(&mut self, Passage { at, size, .. }: Passage) -> bool {
        let cost = cost(u64::from(size));
        for bucket in &mut self.buckets {
            bucket.fill(at);
        }
        let conforms = self.buckets.iter().all(|bucket| bucket.has(cost));
        if conforms {
            for bucket in &mut self.buckets {
                bucket.take(cost);
            }
        }
        !conforms
    }

    fn reason(&self) -> DropReason {
        DropReason::Policed
    }

    fn place(&self) -> Option<LossAt> {
        Some(LossAt::BeforeQueue)
    }
}
