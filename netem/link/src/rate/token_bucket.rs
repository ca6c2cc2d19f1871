//! A token-bucket shaper: bursts pass at once, the mean rate is limited.
//!
//! Implements: tokens in bits x 10^-9, exact: a bucket of `burst` bytes fills
//! at `rate` and starts full; the packet at the head leaves at the first whole
//! nanosecond at which there are tokens for all of it, and takes them. With a
//! peak rate it is serialised at that rate first. Departures t and sizes B
//! keep B(i) + .. + B(k) <= burst + rate (t(k) - t(i)), as of any arrival curve
//! of a token bucket (RFC 2697 section 3 for the bucket; queues reference 1.8).
//! Differs: Linux tbf never passes a packet larger than the bucket. Here such a
//! packet waits until it has collected its tokens, so that no packet stops a
//! link for ever; a bucket below 1500 bytes is refused.
//! Not modelled: latency limits (those are the queue's).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin, Time};

use super::above_zero;
use super::curve::WORK_PER_BYTE;
use super::progress::Progress;
use crate::model::{Rate, RateModel};
use crate::timeline::Piece;

/// The smallest bucket: an Ethernet packet.
const SMALLEST: Bytes = Bytes::new(1_500);

/// A token bucket that shapes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"rate": "2Mbps", "burst": "30kB", "peak": "20Mbps"}]))]
pub struct TokenBucket {
    /// The rate at which the bucket fills, above 0bps.
    pub rate: Bitrate,
    /// Size of the bucket, 1500 bytes or more: what passes at once after a
    /// pause.
    pub burst: Bytes,
    /// The rate at which a burst passes, at least `rate`; unset: at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak: Option<Bitrate>,
}

impl Default for TokenBucket {
    fn default() -> Self {
        Self {
            rate: Bitrate::from_mbps(3),
            burst: Bytes::new(15_000),
            peak: None,
        }
    }
}

impl Plugin for TokenBucket {
    type Kind = Rate;
    const NAME: &'static str = "token_bucket";
    const SUMMARY: &'static str =
        "a shaper: bursts up to a size pass at once, the mean rate is limited";
    const REFERENCES: &'static [&'static str] = &["tc-tbf(8)", "RFC 2697 section 3: the bucket"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn RateModel>, BuildError> {
        above_zero("rate", self.rate)?;
        if self.burst < SMALLEST {
            let message = format!("expected {SMALLEST} or more, found {}", self.burst);
            return Err(BuildError::field("burst", message));
        }
        if let Some(peak) = self.peak.filter(|peak| *peak < self.rate) {
            let message = format!("expected at least `rate`, {}, found {peak}", self.rate);
            return Err(BuildError::field("peak", message));
        }
        let size = u128::from(self.burst.get()) * u128::from(WORK_PER_BYTE);
        Ok(Box::new(Shaper {
            rate: self.rate,
            peak: self.peak,
            size,
            level: size,
            filled: Time::ZERO,
            head: Progress::default(),
        }))
    }
}

struct Shaper {
    rate: Bitrate,
    peak: Option<Bitrate>,
    /// Tokens of a full bucket, and those in it at `filled`.
    size: u128,
    level: u128,
    filled: Time,
    /// The serialiser at the peak rate.
    head: Progress,
}

impl RateModel for Shaper {
    fn serve(&mut self, start: Time, bytes: u32, _: bool) -> Time {
        let need = u128::from(bytes) * u128::from(WORK_PER_BYTE);
        let sent = match self.peak {
            Some(value) => self.head.serve(start, need, |_| Piece {
                value,
                end: Time::MAX,
            }),
            None => start,
        };
        let rate = u128::from(self.rate.as_bps());
        let fresh = rate * u128::from((sent - self.filled).as_nanos());
        let level = self.level.saturating_add(fresh).min(self.size);
        let wait = need.saturating_sub(level).div_ceil(rate);
        let finish = u64::try_from(wait)
            .ok()
            .and_then(|wait| sent.as_nanos().checked_add(wait));
        self.level = level + wait * rate - need;
        self.filled = finish.map_or(Time::MAX, Time::from_nanos);
        self.filled
    }

    fn rate_at(&mut self, _: Time) -> Option<Bitrate> {
        Some(self.rate)
    }

    /// What the bucket may add once is not counted.
    fn capacity(&self, from: Time, to: Time) -> Option<f64> {
        let work = u128::from(self.rate.as_bps()) * u128::from((to - from).as_nanos());
        Some(work as f64 / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use proptest::prelude::*;
    use weaknet_core::Span;

    fn build(config: &TokenBucket) -> Result<Box<dyn RateModel>, String> {
        testing::build(config).map_err(|e| e.to_string())
    }

    fn bucket(rate: &str, burst: &str, peak: Option<&str>) -> TokenBucket {
        TokenBucket {
            rate: rate.parse().unwrap(),
            burst: burst.parse().unwrap(),
            peak: peak.map(|peak| peak.parse().unwrap()),
        }
    }

    /// Departures of packets that all arrive at 0.
    fn departures(config: &TokenBucket, sizes: &[u32]) -> Vec<u64> {
        let mut shaper = build(config).unwrap();
        let mut now = Time::ZERO;
        let serve = |size: &u32| {
            now = shaper.serve(now, *size, true);
            now.as_nanos()
        };
        sizes.iter().map(serve).collect()
    }

    #[test]
    fn reference_departures() {
        // Queues reference 1.8, TB3.
        let ms = |t: u64| t * 1_000_000;
        assert_eq!(
            departures(&bucket("1Mbps", "3kB", None), &[1_500; 6]),
            [0, 0, ms(12), ms(24), ms(36), ms(48)]
        );
        assert_eq!(
            departures(&bucket("3Mbps", "3kB", None), &[1_400; 6]),
            [0, 0, 3_200_000, 6_933_334, 10_666_667, 14_400_000]
        );
    }

    #[test]
    fn a_burst_passes_at_the_peak_rate() {
        // 1.2 ms each at 10 Mbit/s. A full bucket does not fill before the first
        // has left; when the third is sent it holds 300 of 1500 bytes.
        assert_eq!(
            departures(&bucket("1Mbps", "3kB", Some("10Mbps")), &[1_500; 4]),
            [1_200_000, 2_400_000, 13_200_000, 25_200_000]
        );
    }

    #[test]
    fn a_packet_beyond_the_bucket_collects_its_tokens() {
        // 9000 bytes: 7500 of them at 1 Mbit/s. Then nothing is left.
        assert_eq!(
            departures(&bucket("1Mbps", "1500B", None), &[9_000, 1_500]),
            [60_000_000, 72_000_000]
        );
        let mut shaper = build(&bucket("1bps", "1500B", None)).unwrap();
        assert_eq!(shaper.serve(Time::ZERO, u32::MAX, false), Time::MAX);
        assert_eq!(shaper.serve(Time::MAX, u32::MAX, false), Time::MAX);
    }

    #[test]
    fn refuses_what_shapes_nothing() {
        let error = |config: TokenBucket| build(&config).err().unwrap();
        assert_eq!(
            error(bucket("0bps", "3kB", None)),
            "expected a rate above 0bps"
        );
        assert_eq!(
            error(bucket("1Mbps", "1499B", None)),
            "expected 1.5kB or more, found 1.499kB"
        );
        assert_eq!(
            error(bucket("2Mbps", "3kB", Some("1Mbps"))),
            "expected at least `rate`, 2Mbps, found 1Mbps"
        );
    }

    proptest! {
        /// Between any two departures no more leaves than the bucket and the
        /// peak rate allow, and nobody waits without need.
        #[test]
        fn departures_stay_under_the_envelope(
            rate in 1_000u64..50_000_000, burst in 1_500u64..20_000, peak in prop::option::of(1u64..20),
            packets in prop::collection::vec((prop_oneof![Just(0u64), 0u64..20_000_000], 1u32..=1_500), 1..60),
        ) {
            let config = TokenBucket {
                rate: Bitrate::from_bps(rate),
                burst: Bytes::new(burst),
                peak: peak.map(|factor| Bitrate::from_bps(rate * factor)),
            };
            let mut shaper = build(&config).unwrap();
            let (mut arrival, mut finish) = (Time::ZERO, Time::ZERO);
            let mut out: Vec<(bool, u128, u128)> = Vec::new();
            for (gap, size) in packets {
                arrival += Span::from_nanos(gap);
                let start = arrival.max(finish);
                finish = shaper.serve(start, size, arrival < start);
                out.push((start < finish, finish.as_nanos().into(), size.into()));
            }
            let scale = u128::from(WORK_PER_BYTE);
            for k in 0..out.len() {
                let (held, at, _) = out[k];
                let (mut sum, mut tight) = (0, false);
                for (_, from, size) in out[..=k].iter().rev() {
                    let elapsed = at - from;
                    if let Some(peak) = config.peak {
                        // A nanosecond of rounding for the first.
                        prop_assert!(sum <= u128::from(peak.as_bps()) * (elapsed + 1));
                    }
                    sum += size * scale;
                    let allowed = u128::from(burst) * scale + u128::from(rate) * elapsed;
                    prop_assert!(sum <= allowed);
                    tight |= sum + u128::from(rate) > allowed;
                }
                prop_assert!(!held || tight || config.peak.is_some(), "packet {} waits in vain", k);
            }
        }
    }
}
