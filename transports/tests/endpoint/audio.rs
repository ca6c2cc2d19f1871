//! Audio that carries older audio, and audio that follows the target.

use weaknet_core::packet::{Media, Packet, RtpKind};
use weaknet_core::plugin::Assets;
use weaknet_core::{Bitrate, BuildContext, Plugin, Span, Streams, Time};
use weaknet_transports::fec::audio::AudioProtection;
use weaknet_transports::fec::{Fec, RedAudio, Schemes};
use weaknet_transports::media::AudioFormat;

use super::spies::{Spy, target};
use super::support::{Call, at, lossy, plain, rtp};

const DELAY: Span = Span::from_millis(25);

fn protection<P: Plugin<Kind = Fec>>(config: &P) -> AudioProtection {
    let (streams, assets) = (Streams::new(1), Assets::default());
    let cx = BuildContext {
        path: "call",
        streams: &streams,
        assets: &assets,
    };
    let mut schemes = Schemes::default();
    schemes.add(config.build(&cx).unwrap(), true).unwrap();
    schemes.audio
}

fn is_audio(packet: &Packet, lost: impl Fn(u64) -> bool) -> bool {
    rtp(packet).is_some_and(|rtp| rtp.media == Media::Audio && lost(rtp.seq))
}

#[test]
fn two_older_packets_repair_bursts_of_two() {
    for (burst, left) in [(1, 0), (2, 0), (3, 1), (5, 3)] {
        let lost = move |seq: u64| seq >= 40 && seq % 20 < burst;
        let record = Call {
            video: None,
            audio_protection: protection(&RedAudio { distance: 2 }),
            ..Call::default()
        }
        .over(
            lossy(DELAY, move |_: Time, packet: &_| is_audio(packet, lost)),
            plain(DELAY),
        );
        let sent = record.sent_rtp(RtpKind::Media, Media::Audio);
        let judged = |seq: u64| (40..440).contains(&seq);
        let residual = record.residual(at(9_000));
        let residual = residual.iter().filter(|(_, seq)| judged(*seq)).count() as u64;
        assert_eq!(residual, 20 * left, "{burst}");
        let repaired = record.usable();
        let repaired = repaired
            .iter()
            .filter(|(_, (_, seq, again))| *again && judged(*seq));
        assert_eq!(repaired.count() as u64, 20 * (burst - left), "{burst}");
        // 80 bytes, twice four more, and the last header.
        assert!(sent[10..].iter().all(|(_, rtp)| rtp.payload == 249));
    }
}

#[test]
fn audio_follows_the_target_between_its_bounds() {
    let times = [(0, 1_000), (3_000, 100), (6_000, 20)];
    let spy = Spy::new(times.map(|(ms, kbps)| (at(ms), target(kbps))).to_vec());
    let record = Call {
        controller: Box::new(spy),
        audio_format: AudioFormat {
            min_bitrate: Bitrate::from_kbps(8),
            max_bitrate: Bitrate::from_kbps(32),
        },
        ..Call::default()
    }
    .over(plain(DELAY), plain(DELAY));
    let sent = record.sent_rtp(RtpKind::Media, Media::Audio);
    let sizes = |from: u64, to: u64| {
        let inside = move |time: &Time| (at(from)..at(to)).contains(time);
        let sizes: Vec<u16> = sent
            .iter()
            .filter(|(time, _)| inside(time))
            .map(|(_, rtp)| rtp.payload)
            .collect();
        assert!(!sizes.is_empty());
        sizes
    };
    assert!(sizes(1_000, 2_900).iter().all(|size| *size == 80));
    // Of 100 kbit/s headers take 26.4, the least rates 8 and 30: half of the rest
    // makes 25.8 kbit/s, 64.5 bytes.
    assert!(
        sizes(4_000, 5_900)
            .iter()
            .all(|size| (64..=65).contains(size))
    );
    assert!(sizes(7_000, 9_900).iter().all(|size| *size == 20));
}
