//! What traces are made of, whatever they are written in.

use weaknet_core::{Bitrate, Ratio, Span};

/// One thing that a trace says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// Bytes may leave at an instant.
    Opportunity(Opportunity),
    /// Conditions hold from an instant on.
    Segment(Segment),
    /// A video frame was encoded.
    Frame(Frame),
}

/// An instant at which bytes may leave the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opportunity {
    /// When, from the start of the trace. Never falls.
    pub at: Span,
    /// IP bytes that it carries.
    pub bytes: u64,
}

/// Conditions that hold from their start to that of the next segment. What a
/// trace does not say is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Segment {
    /// When it begins, from the start of the trace. The first is at zero.
    pub start: Span,
    /// Bits per second.
    pub rate: Option<Bitrate>,
    /// Share of packets that get lost.
    pub loss: Option<Ratio>,
    /// One-way delay.
    pub delay: Option<Span>,
    /// Delay variation.
    pub jitter: Option<Span>,
}

/// An encoded video frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Capture time from the first frame.
    pub at: Span,
    /// Its size.
    pub bytes: u64,
    /// Whether it is marked as a key frame (`I` or `K`).
    pub key: bool,
}

/// What the records of a trace are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Packet opportunities.
    Opportunities,
    /// Conditions over time.
    Segments,
    /// Frame sizes of a video encoder.
    Frames,
}

impl Kind {
    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opportunities => "opportunities",
            Self::Segments => "segments",
            Self::Frames => "frames",
        }
    }
}

/// A quantity that a segment can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// Bits per second.
    Rate,
    /// Share of packets lost.
    Loss,
    /// One-way delay.
    Delay,
    /// Delay variation.
    Jitter,
}

impl Quantity {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rate, Self::Loss, Self::Delay, Self::Jitter];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Loss => "loss",
            Self::Delay => "delay",
            Self::Jitter => "jitter",
        }
    }
}

impl Segment {
    /// Whether the segment says anything about a quantity.
    #[must_use]
    pub const fn has(&self, quantity: Quantity) -> bool {
        match quantity {
            Quantity::Rate => self.rate.is_some(),
            Quantity::Loss => self.loss.is_some(),
            Quantity::Delay => self.delay.is_some(),
            Quantity::Jitter => self.jitter.is_some(),
        }
    }
}
