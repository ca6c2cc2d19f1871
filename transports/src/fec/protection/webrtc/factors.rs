//! libwebrtc's sum: from loss, rate and round trip to repair packets.
//!
//! Implements: `VCMFecMethod::ProtectionFactor` and `VCMNackFecMethod` of
//! libwebrtc (`media_opt_util.cc`, 2026-07), in its types: integers are rounded
//! where it does so, reals have 32 bits.
//! Not modelled: the cost correction that is computed there and never used.

use super::table::{LAST_ROW, MAX_LOSS, share};

/// A frame of more than this has two packets (`_maxPayloadSize`).
const PACKET: f32 = 1_460.0;
/// Pixels of the reference size (4CIF).
const REFERENCE_PIXELS: f32 = 704.0 * 576.0;
const CIF: u64 = 352 * 288;
const VGA: u64 = 640 * 480;
/// Least share for delta frames of more than one packet: 20 %.
const LEAST_SHARE: u8 = 51;
/// Below this round trip, in ms, retransmission alone has to do.
const LOW_RTT: u64 = 20;
/// From this round trip on, in ms, small frames are protected too.
const HIGH_RTT: u64 = 200;
/// Most frames that may wait for their repair packets together.
const MAX_FRAMES: u32 = 6;

/// What the sum is made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inputs {
    /// In 255ths.
    pub(super) loss: u8,
    pub(super) kbps: f32,
    pub(super) fps: f32,
    /// In ms.
    pub(super) rtt: u64,
    pub(super) pixels: u64,
    /// Temporal layers, at least 1.
    pub(super) layers: u32,
    /// Packets of delta and key frames.
    pub(super) packets: [f32; 2],
    /// Whether there is retransmission too.
    pub(super) nack: bool,
}

/// How much is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Factors {
    /// Repair packets per media packet of delta frames, in 255ths.
    pub(super) delta: u8,
    /// The same for key frames.
    pub(super) key: u8,
    pub(super) max_frames: u32,
}

impl Inputs {
    pub(super) fn factors(&self) -> Factors {
        let (mut delta, mut key) = self.shares();
        let mut max_frames = 1;
        if self.nack {
            max_frames = self.max_frames();
            if self.rtt < LOW_RTT {
                delta = 0;
            }
            if self.is_too_small() {
                (delta, key) = (0, 0);
            }
        }
        Factors {
            delta: of_media(delta),
            key: of_media(key),
            max_frames,
        }
    }

    /// Kilobits per frame of the base layer, which alone is protected.
    fn kbits_per_frame(&self) -> i32 {
        let share = match self.layers {
            0 | 1 => 1.0,
            2 => 0.6,
            3 => 0.4,
            _ => 0.25,
        };
        (self.kbps * share / self.base_fps().max(1.0)) as i32
    }

    fn base_fps(&self) -> f32 {
        let halvings = self.layers.clamp(1, 8) - 1;
        self.fps / (1_u32 << halvings) as f32
    }

    /// Repair packets of all packets of delta and key frames, in 255ths.
    fn shares(&self) -> (u8, u8) {
        let loss = (255.0 * (f64::from(self.loss) / 255.0) as f32) as u8;
        if loss == 0 {
            return (0, 0);
        }
        let loss = loss.min(MAX_LOSS);
        let kbits = self.kbits_per_frame();
        let packets = (1.5 + kbits as f32 * 1_000.0 / (8.0 * PACKET)) as u8;
        let size = self.pixels as f32 / REFERENCE_PIXELS;
        let effective = (kbits as f32 / libm::powf(size, 0.3)) as u16;
        let row = |times: i32, more: i32| {
            let row = more + (times * i32::from(effective) - 5) / 5;
            row.clamp(0, i32::from(LAST_ROW)) as u16
        };
        let mut delta = share(row(1, 0), loss);
        if packets > 1 {
            delta = delta.max(LEAST_SHARE);
        }
        let delta = delta.min(MAX_LOSS);
        let [of_delta, of_key] = self.packets.map(|packets| (0.5 + packets) as u8);
        let boost = of_key.checked_div(of_delta).unwrap_or(1).max(2);
        let key = share(row(i32::from(boost), 1), loss);
        let twice = delta.saturating_mul(2).min(MAX_LOSS);
        (delta, key.max(twice).max(loss).min(MAX_LOSS))
    }

    /// Frames in two round trips.
    fn max_frames(&self) -> u32 {
        if self.layers > 2 {
            return 1;
        }
        let frames = 2.0 * self.base_fps() * self.rtt as f32 / 1_000.0 + 0.5;
        (frames as u32).clamp(1, MAX_FRAMES)
    }

    fn is_too_small(&self) -> bool {
        let least = if self.pixels <= CIF {
            400
        } else if self.pixels <= VGA {
            700
        } else {
            1_000
        };
        let bytes = i64::from(self.kbits_per_frame()) * 1_000 / 8;
        bytes < least && self.layers < 3 && self.rtt < HIGH_RTT
    }
}

/// A share of the whole as a share of the media, both in 255ths.
fn of_media(share: u8) -> u8 {
    let share = f32::from(share.min(MAX_LOSS));
    (0.5 + 255.0 * share / (255.0 - share)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 Mbit/s of VGA at 30 per second, 100 ms.
    const EXAMPLE: Inputs = Inputs {
        loss: 0,
        kbps: 1_000.0,
        fps: 30.0,
        rtt: 100,
        pixels: VGA,
        layers: 1,
        packets: [4.0, 8.0],
        nack: true,
    };

    fn percent_of_all(loss_percent: u32) -> u32 {
        let loss = (loss_percent * 255 / 100) as u8;
        let (delta, _) = Inputs { loss, ..EXAMPLE }.shares();
        (u32::from(delta) * 100 + 127) / 255
    }

    #[test]
    fn media_md_3_1_worked_example_with_the_least_share() {
        let losses = [1, 2, 3, 5, 8, 10, 15, 20, 30];
        let expected = [20, 20, 20, 20, 28, 28, 31, 45, 50];
        assert_eq!(losses.map(percent_of_all), expected);
    }

    #[test]
    fn media_md_3_1_line_1_no_loss_no_protection() {
        let Factors { delta, key, .. } = EXAMPLE.factors();
        assert_eq!((delta, key), (0, 0));
    }

    #[test]
    fn media_md_3_1_line_2_least_share_needs_two_packets_and_any_loss() {
        let shares = |loss, kbps| {
            let inputs = Inputs {
                loss,
                kbps,
                ..EXAMPLE
            };
            inputs.shares().0
        };
        // Half a packet of 1460 bytes, 5.84 kbit, makes two with the repair packet.
        assert_eq!((shares(1, 150.0), shares(1, 180.0)), (0, 51));
        // The cap of the table, 127.
        assert_eq!((shares(128, 3_000.0), shares(255, 3_000.0)), (127, 127));
    }

    #[test]
    fn media_md_3_1_line_3_key_frames() {
        let key = |loss, packets| {
            let inputs = Inputs {
                loss,
                packets,
                ..EXAMPLE
            };
            inputs.shares().1
        };
        // Twice the delta frames' 20 %, where the row of twice the size has less.
        assert_eq!(key(2, [4.0, 8.0]), 102);
        // Never more than half.
        assert_eq!(key(76, [4.0, 8.0]), 128);
        // Ten times the packets: the last row.
        let boosted = Inputs {
            kbps: 300.0,
            packets: [1.0, 10.0],
            loss: 12,
            ..EXAMPLE
        };
        assert_eq!(boosted.shares().1, share(20, 12).max(102));
    }

    #[test]
    fn media_md_3_1_line_4_low_round_trip_leaves_it_to_nack() {
        let at = |rtt, nack| {
            let inputs = Inputs {
                loss: 13,
                rtt,
                nack,
                ..EXAMPLE
            };
            let Factors { delta, key, .. } = inputs.factors();
            (delta > 0, key > 0)
        };
        assert_eq!(at(19, true), (false, true));
        assert_eq!(at(20, true), (true, true));
        assert_eq!(at(2_000, true), (true, true));
        assert_eq!(at(0, false), (true, true));
    }

    #[test]
    fn media_md_3_1_line_5_off_for_small_frames() {
        let on = |pixels, bytes: f32, layers, rtt| {
            // Whole kilobits count: at layers above 1 the base's share.
            let kbps = bytes * 8.0 * 30.0 / 1_000.0;
            let inputs = Inputs {
                loss: 30,
                kbps,
                pixels,
                layers,
                rtt,
                ..EXAMPLE
            };
            inputs.factors().key > 0
        };
        assert_eq!(
            (on(CIF, 370.0, 1, 100), on(CIF, 500.1, 1, 100)),
            (false, true)
        );
        assert_eq!(
            (on(VGA, 690.0, 1, 100), on(VGA, 750.1, 1, 100)),
            (false, true)
        );
        assert_eq!(
            (on(VGA + 1, 990.0, 1, 100), on(VGA + 1, 1_000.1, 1, 100)),
            (false, true)
        );
        assert_eq!(
            (on(CIF, 370.0, 3, 100), on(CIF, 370.0, 1, 200)),
            (true, true)
        );
    }

    #[test]
    fn media_md_3_1_line_6_frames_of_two_round_trips() {
        let frames = |rtt, layers| {
            Inputs {
                rtt,
                layers,
                ..EXAMPLE
            }
            .max_frames()
        };
        assert_eq!(
            [0, 24, 25, 41, 42, 91, 92, 1_000].map(|rtt| frames(rtt, 1)),
            [1, 1, 2, 2, 3, 5, 6, 6]
        );
        assert_eq!((frames(100, 2), frames(100, 3)), (3, 1));
    }

    #[test]
    fn media_md_3_1_line_7_of_the_total_is_not_of_the_media() {
        // 20 % of all are 25 % of the media; 128 of 255 a little more than as much.
        assert_eq!([0, 51, 127, 128, 255].map(of_media), [0, 64, 253, 255, 255]);
    }
}
