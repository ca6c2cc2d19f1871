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
    Codel {
        fair: bool,
        limit: Option<u64>,
        flows: Option<u64>,
        quantum: Option<u64>,
        target: Option<u64>,
        interval: Option<u64>,
        ce_threshold: Option<u64>,
        ecn: Option<bool>,
    },
    /// PIE.
    Pie {
        limit: Option<u64>,
        target: Option<u64>,
        tupdate: Option<u64>,
        /// Gains in sixteenths per second.
        alpha: Option<u64>,
        beta: Option<u64>,
        ecn: bool,
    },
    /// RED.
    Red {
        limit: u64,
        min: Option<u64>,
        max: Option<u64>,
        avpkt: Option<u64>,
        probability: Option<f64>,
        ecn: bool,
    },
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
    let (mut limit, mut flows, mut quantum) = (None, None, None);
    let (mut target, mut interval, mut ecn) = (None, None, None);
    let mut ce_threshold = None;
    while let Some(option) = words.next() {
        let name = option.text.as_str();
        match name {
            "limit" => limit = Some(words.read(name, PACKETS, count)?),
            "flows" if fair => flows = Some(words.read(name, "a number of flows", count)?),
            "quantum" if fair => quantum = Some(words.read(name, SIZE, size)?),
            "target" => target = Some(words.read(name, TIME, time32)?),
            "interval" => interval = Some(words.read(name, TIME, time32)?),
            "ce_threshold" => ce_threshold = Some(words.read(name, TIME, time32)?),
            "ecn" => ecn = Some(true),
            "noecn" => ecn = Some(false),
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
    Ok(Other::Codel {
        fair,
        limit,
        flows,
        quantum,
        target,
        interval,
        ce_threshold,
        ecn,
    })
}

fn pie(words: &mut Words<'_>) -> Result<Other, Diagnostic> {
    let (mut limit, mut target, mut tupdate, mut ecn) = (None, None, None, false);
    let (mut alpha, mut beta) = (None, None);
    while let Some(option) = words.next() {
        let name = option.text.as_str();
        match name {
            "limit" => limit = Some(words.read(name, PACKETS, count)?),
            "target" => target = Some(words.read(name, TIME, time32)?),
            "tupdate" => tupdate = Some(words.read(name, TIME, time32)?),
            "alpha" => alpha = Some(words.read(name, GAIN, count)?),
            "beta" => beta = Some(words.read(name, GAIN, count)?),
            "ecn" => ecn = true,
            "noecn" => ecn = false,
            _ => {
                let known = [
                    "limit", "target", "tupdate", "alpha", "beta", "ecn", "noecn",
                ];
                return Err(words.unknown(option, "option of pie", &known));
            }
        }
    }
    Ok(Other::Pie {
        limit,
        target,
        tupdate,
        alpha,
        beta,
        ecn,
    })
}

fn red(words: &mut Words<'_>) -> Result<Other, Diagnostic> {
    let (mut limit, mut min, mut max, mut avpkt) = (None, None, None, None);
    let (mut probability, mut ecn) = (None, false);
    while let Some(option) = words.next() {
        let name = option.text.as_str();
        match name {
            "limit" => limit = Some(words.read(name, SIZE, size)?),
            "min" => min = Some(words.read(name, SIZE, size)?),
            "max" => max = Some(words.read(name, SIZE, size)?),
            "avpkt" => avpkt = Some(words.read(name, SIZE, size)?),
            "probability" => {
                // A fraction here, not per cent.
                let fraction = |text: &str| text.parse().ok().filter(|p| (0.0..=1.0).contains(p));
                probability = Some(words.read(name, "a probability such as `0.02`", fraction)?);
            }
            "burst" => {
                words.read(name, PACKETS, count)?;
            }
            "bandwidth" => {
                words.read(name, "a rate such as `1mbit`", rate)?;
            }
            "ecn" => ecn = true,
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
    let Some(limit) = limit else {
        return Err(words.after("red needs `limit`"));
    };
    Ok(Other::Red {
        limit,
        min,
        max,
        avpkt,
        probability,
        ecn,
    })
}
