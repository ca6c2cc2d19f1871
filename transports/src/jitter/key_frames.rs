//! When a receiver without decodable frames asks for a key frame.
//!
//! Implements: `video/video_receive_stream_timeout_tracker.cc` and
//! `OnDecodableFrameTimeout` of `video/video_receive_stream2.cc` of libwebrtc
//! (2026-07): a deadline after every released frame, shorter while a key frame
//! is needed; on time-out a request, if packets came within the last 5 s and no
//! packet of a key frame within the key frame wait; then the wait starts again.
//! Also the request when the very first frame is not a key frame
//! (`video/rtp_video_stream_receiver2.cc`).
//! Not modelled: requests after decoder errors (the decoder has none).

use weaknet_core::{Span, Time};

/// A stream without packets for this long is inactive (`kInactiveDuration`).
const INACTIVE: Span = Span::from_millis(5_000);

/// How long to wait for decodable frames.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waits {
    /// While a key frame is needed.
    pub(super) key_frame: Span,
    /// Otherwise.
    pub(super) frame: Span,
}

/// Watches over one stream.
#[derive(Debug, Clone)]
pub(super) struct KeyFrameWatch {
    waits: Waits,
    needed: bool,
    deadline: Option<Time>,
    last_packet: Option<Time>,
    last_key_packet: Option<Time>,
    seen_frame: bool,
}

impl KeyFrameWatch {
    pub(super) const fn new(waits: Waits) -> Self {
        Self {
            waits,
            needed: true,
            deadline: None,
            last_packet: None,
            last_key_packet: None,
            seen_frame: false,
        }
    }

    /// Whether the next frame to decode must be a key frame.
    pub(super) const fn needed(&self) -> bool {
        self.needed
    }

    pub(super) const fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    /// The decoder is ready for a frame: the wait runs, unless it does already.
    pub(super) fn on_ready(&mut self, now: Time) {
        if self.deadline.is_none() {
            self.restart(now);
        }
    }

    pub(super) fn on_packet(&mut self, now: Time, key: bool) {
        self.last_packet = Some(now);
        if key {
            self.last_key_packet = Some(now);
        }
    }

    /// A frame is complete: whether to ask for a key frame at once.
    pub(super) fn on_frame(&mut self, key: bool) -> bool {
        !std::mem::replace(&mut self.seen_frame, true) && !key
    }

    /// A frame goes to the decoder.
    pub(super) fn on_release(&mut self, now: Time) {
        self.needed = false;
        self.restart(now);
    }

    /// Whether to ask for a key frame now. `ready`: the decoder has nothing to do.
    pub(super) fn poll(&mut self, now: Time, ready: bool) -> bool {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return false;
        }
        self.deadline = None;
        if !ready {
            return false;
        }
        self.restart(now);
        let within = |last: Option<Time>, span| last.is_some_and(|at| now.since(at) < span);
        within(self.last_packet, INACTIVE) && !within(self.last_key_packet, self.waits.key_frame)
    }

    fn restart(&mut self, now: Time) {
        self.deadline = Some(
            now + if self.needed {
                self.waits.key_frame
            } else {
                self.waits.frame
            },
        );
    }
}
