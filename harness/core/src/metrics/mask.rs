//! Which events a metric set wants to see.

use std::ops::BitOr;

use weaknet_core::Event;

/// A set of event variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventMask(u64);

/// Number of variants told apart; the last one stands for all later ones.
pub(crate) const VARIANTS: usize = 33;

impl EventMask {
    /// Every event.
    pub const ALL: Self = Self(u64::MAX);
    /// [`Event::LinkArrive`].
    pub const LINK_ARRIVE: Self = Self(1);
    /// [`Event::LinkDrop`].
    pub const LINK_DROP: Self = Self(1 << 1);
    /// [`Event::LinkDeliver`].
    pub const LINK_DELIVER: Self = Self(1 << 2);
    /// [`Event::Sent`].
    pub const SENT: Self = Self(1 << 3);
    /// [`Event::Received`].
    pub const RECEIVED: Self = Self(1 << 4);
    /// [`Event::MediaUsable`].
    pub const MEDIA_USABLE: Self = Self(1 << 5);
    /// [`Event::FrameEncoded`].
    pub const FRAME_ENCODED: Self = Self(1 << 6);
    /// [`Event::FrameDropped`].
    pub const FRAME_DROPPED: Self = Self(1 << 7);
    /// [`Event::FrameRendered`].
    pub const FRAME_RENDERED: Self = Self(1 << 8);
    /// [`Event::KeyFrameRequested`].
    pub const KEY_FRAME_REQUESTED: Self = Self(1 << 9);
    /// [`Event::NackSent`].
    pub const NACK_SENT: Self = Self(1 << 10);
    /// [`Event::AudioPlayed`].
    pub const AUDIO_PLAYED: Self = Self(1 << 11);
    /// [`Event::Target`].
    pub const TARGET: Self = Self(1 << 12);
    /// [`Event::Gauge`].
    pub const GAUGE: Self = Self(1 << 13);
    /// [`Event::RttSample`].
    pub const RTT_SAMPLE: Self = Self(1 << 14);
    /// [`Event::Session`].
    pub const SESSION: Self = Self(1 << 15);
    /// [`Event::Paused`].
    pub const PAUSED: Self = Self(1 << 16);
    /// [`Event::LinkCopy`].
    pub const LINK_COPY: Self = Self(1 << 17);
    /// [`Event::Damaged`].
    pub const DAMAGED: Self = Self(1 << 18);

    /// [`Event::StreamDelivered`].
    pub const STREAM_DELIVERED: Self = Self(1 << 19);
    /// [`Event::TransferStarted`].
    pub const TRANSFER_STARTED: Self = Self(1 << 20);
    /// [`Event::TransferFinished`].
    pub const TRANSFER_FINISHED: Self = Self(1 << 21);
    /// [`Event::Retransmitted`].
    pub const RETRANSMITTED: Self = Self(1 << 22);
    /// [`Event::RetransmissionForgone`].
    pub const RETRANSMISSION_FORGONE: Self = Self(1 << 23);
    /// [`Event::MessageGiven`].
    pub const MESSAGE_GIVEN: Self = Self(1 << 24);
    /// [`Event::MessageDelivered`].
    pub const MESSAGE_DELIVERED: Self = Self(1 << 25);
    /// [`Event::AudioDecoded`].
    pub const AUDIO_DECODED: Self = Self(1 << 26);
    /// [`Event::AudioCount`].
    pub const AUDIO_COUNT: Self = Self(1 << 27);
    /// [`Event::FecRecovered`].
    pub const FEC_RECOVERED: Self = Self(1 << 28);
    /// [`Event::RedundancySent`].
    pub const REDUNDANCY_SENT: Self = Self(1 << 29);
    /// [`Event::Selected`].
    pub const SELECTED: Self = Self(1 << 30);
    /// [`Event::LinkLeft`].
    pub const LINK_LEFT: Self = Self(1 << 31);

    /// Whether the variant number `variant` is in the set.
    pub(crate) const fn has(self, variant: usize) -> bool {
        self.0 >> variant & 1 == 1
    }

    /// Whether this event is in the set.
    #[must_use]
    pub const fn contains(self, event: &Event) -> bool {
        self.has(variant(event))
    }
}

impl BitOr for EventMask {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The number of an event's variant.
pub(crate) const fn variant(event: &Event) -> usize {
    match event {
        Event::LinkArrive { .. } => 0,
        Event::LinkDrop { .. } => 1,
        Event::LinkDeliver { .. } => 2,
        Event::Sent { .. } => 3,
        Event::Received { .. } => 4,
        Event::MediaUsable { .. } => 5,
        Event::FrameEncoded { .. } => 6,
        Event::FrameDropped { .. } => 7,
        Event::FrameRendered { .. } => 8,
        Event::KeyFrameRequested { .. } => 9,
        Event::NackSent { .. } => 10,
        Event::AudioPlayed { .. } => 11,
        Event::Target { .. } => 12,
        Event::Gauge { .. } => 13,
        Event::RttSample { .. } => 14,
        Event::Session { .. } => 15,
        Event::Paused { .. } => 16,
        Event::LinkCopy { .. } => 17,
        Event::Damaged { .. } => 18,
        Event::StreamDelivered { .. } => 19,
        Event::TransferStarted { .. } => 20,
        Event::TransferFinished { .. } => 21,
        Event::Retransmitted { .. } => 22,
        Event::RetransmissionForgone { .. } => 23,
        Event::MessageGiven { .. } => 24,
        Event::MessageDelivered { .. } => 25,
        Event::AudioDecoded { .. } => 26,
        Event::AudioCount { .. } => 27,
        Event::FecRecovered { .. } => 28,
        Event::RedundancySent { .. } => 29,
        Event::Selected { .. } => 30,
        Event::LinkLeft { .. } => 31,
        _ => VARIANTS - 1,
    }
}
