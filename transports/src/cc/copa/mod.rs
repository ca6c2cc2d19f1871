//! Copa: steers the sending rate towards one over delta times the queueing
//! delay, so that a flow alone keeps about 1/delta packets in the queue; when
//! the queue never empties, something else fills it, and delta becomes as
//! aggressive as its loss allows.
//!
//! Implements: the rules of "Copa: Practical Delay-Based Congestion Control for
//! the Internet" (Arun and Balakrishnan, NSDI 2018), section 2, as its authors'
//! code (genericCC, 18299d6) and mvfst (00e67c1b) agree on them: the profile of
//! the paper by default, what the two do differently by a flag each.
//! Differs: the smoothed round trip has the gain of 1/8 of RFC 6298, the
//! authors' 1/16. The velocity never lets the window more than double in a
//! round trip; the paper's text does not say so, the authors' code does. A
//! packet that was sent while the application left half of the window unused
//! does not let it grow. A retransmission timeout and persistent congestion
//! shrink the window to its minimum and begin slow start anew.
//! It follows from the rules that a queue which takes longer than five round
//! trips to drain, be it of a link that has become slower or of a flow that
//! joins, is taken for competition too.
//! Not modelled: ECN; the rate of the authors' ten first packets.

mod controller;
mod delay;
mod heavy_loss;
mod mode;
#[cfg(test)]
mod tests;
mod velocity;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Bytes, Plugin, Span};

use crate::cc::bbr::check;
use crate::cc::{CongestionControl, CongestionController};

/// Copa; sections are those of the paper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Copa {
    /// Largest packet until the path tells, in bytes of the wire (1500 bytes).
    pub mss: Bytes,
    /// Packets in flight at the start (10; the authors' code).
    pub initial_window: u32,
    /// Least packets in flight (2; the authors' code).
    pub min_window: u32,
    /// One over the packets that a flow wants to have in the queue, and the
    /// largest value in competitive mode (0.5; section 2.1).
    pub delta: f64,
    /// Whether to compete with flows that fill the buffer (true; section 2.2).
    pub mode_switching: bool,
    /// Time over which the shortest round trip is remembered (10 s; section
    /// 2.1).
    pub min_rtt_window: Span,
    /// Share of the spread of round trips below which the queue counts as
    /// nearly empty (0.1; section 2.2).
    pub nearly_empty: f64,
    /// Smoothed round trips over which the longest one is remembered for that
    /// (4; section 2.2).
    pub max_rtt_window_rtts: u32,
    /// Smoothed round trips without a nearly empty queue until competitive
    /// mode (5; section 2.2).
    pub competitive_after_rtts: u32,
    /// Whether the velocity doubles when a direction first repeats itself, as
    /// in the authors' code, not at the third time (false).
    pub velocity_from_start: bool,
    /// Whether more than 30 % of lost packets over two round trips cut the
    /// window to 0.7, as in the authors' code (false).
    pub heavy_loss_cut: bool,
    /// Whether to work as mvfst does: with the latest round trip in place of
    /// the standing one, the smoothed one for pacing, velocity back to 1 as
    /// soon as the direction changes, and no competitive mode (false). Its
    /// delta is 0.05.
    pub mvfst: bool,
}

impl Default for Copa {
    fn default() -> Self {
        Self {
            mss: Bytes::new(1_500),
            initial_window: 10,
            min_window: 2,
            delta: 0.5,
            mode_switching: true,
            min_rtt_window: Span::from_secs(10),
            nearly_empty: 0.1,
            max_rtt_window_rtts: 4,
            competitive_after_rtts: 5,
            velocity_from_start: false,
            heavy_loss_cut: false,
            mvfst: false,
        }
    }
}

impl Plugin for Copa {
    type Kind = CongestionControl;
    const NAME: &'static str = "copa";
    const SUMMARY: &'static str =
        "Copa: a rate inverse to queueing delay, competitive beside buffer fillers";
    const REFERENCES: &'static [&'static str] = &[
        "Arun, Balakrishnan: Copa, NSDI 2018",
        "venkatarun95/genericCC, 18299d6",
        "facebook/mvfst, Copa.cpp, 00e67c1b",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        self.validate()?;
        Ok(Box::new(controller::Controller::new(self)))
    }
}

impl Copa {
    fn validate(&self) -> Result<(), BuildError> {
        let most_packets = 1e6;
        for (name, value, least, most) in [
            ("mss", self.mss.get() as f64, 100.0, 65_535.0),
            ("min_window", f64::from(self.min_window), 1.0, 1e3),
            (
                "initial_window",
                f64::from(self.initial_window),
                f64::from(self.min_window),
                most_packets,
            ),
            ("delta", self.delta, 0.001, 10.0),
            ("nearly_empty", self.nearly_empty, 0.0, 1.0),
            (
                "max_rtt_window_rtts",
                f64::from(self.max_rtt_window_rtts),
                1.0,
                1e3,
            ),
            (
                "competitive_after_rtts",
                f64::from(self.competitive_after_rtts),
                1.0,
                1e3,
            ),
        ] {
            check(name, value, least, most)?;
        }
        Ok(())
    }
}
