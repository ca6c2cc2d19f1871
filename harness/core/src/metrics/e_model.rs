//! Conversational quality of speech from delay and loss, the E-model.
//!
//! Implements: ITU-T G.107 (narrowband) with all inputs at their defaults but
//! the delay Ta, the codec's Ie and Bpl, packet loss and its burst ratio, so that
//! the echo terms vanish: R = 93.2 - Idd - Ie,eff; the mapping of R to MOS of
//! its annex B, not below 1 where the cubic would be.
//! Not modelled: echo, noise, the expectation factor, wideband and fullband
//! (G.107.1, G.107.2).

/// R with every input at its default (Ro - Is).
const DEFAULT_R: f64 = 93.206;
/// Delay from which it is noticed, mT, in ms.
const NOTICED_MS: f64 = 100.0;
/// Sensitivity to delay, sT.
const SENSITIVITY: f64 = 1.0;

/// What a codec makes of loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CodecImpairment {
    /// Impairment without loss, Ie.
    pub ie: f64,
    /// Robustness to loss, Bpl, in percent.
    pub bpl: f64,
}

/// Loss that is heard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeardLoss {
    /// Share of packets, Ppl, in percent.
    pub percent: f64,
    /// Mean length of a burst over that of random loss, BurstR.
    pub burst_ratio: f64,
}

/// The impairment by delay, Idd.
#[must_use]
pub fn delay_impairment(delay_ms: f64) -> f64 {
    if delay_ms <= NOTICED_MS {
        return 0.0;
    }
    let x = libm::log2(delay_ms / NOTICED_MS);
    let n = 6.0 * SENSITIVITY;
    let norm = |y: f64| libm::pow(1.0 + libm::pow(y, n), 1.0 / n);
    25.0 * (norm(x) - 3.0 * norm(x / 3.0) + 2.0)
}

/// The impairment by codec and loss, Ie,eff.
#[must_use]
pub fn loss_impairment(codec: CodecImpairment, loss: HeardLoss) -> f64 {
    let CodecImpairment { ie, bpl } = codec;
    if loss.percent <= 0.0 {
        return ie;
    }
    ie + (95.0 - ie) * loss.percent / (loss.percent / loss.burst_ratio + bpl)
}

/// The rating R of a conversation.
#[must_use]
pub fn r_factor(delay_ms: f64, codec: CodecImpairment, loss: HeardLoss) -> f64 {
    DEFAULT_R - delay_impairment(delay_ms) - loss_impairment(codec, loss)
}

/// The mean opinion score of a rating.
#[must_use]
pub fn mos(r: f64) -> f64 {
    if r >= 100.0 {
        return 4.5;
    }
    let r = r.max(0.0);
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: HeardLoss = HeardLoss {
        percent: 0.0,
        burst_ratio: 1.0,
    };

    fn codec(ie: f64, bpl: f64) -> CodecImpairment {
        CodecImpairment { ie, bpl }
    }

    /// standards.md 7.1, the row of Idd (1, 100).
    #[test]
    fn impairment_by_delay() {
        for (delay, idd) in [
            (100.0, 0.0),
            (120.0, 0.001),
            (150.0, 0.164),
            (177.3, 1.172),
            (200.0, 3.044),
            (250.0, 8.917),
            (300.0, 14.761),
            (400.0, 24.070),
            (600.0, 35.247),
            (1000.0, 43.790),
        ] {
            let found = delay_impairment(delay);
            assert!((found - idd).abs() < 5.1e-4, "{delay}: {found}");
        }
    }

    /// standards.md 7.1, "R at Ppl 0/1/3/5/10 %".
    #[test]
    fn ratings_of_codecs_under_loss() {
        for (ie, bpl, ratings) in [
            (0.0, 4.3, [93.21, 75.28, 54.17, 42.13, 26.77]),
            (0.0, 25.1, [93.21, 89.57, 83.06, 77.43, 66.14]),
            (11.0, 19.0, [82.21, 78.01, 70.75, 64.71, 53.24]),
            (15.0, 16.1, [78.21, 73.53, 65.64, 59.25, 47.55]),
        ] {
            for (percent, rating) in [0.0, 1.0, 3.0, 5.0, 10.0].into_iter().zip(ratings) {
                let loss = HeardLoss { percent, ..NONE };
                let found = r_factor(0.0, codec(ie, bpl), loss);
                assert!((found - rating).abs() < 5.1e-3, "{ie} {percent}: {found}");
            }
        }
    }

    /// standards.md 7.1, "BurstR 2 with Bpl 25.1 at 1/3/5 %" and "BurstR 4".
    #[test]
    fn ratings_under_bursts() {
        for (burst_ratio, ratings) in [(2.0, [89.50, 82.49, 76.00]), (4.0, [89.46, 82.18, 75.18])] {
            for (percent, rating) in [1.0, 3.0, 5.0].into_iter().zip(ratings) {
                let loss = HeardLoss {
                    percent,
                    burst_ratio,
                };
                let found = r_factor(0.0, codec(0.0, 25.1), loss);
                assert!(
                    (found - rating).abs() < 5.1e-3,
                    "{burst_ratio} {percent}: {found}"
                );
            }
        }
    }

    /// standards.md 7.1, "R->MOS"; "the cubic dips below 1 for R<6.5; clamp at 1".
    #[test]
    fn opinion_scores() {
        for (r, score) in [
            (50.0, 2.575),
            (60.0, 3.100),
            (70.0, 3.597),
            (80.0, 4.024),
            (90.0, 4.339),
            (93.2, 4.409),
            (100.0, 4.5),
            (120.0, 4.5),
            (3.0, 1.0),
            (-20.0, 1.0),
        ] {
            assert!((mos(r) - score).abs() < 5.1e-4, "{r}: {}", mos(r));
        }
    }
}
