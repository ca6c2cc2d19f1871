//! From the jitter buffers to screen and loudspeaker.

use weaknet_core::event::FrameTimes;
use weaknet_core::{Event, Outbox};

use super::{Receiver, Showing};
use crate::jitter::{AudioAction, JitterAction, Playout, Release};

impl Receiver {
    pub(super) fn play_video(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        loop {
            if let Some((mut showing, render_at, done)) =
                self.decoding.take_if(|(_, _, done)| *done <= now)
            {
                showing.times.decoded = done;
                // A frame never overtakes the one before it on the screen.
                let earliest = self.showing.back().map_or(done, |last| last.at.max(done));
                showing.at = render_at.map_or(earliest, |at| at.max(earliest));
                self.showing.push_back(showing);
                if let Some((buffer, _)) = &mut self.parts.video {
                    buffer.on_decoded(now, done - showing.times.decode_start);
                }
            }
            while let Some(showing) = self.showing.front().filter(|s| s.at <= now).copied() {
                self.showing.pop_front();
                out.event(Event::FrameRendered {
                    flow: self.parts.flow,
                    frame: showing.frame.frame,
                    times: showing.times,
                    size: showing.frame.size,
                    picture: showing.frame.picture,
                });
            }
            let Some((buffer, _)) = &mut self.parts.video else {
                return;
            };
            match buffer.poll(now) {
                None => return,
                Some(JitterAction::RequestKeyFrame) => self.request_key_frame(out),
                Some(JitterAction::Drop { frame, reason }) => {
                    out.event(Event::FrameDropped {
                        flow: self.parts.flow,
                        frame,
                        reason,
                    });
                }
                Some(JitterAction::Decode(release)) => self.decode(out, release),
            }
        }
    }

    fn decode(&mut self, out: &mut Outbox<'_>, release: Release) {
        let now = out.now();
        let frame = release.frame;
        while self.observed.front().is_some_and(|o| o.frame < frame.frame) {
            self.observed.pop_front();
        }
        let observed = self
            .observed
            .front()
            .filter(|o| o.frame == frame.frame)
            .copied();
        let (captured, first_sent) = observed
            .map_or((frame.first_arrived, frame.first_arrived), |o| {
                (o.captured, o.first_sent)
            });
        let times = FrameTimes {
            captured,
            first_sent,
            first_arrived: frame.first_arrived,
            complete: frame.complete,
            decode_start: now,
            decoded: now,
        };
        self.give_up(out, frame.frame);
        self.parts.requester.clear_up_to(now, frame.seqs.1);
        if let Some((_, decoder)) = &mut self.parts.video {
            let done = now + decoder.next_time();
            self.decoding = Some((
                Showing {
                    frame,
                    at: done,
                    times,
                },
                release.render_at,
                done,
            ));
        }
    }

    pub(super) fn play_audio(&mut self, out: &mut Outbox<'_>) {
        let now = self.loudspeaker.local(out.now());
        let Some(buffer) = &mut self.parts.audio else {
            return;
        };
        let flow = self.parts.flow;
        while let Some(action) = buffer.poll(now) {
            out.event(match action {
                AudioAction::Play(Playout { length, captured }) => Event::AudioPlayed {
                    flow,
                    length,
                    captured,
                },
                AudioAction::Decode(packet) => Event::AudioDecoded {
                    flow,
                    length: packet.length,
                    waited: packet.waited,
                    target: packet.target,
                    minimum: packet.minimum,
                },
                AudioAction::Count(counter, by) => Event::AudioCount { flow, counter, by },
            });
        }
    }
}
