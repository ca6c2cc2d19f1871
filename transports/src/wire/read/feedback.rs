//! Feedback as bytes, read back into what the send history takes in.
//!
//! Implements: transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-
//! extensions-01, section 3.1) and congestion control feedback (RFC 8888,
//! section 3.1) out of an RTCP compound (RFC 3550, section 6.1), with numbers and
//! times unwrapped. Padding may be announced by the P bit or be plain zeros.
//! Whatever is too short, or says that it is longer than it is, is refused.
//! Differs: RFC 8888 gives arrival times by the sender's clock; the report's
//! timestamp, 65536 s long, is unwrapped from the first one. An arrival without
//! a known time counts as of the report's. 0 blocks are taken as none.

use weaknet_core::packet::{Arrival, Ecn};
use weaknet_core::{Span, Time};

use super::{Bytes, WireError};
use crate::rtp::TWCC_TICK;
use crate::transport::Unwrapper;
use crate::wire::rtcp::{CONGESTION, TRANSPORT, TRANSPORT_WIDE};

/// The reference time of transport-wide feedback.
const REFERENCE: Span = Span::from_millis(64);
/// Offsets of arrival from this on are no times (RFC 8888, section 3.1).
const BEYOND: u16 = 0x1ffe;

/// What one feedback packet says of one stream of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamReport {
    /// The stream: of the media for RFC 8888, as named for transport-wide feedback.
    pub ssrc: u32,
    /// When the receiver made it, as far as it says so.
    pub made: Option<Time>,
    /// The packets, ascending.
    pub arrivals: Vec<Arrival>,
}

/// Reads the feedback packets of one receiver, in order of arrival.
#[derive(Debug, Clone, Default)]
pub struct FeedbackReader {
    transport_wide: Unwrapper<16>,
    reference: Unwrapper<24>,
    /// By SSRC.
    streams: std::collections::BTreeMap<u32, Unwrapper<16>>,
    timestamp: Unwrapper<32>,
}

impl FeedbackReader {
    /// Reads an RTCP compound, which begins with its first header and has no
    /// SRTCP trailer. Other packets are passed over.
    ///
    /// # Errors
    /// When the bytes do not follow the formats. What came before is lost.
    pub fn read(&mut self, compound: &[u8]) -> Result<Vec<StreamReport>, WireError> {
        let (mut rest, mut reports) = (compound, Vec::new());
        while !rest.is_empty() {
            let mut bytes = Bytes(rest);
            let (first, kind) = (bytes.u8()?, bytes.u8()?);
            if first >> 6 != 2 {
                return Err(WireError::Version);
            }
            let length = usize::from(bytes.u16()?) * 4;
            let mut body = Bytes(bytes.take(length)?);
            rest = bytes.0;
            match (kind, first & 0x1f) {
                (TRANSPORT, TRANSPORT_WIDE) => reports.push(self.transport_wide(&mut body)?),
                (TRANSPORT, CONGESTION) => self.congestion(&mut body, &mut reports)?,
                _ => {}
            }
        }
        Ok(reports)
    }

    /// The body of transport-wide feedback, behind the common header.
    pub(super) fn transport_wide(
        &mut self,
        body: &mut Bytes<'_>,
    ) -> Result<StreamReport, WireError> {
        body.u32()?;
        let ssrc = body.u32()?;
        let base = self.transport_wide.unwrap(body.u16()?.into());
        let count = usize::from(body.u16()?);
        let word = body.u32()?;
        let reference = self.reference.unwrap(word >> 8);
        let mut symbols = Vec::with_capacity(count);
        while symbols.len() < count {
            let chunk = body.u16()?;
            match chunk >> 14 {
                0 | 1 => {
                    let run = usize::from(chunk & 0x1fff).min(count - symbols.len());
                    if run == 0 {
                        return Err(WireError::Short);
                    }
                    symbols.extend(std::iter::repeat_n(chunk >> 13 & 3, run));
                }
                2 => symbols.extend((0..14).rev().map(|bit| chunk >> bit & 1)),
                _ => symbols.extend((0..7).rev().map(|pair| chunk >> (2 * pair) & 3)),
            }
        }
        // In ticks; both factors are far below 2^31.
        let ticks = (REFERENCE.as_nanos() / TWCC_TICK.as_nanos()) as i64;
        let mut tick = reference.saturating_mul(ticks);
        let mut arrivals = Vec::with_capacity(count);
        for (number, symbol) in (base..).zip(symbols.into_iter().take(count)) {
            let delta = match symbol {
                0 => None,
                1 => Some(i64::from(body.u8()?)),
                2 => Some(i64::from(body.u16()? as i16)),
                _ => return Err(WireError::Symbol),
            };
            let at = delta.map(|delta| {
                tick = tick.saturating_add(delta);
                time(tick, TWCC_TICK)
            });
            let ecn = Ecn::NotEct;
            arrivals.extend(seq(number).map(|seq| Arrival { seq, at, ecn }));
        }
        Ok(StreamReport {
            ssrc,
            made: None,
            arrivals,
        })
    }

    /// The body of congestion control feedback.
    pub(super) fn congestion(
        &mut self,
        body: &mut Bytes<'_>,
        reports: &mut Vec<StreamReport>,
    ) -> Result<(), WireError> {
        body.u32()?;
        let stamp = Bytes(body.0.last_chunk::<4>().ok_or(WireError::Short)?).u32()?;
        let stamp = self.timestamp.unwrap(stamp);
        // 1/65536 s, rounded up as the writer cuts down.
        let nanos = (i128::from(stamp) * 1_000_000_000).max(0).unsigned_abs();
        let made = Time::from_nanos(u64::try_from(nanos.div_ceil(1 << 16)).unwrap_or(u64::MAX));
        while body.0.len() > 4 {
            let ssrc = body.u32()?;
            let unwrapper = self.streams.entry(ssrc).or_default();
            let base = unwrapper.unwrap(body.u16()?.into());
            let count = usize::from(body.u16()?);
            let mut blocks = Bytes(body.take(2 * count.next_multiple_of(2))?);
            let mut arrivals = Vec::with_capacity(count);
            for number in (base..).take(count) {
                let block = blocks.u16()?;
                let ecn = match block >> 13 & 3 {
                    0 => Ecn::NotEct,
                    1 => Ecn::Ect1,
                    2 => Ecn::Ect0,
                    _ => Ecn::Ce,
                };
                let offset = block & 0x1fff;
                let known = offset < BEYOND;
                let ago = Span::from_nanos(u64::from(offset) * 1_000_000_000 / 1_024);
                let at = if known {
                    made.saturating_sub(ago)
                } else {
                    made
                };
                let received = block >> 15 == 1;
                arrivals.extend(seq(number).map(|seq| Arrival {
                    seq,
                    at: received.then_some(at),
                    ecn: if received { ecn } else { Ecn::NotEct },
                }));
            }
            reports.push(StreamReport {
                ssrc,
                made: Some(made),
                arrivals,
            });
        }
        if body.0.len() == 4 {
            Ok(())
        } else {
            Err(WireError::Short)
        }
    }
}

/// A number that was sent; none before the first one.
fn seq(number: i64) -> Option<u64> {
    u64::try_from(number).ok()
}

fn time(ticks: i64, tick: Span) -> Time {
    let ticks = u64::try_from(ticks).unwrap_or(0);
    Time::from_nanos(ticks.saturating_mul(tick.as_nanos()))
}

#[cfg(test)]
#[path = "feedback_tests.rs"]
mod tests;
