//! The opening of a connection: its first three segments and their timer.
//!
//! Implements: RFC 9293 section 3.5 with the timer of RFC 6298 section 2.1, 1 s
//! and doubling, and six retransmissions as Linux (`tcp_syn_retries`).

use weaknet_core::{Span, Time};

const FIRST_TIMEOUT: Span = Span::from_secs(1);
const RETRIES: u32 = 6;

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// It is not there, or has been given up.
    Closed,
    /// The first segment is to be sent at a time, for the n-th time.
    Syn(Time, u32),
    /// The answer has been sent.
    Answered,
    /// It is open.
    Open,
}

impl Opening {
    /// Begins to open.
    pub(super) const fn begin(now: Time) -> Self {
        Self::Syn(now, 0)
    }

    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::Open)
    }

    /// Whether the first segment is due now; goes on to the next time.
    pub(super) fn poll(&mut self, now: Time) -> bool {
        let Self::Syn(at, sent) = *self else {
            return false;
        };
        if at > now {
            return false;
        }
        if sent > RETRIES {
            *self = Self::Closed;
            return false;
        }
        *self = Self::Syn(now + FIRST_TIMEOUT * (1 << sent), sent + 1);
        true
    }

    /// When it wants to be polled.
    pub(super) const fn next(self) -> Option<Time> {
        match self {
            Self::Syn(at, _) => Some(at),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_segment_is_sent_seven_times_within_a_minute() {
        let mut opening = Opening::begin(Time::ZERO);
        let mut sent = Vec::new();
        while let Some(at) = opening.next() {
            if opening.poll(at) {
                sent.push(at.as_nanos() / 1_000_000_000);
            }
        }
        assert_eq!(sent, [0, 1, 3, 7, 15, 31, 63]);
        assert_eq!(opening, Opening::Closed);
    }
}
