//! Named random streams.
//!
//! Every random number belongs to a stream named by (run seed, component path,
//! purpose). The stream's key is a BLAKE3 hash of the three, so that adding a
//! component or a purpose never shifts the draws of another one.
//!
//! Two shapes of stream: [`Draws`] is random access (the k-th packet meets the
//! same fate whatever the algorithm sends), [`Sequence`] is consumed in order.
//!
//! Implements: SplitMix64 (Steele, Lea, Flood 2014) in counter form;
//! xoshiro256++ (Blackman, Vigna 2019) by crate `rand_xoshiro`; the normal
//! quantile by algorithm AS 241 PPND16 (Wichura 1988).

use rand_core::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The streams of one run.
#[derive(Debug, Clone)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// The streams that follow from the run's seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The 64-bit key of the stream `purpose` of the component at `path`.
    #[must_use]
    pub fn key(&self, path: &str, purpose: &str) -> u64 {
        let mut hasher = blake3::Hasher::new_derive_key("weaknet 2026 random stream v1");
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(&(path.len() as u64).to_le_bytes());
        hasher.update(path.as_bytes());
        hasher.update(purpose.as_bytes());
        let mut key = [0; 8];
        key.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        u64::from_le_bytes(key)
    }

    /// A random-access stream.
    #[must_use]
    pub fn draws(&self, path: &str, purpose: &str) -> Draws {
        Draws {
            key: self.key(path, purpose),
        }
    }

    /// A stream that is consumed in order.
    #[must_use]
    pub fn sequence(&self, path: &str, purpose: &str) -> Sequence {
        Sequence {
            generator: Xoshiro256PlusPlus::seed_from_u64(self.key(path, purpose)),
        }
    }
}

/// Counter-based draws: number `index` is a pure function of key and index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draws {
    key: u64,
}

impl Draws {
    /// A stream with a given key; tests only need it.
    #[must_use]
    pub const fn from_key(key: u64) -> Self {
        Self { key }
    }

    /// Draw number `index`, uniform over all 64-bit values.
    #[must_use]
    pub const fn bits(self, index: u64) -> u64 {
        let z = self
            .key
            .wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Draw number `index`, uniform in [0, 1) with 53 bits.
    #[must_use]
    pub fn unit(self, index: u64) -> f64 {
        unit(self.bits(index))
    }
}

/// A stream consumed in order.
#[derive(Debug, Clone)]
pub struct Sequence {
    generator: Xoshiro256PlusPlus,
}

impl Sequence {
    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// The next number in [0, 1).
    pub fn unit(&mut self) -> f64 {
        unit(self.bits())
    }
}

/// The top 53 bits of a draw as a number in [0, 1).
#[must_use]
pub fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

/// Quantile of the standard normal distribution (AS 241, PPND16; relative
/// accuracy about 1e-16). `p` is clamped to the open interval (0, 1).
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 8] = [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ];
    const B: [f64; 8] = [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_545,
    ];
    const C: [f64; 8] = [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        7.745_450_142_783_414e-4,
    ];
    const D: [f64; 8] = [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ];
    const E: [f64; 8] = [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_87,
        0.026_532_189_526_576_124,
        1.242_660_947_388_078_4e-3,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ];
    const F: [f64; 8] = [
        1.0,
        0.599_832_206_555_888,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_7e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ];
    let poly = |c: &[f64; 8], x: f64| c.iter().rev().fold(0.0, |acc, k| acc * x + k);
    let p = p.clamp(1e-300, 1.0 - f64::EPSILON / 2.0);
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * poly(&A, r) / poly(&B, r);
    }
    let r = (-libm::log(if q < 0.0 { p } else { 1.0 - p })).sqrt();
    let x = if r <= 5.0 {
        poly(&C, r - 1.6) / poly(&D, r - 1.6)
    } else {
        poly(&E, r - 5.0) / poly(&F, r - 5.0)
    };
    if q < 0.0 { -x } else { x }
}

/// Distribution function of the standard normal distribution. Its complement
/// is `normal_cdf(-z)`, accurate in the tail.
#[must_use]
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// Quantile of the Laplace distribution with mean 0 and the given scale.
#[must_use]
pub fn laplace_quantile(p: f64, scale: f64) -> f64 {
    let u = p - 0.5;
    -scale * libm::copysign(1.0, u) * libm::log((1.0 - 2.0 * u.abs()).max(1e-300))
}

/// Quantile of the exponential distribution with the given mean.
#[must_use]
pub fn exponential_quantile(p: f64, mean: f64) -> f64 {
    -mean * libm::log((1.0 - p).max(1e-300))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_do_not_touch_each_other() {
        let streams = Streams::new(1);
        assert_ne!(
            streams.key("forward", "loss"),
            streams.key("backward", "loss")
        );
        assert_ne!(
            streams.key("forward", "loss"),
            streams.key("forward", "delay")
        );
        assert_ne!(streams.key("ab", "c"), streams.key("a", "bc"));
        assert_ne!(Streams::new(2).key("a", "b"), streams.key("a", "b"));
    }

    #[test]
    fn splitmix64_reference_values() {
        // First outputs of SplitMix64 seeded with 1234567 (Vigna's splitmix64.c).
        let draws = Draws::from_key(1_234_567);
        let first: Vec<u64> = (0..5).map(|i| draws.bits(i)).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821
            ]
        );
    }

    #[test]
    fn normal_quantile_reference_values() {
        // AS 241 gives these three in its paper.
        for (p, want) in [
            (0.25, -0.674_489_750_196_081_7),
            (0.001, -3.090_232_306_167_814),
            (1e-20, -9.262_340_089_798_408),
        ] {
            assert!(
                (normal_quantile(p) - want).abs() < 1e-13,
                "{p}: {}",
                normal_quantile(p)
            );
        }
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-13);
    }

    #[test]
    fn normal_cdf_inverts_its_quantile() {
        assert_eq!(normal_cdf(0.0), 0.5);
        assert!((normal_cdf(1.959_963_984_540_054) - 0.975).abs() < 1e-15);
        for z in [-8.0, -3.0, -0.1, 0.7, 2.5, 4.0] {
            let back = normal_quantile(normal_cdf(z));
            assert!((back - z).abs() < 1e-11 * (1.0 + z.abs()), "{z}: {back}");
        }
        // Mills' ratio bounds of the upper tail at 10.
        let tail = normal_cdf(-10.0) / (libm::exp(-50.0) / (std::f64::consts::TAU).sqrt());
        assert!(tail < 0.1 && tail > 10.0 / 101.0, "{tail}");
    }

    #[test]
    fn quantiles_have_their_moments() {
        let draws = Draws::from_key(42);
        let n = 200_000u64;
        let mean =
            |f: &dyn Fn(f64) -> f64| (0..n).map(|i| f(draws.unit(i))).sum::<f64>() / n as f64;
        assert!((mean(&|u| u) - 0.5).abs() < 0.003);
        assert!((mean(&|u| normal_quantile(u).powi(2)) - 1.0).abs() < 0.015);
        assert!((mean(&|u| exponential_quantile(u, 3.0)) - 3.0).abs() < 0.03);
        assert!((mean(&|u| laplace_quantile(u, 0.15).powi(2)) - 2.0 * 0.15 * 0.15).abs() < 0.002);
    }
}
