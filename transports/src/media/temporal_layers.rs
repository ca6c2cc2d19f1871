//! Temporal layers: which frames others refer to, and who gets how many bits.
//!
//! Frames of layer 0 refer to the last one of layer 0, others to the last frame
//! of any lower layer. So nothing refers to a frame of the top layer, and a
//! stream without its upper layers is still one.
//!
//! Implements: the patterns and shares of libwebrtc for VP8
//! (`default_temporal_layers.cc`, `simulcast_rate_allocator.cc`, 2026-07):
//! layers 0; 0 1; 0 2 1 2; 0 3 2 3 1 3 2 3; shares of the bits 100; 60/40;
//! 40/20/40; 25/15/20/40 %. A key frame starts the pattern again.
//! Differs: a frame refers to one other only, and a frame that the encoder drops
//! takes no place in the pattern.

/// Most layers of a stream.
pub(super) const MAX_LAYERS: u8 = 4;

const PATTERNS: [&[u8]; MAX_LAYERS as usize] =
    [&[0], &[0, 1], &[0, 2, 1, 2], &[0, 3, 2, 3, 1, 3, 2, 3]];

const SHARES: [&[f64]; MAX_LAYERS as usize] = [
    &[1.0],
    &[0.6, 0.4],
    &[0.4, 0.2, 0.4],
    &[0.25, 0.15, 0.2, 0.4],
];

/// Where a frame stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Its layer.
    pub(super) temporal: u8,
    /// How many frames back the one is that it refers to; 0 for a key frame.
    pub(super) reference: u16,
    /// Whether it can be decoded alone.
    pub(super) key: bool,
}

/// The places of the frames of a stream, one after another.
#[derive(Debug, Clone)]
pub(super) struct TemporalLayers {
    layers: u8,
    position: usize,
    frames: u64,
    /// The last frame of each layer since the last key frame.
    last: [Option<u64>; MAX_LAYERS as usize],
}

impl TemporalLayers {
    /// The places in a stream of so many layers, 1 to 4.
    pub(super) fn new(layers: u8) -> Self {
        Self {
            layers: layers.clamp(1, MAX_LAYERS),
            position: 0,
            frames: 0,
            last: [None; MAX_LAYERS as usize],
        }
    }

    /// The place of the next frame; the first is a key frame.
    pub(super) fn next(&mut self, key: bool) -> Place {
        let number = self.frames;
        self.frames += 1;
        if key {
            (self.position, self.last) = (0, [None; MAX_LAYERS as usize]);
        }
        let pattern = PATTERNS[usize::from(self.layers - 1)];
        let temporal = pattern[self.position % pattern.len()];
        self.position += 1;
        let below = usize::from(temporal).max(1);
        let referred = self.last[..below].iter().flatten().max().copied();
        self.last[usize::from(temporal)] = Some(number);
        Place {
            temporal,
            reference: referred.map_or(0, |to| u16::try_from(number - to).unwrap_or(u16::MAX)),
            key: referred.is_none(),
        }
    }

    /// Size of a frame of this layer relative to the mean frame.
    pub(super) fn size_factor(&self, temporal: u8) -> f64 {
        let index = usize::from(self.layers - 1);
        let pattern = PATTERNS[index];
        let frames = pattern.iter().filter(|layer| **layer == temporal).count();
        let share = SHARES[index].get(usize::from(temporal)).copied();
        share.unwrap_or_default() * pattern.len() as f64 / frames.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places(layers: u8, frames: usize) -> Vec<(u8, u16)> {
        let mut stream = TemporalLayers::new(layers);
        (0..frames)
            .map(|_| stream.next(false))
            .map(|place| (place.temporal, place.reference))
            .collect()
    }

    #[test]
    fn patterns_and_references() {
        assert_eq!(places(1, 3), [(0, 0), (0, 1), (0, 1)]);
        assert_eq!(places(2, 5), [(0, 0), (1, 1), (0, 2), (1, 1), (0, 2)]);
        assert_eq!(
            places(3, 9),
            [
                (0, 0),
                (2, 1),
                (1, 2),
                (2, 1),
                (0, 4),
                (2, 1),
                (1, 2),
                (2, 1),
                (0, 4)
            ]
        );
        assert_eq!(
            places(4, 9)[..],
            [
                (0, 0),
                (3, 1),
                (2, 2),
                (3, 1),
                (1, 4),
                (3, 1),
                (2, 2),
                (3, 1),
                (0, 8)
            ]
        );
    }

    #[test]
    fn a_key_frame_starts_again() {
        let mut stream = TemporalLayers::new(3);
        for _ in 0..6 {
            stream.next(false);
        }
        let key = stream.next(true);
        assert_eq!((key.temporal, key.reference, key.key), (0, 0, true));
        assert_eq!(stream.next(false).reference, 1);
        assert_eq!((stream.next(false).temporal, stream.frames), (1, 9));
    }

    #[test]
    fn layers_have_their_shares_and_frames_the_mean() {
        for layers in 1..=MAX_LAYERS {
            let stream = TemporalLayers::new(layers);
            let pattern = PATTERNS[usize::from(layers) - 1];
            let sizes = pattern.iter().map(|layer| stream.size_factor(*layer));
            let total: f64 = sizes.sum();
            assert!((total - pattern.len() as f64).abs() < 1e-12);
            for layer in 0..layers {
                let frames = pattern.iter().filter(|l| **l == layer).count() as f64;
                let share = stream.size_factor(layer) * frames / total;
                let expected = SHARES[usize::from(layers) - 1][usize::from(layer)];
                assert!((share - expected).abs() < 1e-12, "{layers} {layer}");
            }
        }
        // The factors that follow: 40 % in a quarter of the frames.
        let sizes: Vec<_> = (0..3)
            .map(|l| TemporalLayers::new(3).size_factor(l))
            .collect();
        assert_eq!(sizes, [1.6, 0.8, 0.8]);
    }

    proptest! {
        /// References of a stream lead to lower layers, and nothing refers to
        /// the top layer.
        #[test]
        fn references_lead_down(layers in 1u8..=4, keys in prop::collection::vec(any::<bool>(), 1..80)) {
            let mut stream = TemporalLayers::new(layers);
            let mut sent: Vec<u8> = Vec::new();
            for key in keys {
                let place = stream.next(key);
                prop_assert_eq!(place.key, place.reference == 0);
                prop_assert!(!key || place.key);
                if !place.key {
                    let to = sent[sent.len() - usize::from(place.reference)];
                    prop_assert!(to < place.temporal || to == 0);
                }
                sent.push(place.temporal);
            }
        }
    }
}
