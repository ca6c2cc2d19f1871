//! A second of a call: what `getStats` said at its end, in the columns of the recorded
//! calls.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// IPv4 and UDP.
const HEADERS: f64 = 28.0;

/// Cells are empty where Chromium says nothing yet.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Second {
    /// Seconds since the call began.
    pub(crate) t_s: f64,
    pub(crate) capacity_kbps: f64,
    /// What the video encoder is asked for.
    pub(crate) s_target_kbps: Option<f64>,
    /// RTP of the video without repair.
    pub(crate) s_video_kbps: Option<f64>,
    pub(crate) s_retx_kbps: Option<f64>,
    pub(crate) s_avail_out_kbps: Option<f64>,
    pub(crate) s_stun_rtt_ms: Option<f64>,
    pub(crate) s_rtcp_rtt_ms: Option<f64>,
    pub(crate) s_fps: Option<f64>,
    pub(crate) s_w: Option<f64>,
    pub(crate) s_h: Option<f64>,
    pub(crate) s_qp_mean: Option<f64>,
    /// How long the encoder takes for a frame.
    pub(crate) s_enc_ms: Option<f64>,
    /// How long a packet waited in the sender's pacer.
    pub(crate) s_pacer_ms: Option<f64>,
    pub(crate) s_nack_recv: Option<f64>,
    pub(crate) s_pli_recv: Option<f64>,
    pub(crate) r_frames_decoded: Option<f64>,
    /// Since the call began, as the next one.
    pub(crate) r_freeze_count: Option<f64>,
    pub(crate) r_total_freezes_s: Option<f64>,
    pub(crate) r_jb_delay_ms: Option<f64>,
    /// What the jitter buffer aims at.
    pub(crate) r_jb_target_ms: Option<f64>,
    pub(crate) r_jitter_ms: Option<f64>,
    pub(crate) r_pkts_lost_total: Option<f64>,
    pub(crate) r_retx_recv: Option<f64>,
    pub(crate) a_samples: Option<f64>,
    pub(crate) a_concealed: Option<f64>,
    pub(crate) a_jb_delay_ms: Option<f64>,
    /// All that the left end gave to the link, in bytes of IP.
    pub(crate) l_in_kbps: Option<f64>,
    /// All that the right end got from it.
    pub(crate) l_out_kbps: Option<f64>,
}

/// What both pages say of a moment.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) left: Value,
    pub(crate) right: Value,
}

/// A counter of one end, at two moments.
struct Counters<'a> {
    before: &'a Value,
    now: &'a Value,
}

impl Counters<'_> {
    fn value(&self, entry: &str, name: &str) -> Option<f64> {
        self.now[entry][name].as_f64()
    }

    /// What came on. Counters begin at nothing.
    fn more(&self, entry: &str, name: &str) -> Option<f64> {
        let before = self.before[entry][name].as_f64().unwrap_or(0.0);
        Some(self.value(entry, name)? - before)
    }

    fn ratio(&self, entry: &str, above: &str, below: &str) -> Option<f64> {
        let below = self.more(entry, below)?;
        (below > 0.0).then_some(self.more(entry, above)? / below)
    }

    fn kbps(&self, entry: &str, bytes: &[&str], packets: Option<&str>) -> Option<f64> {
        let before = self.before[entry]["timestamp"].as_f64()?;
        let ms = self.value(entry, "timestamp")? - before;
        let mut sum = 0.0;
        for name in bytes {
            sum += self.more(entry, name)?;
        }
        if let Some(name) = packets {
            sum += HEADERS * self.more(entry, name)?;
        }
        (ms > 0.0).then_some(8.0 * sum / ms)
    }
}

impl Second {
    pub(crate) fn between(t_s: f64, capacity_kbps: f64, before: &Sample, now: &Sample) -> Self {
        let s = Counters {
            before: &before.left,
            now: &now.left,
        };
        let r = Counters {
            before: &before.right,
            now: &now.right,
        };
        let thousand = |value: Option<f64>| value.map(|value| value * 1_000.0);
        let thousandth = |value: Option<f64>| value.map(|value| value / 1_000.0);
        let (sent, received) = ("sent_video", "received_video");
        Self {
            t_s,
            capacity_kbps,
            s_target_kbps: thousandth(s.value(sent, "targetBitrate")),
            s_video_kbps: s.kbps(sent, &["bytesSent", "headerBytesSent"], None),
            s_retx_kbps: s.kbps(sent, &["retransmittedBytesSent"], None),
            s_avail_out_kbps: thousandth(s.value("pair", "availableOutgoingBitrate")),
            s_stun_rtt_ms: thousand(s.value("pair", "currentRoundTripTime")),
            s_rtcp_rtt_ms: thousand(s.value("reported_video", "roundTripTime")),
            s_fps: s.value(sent, "framesPerSecond"),
            s_w: s.value(sent, "frameWidth"),
            s_h: s.value(sent, "frameHeight"),
            s_qp_mean: s.ratio(sent, "qpSum", "framesEncoded"),
            s_enc_ms: thousand(s.ratio(sent, "totalEncodeTime", "framesEncoded")),
            s_pacer_ms: thousand(s.ratio(sent, "totalPacketSendDelay", "packetsSent")),
            s_nack_recv: s.more(sent, "nackCount"),
            s_pli_recv: s.more(sent, "pliCount"),
            r_frames_decoded: r.more(received, "framesDecoded"),
            r_freeze_count: r.value(received, "freezeCount"),
            r_total_freezes_s: r.value(received, "totalFreezesDuration"),
            r_jb_delay_ms: thousand(r.ratio(
                received,
                "jitterBufferDelay",
                "jitterBufferEmittedCount",
            )),
            r_jb_target_ms: thousand(r.ratio(
                received,
                "jitterBufferTargetDelay",
                "jitterBufferEmittedCount",
            )),
            r_jitter_ms: thousand(r.value(received, "jitter")),
            r_pkts_lost_total: r.value(received, "packetsLost"),
            r_retx_recv: r.more(received, "retransmittedPacketsReceived"),
            a_samples: r.more("received_audio", "totalSamplesReceived"),
            a_concealed: r.more("received_audio", "concealedSamples"),
            a_jb_delay_ms: thousand(r.ratio(
                "received_audio",
                "jitterBufferDelay",
                "jitterBufferEmittedCount",
            )),
            l_in_kbps: s.kbps("transport", &["bytesSent"], Some("packetsSent")),
            l_out_kbps: r.kbps("transport", &["bytesReceived"], Some("packetsReceived")),
        }
    }
}

/// The seconds of a recorded call.
pub(crate) fn read(path: &Path) -> Vec<Second> {
    let mut file = csv::Reader::from_path(path).unwrap();
    file.deserialize().map(Result::unwrap).collect()
}

pub(crate) fn write(path: &Path, seconds: &[Second]) {
    let mut file = csv::Writer::from_path(path).unwrap();
    for second in seconds {
        file.serialize(second).unwrap();
    }
    file.flush().unwrap();
}
