//! Which packets are lost, and whether that is congestion.
//!
//! Implements: ScreamV2Tx: what is missing 512 packets behind the newest of the
//! report before is lost. A report looks at as many packets there as it is ahead
//! of the one before, at most 32; so a report that is shorter than the one
//! before leaves losses out. The average share of losses runs over packets with
//! a weight of at most 1/400.
//! Differs: one look per report; there one more at each last packet of a frame.

use std::collections::VecDeque;

use crate::cc::Feedback;

/// A packet this far behind the newest reported one is lost.
const WINDOW: u64 = 512;
/// Most packets that a report looks at there.
const LONGEST_LOOK: u64 = 32;
/// Share of losses from which they are congestion even without delay.
const THRESHOLD: f64 = 0.01;

/// Packets that are missing, and the share of losses.
#[derive(Debug, Clone)]
pub(super) struct LossDetector {
    missing: VecDeque<u64>,
    highest: u64,
    rate: f64,
}

impl Default for LossDetector {
    fn default() -> Self {
        Self {
            missing: VecDeque::with_capacity(2 * WINDOW as usize),
            highest: 0,
            rate: 0.0,
        }
    }
}

impl LossDetector {
    /// Takes a report in; whether it settles that a packet is lost.
    /// `segment_share` is the share of the window that one packet takes.
    pub(super) fn on_report(&mut self, feedback: &Feedback<'_>, segment_share: f64) -> bool {
        let gain = (THRESHOLD / 4.0).min(segment_share / 2.0);
        let before = self.highest;
        for packet in feedback.packets {
            let number = packet.sent.number;
            self.highest = self.highest.max(number);
            if packet.received.is_none() {
                self.missing.push_back(number);
            } else {
                if packet.recovered {
                    self.missing.retain(|missing| *missing != number);
                }
                self.rate -= gain * self.rate;
            }
        }
        let end = before.saturating_sub(WINDOW);
        let start = end.saturating_sub((self.highest - before).min(LONGEST_LOOK));
        let mut lost = false;
        while let Some(number) = self.missing.pop_front_if(|number| *number < end) {
            if number >= start {
                self.rate += gain * (1.0 - self.rate);
                lost = true;
            }
        }
        lost
    }

    /// Whether so much is lost that it is congestion.
    pub(super) fn is_frequent(&self) -> bool {
        self.rate > THRESHOLD
    }

    pub(super) const fn rate(&self) -> f64 {
        self.rate
    }
}
