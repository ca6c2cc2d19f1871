//! A call: two ends, two wires, and a driver that checks what every run must
//! keep.

use std::collections::{BTreeMap, BTreeSet};

use weaknet_core::packet::{FlowId, Media, Packet, Payload, Rtp, RtpKind};
use weaknet_core::plugin::Assets;
use weaknet_core::{
    Bitrate, BuildContext, ClockDrift, Event, Kind, Node, Outbox, Plugin, Span, Streams, Time,
};
use weaknet_transports::arq::{ArqPair, Nack};
use weaknet_transports::cc::{CongestionController, Constraints, fixed};
use weaknet_transports::endpoint::{
    DecoderModel, FecSender, KeyFrameRequest, Receiver, ReceiverConfig, ReportSource, Reporter,
    Sender, SenderConfig,
};
use weaknet_transports::fec::FecPair;
use weaknet_transports::fec::audio::AudioProtection;
use weaknet_transports::fec::protection::FixedProtection;
use weaknet_transports::jitter::{self, FixedAudio, JitterBuffer};
use weaknet_transports::media::{
    AudioFormat, AudioSource, Constant, Opus, VideoFormat, VideoSource,
};
use weaknet_transports::pacing::{Pacer, WebrtcPacing};
use weaknet_transports::rtp::{FeedbackConfig, Overhead};
use weaknet_transports::session::{End, Session, SessionConfig};

/// What becomes of a packet: the delay of each copy that arrives.
pub(crate) type Wire = Box<dyn FnMut(Time, &Packet) -> Vec<Span>>;

/// Every packet arrives after the same time.
pub(crate) fn plain(delay: Span) -> Wire {
    Box::new(move |_, _| vec![delay])
}

/// As [`plain`], without the packets that `lost` picks.
pub(crate) fn lossy(delay: Span, mut lost: impl FnMut(Time, &Packet) -> bool + 'static) -> Wire {
    Box::new(move |now, packet| {
        if lost(now, packet) {
            vec![]
        } else {
            vec![delay]
        }
    })
}

pub(crate) fn ms(ms: u64) -> Span {
    Span::from_millis(ms)
}

pub(crate) fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

pub(crate) fn build<P: Plugin>(config: &P) -> <P::Kind as Kind>::Product {
    let (streams, assets) = (Streams::new(1), Assets::default());
    let cx = BuildContext {
        path: "call",
        streams: &streams,
        assets: &assets,
    };
    config.build(&cx).expect("the configuration is valid")
}

/// The RTP part of a packet.
pub(crate) fn rtp(packet: &Packet) -> Option<&Rtp> {
    match &packet.payload {
        Payload::Rtp(rtp) => Some(rtp),
        Payload::Repair(repair) => Some(&repair.rtp),
        Payload::Audio(audio) => Some(&audio.rtp),
        _ => None,
    }
}

/// Whether this is the first transmission of video.
pub(crate) fn is_video(packet: &Packet) -> bool {
    rtp(packet).is_some_and(|rtp| rtp.kind == RtpKind::Media && rtp.media == Media::Video)
}

/// The parts of a call. As it stands: 1 Mbit/s of video, 32 kbit/s of audio,
/// from the start to 10 s, with the usual plug-ins and a decoder of 2 ms.
pub(crate) struct Call {
    pub(crate) video: Option<Box<dyn VideoSource>>,
    pub(crate) audio: Option<Box<dyn AudioSource>>,
    pub(crate) audio_format: AudioFormat,
    pub(crate) audio_protection: AudioProtection,
    pub(crate) controller: Box<dyn CongestionController>,
    pub(crate) max: Bitrate,
    pub(crate) pacer: Box<dyn Pacer>,
    pub(crate) arq: ArqPair,
    pub(crate) fec: Option<FecPair>,
    pub(crate) jitter: Box<dyn JitterBuffer>,
    pub(crate) overhead: Overhead,
    pub(crate) key_frame_request: KeyFrameRequest,
    pub(crate) feedback: FeedbackConfig,
    pub(crate) stop: Time,
}

impl Default for Call {
    fn default() -> Self {
        Self {
            video: Some(build(&Constant::default())),
            audio: Some(build(&Opus::default())),
            audio_format: AudioFormat {
                min_bitrate: Bitrate::from_kbps(32),
                max_bitrate: Bitrate::from_kbps(32),
            },
            audio_protection: AudioProtection::default(),
            controller: build(&fixed::Fixed::default()),
            max: Bitrate::from_mbps(3),
            pacer: build(&WebrtcPacing::default()),
            arq: build(&Nack::default()),
            fec: None,
            jitter: build(&jitter::Webrtc::default()),
            overhead: Overhead::WEBRTC,
            key_frame_request: KeyFrameRequest::default(),
            feedback: FeedbackConfig::default(),
            stop: Time::from_secs(10),
        }
    }
}

impl Call {
    /// Runs the call to its end and 2 s beyond.
    pub(crate) fn over(self, forward: Wire, back: Wire) -> Record {
        let until = self.stop + ms(2_000);
        let (flow, start, stop) = (FlowId(3), Time::ZERO, self.stop);
        let session = |end| Session::new(end, &SessionConfig::default()).unwrap();
        let format = VideoFormat {
            fps: 30.0,
            min_bitrate: Bitrate::from_kbps(30),
            max_bitrate: self.max,
        };
        let decoder = DecoderModel::new(ms(2), 0.0, Streams::new(1).sequence("call", "decode"));
        let (encoder, repair) = self.fec.map_or((None, None), |pair| {
            let encoder = pair.encoder;
            let control = build(&FixedProtection::default());
            (Some(FecSender { encoder, control }), Some(pair.decoder))
        });
        let receiver = Receiver::new(ReceiverConfig {
            flow,
            start,
            stop,
            video: self.video.is_some().then_some((self.jitter, decoder)),
            audio: self.audio.is_some().then(|| build(&FixedAudio::default())),
            clock_drift: ClockDrift::ZERO,
            lip_sync: false,
            requester: self.arq.requester,
            key_frame_request: self.key_frame_request,
            feedback: Reporter::new(&self.feedback, false).unwrap(),
            report_interval: self.feedback.receiver_report_interval(),
            overhead: self.overhead,
            session: session(End::Receiver),
            reports: ReportSource::Rtcp,
            fec: repair,
        });
        let sender = Sender::new(SenderConfig {
            pauses: weaknet_transports::endpoint::Pauses::default(),
            feedback: self.feedback,
            flow,
            start,
            stop,
            video: self.video.map(|source| (source, format)),
            audio: self.audio.map(|source| (source, self.audio_format)),
            controller: self.controller,
            constraints: Constraints {
                min: Bitrate::from_kbps(30),
                start: Bitrate::from_kbps(300),
                max: self.max,
            },
            pacer: self.pacer,
            responder: self.arq.responder,
            overhead: self.overhead,
            session: session(End::Sender),
            reports: ReportSource::Rtcp,
            fec: encoder,
            audio_protection: self.audio_protection,
            capacity: None,
        });
        let mut driver = Driver {
            nodes: [Box::new(sender), Box::new(receiver)],
            wires: [forward, back],
            way: BTreeMap::new(),
            record: Record {
                stop,
                ..Record::default()
            },
        };
        driver.run(until);
        driver.record.check();
        driver.record
    }
}

struct Driver {
    /// Sender and receiver.
    nodes: [Box<dyn Node>; 2],
    wires: [Wire; 2],
    /// Packets under way, by arrival, to which end.
    way: BTreeMap<(Time, u64), (usize, Packet)>,
    record: Record,
}

impl Driver {
    fn run(&mut self, until: Time) {
        let (mut now, mut at_once) = (Time::ZERO, 0);
        loop {
            let arrival = self.way.keys().next().map(|(at, _)| *at);
            let wakes = [0, 1].map(|end| self.nodes[end].next_wake());
            let Some(next) = wakes.into_iter().chain([arrival]).flatten().min() else {
                break;
            };
            if next.max(now) > until {
                break;
            }
            at_once = if next > now { 0 } else { at_once + 1 };
            assert!(at_once < 500, "time stands still at {now:?}");
            now = now.max(next);
            if arrival.is_some_and(|at| at <= now) {
                let Some((_, (end, mut packet))) = self.way.pop_first() else {
                    break;
                };
                self.record.arrived.push((now, packet.clone()));
                self.call(end, now, |node, out| node.receive(&mut packet, out));
            } else {
                let end = usize::from(wakes[0].is_none_or(|at| at > now));
                self.call(end, now, |node, out| node.wake(out));
            }
        }
    }

    fn call(&mut self, end: usize, now: Time, f: impl FnOnce(&mut dyn Node, &mut Outbox<'_>)) {
        let mut packets = Vec::new();
        let node = &mut self.nodes[end];
        f(
            node.as_mut(),
            &mut Outbox::new(now, &mut packets, &mut self.record.events),
        );
        assert!(
            node.next_wake().is_none_or(|at| at > now),
            "end {end} has done all it can at {now:?} and wants to be woken for more"
        );
        for packet in packets {
            assert_eq!(packet.sent, now);
            let copies = (self.wires[end])(now, &packet);
            for delay in copies {
                let key = (now + delay, self.record.copies);
                self.record.copies += 1;
                self.way.insert(key, (1 - end, packet.clone()));
            }
            self.record.sent.push((now, packet));
        }
    }
}

/// Everything that happened in a call.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) events: Vec<(Time, Event)>,
    /// What both ends sent and when.
    pub(crate) sent: Vec<(Time, Packet)>,
    /// What reached either end and when.
    pub(crate) arrived: Vec<(Time, Packet)>,
    copies: u64,
    stop: Time,
}

impl Record {
    /// Things of one kind, with their times.
    pub(crate) fn all<T>(&self, pick: impl Fn(&Event) -> Option<T>) -> Vec<(Time, T)> {
        let pick = |(at, event): &(Time, Event)| pick(event).map(|value| (*at, value));
        self.events.iter().filter_map(pick).collect()
    }

    pub(crate) fn encoded(&self) -> Vec<(Time, u64)> {
        self.all(|event| match event {
            Event::FrameEncoded { frame, .. } => Some(*frame),
            _ => None,
        })
    }

    pub(crate) fn rendered(&self) -> Vec<(Time, u64)> {
        self.all(|event| match event {
            Event::FrameRendered { frame, .. } => Some(*frame),
            _ => None,
        })
    }

    pub(crate) fn dropped(&self) -> Vec<(Time, u64)> {
        self.all(|event| match event {
            Event::FrameDropped { frame, .. } => Some(*frame),
            _ => None,
        })
    }

    /// Stream, sequence number and whether it took repair.
    pub(crate) fn usable(&self) -> Vec<(Time, (Media, u64, bool))> {
        self.all(|event| match event {
            Event::MediaUsable {
                media,
                seq,
                repaired,
                ..
            } => Some((*media, *seq, *repaired)),
            _ => None,
        })
    }

    pub(crate) fn key_frames_requested(&self) -> Vec<Time> {
        let requests = self.all(|event| match event {
            Event::KeyFrameRequested { .. } => Some(()),
            _ => None,
        });
        requests.into_iter().map(|(at, ())| at).collect()
    }

    /// Numbers asked for again, all requests together.
    pub(crate) fn nacked(&self) -> u32 {
        let counts = self.all(|event| match event {
            Event::NackSent { count, .. } => Some(*count),
            _ => None,
        });
        counts.into_iter().map(|(_, count)| count).sum()
    }

    /// RTP packets of one kind that were sent.
    pub(crate) fn sent_rtp(&self, kind: RtpKind, media: Media) -> Vec<(Time, Rtp)> {
        let pick = |(at, packet): &(Time, Packet)| {
            let rtp = rtp(packet).filter(|rtp| rtp.kind == kind && rtp.media == media);
            rtp.map(|rtp| (*at, *rtp))
        };
        self.sent.iter().filter_map(pick).collect()
    }

    /// Media packets sent before `until` that never got usable.
    pub(crate) fn residual(&self, until: Time) -> Vec<(Media, u64)> {
        let usable: BTreeSet<_> = self
            .usable()
            .iter()
            .map(|(_, (m, s, _))| (*m, *s))
            .collect();
        [Media::Audio, Media::Video]
            .into_iter()
            .flat_map(|media| self.sent_rtp(RtpKind::Media, media))
            .filter(|(at, rtp)| *at < until && !usable.contains(&(rtp.media, rtp.seq)))
            .map(|(_, rtp)| (rtp.media, rtp.seq))
            .collect()
    }

    /// The laws that every call keeps.
    fn check(&self) {
        assert!(
            self.events.windows(2).all(|w| w[0].0 <= w[1].0),
            "time falls"
        );
        let ids: BTreeSet<u64> = self.sent.iter().map(|(_, packet)| packet.id).collect();
        assert_eq!(ids.len(), self.sent.len(), "ids are unique");
        assert!(
            self.sent.iter().all(|(at, _)| *at < self.stop),
            "silent after the stop"
        );
        let late =
            |event: &Event| !matches!(event, Event::Received { .. } | Event::FrameDropped { .. });
        assert!(
            !self
                .events
                .iter()
                .any(|(at, e)| *at >= self.stop && late(e)),
            "deaf after the stop"
        );
        self.check_numbers();
        self.check_frames();
        self.check_packets();
    }

    fn check_numbers(&self) {
        let numbers: Vec<u64> = self
            .sent
            .iter()
            .filter_map(|(_, packet)| rtp(packet).map(|rtp| rtp.transport_seq))
            .collect();
        assert!(
            numbers.iter().copied().eq(0..numbers.len() as u64),
            "transport-wide numbers"
        );
        for media in [Media::Audio, Media::Video] {
            let mut seqs: Vec<u64> = self
                .sent_rtp(RtpKind::Media, media)
                .iter()
                .map(|(_, rtp)| rtp.seq)
                .collect();
            seqs.sort_unstable();
            assert!(
                seqs.iter().copied().eq(0..seqs.len() as u64),
                "{media:?} numbers"
            );
        }
    }

    /// Each frame is shown or dropped at most once, and shown only after all of
    /// its packets were there.
    fn check_frames(&self) {
        let encoded: BTreeSet<u64> = self.encoded().iter().map(|(_, frame)| *frame).collect();
        let rendered: Vec<u64> = self.rendered().iter().map(|(_, frame)| *frame).collect();
        assert!(rendered.windows(2).all(|w| w[0] < w[1]), "shown in order");
        let mut fates = BTreeSet::new();
        for frame in rendered.iter().chain(self.dropped().iter().map(|(_, f)| f)) {
            assert!(encoded.contains(frame), "frame {frame} was never encoded");
            assert!(fates.insert(*frame), "frame {frame} has two fates");
        }
        let last = rendered.last().copied().unwrap_or(0);
        let open: Vec<_> = encoded
            .range(..last)
            .filter(|f| !fates.contains(f))
            .collect();
        assert!(
            open.is_empty(),
            "{open:?} are older than {last}, which was shown"
        );
        let media = self.sent_rtp(RtpKind::Media, Media::Video);
        let usable: BTreeSet<u64> = self
            .usable()
            .iter()
            .filter(|(_, (media, ..))| *media == Media::Video)
            .map(|(_, (_, seq, _))| *seq)
            .collect();
        for frame in rendered {
            let mut parts = media.iter().filter(|(_, rtp)| rtp.frame == frame);
            assert!(
                parts.all(|(_, rtp)| usable.contains(&rtp.seq)),
                "frame {frame}"
            );
        }
    }

    /// Each media packet gets usable at most once: when it has arrived in time,
    /// the receiver having its keys.
    fn check_packets(&self) {
        let mut usable = BTreeMap::new();
        for (at, (media, seq, _)) in self.usable() {
            let before = usable.insert((media, seq), at);
            assert_eq!(before, None, "{media:?} {seq} is usable twice");
        }
        let keys = usable.values().min().copied().unwrap_or(Time::MAX);
        let over: BTreeMap<u64, Time> = self.dropped().iter().map(|(at, f)| (*f, *at)).collect();
        for (at, packet) in self
            .arrived
            .iter()
            .filter(|(at, _)| (keys..self.stop).contains(at))
        {
            let Payload::Rtp(rtp) = &packet.payload else {
                continue;
            };
            if !matches!(rtp.kind, RtpKind::Media | RtpKind::Rtx) {
                continue;
            }
            let in_time = usable
                .get(&(rtp.media, rtp.seq))
                .is_some_and(|usable| usable <= at);
            let too_late =
                rtp.media == Media::Video && over.get(&rtp.frame).is_some_and(|over| over <= at);
            assert!(
                in_time || too_late,
                "{rtp:?} arrived at {at:?} and is of no use"
            );
        }
    }
}
