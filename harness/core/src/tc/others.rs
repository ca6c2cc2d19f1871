//! The options of shapers and queues beside netem.

use super::units::{count, rate, size, time32};
use super::words::Words;
use crate::scenario::error::Diagnostic;

/// A shaper or a queue; times in nanoseconds, sizes in bytes.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "named as in tc-tbf(8), tc-codel(8) and so on")]
pub enum Other {
    /// A token bucket; either `limit` or `latency`.
    Tbf {
        rate: u64,
        burst: u64,
        limit: Option<u64>,
        latency: Option<u64>,
    },
    /// A FIFO of so many packets.
    Pfifo { limit: u64 },
    /// A FIFO of so many bytes.
    Bfifo { limit: u64 },
    /// CoDel, with or without fair queueing.
    Codel(Codel),
    /// PIE.
    Pie(Pie),
    /// RED.
    Red(Red),
}

/// Options of codel or, when `fair`, of fq_codel.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "named as in tc-codel(8), tc-fq_codel(8)")]
pub struct Codel {
    pub fair: bool,
    pub limit: Option<u64>,
    pub flows: Option<u64>,
    pub quantum: Option<u64>,
    pub target: Option<u64>,
    pub interval: Option<u64>,
    pub ce_threshold: Option<u64>,
    pub ecn: Option<bool>,
}

/// Options of pie.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "named as in tc-pie(8)")]
pub struct Pie {
    pub limit: Option<u64>,
    pub target: Option<u64>,
    pub tupdate: Option<u64>,
    /// Gains in sixteenths per second.
    pub alpha: Option<u64>,
    pub beta: Option<u64>,
    pub ecn: bool,
}

/// Options of red.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "named as in tc-red(8)")]
pub struct Red {
    pub limit: u64,
    pub min: Option<u64>,
    pub max: Option<u64>,
    pub avpkt: Option<u64>,
    pub probability: Option<f64>,
    pub ecn: bool,
}

impl Other {
    pub(super) fn parse(kind: &str, words: &mut Words<'_>) -> Result<Self, Diagnostic> {
        match kind {
            "tbf" => tbf(words),
            "pfifo" => limit_only(kind, words, 1000, count).map(|limit| Self::Pfifo { limit }),
            "bfifo" => limit_only(kind, words, 1_500_000, size).map(|limit| Self::Bfifo { limit }),
            "pie" => pie(words),
            "red" => red(words),
            _ => codel(kind == "fq_codel", words),
        }
    }
}

const PACKETS: &str = "a number of packets";
const TIME: &str = "a time such as `5ms`";
const SIZE: &str = "a size such as `32kb`";
const GAIN: &str = "a gain in sixteenths";

fn tbf(words: &mut Words<'_>) -> Result<Other, Diagnostic> {
    let (mut bits, mut burst, mut limit, mut latency) = (None, None, None, None);
    while let Some(option) = words.next() {
        let name = option.text.as_str();
        match name {
            "rate" => bits = Some(words.read(name, "a rate such as `1mbit`", rate)?),
            "burst" | "buffer" | "maxburst" => {
                // `32kb/8` gives the size of a cell as well.
                let bytes = |text: &str| size(text.split('/').next()?);
                burst = Some(words.read(name, SIZE, bytes)?);
            }
            "limit" => limit = Some(words.read(name, SIZE, size)?),
            "latency" => latency = Some(words.read(name, TIME, time32)?),
            "mtu" | "minburst" => {
                words.read(name, SIZE, |text| size(text.split('/').next()?))?;
            }
            "peakrate" | "mpu" | "overhead" | "linklayer" => {
                return Err(words.at(option, format!("`{name}` of tbf is not supported")));
            }
            _ => {
                let known = ["rate", "burst", "limit", "latency"];
                return Err(words.unknown(option, "option of tbf", &known));
            }
        }
    }
    let (Some(rate), Some(burst)) = (bits, burst) else {
        return Err(words.after("tbf needs both `rate` and `burst`"));
    };
    if limit.is_some() == latency.is_some() {
        return Err(words.after("tbf needs either `limit` or `latency`"));
    }
    if rate == 0 {
        return Err(words.after("the rate of tbf is zero"));
    }
    Ok(Other::Tbf {
        rate,
        burst,
        limit,
        latency,
    })
}

fn limit_only(
    kind: &str,
    words: &mut Words<'_>,
    default: u64,
    parse: fn(&str) -> Option<u64>,
) -> Result<u64, Diagnostic> {
    let mut limit = default;
    while let Some(option) = words.next() {
        if option.text != "limit" {
            return Err(words.unknown(option, &format!("option of {kind}"), &["limit"]));
        }
        limit = words.read("limit", "a limit", parse)?;
    }
    Ok(limit)
}

fn codel(fair: bool, words: &mut Words<'_>) -> Result<Other, Diagnostic> {
    let mut codel = Codel {
        fair,
        ..Codel::default()
    };
    while let Some(option) = words.next() {
        let name = option.text.as_str();
        match name {
            "limit" => codel.limit = Some(words.read(name, PACKETS, count)?),
            "flows" if fair => codel.flows = Some(words.read(name, "a number of flows", count)?),
            "quantum" if fair => codel.quantum = Some(words.read(name, SIZE, size)?),
            "target" => codel.target = Some(words.read(name, TIME, time32)?),
            "interval" => codel.interval = Some(words.read(name, TIME, time32)?),
            "ce_threshold" => codel.ce_threshold = Some(words.read(name, TIME, time32)?),
            "ecn" => codel.ecn = Some(true),
            "noecn" => codel.ecn = Some(false),
            "memory_limit" if fair => {
                words.read(name, SIZE, size)?;
            }
            _ => {
                let known = [
                    "limit",
                    "flows",
                    "quantum",
                    "target",
                    "interval",
                    "ce_threshold",
                    "ecn",
                    "noecn",
                ];
                let kind = if fair { "fq_codel" } else { "codel" };
                return Err(words.unknown(option, &format!("option of {kind}"), &known));
            }
        }
    }
    Ok(Other::Codel(codel))
}

fn pie(words: &mut Words<'_>) -> Result<Other, Diagnostic> {
    let mut pie = Pie::default();
    while let Some(option) = words.next() {
        let name = option.text.as_str();
        match name {
            "limit" => pie.limit = Some(words.read(name, PACKETS, count)?),
            "target" => pie.target = Some(words.read(name, TIME, time32)?),
            "tupdate" => pie.tupdate = Some(words.read(name, TIME, time32)?),
            "alpha" => pie.alpha = Some(words.read(name, GAIN, count)?),
            "beta" => pie.beta = Some(words.read(name, GAIN, count)?),
            "ecn" => pie.ecn = true,
            "noecn" => pie.ecn = false,
            _ => {
                let known = [
                    "limit", "target", "tupdate", "alpha", "beta", "ecn", "noecn",
                ];
                return Err(words.unknown(option, "option of pie", &known));
            }
        }
    }
    Ok(Other::Pie(pie))
}

fn red(words: &mut Words<'_>) -> Result<Other, Diagnostic> {
    let (mut red, mut limit) = (Red::default(), None);
    while let Some(option) = words.next() {
        let name = option.text.as_str();
        match name {
            "limit" => limit = Some(words.read(name, SIZE, size)?),
            "min" => red.min = Some(words.read(name, SIZE, size)?),
            "max" => red.max = Some(words.read(name, SIZE, size)?),
            "avpkt" => red.avpkt = Some(words.read(name, SIZE, size)?),
            "probability" => {
                // A fraction here, not per cent.
                let fraction = |text: &str| text.parse().ok().filter(|p| (0.0..=1.0).contains(p));
                red.probability =
                    Some(words.read(name, "a probability such as `0.02`", fraction)?);
            }
            "burst" => {
                words.read(name, PACKETS, count)?;
            }
            "bandwidth" => {
                words.read(name, "a rate such as `1mbit`", rate)?;
            }
            "ecn" => red.ecn = true,
            "harddrop" | "nodrop" | "adaptive" => {
                return Err(words.at(option, format!("`{name}` of red is not supported")));
            }
            _ => {
                let known = [
                    "limit",
                    "min",
                    "max",
                    "avpkt",
                    "burst",
                    "probability",
                    "bandwidth",
                    "ecn",
                ];
                return Err(words.unknown(option, "option of red", &known));
            }
        }
    }
    red.limit = limit.ok_or_else(|| words.after("red needs `limit`"))?;
    Ok(Other::Red(red))
}
