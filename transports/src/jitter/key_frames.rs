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

#[cfg(test)]
mod tests {
    use super::*;

    const WAITS: Waits = Waits {
        key_frame: Span::from_millis(200),
        frame: Span::from_millis(3_000),
    };

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    /// When it asks until `until`, packets coming every 50 ms before `silent`.
    fn asked(watch: &mut KeyFrameWatch, from: u64, silent: u64, until: u64) -> Vec<u64> {
        let mut asked = Vec::new();
        for ms in from..until {
            if ms % 50 == 0 && ms < silent {
                watch.on_packet(at(ms), false);
            }
            if watch.poll(at(ms), true) {
                asked.push(ms);
            }
        }
        asked
    }

    #[test]
    fn without_a_first_key_frame_it_asks_every_200_ms() {
        let mut watch = KeyFrameWatch::new(WAITS);
        watch.on_ready(at(0));
        assert_eq!(asked(&mut watch, 0, 1_000, 700), [200, 400, 600]);
    }

    #[test]
    fn without_delta_frames_it_asks_after_3_s() {
        let mut watch = KeyFrameWatch::new(WAITS);
        watch.on_release(at(100));
        assert!(!watch.needed());
        assert_eq!(asked(&mut watch, 100, 7_000, 6_200), [3_100, 6_100]);
    }

    #[test]
    fn a_stream_silent_for_5_s_is_not_asked() {
        let mut watch = KeyFrameWatch::new(WAITS);
        watch.on_ready(at(0));
        // The last packet comes at 950 ms.
        let asked = asked(&mut watch, 0, 1_000, 8_000);
        assert_eq!((asked.len(), asked.last()), (29, Some(&5_800)));
    }

    #[test]
    fn a_key_frame_under_way_is_waited_for() {
        let mut watch = KeyFrameWatch::new(WAITS);
        watch.on_ready(at(0));
        watch.on_packet(at(150), true);
        assert!(!watch.poll(at(200), true));
        watch.on_packet(at(390), false);
        assert!(watch.poll(at(400), true), "its last packet is 250 ms old");
    }

    #[test]
    fn a_busy_decoder_does_not_ask() {
        let mut watch = KeyFrameWatch::new(WAITS);
        watch.on_ready(at(0));
        watch.on_packet(at(199), false);
        assert!(!watch.poll(at(200), false));
        assert_eq!(watch.deadline(), None, "until it is ready again");
        watch.on_ready(at(500));
        assert_eq!(watch.deadline(), Some(at(700)));
    }

    #[test]
    fn a_first_frame_that_is_no_key_frame_asks_at_once() {
        let mut watch = KeyFrameWatch::new(WAITS);
        assert!(watch.on_frame(false));
        assert!(!watch.on_frame(false), "once");
        assert!(!KeyFrameWatch::new(WAITS).on_frame(true));
    }
}
