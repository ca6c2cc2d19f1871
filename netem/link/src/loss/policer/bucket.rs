//! A token bucket in whole numbers.
//!
//! Implements: the bucket starts full and fills at its rate all the time, up to
//! its size; a packet conforms when there are as many tokens as it has bits.
//! Tokens are counted in bits times nanoseconds per second, so that nothing is
//! ever rounded (queues reference 1.8; equal to the token bucket of Linux
//! act_police, which fills lazily).

use weaknet_core::{Bitrate, Bytes, Time};

/// Tokens of one bit.
const BIT: u128 = 1_000_000_000;

/// A bucket that fills with time.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    rate: Bitrate,
    size: u128,
    tokens: u128,
    filled: Time,
}

/// Tokens that a number of bytes costs.
pub(super) const fn cost(bytes: u64) -> u128 {
    bytes as u128 * 8 * BIT
}

impl Bucket {
    pub(super) fn full(rate: Bitrate, size: Bytes) -> Self {
        let size = cost(size.get());
        Self {
            rate,
            size,
            tokens: size,
            filled: Time::ZERO,
        }
    }

    /// Fills it up to `now`, which never falls; returns what did not fit.
    pub(super) fn fill(&mut self, now: Time) -> u128 {
        let since = now.since(self.filled).as_nanos();
        self.filled = now;
        self.add(u128::from(since) * u128::from(self.rate.as_bps()))
    }

    /// Puts tokens in; returns what did not fit.
    pub(super) fn add(&mut self, tokens: u128) -> u128 {
        let room = self.size - self.tokens;
        self.tokens += tokens.min(room);
        tokens.saturating_sub(room)
    }

    pub(super) const fn has(&self, cost: u128) -> bool {
        self.tokens >= cost
    }

    /// Takes tokens out; all that there are if they are too few.
    pub(super) const fn take(&mut self, cost: u128) {
        self.tokens = self.tokens.saturating_sub(cost);
    }
}
