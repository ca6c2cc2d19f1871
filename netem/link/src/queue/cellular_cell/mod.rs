//! A direction of a cellular cell: slots that a scheduler grants to users.
//!
//! Each user, one leg of a flow, has a bearer queue of its own, which others
//! can delay but never fill, and a radio channel of its own, which says how
//! much it could send if it had the cell for itself. At the start of each slot
//! the scheduler puts the users that have something to send in an order and
//! gives the first as much of the slot as its queue needs, what is left to the
//! second, and so on. Packets are cut to fit; one is delivered at the end of
//! the slot in which its last bit was sent. So delay comes in whole slots, and
//! capacity follows the channel from slot to slot.
//!
//! Use it on a link without a rate, one for each direction; uplinks have a
//! `grant_delay`. Handover, in which the bearer holds everything back, is the
//! delay model `stalls`.
//!
//! Implements: round robin, maximum rate (maximum C/I) and proportional fair
//! (Tse: rate now / exponential mean of what was served; Jalali, Padovani,
//! Pankaj 2000) scheduling; a channel with two states that change as a Markov
//! chain per slot (Gilbert 1960, as a rate).
//! Differs: users share a slot one behind the other in time, not by resource
//! blocks. What a channel carries is given, not made of power and distance.
//! The wait of a packet in link events includes its own transmission.
//! Not modelled: retransmissions of the radio link (HARQ, RLC), which a delay
//! model can add; priorities; inter-cell interference.

mod cell;
mod user;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Ratio, Span};

use self::cell::{Cell, Setting};
use super::QueueLimit;
use crate::model::{Limit, Qdisc, Queue};
use crate::rate::above_zero;

/// Who is served first in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scheduler {
    /// Who has waited longest for a slot.
    RoundRobin,
    /// Who has the largest rate now by what it got lately.
    #[default]
    ProportionalFair,
    /// Who has the largest rate now.
    MaxRate,
}

impl Scheduler {
    /// The largest is served first; among equals who has waited longest.
    fn urgency(self, rate: Bitrate, mean: f64) -> f64 {
        match self {
            Self::RoundRobin => 0.0,
            Self::ProportionalFair if mean > 0.0 => rate.as_bps_f64() / mean,
            Self::ProportionalFair => f64::INFINITY,
            Self::MaxRate => rate.as_bps_f64(),
        }
    }
}

/// A channel with two states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fading {
    /// What is left of the rate in the bad state.
    pub depth: Ratio,
    /// Mean time in the good state.
    pub good: Span,
    /// Mean time in the bad state. A pedestrian at 3 km/h and 2 GHz fades for
    /// tens of milliseconds (coherence time about 0.42 c / (v f) = 76 ms).
    pub bad: Span,
}

impl Default for Fading {
    fn default() -> Self {
        Self {
            depth: Ratio::from_f64(0.2),
            good: Span::from_millis(300),
            bad: Span::from_millis(76),
        }
    }
}

/// Slots of a cell, granted per user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CellularCell {
    /// What a user gets that has the cell for itself (RFC 8869 section 2 has
    /// 10 MHz: about 20 Mbit/s with a middling channel).
    pub rate: Bitrate,
    /// Such rates by the order of flows in the scenario; flows beyond the list
    /// have `rate`.
    pub rates: Vec<Bitrate>,
    /// Makes the channels fade, each by itself; absent: constant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fading: Option<Fading>,
    /// Who is served first in a slot (RFC 8869 section 2.1: proportional fair).
    pub scheduler: Scheduler,
    /// Length of a slot (a subframe of LTE).
    pub slot: Span,
    /// Time from a packet's arrival until the scheduler knows of it: 0ms
    /// downwards; upwards the time of request and grant, several milliseconds.
    pub grant_delay: Span,
    /// Time that proportional fairness looks back; at least two slots.
    pub memory: Span,
    /// What each user may have waiting: bytes, packets, or the time that the
    /// bytes take at the user's own rate (RFC 8867 section 4: 300ms).
    pub limit: QueueLimit,
}

impl Default for CellularCell {
    fn default() -> Self {
        Self {
            rate: Bitrate::from_mbps(20),
            rates: Vec::new(),
            fading: None,
            scheduler: Scheduler::default(),
            slot: Span::from_millis(1),
            grant_delay: Span::ZERO,
            memory: Span::from_millis(100),
            limit: QueueLimit::Time(Span::from_millis(300)),
        }
    }
}

impl Plugin for CellularCell {
    type Kind = Qdisc;
    const NAME: &'static str = "cellular_cell";
    const SUMMARY: &'static str =
        "slots of a cellular cell, granted to users with queues and channels of their own";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 8869 section 2",
        "Jalali, Padovani, Pankaj 2000 (proportional fair)",
        "3GPP TS 36.321 (scheduling requests), TR 36.881 (latency of LTE)",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Queue, BuildError> {
        above_zero("rate", self.rate)?;
        for (index, rate) in self.rates.iter().enumerate() {
            above_zero(&format!("rates.{index}"), *rate)?;
        }
        if self.slot < Span::from_micros(10) {
            let message = format!("expected at least 10us, found {}", self.slot);
            return Err(BuildError::field("slot", message));
        }
        if self.memory < self.slot * 2 {
            let message = format!("expected at least two slots, found {}", self.memory);
            return Err(BuildError::field("memory", message));
        }
        if let Some(fading) = &self.fading {
            if fading.depth > Ratio::ONE {
                let message = format!("expected at most 100%, found {}", fading.depth);
                return Err(BuildError::field("fading.depth", message));
            }
            for (field, mean) in [("good", fading.good), ("bad", fading.bad)] {
                if mean < self.slot {
                    let message = format!("expected at least a slot, found {mean}");
                    return Err(BuildError::field(format!("fading.{field}"), message));
                }
            }
        }
        let limit = match self.limit {
            QueueLimit::Time(span) => Limit::Time(span, None),
            QueueLimit::Bytes(bytes) => Limit::Bytes(bytes.get()),
            QueueLimit::Packets(packets) => Limit::Packets(packets),
        };
        let setting = Setting {
            slot: self.slot,
            scheduler: self.scheduler,
            grant_delay: self.grant_delay,
            memory: self.memory.as_secs_f64() / self.slot.as_secs_f64(),
            rate: self.rate,
            rates: self.rates.clone(),
            fading: self.fading.clone(),
            limit,
            streams: cx.streams.clone(),
            path: cx.path.to_owned(),
        };
        Ok(Queue::Active(Box::new(Cell::new(setting))))
    }
}

#[cfg(test)]
mod tests;
