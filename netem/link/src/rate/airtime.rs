//! A Wi-Fi station alone on its channel: every packet pays for its access to
//! the air besides its bytes.
//!
//! Implements: a packet takes `overhead` plus its bits at the `phy` rate, with
//! fractions of a nanosecond carried from packet to packet of a busy link.
//! 802.11n at 52 Mbit/s gives applications about 20 Mbit/s (RFC 8869 section
//! 3), which is an overhead of about 370 us per 1500 bytes.
//! Not modelled: other stations on the channel and collisions with them,
//! aggregation of packets (put its share of the access into `overhead`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Span, Time};

use super::above_zero;
use super::curve::WORK_PER_BYTE;
use super::progress::Progress;
use crate::model::{Rate, RateModel};
use crate::timeline::Piece;

/// The packet for which a rate in bits per second is given.
const PACKET: u64 = 1_500;

/// Airtime of a single station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"phy": "52Mbps", "overhead": "200us"}]))]
pub struct AirtimeRate {
    /// The rate of the bits on the air, above 0bps.
    pub phy: Bitrate,
    /// Time of each packet besides its bits: contention, preamble,
    /// acknowledgement.
    pub overhead: Span,
}

impl Default for AirtimeRate {
    fn default() -> Self {
        Self {
            phy: Bitrate::from_mbps(52),
            overhead: Span::from_micros(200),
        }
    }
}

impl Plugin for AirtimeRate {
    type Kind = Rate;
    const NAME: &'static str = "airtime";
    const SUMMARY: &'static str = "Wi-Fi airtime: an overhead per packet besides its bits";
    const REFERENCES: &'static [&'static str] = &["RFC 8869 section 3: Wi-Fi at 52 Mbit/s raw"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn RateModel>, BuildError> {
        above_zero("phy", self.phy)?;
        Ok(Box::new(Air {
            phy: self.phy,
            // What the bits could have done in that time.
            overhead: u128::from(self.phy.as_bps()) * u128::from(self.overhead.as_nanos()),
            progress: Progress::default(),
        }))
    }
}

struct Air {
    phy: Bitrate,
    /// Work that each packet costs besides its bits.
    overhead: u128,
    progress: Progress,
}

impl Air {
    fn work(&self, bytes: u64) -> u128 {
        self.overhead
            .saturating_add(u128::from(bytes) * u128::from(WORK_PER_BYTE))
    }

    /// Share of the airtime that carries bits of packets of 1500 bytes.
    fn efficiency(&self) -> f64 {
        (PACKET * WORK_PER_BYTE) as f64 / self.work(PACKET) as f64
    }
}

impl RateModel for Air {
    fn serve(&mut self, start: Time, bytes: u32, _: bool) -> Time {
        let piece = Piece {
            value: self.phy,
            end: Time::MAX,
        };
        let work = self.work(bytes.into());
        self.progress.serve(start, work, |_| piece)
    }

    /// Of packets of 1500 bytes.
    fn rate_at(&mut self, _: Time) -> Option<Bitrate> {
        Some(self.phy.mul_f64(self.efficiency()))
    }

    /// Of packets of 1500 bytes.
    fn capacity(&self, from: Time, to: Time) -> Option<f64> {
        let work = u128::from(self.phy.as_bps()) * u128::from((to - from).as_nanos());
        Some(work as f64 / 1e9 * self.efficiency())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn build(phy: &str, overhead: &str) -> Result<Box<dyn RateModel>, String> {
        let config = AirtimeRate {
            phy: phy.parse().unwrap(),
            overhead: overhead.parse().unwrap(),
        };
        testing::build(&config).map_err(|e| e.to_string())
    }

    #[test]
    fn small_packets_cost_almost_as_much_as_large_ones() {
        let mut air = build("52Mbps", "200us").unwrap();
        let mut now = Time::ZERO;
        // 12000 bits take 230 769 3/13 ns.
        for k in 1..=100_000u64 {
            now = air.serve(now, 1_500, true);
            let bits = (u128::from(k) * 3_000_000).div_ceil(13);
            assert_eq!(now.as_nanos(), k * 200_000 + bits as u64);
        }
        let start = now + Span::from_nanos(1);
        assert_eq!(
            air.serve(start, 13, false) - start,
            Span::from_nanos(202_000)
        );
    }

    #[test]
    fn rates_are_those_of_full_packets() {
        // RFC 8869: 52 Mbit/s raw are about 20 Mbit/s.
        let mut air = build("52Mbps", "370us").unwrap();
        let rate = air.rate_at(Time::ZERO).unwrap().as_bps() as f64 / 1e6;
        assert!((rate - 12_000.0 / 600.769).abs() < 1e-3, "{rate}");
        let second = air.capacity(Time::ZERO, Time::from_secs(1)).unwrap() / 1e6;
        assert!((second - rate).abs() < 1e-5);
        assert!(build("0bps", "0s").is_err());
        let mut stuck = build("1bps", "100h").unwrap();
        assert_eq!(stuck.serve(Time::MAX, 1, true), Time::MAX);
    }
}
