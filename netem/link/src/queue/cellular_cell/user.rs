//! A user's bearer: its queue and its radio channel.

use std::collections::VecDeque;

use weaknet_core::rng::Draws;
use weaknet_core::{Bitrate, Span, Time};

use super::Fading;
use crate::model::Queued;
use crate::queue::waiting::Waiting;

/// Volumes are in bits times nanoseconds per second, so that nothing is rounded.
const NANOS: u128 = 1_000_000_000;

/// A user that has had something to send.
pub(super) struct User {
    pub(super) waiting: Waiting,
    /// What has been sent of the first packet.
    progress: u128,
    channel: Channel,
    /// Bits that it got in the slot that is being given out.
    pub(super) got: f64,
    /// Exponential mean of that, over so many slots.
    pub(super) mean: f64,
    memory: f64,
    /// Number of the slot in which it was served last, from 1; 0: never.
    pub(super) last_served: u64,
}

impl User {
    pub(super) fn new(channel: Channel, memory: f64) -> Self {
        Self {
            waiting: Waiting::default(),
            progress: 0,
            channel,
            got: 0.0,
            mean: 0.0,
            memory,
            last_served: 0,
        }
    }

    /// When its first packet arrived.
    pub(super) fn head(&self) -> Option<Time> {
        self.waiting.head().map(|head| head.arrived)
    }

    /// So many slots are over; in the last of them it got `got`.
    pub(super) fn age(&mut self, slots: u64) {
        if slots > 0 && (self.mean > 0.0 || self.got > 0.0) {
            let decay = libm::pow(1.0 - 1.0 / self.memory, slots as f64);
            self.mean = decay * self.mean + self.got / self.memory;
            self.got = 0.0;
        }
    }

    /// Its rate in a slot.
    pub(super) fn rate(&mut self, slot: u64) -> Bitrate {
        self.channel.rate(slot)
    }

    /// Sends packets that arrived by `known` for at most `time` at a rate, into
    /// `done`. Returns the time that is left.
    pub(super) fn serve(
        &mut self,
        rate: Bitrate,
        mut time: Span,
        known: Time,
        done: &mut VecDeque<Queued>,
    ) -> Span {
        let rate = u128::from(rate.as_bps());
        while let Some(head) = self.waiting.head().filter(|head| head.arrived <= known) {
            let volume = u128::from(head.packet.size) * 8 * NANOS;
            let needed = volume.saturating_sub(self.progress).div_ceil(rate.max(1));
            if rate == 0 || needed > u128::from(time.as_nanos()) {
                self.progress += rate * u128::from(time.as_nanos());
                return Span::ZERO;
            }
            time = time - Span::from_nanos(needed as u64);
            self.progress = (self.progress + rate * needed).saturating_sub(volume);
            done.extend(self.waiting.pop());
        }
        // Nothing left: what was rounded up is lost.
        self.progress = 0;
        time
    }
}

/// The rate of a user over time.
pub(super) struct Channel {
    rate: Bitrate,
    fading: Option<(Fading, Draws)>,
    /// Whether the channel is in its bad state in slot `slot`.
    bad: bool,
    slot: u64,
    /// Probabilities per slot to leave the good and the bad state.
    leave: (f64, f64),
}

impl Channel {
    pub(super) fn new(rate: Bitrate, slot: Span, fading: Option<(Fading, Draws)>) -> Self {
        let leave = fading.as_ref().map_or((0.0, 0.0), |(fading, _)| {
            let per_slot = |mean: Span| slot.as_secs_f64() / mean.as_secs_f64();
            (per_slot(fading.good), per_slot(fading.bad))
        });
        let share_bad = leave.0 / (leave.0 + leave.1);
        let bad = fading
            .as_ref()
            .is_some_and(|(_, draws)| draws.unit(0) < share_bad);
        Self {
            rate,
            fading,
            bad,
            slot: 0,
            leave,
        }
    }

    /// The rate in a slot; slots never fall.
    fn rate(&mut self, slot: u64) -> Bitrate {
        let Some((fading, draws)) = &self.fading else {
            return self.rate;
        };
        while self.slot < slot {
            self.slot += 1;
            let leave = if self.bad { self.leave.1 } else { self.leave.0 };
            if draws.unit(self.slot) < leave {
                self.bad = !self.bad;
            }
        }
        if self.bad {
            self.rate.mul_f64(fading.depth.as_f64())
        } else {
            self.rate
        }
    }
}
