//! Losses, outages, disorder and duplicates, and what repairs them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use weaknet_core::event::FrameDrop;
use weaknet_core::packet::{Media, Packet, RtpKind};
use weaknet_core::rng::Draws;
use weaknet_core::{Bitrate, Event, Span, Time};
use weaknet_transports::arq::{ArqPair, NoArq, Requester, UsablePacket, Wish};
use weaknet_transports::cc::{fixed, gcc};
use weaknet_transports::jitter::{CompleteFrame, JitterAction, JitterBuffer};

use super::spies::{Spy, target};
use super::support::{Call, Record, at, build, is_video, lossy, ms, plain, rtp};

const DELAY: Span = Span::from_millis(25);
/// Before that, everything that is sent gets through.
const SET_UP: Time = Time::from_millis(500);

/// Every frame of the time before `until` was shown.
fn all_shown(record: &Record, until: Time) {
    let encoded = record
        .encoded()
        .iter()
        .filter(|(at, _)| *at < until)
        .count() as u64;
    let rendered: Vec<u64> = record.rendered().iter().map(|(_, f)| *f).collect();
    assert!(
        rendered.len() as u64 >= encoded,
        "{} of {encoded}",
        rendered.len()
    );
    assert!(rendered.iter().copied().eq(0..rendered.len() as u64));
}

/// Loses every tenth first transmission of video.
fn every_tenth() -> impl FnMut(Time, &Packet) -> bool {
    let mut count = 0;
    move |_, packet| {
        count += u32::from(is_video(packet));
        is_video(packet) && count % 10 == 0
    }
}

#[test]
fn each_lost_packet_is_asked_for_once_and_sent_again_once() {
    let record = Call::default().over(lossy(DELAY, every_tenth()), plain(DELAY));
    let lost = record.sent_rtp(RtpKind::Media, Media::Video).len() / 10;
    let again = record.sent_rtp(RtpKind::Rtx, Media::Video);
    // The last one may come too late to be asked for.
    assert!(
        again.len() == lost || again.len() == lost - 1,
        "{} of {lost}",
        again.len()
    );
    assert!(
        record.nacked() as usize - again.len() <= 1,
        "{}",
        record.nacked()
    );
    assert_eq!(record.residual(at(9_800)), []);
    assert_eq!(record.key_frames_requested(), []);
    let repaired = record.usable().iter().filter(|(_, u)| u.2).count();
    assert!(again.len() - repaired <= 1);
    all_shown(&record, at(9_500));
}

#[test]
fn what_is_lost_again_is_asked_for_again() {
    let mut tries: BTreeMap<u64, u32> = BTreeMap::new();
    let mut tenth = every_tenth();
    let lost = move |now, packet: &Packet| {
        let again = rtp(packet).filter(|rtp| rtp.kind == RtpKind::Rtx);
        again.is_some_and(|rtp| {
            let times = tries.entry(rtp.seq).or_default();
            *times += 1;
            *times <= 2
        }) || tenth(now, packet)
    };
    let record = Call::default().over(lossy(DELAY, lost), plain(DELAY));
    assert_eq!(record.residual(at(9_300)), []);
    let again = record.sent_rtp(RtpKind::Rtx, Media::Video);
    let first = again[0].1.seq;
    assert_eq!(again.iter().filter(|(_, rtp)| rtp.seq == first).count(), 3);
    all_shown(&record, at(9_000));
}

#[test]
fn without_repair_one_lost_packet_stops_the_picture_until_a_key_frame() {
    let record = Call {
        arq: build(&NoArq {}),
        ..Call::default()
    }
    .over(
        lossy(DELAY, |_, p| {
            is_video(p) && rtp(p).is_some_and(|rtp| rtp.seq == 200)
        }),
        plain(DELAY),
    );
    assert_eq!(record.residual(at(9_900)), [(Media::Video, 200)]);
    let broken = record
        .sent_rtp(RtpKind::Media, Media::Video)
        .iter()
        .find(|(_, rtp)| rtp.seq == 200)
        .map(|(_, rtp)| rtp.frame)
        .unwrap();
    let shown = record.rendered();
    let last = shown.iter().rfind(|(_, frame)| *frame < broken).unwrap();
    assert_eq!(last.1, broken - 1);
    // The buffer asks 3 s after the frame before went to the decoder; 2 ms of
    // decoding and 10 ms for the screen lie between that and the screen.
    let asked = record.key_frames_requested();
    assert_eq!(asked.len(), 1);
    let waited = asked[0].since(last.0);
    assert!((ms(2_950)..=ms(3_000)).contains(&waited), "{waited}");
    let (again, key) = shown.iter().find(|(_, frame)| *frame > broken).unwrap();
    assert!(again.since(asked[0]) < ms(50 + 34 + 60), "{again:?}");
    let reasons = record.all(|event| match event {
        Event::FrameDropped { frame, reason, .. } => Some((*frame, *reason)),
        _ => None,
    });
    let incomplete: Vec<u64> = reasons
        .iter()
        .filter(|(_, (_, reason))| *reason == FrameDrop::Incomplete)
        .map(|(_, (frame, _))| *frame)
        .collect();
    assert_eq!(incomplete, [broken]);
    let mut dropped: Vec<u64> = record.dropped().iter().map(|(_, f)| *f).collect();
    dropped.sort_unstable();
    assert!(dropped.iter().copied().eq(broken..*key), "{dropped:?}");
}

#[test]
fn a_retransmission_that_comes_after_the_end_of_its_frame_is_of_no_use() {
    let mut lost = false;
    let record = Call::default().over(
        Box::new(move |_, packet| {
            let hit = rtp(packet).is_some_and(|rtp| rtp.seq == 200 && rtp.media == Media::Video);
            if hit && !std::mem::replace(&mut lost, true) {
                vec![]
            } else if hit {
                vec![ms(5_000)]
            } else {
                vec![DELAY]
            }
        }),
        plain(DELAY),
    );
    assert_eq!(record.residual(at(9_900)), [(Media::Video, 200)]);
    let arrived = |p: &Packet| rtp(p).is_some_and(|rtp| rtp.seq == 200 && rtp.kind == RtpKind::Rtx);
    assert!(record.arrived.iter().any(|(_, p)| arrived(p)));
    assert_eq!(record.key_frames_requested().len(), 1);
}

#[test]
fn at_the_stop_what_was_overtaken_is_given_up() {
    let record = Call {
        arq: build(&NoArq {}),
        stop: at(3_000),
        ..Call::default()
    }
    .over(
        lossy(DELAY, |_, p| {
            is_video(p) && rtp(p).is_some_and(|rtp| rtp.seq == 200)
        }),
        plain(DELAY),
    );
    let dropped = record.dropped();
    assert_eq!(dropped.len(), 1);
    assert_eq!(dropped[0].0, at(3_000));
}

fn outage(from: u64, to: u64, kbps: u64) -> Record {
    let dark = move |now: Time, _: &Packet| (at(from)..at(to)).contains(&now);
    Call {
        controller: build(&fixed::Fixed {
            rate: Bitrate::from_kbps(kbps),
            ..fixed::Fixed::default()
        }),
        stop: at(20_000),
        ..Call::default()
    }
    .over(lossy(DELAY, dark), lossy(DELAY, dark))
}

#[test]
fn a_call_comes_back_after_an_outage_of_3_s() {
    let record = outage(4_000, 7_000, 1_000);
    assert!(record.nacked() > 0);
    let shown = record.rendered();
    let back = shown
        .iter()
        .find(|(at, _)| *at > Time::from_millis(7_000))
        .unwrap();
    assert!(back.0 < at(7_600), "{back:?}");
    // Nothing is left open: the history of the sender reaches back 3 s, so
    // what cannot be sent again is given up when a key frame has come.
    let fates = shown.len() + record.dropped().len();
    let encoded = record.encoded();
    assert!(encoded.len() - fates <= 8, "{} of {}", fates, encoded.len());
}

#[test]
fn more_than_1000_missing_packets_bring_a_key_frame() {
    let record = outage(4_000, 9_000, 2_500);
    let missing = record.residual(at(15_000)).len();
    assert!(missing > 1_000, "{missing}");
    let asked = record.key_frames_requested();
    let first = asked.iter().find(|asked| **asked > at(9_000)).unwrap();
    assert!(*first < at(9_100), "{first:?}");
    let shown = record.rendered();
    let back = shown.iter().find(|(shown, _)| shown > first).unwrap();
    assert!(back.0.since(*first) < ms(250), "{back:?}");
    let fates = shown.len() + record.dropped().len();
    assert!(record.encoded().len() - fates <= 8);
}

#[test]
fn a_call_that_begins_in_the_dark_asks_for_a_key_frame() {
    let mut frames = 0;
    let record = Call::default().over(
        lossy(DELAY, move |_, p| {
            frames += u64::from(is_video(p));
            is_video(p) && frames <= 12
        }),
        plain(DELAY),
    );
    // The hole before the first packet is not seen; the first whole frame is
    // no key frame.
    let asked = record.key_frames_requested();
    let media = record.sent_rtp(RtpKind::Media, Media::Video);
    let whole = media
        .iter()
        .find(|(_, rtp)| rtp.seq > 12 && rtp.part == 0)
        .unwrap();
    assert!(asked[0].since(whole.0) < ms(26 + 34), "{asked:?}");
    let (shown, frame) = record.rendered()[0];
    assert!(shown.since(asked[0]) < ms(50 + 34 + 60));
    assert!(frame > whole.1.frame);
    let mut dropped: Vec<u64> = record.dropped().iter().map(|(_, f)| *f).collect();
    dropped.sort_unstable();
    assert!(dropped.into_iter().eq(0..frame), "all before it is over");
}

#[test]
fn packets_out_of_order_are_used_once_each() {
    let mut count = 0;
    let record = Call::default().over(
        Box::new(move |_, packet| {
            count += u32::from(is_video(packet));
            vec![if is_video(packet) && count % 7 == 0 {
                ms(65)
            } else {
                DELAY
            }]
        }),
        plain(DELAY),
    );
    assert_eq!(record.residual(at(9_800)), []);
    assert_eq!(record.dropped(), []);
    assert!(record.nacked() > 100, "each hole is asked for at once");
    // The late original comes before its repetition.
    assert!(
        record
            .usable()
            .iter()
            .all(|(_, (_, _, repaired))| !repaired)
    );
    all_shown(&record, at(9_700));
}

#[test]
fn duplicates_change_nothing() {
    let run = |wire| {
        let spy = Spy::new(vec![(Time::ZERO, target(1_000))]);
        let told = Arc::clone(&spy.told);
        let call = Call {
            controller: Box::new(spy),
            ..Call::default()
        };
        let record = call.over(wire, plain(DELAY));
        let results = std::mem::take(&mut told.lock().unwrap().results);
        (record, results)
    };
    let (once, told_once) = run(plain(DELAY));
    let (twice, told_twice) = run(Box::new(|now, _| {
        if now > SET_UP {
            vec![DELAY, ms(28)]
        } else {
            vec![DELAY]
        }
    }));
    assert_eq!(once.usable(), twice.usable());
    assert_eq!(once.rendered(), twice.rendered());
    assert_eq!(told_once, told_twice);
    assert_eq!(twice.nacked(), 0);
}

#[test]
fn reports_that_come_twice_or_never_do_no_harm() {
    let run = |back| {
        let spy = Spy::new(vec![(Time::ZERO, target(1_000))]);
        let told = Arc::clone(&spy.told);
        let call = Call {
            controller: Box::new(spy),
            ..Call::default()
        };
        call.over(plain(DELAY), back);
        let mut told = told.lock().unwrap();
        std::mem::take(&mut told.results)
    };
    assert_eq!(run(plain(DELAY)), run(Box::new(|_, _| vec![DELAY, ms(90)])));
    let targets = |back| {
        let call = Call {
            controller: build(&gcc::Gcc::default()),
            ..Call::default()
        };
        call.over(plain(DELAY), back).all(|event| match event {
            Event::Target { target, .. } => Some(*target),
            _ => None,
        })
    };
    let once = targets(plain(DELAY));
    assert_eq!(once, targets(Box::new(|_, _| vec![DELAY, ms(90)])));
    let silent = Call::default().over(plain(DELAY), lossy(DELAY, |now, _| now > SET_UP));
    all_shown(&silent, at(9_700));
}

#[test]
fn a_call_survives_30_per_cent_loss() {
    let (forward, back) = (Draws::from_key(1), Draws::from_key(2));
    let lose = |draws: Draws| {
        let mut n = 0;
        move |now: Time, _: &Packet| {
            n += 1;
            now > SET_UP && draws.unit(n) < 0.3
        }
    };
    let record = Call {
        stop: at(30_000),
        ..Call::default()
    }
    .over(lossy(DELAY, lose(forward)), lossy(DELAY, lose(back)));
    let sent = record.sent_rtp(RtpKind::Media, Media::Video).len();
    let lost = record
        .residual(at(28_000))
        .into_iter()
        .filter(|(m, _)| *m == Media::Video)
        .count();
    assert!(lost * 100 < sent, "{lost} of {sent}");
    // Sound has no repair.
    let audio = record
        .residual(at(28_000))
        .into_iter()
        .filter(|(m, _)| *m == Media::Audio)
        .count();
    assert!((350..=480).contains(&audio), "30 % of 1370: {audio}");
    let shown = record.rendered().len();
    assert!(shown > 800, "{shown}");
}

#[test]
fn a_key_frame_request_beats_requests_for_retransmission() {
    /// Wants everything at once, now and then.
    struct Greedy;
    impl Requester for Greedy {
        fn on_packet(&mut self, _: Time, packet: &UsablePacket, nack: &mut Vec<u64>) -> Wish {
            let seq = packet.seq;
            if seq % 50 == 49 {
                nack.push(seq - 1);
            }
            Wish {
                key_frame: seq % 100 == 99,
            }
        }
        fn clear_up_to(&mut self, _: Time, _: u64) {}
        fn on_rtt(&mut self, _: Span) {}
        fn wake(&mut self, _: Time, _: &mut Vec<u64>) -> Wish {
            Wish::default()
        }
        fn next_wake(&self) -> Option<Time> {
            None
        }
        fn times_requested(&self, _: u64) -> u32 {
            0
        }
    }
    let record = Call {
        arq: ArqPair {
            requester: Box::new(Greedy),
            responder: build(&NoArq {}).responder,
        },
        ..Call::default()
    }
    .over(plain(DELAY), plain(DELAY));
    let arrived = record
        .usable()
        .iter()
        .filter(|(_, u)| u.0 == Media::Video)
        .count();
    assert!(arrived > 1_000);
    assert_eq!(record.key_frames_requested().len(), arrived / 100);
    assert_eq!(record.nacked() as usize, (arrived + 50) / 100);
}

#[test]
fn time_outs_for_key_frames_see_first_transmissions_only() {
    /// Counts what it is told of.
    struct Counting(Box<dyn JitterBuffer>, Arc<AtomicUsize>);
    impl JitterBuffer for Counting {
        fn start(&mut self, now: Time) {
            self.0.start(now);
        }
        fn on_frame(&mut self, now: Time, frame: CompleteFrame) {
            self.0.on_frame(now, frame);
        }
        fn on_packet(&mut self, now: Time, key: bool) {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.on_packet(now, key);
        }
        fn on_decoded(&mut self, now: Time, took: Span) {
            self.0.on_decoded(now, took);
        }
        fn on_rtt(&mut self, now: Time, rtt: Span) {
            self.0.on_rtt(now, rtt);
        }
        fn poll(&mut self, now: Time) -> Option<JitterAction> {
            self.0.poll(now)
        }
        fn next_wake(&self) -> Option<Time> {
            self.0.next_wake()
        }
        fn target_delay(&self) -> Span {
            self.0.target_delay()
        }
    }
    let count = Arc::new(AtomicUsize::new(0));
    let usual = Call::default();
    let record = Call {
        jitter: Box::new(Counting(usual.jitter, Arc::clone(&count))),
        ..Call::default()
    }
    .over(lossy(DELAY, every_tenth()), plain(DELAY));
    let direct = record
        .arrived
        .iter()
        .filter(|(at, p)| is_video(p) && *at < Time::from_secs(10));
    assert_eq!(count.load(Ordering::Relaxed), direct.count());
}
