//! A video call between two peers of str0m.
//!
//! Implements: both ends of a flow are instances of `str0m::Rtc` 0.25.0 (2026):
//! ICE, DTLS, SRTP, VP8 packets, transport-wide feedback, bandwidth estimation,
//! pacing, probing, NACK and retransmission are theirs. Their datagrams travel
//! over simulated links byte by byte, with an IPv4 and a UDP header in front.
//! The session descriptions are exchanged before the start, in no time.
//! What is ours: camera and encoder, a [`VideoSource`] that follows the estimate;
//! and the player, which shows a frame as soon as it is whole, and asks for a key
//! frame when one was missed.
//! Differs: a datagram of the DTLS handshake counts with its length rounded up
//! to a multiple of 32 B, see below.
//! Not modelled: audio; a jitter buffer (str0m has none); SRTP is real, so that
//! captures show encrypted payload.
//!
//! Same inputs, same results, though not the same bytes on the wire: keys come
//! from the operating system. They change no length but that of ECDSA
//! signatures in the handshake, which vary by some bytes, hence the rounding.
//! All other random numbers of str0m (ICE credentials, SSRCs, sequence numbers)
//! come from a generator that is seeded by the run.

mod datagram;
mod flow;
mod peer;
mod receiver;
mod sender;

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ::str0m::media::{Direction, MediaKind, Mid};
use ::str0m::{Candidate, Rtc, bwe};
use weaknet_core::packet::{FlowId, Leg, Packet};
use weaknet_core::{Bitrate, BuildError, Time};
use weaknet_harness::world::Ends;
use weaknet_transports::media::{VideoFormat, VideoSource};
use weaknet_transports::wire::Addresses;

pub use flow::ends;

use crate::instants::instant;
use datagram::StreamIds;
use peer::{Dice, Peer};
use receiver::Receiver;
use sender::Sender;

/// What a call is made of.
pub struct Str0mCall {
    /// The flow.
    pub flow: FlowId,
    /// When set-up begins.
    pub start: Time,
    /// When both ends fall silent.
    pub stop: Time,
    /// Camera and encoder.
    pub source: Box<dyn VideoSource>,
    /// What the scenario asks of the video.
    pub format: VideoFormat,
    /// str0m's first estimate.
    pub start_bitrate: Bitrate,
    /// Seeds str0m's random numbers, but for keys.
    pub seed: u64,
}

impl Str0mCall {
    /// Sender and receiver, which know each other's descriptions.
    ///
    /// # Errors
    /// When str0m refuses to negotiate.
    pub fn build(self) -> Result<Ends, BuildError> {
        let mut dice = Dice::new(self.seed);
        let (mut sending, mut receiving, mid) = dice.thrown(|| self.negotiate())?;
        let streams = stream_ids(&mut sending, mid);
        let desired = datagram::on_the_wire(self.format.max_bitrate);
        sending
            .bwe()
            .set_bitrate(bwe::Bitrate::ZERO, bwe::Bitrate::bps(desired.as_bps()));
        // Each change wants to be followed by a call for what comes of it.
        for rtc in [&mut sending, &mut receiving] {
            rtc.poll_output().map_err(refused)?;
        }
        let one = Arc::new(AtomicBool::new(false));
        let peer = |rtc, leg, dice| Peer::new(rtc, dice, self.flow, leg, streams, Arc::clone(&one));
        let other = peer(receiving, Leg::Return, Dice::new(!self.seed));
        let receiver = Receiver::new(other, mid, self.start, self.stop);
        let peer = peer(sending, Leg::Outward, dice);
        let sender = Sender::new(peer, mid, self);
        Ok((Box::new(sender), Box::new(receiver)))
    }

    /// Two instances after offer and answer, and the name of the video in them.
    fn negotiate(&self) -> Result<(Rtc, Rtc, Mid), BuildError> {
        let video = || Rtc::builder().clear_codecs().enable_vp8(true);
        let first = bwe::Bitrate::bps(self.start_bitrate.as_bps());
        let start = instant(self.start);
        let mut sending = video().enable_bwe(Some(first)).build(start);
        let mut receiving = video().build(start);
        for (rtc, leg) in [(&mut sending, Leg::Outward), (&mut receiving, Leg::Return)] {
            let (own, _) = addresses(self.flow, leg);
            rtc.add_local_candidate(Candidate::host(own, "udp").map_err(refused)?);
        }
        let mut change = sending.sdp_api();
        let mid = change.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
        let offered = change.apply();
        let (offer, pending) = offered.ok_or_else(|| refused("there is nothing to offer"))?;
        let answer = receiving.sdp_api().accept_offer(offer).map_err(refused)?;
        let accepted = sending.sdp_api().accept_answer(pending, answer);
        accepted.map_err(refused)?;
        Ok((sending, receiving, mid))
    }
}

fn refused(reason: impl Display) -> BuildError {
    BuildError::new(format!("str0m: {reason}"))
}

/// Own and the other's address of the end that sends on `leg`.
fn addresses(flow: FlowId, leg: Leg) -> (SocketAddr, SocketAddr) {
    let ends = Addresses::of(&Packet {
        flow,
        leg,
        ..Packet::VACANT
    });
    (SocketAddr::V4(ends.from), SocketAddr::V4(ends.to))
}

fn stream_ids(rtc: &mut Rtc, mid: Mid) -> StreamIds {
    let mut api = rtc.direct_api();
    let stream = api.stream_tx_by_mid(mid, None);
    stream.map_or_else(StreamIds::default, |stream| StreamIds {
        media: *stream.ssrc(),
        repair: stream.rtx().map(|ssrc| *ssrc),
    })
}
