//! Audio packets for tests.

use weaknet_core::packet::{Media, Picture, Rtp, RtpKind};
use weaknet_core::{Plugin, Span, Time};

use super::AudioProtection;
use crate::fec::test_support::build;
use crate::fec::{Fec, Scheme};

pub(super) const MS20: Span = Span::from_millis(20);

/// A packet of 20 ms of a stream without a pause.
pub(super) fn opus(seq: u64, payload: u16) -> Rtp {
    Rtp {
        media: Media::Audio,
        kind: RtpKind::Media,
        seq,
        transport_seq: 0,
        timestamp: seq * 960,
        frame: seq,
        part: 0,
        parts: 1,
        key: true,
        payload,
        picture: Picture::default(),
        captured: Time::from_millis(seq * 20),
    }
}

/// The scheme alone.
pub(super) fn scheme<P: Plugin<Kind = Fec>>(config: &P) -> AudioProtection {
    let mut protection = AudioProtection::default();
    let Scheme::Audio(scheme) = build(config) else {
        panic!("no scheme for audio");
    };
    protection.add(scheme).unwrap();
    protection
}
