//! What a flow has to send: always something, a constant rate, or an encoder
//! that obeys its target.

use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::PACKET;
use crate::cc::CcOutput;

/// 30 frames per second.
const FRAME: Span = Span::from_nanos(33_333_333);
/// The encoder skips frames while more than this waits to be sent.
const LONGEST_QUEUE: Span = Span::from_millis(500);

/// What the application has to send.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// Always something.
    Greedy,
    /// Packets at a constant rate.
    Constant {
        /// Time between two packets.
        every: Span,
        /// When the next one is there.
        next: Time,
    },
    /// What an encoder makes.
    Encoder(Encoder),
}

/// Makes frames at the target, at most at a rate of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Encoder {
    most: Bitrate,
    next_frame: Time,
    /// Bytes of frames that wait or do not make a whole packet yet.
    waiting: Bytes,
}

impl Source {
    /// A constant rate; `None`: always something.
    pub(super) fn constant(now: Time, rate: Option<Bitrate>) -> Self {
        rate.map_or(Self::Greedy, |rate| Self::Constant {
            every: rate.time_for(PACKET),
            next: now,
        })
    }

    /// An encoder that needs no more than `most`.
    pub(super) const fn encoder(now: Time, most: Bitrate) -> Self {
        Self::Encoder(Encoder {
            most,
            next_frame: now,
            waiting: Bytes::ZERO,
        })
    }

    /// Bounds the rate from now on.
    pub(super) fn limit(&mut self, now: Time, rate: Option<Bitrate>) {
        match self {
            Self::Encoder(encoder) => encoder.most = rate.unwrap_or(Bitrate::MAX),
            _ => *self = Self::constant(now, rate),
        }
    }

    /// Whether it is an encoder's.
    pub(super) const fn is_media(&self) -> bool {
        matches!(self, Self::Encoder(_))
    }

    /// When the next frame is due.
    pub(super) const fn next_frame(&self) -> Option<Time> {
        match self {
            Self::Encoder(encoder) => Some(encoder.next_frame),
            _ => None,
        }
    }

    /// When there is a packet to send; `None`: not before the next frame.
    pub(super) fn ready(&self) -> Option<Time> {
        match self {
            Self::Greedy => Some(Time::ZERO),
            Self::Constant { next, .. } => Some(*next),
            Self::Encoder(encoder) => (encoder.waiting >= PACKET).then_some(Time::ZERO),
        }
    }

    /// Bytes that wait to be sent.
    pub(super) const fn waiting(&self) -> Bytes {
        match self {
            Self::Encoder(encoder) => encoder.waiting,
            _ => Bytes::ZERO,
        }
    }

    /// The frame that is due at `now`, if any.
    pub(super) fn poll_frame(&mut self, now: Time, output: &CcOutput) -> Option<Bytes> {
        let Self::Encoder(encoder) = self else {
            return None;
        };
        if encoder.next_frame > now {
            return None;
        }
        encoder.next_frame += FRAME;
        let target = output.target.unwrap_or_default().min(encoder.most);
        if encoder.waiting > target.bytes_in(LONGEST_QUEUE) + PACKET {
            return None;
        }
        let frame = target.mul_f64(1.0 - output.frame_drop).bytes_in(FRAME);
        encoder.waiting += frame;
        Some(frame)
    }

    /// Takes the next packet away. Whether the application has no more now.
    pub(super) fn take(&mut self, now: Time) -> bool {
        match self {
            Self::Greedy => false,
            Self::Constant { every, next } => {
                *next += *every;
                *next > now
            }
            Self::Encoder(encoder) => {
                encoder.waiting = encoder.waiting - PACKET;
                encoder.waiting < PACKET
            }
        }
    }
}
