//! What the target leaves for the encoder.
//!
//! Implements: libwebrtc's `RtpVideoSender::OnBitrateUpdated` and
//! `FecControllerDefault::UpdateFecRates` (2026-07). From the target go, in this
//! order: what audio takes on the wire; the headers of so many packets of full
//! size; the share that retransmission and repair packets had in the video sent
//! over the last second, at most half; the payload headers sent over the last
//! second, at most half of what is left.
//! A recorded Chromium 156 call agrees to 0.2 %, also while its probes are
//! filled with retransmissions: those are no repair.
//! When audio has two bounds, its rate is what `call/bitrate_allocator.cc` gives
//! two streams of the same priority: both get their least, then audio half of the
//! rest, up to its most; its headers, and what redundancy adds to its packets,
//! count as part of what it gets (`OnReceivedUplinkBandwidthImpl` of
//! `audio_encoder_opus.cc`).
//! Differs: audio takes its rate, whatever its packets weigh, and what redundancy
//! adds, which libwebrtc does not count; libwebrtc computes the allocation when its controller publishes, this sender
//! at every report.
//! Not modelled: several video streams, pausing below the least rate, the field
//! trial that counts whole packets per frame. What an encoder that overshoots is told
//! instead is the matter of the video source.

use weaknet_core::packet::Media;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use crate::media::AudioFormat;
use crate::rtp::Overhead;
use crate::transport::RateCounter;

/// Largest RTP packet in the account of headers (`kVideoMtu`).
const MAX_RTP_PACKET: u32 = 1_200;
/// Largest share of repair in the account.
const MAX_REPAIR_SHARE: f64 = 0.5;

/// The accounts of one sender.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// What audio takes on the wire.
    audio: Bitrate,
    media: RateCounter,
    repair: RateCounter,
    payload_headers: RateCounter,
}

impl Budget {
    /// Audio of this rate comes in packets of this length, with so many bytes of
    /// redundancy beside what is encoded; whether that is news.
    pub(super) fn set_audio(
        &mut self,
        bitrate: Bitrate,
        length: Span,
        redundancy: u32,
        overhead: &Overhead,
    ) -> bool {
        let beside = u64::from(overhead.media(Media::Audio) + redundancy);
        let audio = bitrate + Bytes::new(beside).per(length);
        std::mem::replace(&mut self.audio, audio) != audio
    }

    /// The rate of payload that audio gets of `target` beside video of at least
    /// `video`; until now it had `rate`.
    pub(super) fn share_audio(
        &mut self,
        target: Bitrate,
        video: Option<Bitrate>,
        format: &AudioFormat,
        rate: Bitrate,
    ) -> Bitrate {
        let beside = self.audio - rate;
        let rest = target - (beside + format.min_bitrate + video.unwrap_or_default());
        let streams = if video.is_some() { 2 } else { 1 };
        let part = Bitrate::from_bps(rest.as_bps() / streams);
        let rate = (format.min_bitrate + part).min(format.max_bitrate);
        self.audio = beside + rate;
        rate
    }

    /// A video frame was split into this many packets.
    pub(super) fn on_frame(&mut self, now: Time, packets: u16, overhead: &Overhead) {
        let bytes = u64::from(packets) * u64::from(overhead.video_descriptor);
        self.payload_headers.add(now, bytes);
    }

    /// A video packet was sent for the first time.
    pub(super) fn on_media(&mut self, now: Time, size: u64) {
        self.media.add(now, size);
    }

    /// A video packet was sent again on request, or a repair packet.
    pub(super) fn on_repair(&mut self, now: Time, size: u64) {
        self.repair.add(now, size);
    }

    /// What is left of `target` for video and all that repairs it, without headers.
    pub(super) fn payload(&self, target: Bitrate, overhead: &Overhead) -> Bitrate {
        let video = target - self.audio;
        video - header_rate(overhead, video)
    }

    /// What is left of `target` for the video encoder.
    pub(super) fn encoder_target(
        &mut self,
        now: Time,
        target: Bitrate,
        overhead: &Overhead,
    ) -> Bitrate {
        let payload = self.payload(target, overhead);
        let encoder = payload.mul_f64(1.0 - self.repair_share(now));
        let half = Bitrate::from_bps(encoder.as_bps() / 2);
        encoder - self.payload_headers.rate(now).unwrap_or_default().min(half)
    }

    fn repair_share(&mut self, now: Time) -> f64 {
        let repair = self.repair.rate(now).unwrap_or_default().as_bps_f64();
        let media = self.media.rate(now).unwrap_or_default().as_bps_f64();
        if repair == 0.0 {
            return 0.0;
        }
        (repair / (repair + media)).min(MAX_REPAIR_SHARE)
    }
}

/// What the headers of packets of full size take of a video rate, whole packets
/// per second.
fn header_rate(overhead: &Overhead, video: Bitrate) -> Bitrate {
    let transport = overhead.ip_udp + overhead.srtp;
    let packet = u64::from(MAX_RTP_PACKET + transport);
    let headers = u64::from(transport + overhead.rtp + overhead.video_extensions);
    let packets = video.as_bps().div_ceil(packet * 8);
    Bitrate::from_bps(packets * headers * 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEBRTC: Overhead = Overhead::WEBRTC;

    #[test]
    fn headers_of_full_packets_come_off() {
        // 1 Mbit/s are 100.97 packets of 1238 bytes; 101 headers of 62 bytes.
        let mut budget = Budget::default();
        let left = budget.encoder_target(Time::ZERO, Bitrate::from_mbps(1), &WEBRTC);
        assert_eq!(left.as_bps(), 1_000_000 - 101 * 62 * 8);
        let left = budget.encoder_target(Time::ZERO, Bitrate::from_mbps(1), &Overhead::NONE);
        assert_eq!(left, Bitrate::from_mbps(1));
    }

    #[test]
    fn audio_goes_first() {
        let mut budget = Budget::default();
        // 32 kbit/s and 66 bytes of headers each 20 ms.
        assert!(budget.set_audio(Bitrate::from_kbps(32), Span::from_millis(20), 0, &WEBRTC));
        assert!(!budget.set_audio(Bitrate::from_kbps(32), Span::from_millis(20), 0, &WEBRTC));
        let left = budget.encoder_target(Time::ZERO, Bitrate::from_bps(58_400), &WEBRTC);
        assert_eq!(left, Bitrate::ZERO);
        let left = budget.encoder_target(Time::ZERO, Bitrate::from_bps(68_400), &WEBRTC);
        assert_eq!(left.as_bps(), 10_000 - 2 * 62 * 8);
    }

    #[test]
    fn audio_between_bounds_gets_half_of_the_rest() {
        let format = AudioFormat {
            min_bitrate: Bitrate::from_kbps(8),
            max_bitrate: Bitrate::from_kbps(32),
        };
        let video = Some(Bitrate::from_kbps(30));
        let mut budget = Budget::default();
        let mut rate = format.max_bitrate;
        // 66 bytes of headers each 20 ms are 26.4 kbit/s, 85 of redundancy 34.
        budget.set_audio(rate, Span::from_millis(20), 85, &WEBRTC);
        for (target, expected) in [(50, 8), (98, 8), (110, 14), (500, 32), (130, 24)] {
            let target = Bitrate::from_bps(target * 1_000 + 400);
            rate = budget.share_audio(target, video, &format, rate);
            assert_eq!(rate, Bitrate::from_kbps(expected), "{target}");
            assert_eq!(budget.audio, rate + Bitrate::from_bps(60_400));
        }
        // Alone it gets all.
        let target = Bitrate::from_bps(80_400);
        let alone = budget.share_audio(target, None, &format, rate);
        assert_eq!(alone, Bitrate::from_kbps(20));
    }

    #[test]
    fn chromium_does_the_same_sum() {
        // A Chromium 156 call over 1 Mbit/s, without loss: its estimate and its
        // encoder's target in kbit/s at 2, 3 and 5 s (getStats); Opus at 32
        // kbit/s. Its frames were of three to four packets.
        for (estimate, target) in [(949.0, 841.4), (960.4, 851.5), (829.4, 728.8)] {
            let mut budget = Budget::default();
            budget.set_audio(Bitrate::from_kbps(32), Span::from_millis(20), 0, &WEBRTC);
            for frame in 0..30 {
                budget.on_frame(Time::from_millis(frame * 33), 4, &WEBRTC);
            }
            let estimate = Bitrate::from_bps_f64(estimate * 1e3);
            let left = budget.encoder_target(Time::from_millis(980), estimate, &WEBRTC);
            assert!((left.as_kbps_f64() - target).abs() < 1.5, "{left} {target}");
        }
    }

    #[test]
    fn repair_takes_its_share_up_to_half() {
        let target = Bitrate::from_kbps(900);
        for (repair, expected) in [(0, 900), (100, 810), (900, 450), (9_000, 450)] {
            let mut budget = Budget::default();
            for ms in 0..1000 {
                budget.on_media(Time::from_millis(ms), 900);
                if repair > 0 {
                    budget.on_repair(Time::from_millis(ms), repair);
                }
            }
            let left = budget.encoder_target(Time::from_millis(999), target, &Overhead::NONE);
            assert_eq!(left, Bitrate::from_kbps(expected), "{repair}");
        }
    }

    #[test]
    fn payload_headers_take_at_most_half() {
        let mut budget = Budget::default();
        for ms in (0..1000).step_by(10) {
            budget.on_frame(Time::from_millis(ms), 2, &WEBRTC);
        }
        let now = Time::from_millis(999);
        // 100 frames of two packets with 4 bytes each: 6.4 kbit/s.
        let left = budget.encoder_target(now, Bitrate::from_mbps(1), &WEBRTC);
        assert_eq!(left.as_bps(), 1_000_000 - 101 * 62 * 8 - 6_400);
        let left = budget.encoder_target(now, Bitrate::from_kbps(10), &WEBRTC);
        assert_eq!(left.as_bps(), (10_000 - 2 * 62 * 8) / 2);
    }
}
