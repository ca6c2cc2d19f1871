//! Puts video frames together from their packets.
//!
//! Implements: the role of libwebrtc's video packet buffer (2026-01): at most
//! [`FrameAssembler::CAPACITY`] packets are held for frames that are not
//! complete; when there are more, everything is thrown away and a key frame is
//! needed.

use std::collections::VecDeque;

use weaknet_core::Time;
use weaknet_core::packet::{Rtp, RtpKind};

use crate::jitter::CompleteFrame;

#[derive(Debug, Clone)]
struct Partial {
    received: Vec<u64>,
    missing: u16,
    size: u32,
    first_arrived: Time,
    retransmitted: bool,
    first_sent: Time,
}

/// Frames that are being put together, by frame number.
#[derive(Debug, Clone, Default)]
pub struct FrameAssembler {
    /// `None`: not seen, complete or given up.
    frames: VecDeque<Option<Partial>>,
    /// Number of the first frame of `frames`.
    base: u64,
    held: usize,
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
    /// Too much is held for frames that are not complete: the receiver shall
    /// give up on all of them.
    Overflow,
}

impl FrameAssembler {
    /// Most packets held.
    pub const CAPACITY: usize = 2048;

    /// Takes a media packet in; `repaired` when it came by retransmission or
    /// forward error correction.
    pub fn on_packet(&mut self, now: Time, rtp: &Rtp, sent: Time, repaired: bool) -> Assembly {
        let Some(index) = rtp.frame.checked_sub(self.base) else {
            return Assembly::Known;
        };
        if index > Self::CAPACITY as u64 || rtp.parts == 0 || rtp.part >= rtp.parts {
            return Assembly::Known;
        }
        let index = index as usize;
        while self.frames.len() <= index {
            self.frames.push_back(None);
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
        partial.size += u32::from(rtp.payload);
        partial.retransmitted |= repaired;
        if rtp.kind == RtpKind::Media {
            partial.first_sent = partial.first_sent.min(sent);
        }
        self.held += 1;
        if partial.missing > 0 {
            return if self.held > Self::CAPACITY {
                Assembly::Overflow
            } else {
                Assembly::Partial
            };
        }
        let first_seq = rtp.seq.saturating_sub(u64::from(rtp.part));
        let frame = CompleteFrame {
            frame: rtp.frame,
            reference: if rtp.key {
                None
            } else {
                rtp.frame.checked_sub(1)
            },
            timestamp: rtp.timestamp,
            size: partial.size,
            first_arrived: partial.first_arrived,
            complete: now,
            retransmitted: partial.retransmitted,
            seqs: (first_seq, first_seq + u64::from(rtp.parts) - 1),
        };
        let first_sent = partial.first_sent;
        self.held -= usize::from(rtp.parts);
        self.spare.push(std::mem::take(&mut partial.received));
        Assembly::Complete(frame, first_sent)
    }

    /// Everything up to `frame` is decoded or given up. Numbers of the frames
    /// that were begun and never completed go to `incomplete`.
    pub fn clear_up_to(&mut self, frame: u64, incomplete: &mut Vec<u64>) {
        while self.base <= frame {
            match self.frames.pop_front() {
                Some(Some(partial)) if partial.missing > 0 => {
                    let received: u32 = partial.received.iter().map(|w| w.count_ones()).sum();
                    self.held -= received as usize;
                    incomplete.push(self.base);
                    self.spare.push(partial.received);
                }
                Some(None) => incomplete.push(self.base),
                Some(Some(_)) => {}
                None => {
                    self.base = frame + 1;
                    return;
                }
            }
            self.base += 1;
        }
    }
}
