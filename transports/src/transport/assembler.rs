//! Puts video frames together from their packets.
//!
//! Implements: the role of libwebrtc's video packet buffer
//! (`modules/video_coding/packet_buffer.cc`, 2026-07): packets of frames that
//! are not complete are held in a ring of at most [`FrameAssembler::CAPACITY`]
//! sequence numbers; a packet that does not fit is thrown away with everything
//! else, and a key frame is needed.
//! Differs: a packet does not fit when the oldest one held is a whole ring
//! behind, even if its own place is free; what was thrown away is given up for
//! good.

use std::collections::VecDeque;

use weaknet_core::Time;
use weaknet_core::packet::{Rtp, RtpKind};

use crate::jitter::CompleteFrame;

/// Frames further ahead of the oldest open one make no sense.
const MAX_AHEAD: u64 = 1 << 16;

#[derive(Debug, Clone)]
struct Partial {
    received: Vec<u64>,
    missing: u16,
    /// Lowest sequence number received.
    lowest: u64,
    size: u32,
    first_arrived: Time,
    retransmitted: bool,
    first_sent: Time,
}

/// Frames that are being put together, by frame number.
#[derive(Debug, Clone, Default)]
pub struct FrameAssembler {
    /// `None`: not seen.
    frames: VecDeque<Option<Partial>>,
    /// Number of the first frame of `frames`.
    base: u64,
    /// Nothing that is held has a lower sequence number.
    oldest: u64,
    spare: Vec<Vec<u64>>,
}

/// What a packet did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assembly {
    /// The packet was here before, or its frame is over.
    Known,
    /// The packet is new, its frame is not complete yet.
    Partial,
    /// The packet was the last missing one. With it the instant when the
    /// frame's first packet was sent, for observers only.
    Complete(CompleteFrame, Time),
    /// The packet does not fit: the receiver shall give up on all frames up to
    /// its own.
    Overflow,
}

impl FrameAssembler {
    /// Most sequence numbers from the oldest to the newest packet held.
    pub const CAPACITY: u64 = 2048;

    /// Takes a media packet in; `repaired` when its frame has to count as
    /// delayed by repair.
    pub fn on_packet(&mut self, now: Time, rtp: &Rtp, sent: Time, repaired: bool) -> Assembly {
        let Some(index) = rtp.frame.checked_sub(self.base) else {
            return Assembly::Known;
        };
        if rtp.parts == 0 || rtp.part >= rtp.parts {
            return Assembly::Known;
        }
        if index > MAX_AHEAD {
            return Assembly::Overflow;
        }
        let index = index as usize;
        while self.frames.len() <= index {
            self.frames.push_back(None);
        }
        if self.is_full_for(rtp.seq) {
            return Assembly::Overflow;
        }
        let slot = &mut self.frames[index];
        let partial = match slot {
            Some(partial) if partial.missing == 0 => return Assembly::Known,
            Some(partial) => partial,
            None => {
                let mut received = self.spare.pop().unwrap_or_default();
                received.clear();
                received.resize(usize::from(rtp.parts).div_ceil(64), 0);
                slot.insert(Partial {
                    received,
                    missing: rtp.parts,
                    lowest: rtp.seq,
                    size: 0,
                    first_arrived: now,
                    retransmitted: false,
                    first_sent: sent,
                })
            }
        };
        let (word, bit) = (usize::from(rtp.part / 64), 1u64 << (rtp.part % 64));
        if word >= partial.received.len() || partial.received[word] & bit != 0 {
            return Assembly::Known;
        }
        partial.received[word] |= bit;
        partial.missing -= 1;
        partial.lowest = partial.lowest.min(rtp.seq);
        partial.size = partial.size.saturating_add(u32::from(rtp.payload));
        partial.retransmitted |= repaired;
        if rtp.kind == RtpKind::Media {
            partial.first_sent = partial.first_sent.min(sent);
        }
        self.oldest = self.oldest.min(rtp.seq);
        if partial.missing > 0 {
            return Assembly::Partial;
        }
        let first_seq = rtp.seq.saturating_sub(u64::from(rtp.part));
        let frame = CompleteFrame {
            frame: rtp.frame,
            reference: (!rtp.key).then(|| {
                let distance = u64::from(rtp.picture.reference);
                rtp.frame.saturating_sub(distance)
            }),
            timestamp: rtp.timestamp,
            size: partial.size,
            first_arrived: partial.first_arrived,
            complete: now,
            retransmitted: partial.retransmitted,
            seqs: (
                first_seq,
                first_seq.saturating_add(u64::from(rtp.parts) - 1),
            ),
            picture: rtp.picture,
        };
        let first_sent = partial.first_sent;
        self.spare.push(std::mem::take(&mut partial.received));
        Assembly::Complete(frame, first_sent)
    }

    /// Whether something held is a whole ring behind `seq`.
    fn is_full_for(&mut self, seq: u64) -> bool {
        let full = |oldest: u64| seq.saturating_sub(oldest) >= Self::CAPACITY;
        if !full(self.oldest) {
            return false;
        }
        // Frames and sequence numbers ascend together.
        let mut held = self.frames.iter().flatten();
        self.oldest = held
            .find(|partial| partial.missing > 0)
            .map_or(seq, |partial| partial.lowest.min(seq));
        full(self.oldest)
    }

    /// Everything up to `frame` is decoded or given up. Numbers of the frames
    /// that were not complete go to `incomplete`.
    pub fn clear_up_to(&mut self, frame: u64, incomplete: &mut Vec<u64>) {
        while self.base <= frame {
            match self.frames.pop_front() {
                Some(Some(partial)) if partial.missing > 0 => {
                    incomplete.push(self.base);
                    self.spare.push(partial.received);
                }
                Some(None) => incomplete.push(self.base),
                Some(Some(_)) => {}
                None => {
                    self.base = frame.saturating_add(1);
                    return;
                }
            }
            self.base = self.base.saturating_add(1);
        }
    }
}

#[cfg(test)]
#[path = "assembler_tests.rs"]
mod tests;
