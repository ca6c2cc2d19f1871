//! What keeps streams from being sent: pauses of the application, and a session
//! without a working candidate pair.
//!
//! Implements: for a paused stream nothing is captured and nothing leaves, be it
//! media, retransmission, repair or padding; reports, feedback and checks go on.
//! What waits in the pacer when a stream is paused is thrown away
//! (libwebrtc `PacingController::RemovePacketsForSsrc`, 2026-07), the controller
//! is told what the streams left want (`BitrateAllocator`), and sees little sent.
//! A video stream resumes with a key frame, as when libwebrtc's
//! `VideoSendStream` is started again. Without a working pair nothing leaves at
//! all but what the session sends, as when libwebrtc's network is down
//! (`RtpTransportControllerSend::OnNetworkAvailability`).
//! Differs: sources begin anew after such a time too, so that the first frame is a
//! key frame; libwebrtc waits to be asked for one.

use weaknet_core::packet::Media;
use weaknet_core::{Event, Outbox, Time};

use super::Sender;
use crate::cc::CcEvent;

/// When the application pauses the streams of a call: from, to, ascending.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pauses {
    /// Pauses of the video stream.
    pub video: Vec<(Time, Time)>,
    /// Pauses of the audio stream.
    pub audio: Vec<(Time, Time)>,
}

impl Pauses {
    fn of(&self, media: Media) -> &[(Time, Time)] {
        match media {
            Media::Audio => &self.audio,
            Media::Video => &self.video,
        }
    }

    fn covers(&self, media: Media, now: Time) -> bool {
        let within = |(from, to): &(Time, Time)| *from <= now && now < *to;
        self.of(media).iter().any(within)
    }

    fn next_change(&self, now: Time) -> Option<Time> {
        let all = self.video.iter().chain(&self.audio);
        let edges = all.flat_map(|(from, to)| [*from, *to]);
        edges.filter(|at| *at > now).min()
    }
}

/// What is not sent at the moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stillness {
    video: bool,
    audio: bool,
    /// No candidate pair works.
    cut_off: bool,
}

impl Stillness {
    /// Whether the application has paused this stream.
    pub(super) const fn pauses(self, media: Media) -> bool {
        match media {
            Media::Audio => self.audio,
            Media::Video => self.video,
        }
    }

    /// Whether nothing can be sent.
    pub(super) const fn is_cut_off(self) -> bool {
        self.cut_off
    }
}

impl Sender {
    pub(super) fn next_pause(&self, now: Time) -> Option<Time> {
        self.parts.pauses.next_change(now)
    }

    /// Pauses and resumes what is due now.
    pub(super) fn follow_pauses(&mut self, out: &mut Outbox<'_>) {
        for media in [Media::Video, Media::Audio] {
            let is_there = match media {
                Media::Audio => self.parts.audio.is_some(),
                Media::Video => self.parts.video.is_some(),
            };
            let paused = is_there && self.parts.pauses.covers(media, out.now());
            if paused != self.still.pauses(media) {
                self.pause(out, media, paused);
            }
        }
        let cut_off = !self.parts.session.may_send();
        if cut_off != self.still.cut_off {
            self.still.cut_off = cut_off;
            let up = !cut_off;
            let event = CcEvent::Network { up };
            self.parts.controller.on_event(out.now(), &event);
            if up {
                self.begin_again(out.now(), Media::Video);
                self.begin_again(out.now(), Media::Audio);
            }
            self.follow_controller(out);
        }
    }

    fn pause(&mut self, out: &mut Outbox<'_>, media: Media, paused: bool) {
        match media {
            Media::Audio => self.still.audio = paused,
            Media::Video => self.still.video = paused,
        }
        out.event(Event::Paused {
            flow: self.parts.flow,
            media,
            paused,
        });
        let allocation = self.allocation();
        self.parts.controller.on_event(out.now(), &allocation);
        if !paused {
            self.begin_again(out.now(), media);
        }
        self.follow_controller(out);
    }

    /// A source goes on as if it had just been switched on.
    fn begin_again(&mut self, now: Time, media: Media) {
        let target = self.rate.target;
        match media {
            Media::Video => {
                self.encoded = None;
                if let Some((source, format)) = &mut self.parts.video {
                    source.start(now, *format, target);
                }
            }
            Media::Audio => {
                if let Some((source, _)) = &mut self.parts.audio {
                    source.start(now, self.audio_rate);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_begin_at_their_start_and_are_over_at_their_end() {
        let at = Time::from_secs;
        let pauses = Pauses {
            video: vec![(at(1), at(2)), (at(4), Time::MAX)],
            audio: vec![(at(2), at(3))],
        };
        let covered = |media| {
            (0..6)
                .map(|s| pauses.covers(media, at(s)))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            covered(Media::Video),
            [false, true, false, false, true, true]
        );
        assert_eq!(
            covered(Media::Audio),
            [false, false, true, false, false, false]
        );
        let changes = (0..5).map(|s| pauses.next_change(at(s)));
        let changes: Vec<_> = changes.collect();
        let expected = [1, 2, 3, 4].map(|s| Some(at(s)));
        assert_eq!(changes[..4], expected);
        assert_eq!(changes[4], Some(Time::MAX));
    }
}
