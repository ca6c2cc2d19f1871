//! Simulcast: the sizes and rates of the layers, and which of them are sent.
//!
//! Implements: libwebrtc (2026-07): the table of VP8 by resolution of
//! `video/config/simulcast.cc`, rates and number of layers interpolated by
//! pixels between its rows (the number is that of the upper row up to a tenth of
//! the way down); `simulcast_rate_allocator.cc`: from the lowest layer up, each
//! gets its target as long as its least rate is left, what is left over goes to
//! the highest that is sent, up to its greatest. A layer that was off comes back
//! at 1.2 times its least rate, or at its target if that is less.
//! Not modelled: VP9 and AV1 (spatial layers), layers that the application
//! turns off.

use weaknet_core::Bitrate;

use crate::media::SIMULCAST_LAYERS;

/// What a layer that was off needs relative to its least rate.
const HYSTERESIS: f64 = 1.2;
/// Share of the way to the row below within which the upper row's number of
/// layers counts.
const ROUND_UP: f64 = 0.1;

/// A row of the table: pixels, layers, greatest, target and least kbit/s.
type Row = (u32, u8, [u64; 3]);

const TABLE: [Row; 7] = [
    (1920 * 1080, 3, [5_000, 4_000, 800]),
    (1280 * 720, 3, [2_500, 2_500, 600]),
    (960 * 540, 3, [1_200, 1_200, 350]),
    (640 * 360, 2, [700, 500, 150]),
    (480 * 270, 2, [450, 350, 150]),
    (320 * 180, 1, [200, 150, 30]),
    (0, 1, [0, 0, 30]),
];

/// The bounds of one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LayerRates {
    /// As the highest layer.
    pub(super) max: Bitrate,
    /// As any other.
    pub(super) target: Bitrate,
    /// Off below.
    pub(super) min: Bitrate,
}

/// The rows around a size and how far down the way it is.
fn rows(pixels: u32) -> (Row, Row, f64) {
    let index = TABLE.iter().position(|row| pixels >= row.0);
    match index {
        Some(below) if below > 0 => {
            let (up, down) = (TABLE[below - 1], TABLE[below]);
            let way = f64::from(up.0 - pixels) / f64::from(up.0 - down.0);
            (up, down, way)
        }
        _ => (TABLE[0], TABLE[0], 0.0),
    }
}

/// Most layers of a stream whose highest has so many pixels.
pub(super) fn most_layers(pixels: u32) -> u8 {
    let (up, down, way) = rows(pixels);
    if way < ROUND_UP { up.1 } else { down.1 }
}

/// The bounds of a layer of so many pixels.
pub(super) fn rates(pixels: u32) -> LayerRates {
    let (up, down, way) = rows(pixels);
    let between = |column: usize| {
        let (up, down) = (up.2[column] as f64, down.2[column] as f64);
        Bitrate::from_bps_f64((up * (1.0 - way) + down * way) * 1e3)
    };
    let min = between(2);
    LayerRates {
        max: between(0).max(min),
        target: between(1).max(min),
        min,
    }
}

/// Shares a rate out among the layers.
#[derive(Debug, Clone)]
pub(super) struct Allocator {
    layers: Vec<LayerRates>,
    /// How many were sent at last; `None` at first.
    sent: Option<usize>,
}

impl Allocator {
    /// An allocator for these layers, the smallest picture first.
    pub(super) fn new(layers: Vec<LayerRates>) -> Self {
        Self { layers, sent: None }
    }

    /// The rates of the layers that are sent, from the lowest on: at least one.
    pub(super) fn allocate(&mut self, total: Bitrate) -> [Bitrate; SIMULCAST_LAYERS] {
        let mut rates = [Bitrate::ZERO; SIMULCAST_LAYERS];
        let mut left = total.max(self.layers.first().map_or(total, |layer| layer.min));
        let mut sent = 0;
        for (layer, rate) in self.layers.iter().zip(&mut rates) {
            let was_off = self.sent.is_some_and(|before| sent >= before);
            let least = if was_off && sent > 0 {
                layer.min.mul_f64(HYSTERESIS).min(layer.target)
            } else {
                layer.min
            };
            if left < least {
                break;
            }
            *rate = left.min(layer.target);
            left = left - *rate;
            sent += 1;
        }
        if let Some(top) = sent.checked_sub(1) {
            let most = self
                .layers
                .get(top)
                .map_or(Bitrate::ZERO, |layer| layer.max);
            rates[top] = (rates[top] + left).min(most.max(rates[top]));
        }
        self.sent = Some(sent);
        rates
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kbps(rates: LayerRates) -> [f64; 3] {
        [rates.max, rates.target, rates.min].map(|rate| rate.as_kbps_f64())
    }

    #[test]
    fn the_table_and_between_its_rows() {
        assert_eq!(kbps(rates(1280 * 720)), [2_500.0, 2_500.0, 600.0]);
        assert_eq!(kbps(rates(640 * 360)), [700.0, 500.0, 150.0]);
        assert_eq!(kbps(rates(320 * 180)), [200.0, 150.0, 30.0]);
        assert_eq!(kbps(rates(4096 * 2160)), [5_000.0, 4_000.0, 800.0]);
        // 160x90 is a quarter of 320x180: rates fall with it, not below 30.
        assert_eq!(kbps(rates(160 * 90)), [50.0, 37.5, 30.0]);
        // 640x480 is 0.7333 of the way from 960x540 down to 640x360.
        let [max, target, min] = kbps(rates(640 * 480));
        assert!((max - 833.333).abs() < 0.01 && (target - 686.667).abs() < 0.01);
        assert!((min - 203.333).abs() < 0.01);
        let layers = [1920 * 1080, 960 * 540, 640 * 480, 640 * 360, 320 * 180, 1];
        assert_eq!(layers.map(most_layers), [3, 3, 2, 2, 1, 1]);
        // 930x523 is 6 % below 960x540 in pixels.
        assert_eq!(most_layers(930 * 540), 3);
    }

    fn of_720p() -> Allocator {
        Allocator::new([320 * 180, 640 * 360, 1280 * 720].map(rates).to_vec())
    }

    fn allocated(allocator: &mut Allocator, total: u64) -> [u64; 3] {
        allocator
            .allocate(Bitrate::from_kbps(total))
            .map(|rate| rate.as_bps() / 1_000)
    }

    #[test]
    fn layers_are_filled_from_below() {
        for (total, expected) in [
            (10, [30, 0, 0]),
            (100, [100, 0, 0]),
            (250, [200, 0, 0]),
            (300, [150, 150, 0]),
            (900, [150, 700, 0]),
            (1_249, [150, 700, 0]),
            (1_250, [150, 500, 600]),
            (3_150, [150, 500, 2_500]),
            (9_000, [150, 500, 2_500]),
        ] {
            assert_eq!(allocated(&mut of_720p(), total), expected, "{total}");
        }
    }

    #[test]
    fn a_layer_comes_back_later_than_it_went() {
        let mut allocator = of_720p();
        assert_eq!(allocated(&mut allocator, 1_250)[2], 600);
        assert_eq!(allocated(&mut allocator, 1_249)[2], 0);
        assert_eq!(allocated(&mut allocator, 1_369)[2], 0);
        assert_eq!(allocated(&mut allocator, 1_370)[2], 720);
        assert_eq!(allocated(&mut allocator, 1_250)[2], 600);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_made_up(totals in prop::collection::vec(0u64..6_000, 1..40)) {
            let mut allocator = of_720p();
            for total in totals {
                let rates = allocated(&mut allocator, total);
                let sum: u64 = rates.iter().sum();
                prop_assert!(sum <= total.max(30));
                prop_assert!(rates[0] >= 30);
                let on = rates.iter().filter(|rate| **rate > 0).count();
                prop_assert!(rates[..on].iter().all(|rate| *rate > 0), "layers are on from below");
                // A rate that the layers could use is left over only if the next
                // one is off.
                prop_assert!(on < 3 || sum == total.min(3_150));
            }
        }
    }
}
