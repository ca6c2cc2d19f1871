//! The options of netem.
//!
//! Implements: tc-netem(8) of iproute2 6.x and its refusals: `reorder` without
//! a delay, `gap` without `reorder`, `distribution` without jitter.

use super::units::{count, rate, share, signed, time64};
use super::words::{Word, Words};
use crate::scenario::error::Diagnostic;

const OPTIONS: [&str; 11] = [
    "limit",
    "delay",
    "distribution",
    "loss",
    "ecn",
    "corrupt",
    "duplicate",
    "reorder",
    "gap",
    "rate",
    "slot",
];
const DISTRIBUTIONS: [&str; 4] = ["uniform", "normal", "pareto", "paretonormal"];

/// A loss model of netem; probabilities as shares of 1.
#[derive(Debug, Clone, PartialEq)]
pub enum Loss {
    /// Each packet, with a correlation to the one before.
    Random {
        /// Probability.
        p: f64,
        /// Correlation.
        correlation: f64,
    },
    /// The chain of four states: p13, p31, p32, p23, p14.
    State([f64; 5]),
    /// The Gilbert-Elliott chain.
    Gemodel {
        /// From good to bad.
        p: f64,
        /// From bad to good.
        r: f64,
        /// Loss in the bad state.
        one_minus_h: f64,
        /// Loss in the good state.
        one_minus_k: f64,
    },
}

/// Slots in which packets leave; times in nanoseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    /// Shortest time to the next slot.
    pub min: u64,
    /// Longest time to the next slot.
    pub max: u64,
    /// Most packets in a slot.
    pub packets: Option<u64>,
    /// Most bytes in a slot.
    pub bytes: Option<u64>,
}

/// All options; times in nanoseconds, shares of 1, rates in bit/s.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs, reason = "named as in tc-netem(8)")]
pub struct Netem {
    pub limit: Option<u64>,
    pub delay: Option<u64>,
    pub jitter: Option<u64>,
    pub delay_correlation: Option<f64>,
    pub distribution: Option<String>,
    pub loss: Option<Loss>,
    pub ecn: bool,
    pub corrupt: Option<f64>,
    pub corrupt_correlation: Option<f64>,
    pub duplicate: Option<f64>,
    pub duplicate_correlation: Option<f64>,
    pub reorder: Option<f64>,
    pub reorder_correlation: Option<f64>,
    pub gap: Option<u64>,
    pub rate: Option<u64>,
    pub packet_overhead: Option<i64>,
    pub cell: Option<u64>,
    pub cell_overhead: Option<i64>,
    pub slot: Option<Slot>,
    pub seed: Option<u64>,
}

impl Netem {
    pub(super) fn parse(words: &mut Words<'_>) -> Result<Self, Diagnostic> {
        let mut all = Self::default();
        let (mut reorder, mut gap, mut distribution) = (None, None, None);
        while let Some(option) = words.next() {
            let name = option.text.as_str();
            let percent = "a share such as `2%`, at most 100%";
            match name {
                "limit" => all.limit = Some(words.read(name, "a number of packets", count)?),
                "delay" | "latency" => {
                    all.delay = Some(words.read(name, "a time such as `50ms`", time64)?);
                    all.jitter = words.optional(time64);
                    if all.jitter.is_some() {
                        all.delay_correlation = words.optional(share);
                    }
                }
                "distribution" => {
                    let table = words.value(name, "the name of a distribution")?;
                    if !DISTRIBUTIONS.contains(&table.text.as_str()) {
                        return Err(words.unknown(table, "distribution", &DISTRIBUTIONS));
                    }
                    all.distribution = Some(table.text.clone());
                    distribution = Some(option);
                }
                "loss" | "drop" => all.loss = Some(loss(words)?),
                "ecn" => all.ecn = true,
                "corrupt" => {
                    all.corrupt = Some(words.read(name, percent, share)?);
                    all.corrupt_correlation = words.optional(share);
                }
                "duplicate" => {
                    all.duplicate = Some(words.read(name, percent, share)?);
                    all.duplicate_correlation = words.optional(share);
                }
                "reorder" => {
                    all.reorder = Some(words.read(name, percent, share)?);
                    all.reorder_correlation = words.optional(share);
                    reorder = Some(option);
                }
                "gap" => {
                    all.gap = Some(words.read(name, "a number of packets", count)?);
                    gap = Some(option);
                }
                "rate" => {
                    all.rate = Some(words.read(name, "a rate such as `1mbit`", rate)?);
                    all.packet_overhead = optional_signed(words);
                    if all.packet_overhead.is_some() {
                        all.cell = words.optional(count);
                    }
                    if all.cell.is_some() {
                        all.cell_overhead = optional_signed(words);
                    }
                }
                "slot" => all.slot = Some(slot(words)?),
                "seed" => {
                    all.seed = Some(words.read(name, "a whole number", |text| text.parse().ok())?);
                }
                _ => return Err(words.unknown(option, "option of netem", &OPTIONS)),
            }
        }
        all.check(words, reorder, gap, distribution)?;
        Ok(all)
    }

    /// What tc refuses, and what the kernel does with what is left.
    fn check(
        &mut self,
        words: &Words<'_>,
        reorder: Option<&Word>,
        gap: Option<&Word>,
        distribution: Option<&Word>,
    ) -> Result<(), Diagnostic> {
        if let (Some(word), None | Some(0)) = (reorder, self.delay) {
            let message =
                "reordering is not possible without a delay: expected `delay TIME` as well";
            return Err(words.at(word, message));
        }
        if let (Some(word), None) = (gap, self.reorder) {
            return Err(words.at(word, "`gap` needs `reorder PERCENT` as well"));
        }
        if let (Some(word), None | Some(0)) = (distribution, self.jitter) {
            let message = "a distribution needs jitter: expected `delay TIME JITTER` as well";
            return Err(words.at(word, message));
        }
        if self.reorder.is_some() && self.gap.is_none() {
            self.gap = Some(1);
        }
        Ok(())
    }
}

fn optional_signed(words: &mut Words<'_>) -> Option<i64> {
    let value = words.peek().and_then(signed)?;
    words.next();
    Some(value)
}

fn loss(words: &mut Words<'_>) -> Result<Loss, Diagnostic> {
    let percent = "a share such as `2%`, at most 100%";
    if words.take("state") {
        let p13 = words.read("loss state", percent, share)?;
        let p31 = words.optional(share).unwrap_or(1.0 - p13);
        let p32 = words.optional(share).unwrap_or(0.0);
        let p23 = words.optional(share).unwrap_or(1.0);
        let p14 = words.optional(share).unwrap_or(0.0);
        return Ok(Loss::State([p13, p31, p32, p23, p14]));
    }
    if words.take("gemodel") {
        let p = words.read("loss gemodel", percent, share)?;
        return Ok(Loss::Gemodel {
            p,
            r: words.optional(share).unwrap_or(1.0 - p),
            one_minus_h: words.optional(share).unwrap_or(1.0),
            one_minus_k: words.optional(share).unwrap_or(0.0),
        });
    }
    words.take("random");
    Ok(Loss::Random {
        p: words.read("loss", percent, share)?,
        correlation: words.optional(share).unwrap_or(0.0),
    })
}

fn slot(words: &mut Words<'_>) -> Result<Slot, Diagnostic> {
    if words.peek() == Some("distribution") {
        let word = words.value("slot", "a time")?;
        return Err(words.at(
            word,
            "slots of a distribution are not supported: expected `slot MIN [MAX]`",
        ));
    }
    let min = words.read("slot", "a time such as `800us`", time64)?;
    let mut slot = Slot {
        min,
        max: words.optional(time64).unwrap_or(min),
        packets: None,
        bytes: None,
    };
    if slot.max < min {
        return Err(words.after("the longest time between slots is below the shortest"));
    }
    loop {
        if words.take("packets") {
            slot.packets = Some(words.read("packets", "a number of packets", count)?);
        } else if words.take("bytes") {
            slot.bytes = Some(words.read("bytes", "a number of bytes", count)?);
        } else {
            return Ok(slot);
        }
    }
}
