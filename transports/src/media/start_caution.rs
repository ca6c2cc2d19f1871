//! Lower rates while it is not known by how much an encoder overshoots.
//!
//! Implements: the effect of libwebrtc's `EncoderBitrateAdjuster` (2026-07): it
//! takes an encoder of unknown behaviour to overshoot by a factor for the first
//! frames; afterwards the measured behaviour counts more and more, and the encoder
//! itself comes up slowly.

/// How the caution runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct StartCaution {
    /// The rate of the first frames is divided by this.
    pub(super) factor: f64,
    /// Frames at the start that are lowered in another way.
    pub(super) spared: u32,
    /// So many of them.
    pub(super) frames: u32,
    /// Frames over which the caution then fades.
    pub(super) fade: u32,
}

impl StartCaution {
    /// By what the rate of frame number `index` is divided.
    pub(super) fn at(&self, index: u64) -> f64 {
        if index < u64::from(self.spared) {
            return 1.0;
        }
        let faded = index.saturating_sub(u64::from(self.frames)) as f64;
        let left = 1.0 - (faded / f64::from(self.fade.max(1))).min(1.0);
        1.0 + (self.factor - 1.0) * left
    }
}
