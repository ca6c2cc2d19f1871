//! From conditions over time to packet opportunities and back, with equal bytes
//! in every bin.
//!
//! A rate becomes opportunities by its integral: the n-th opportunity falls into
//! the slot in which the n-th packet's last bit is done, so that after every
//! slot the difference is less than a packet; nothing is ever rounded away.
//! Opportunities become a rate by counting: a bin's rate is its bytes over its
//! length, bits that do not divide are carried into the next bin. A rate whose
//! bins hold whole packets gives the same bins again.

use weaknet_core::{Bitrate, Span};

use super::error::TraceError;
use super::record::{Opportunity, Segment};

/// Bit-nanoseconds per second of a byte.
const WORK_PER_BYTE: u128 = 8_000_000_000;

/// A trace with more would fill any disk.
const MOST: u64 = 1 << 36;

/// Empty bins in a row that become one segment.
const LONG_OUTAGE: u64 = 100_000;

/// Makes opportunities of segments.
#[derive(Debug)]
pub struct Spread {
    /// Length of a slot: a millisecond where the format counts those.
    slot: u64,
    /// What each opportunity carries.
    bytes: u64,
    /// Work done in the current slot for the next opportunity.
    work: u128,
    made: u64,
}

impl Spread {
    /// Opportunities of `bytes` each, at the beginning of slots.
    ///
    /// # Errors
    /// When either is zero.
    pub fn new(slot: Span, bytes: u64) -> Result<Self, TraceError> {
        if slot.is_zero() || bytes == 0 {
            return Err(TraceError::new(
                "expected slots of time and opportunities that carry something",
            ));
        }
        Ok(Self {
            slot: slot.as_nanos(),
            bytes,
            work: 0,
            made: 0,
        })
    }

    /// The opportunities of a segment that ends at `end`.
    ///
    /// # Errors
    /// When there are more than can be meant, or `each` fails.
    pub fn push(
        &mut self,
        segment: &Segment,
        end: Span,
        each: &mut dyn FnMut(Opportunity) -> Result<(), TraceError>,
    ) -> Result<(), TraceError> {
        let rate = u128::from(segment.rate.unwrap_or_default().as_bps());
        let (start, end) = (segment.start.as_nanos(), end.as_nanos());
        let length = u128::from(end.saturating_sub(start));
        let need = u128::from(self.bytes) * WORK_PER_BYTE;
        let total = rate
            .checked_mul(length)
            .and_then(|work| work.checked_add(self.work));
        let too_many =
            || TraceError::new(format!("more than {MOST} opportunities: too many to write"));
        let total = total.ok_or_else(too_many)?;
        let count = u64::try_from(total / need).map_err(|_| too_many())?;
        self.made = self.made.saturating_add(count);
        if self.made > MOST {
            return Err(too_many());
        }
        for number in 1..=u128::from(count) {
            // The instant at which the packet is done; the slot before it when
            // that is the border of two.
            let after = (number * need - self.work).div_ceil(rate);
            let done = start.saturating_add(u64::try_from(after).unwrap_or(u64::MAX));
            let at = (done.max(1) - 1) / self.slot * self.slot;
            each(Opportunity {
                at: Span::from_nanos(at),
                bytes: self.bytes,
            })?;
        }
        self.work = total - u128::from(count) * need;
        Ok(())
    }
}

/// Makes segments of opportunities.
#[derive(Debug)]
pub struct Bin {
    length: u64,
    /// The bin being filled, and its bytes.
    number: u64,
    bytes: u64,
    carry: u128,
}

impl Bin {
    /// Bins of a length.
    ///
    /// # Errors
    /// When it is zero.
    pub fn new(length: Span) -> Result<Self, TraceError> {
        if length.is_zero() {
            return Err(TraceError::new("expected bins of some length"));
        }
        Ok(Self {
            length: length.as_nanos(),
            number: 0,
            bytes: 0,
            carry: 0,
        })
    }

    /// Counts an opportunity.
    ///
    /// # Errors
    /// When `each` fails.
    pub fn push(
        &mut self,
        opportunity: &Opportunity,
        each: &mut dyn FnMut(Segment) -> Result<(), TraceError>,
    ) -> Result<(), TraceError> {
        let bin = opportunity.at.as_nanos() / self.length;
        while bin > self.number {
            self.close(each)?;
            if bin.saturating_sub(self.number) > LONG_OUTAGE && self.carry == 0 {
                self.close(each)?;
                self.number = bin;
            }
        }
        self.bytes = self.bytes.saturating_add(opportunity.bytes);
        Ok(())
    }

    /// Ends the trace after its last bin; returns where that is.
    ///
    /// # Errors
    /// When `each` fails.
    pub fn finish(
        mut self,
        each: &mut dyn FnMut(Segment) -> Result<(), TraceError>,
    ) -> Result<Span, TraceError> {
        self.close(each)?;
        Ok(Span::from_nanos(self.number.saturating_mul(self.length)))
    }

    fn close(
        &mut self,
        each: &mut dyn FnMut(Segment) -> Result<(), TraceError>,
    ) -> Result<(), TraceError> {
        let work = u128::from(self.bytes) * WORK_PER_BYTE + self.carry;
        let rate = work / u128::from(self.length);
        self.carry = work % u128::from(self.length);
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        let start = Span::from_nanos(self.number.saturating_mul(self.length));
        self.number = self.number.saturating_add(1);
        self.bytes = 0;
        each(Segment {
            start,
            rate: Some(Bitrate::from_bps(rate)),
            ..Segment::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spread(segments: &[(u64, u64)], end: u64, bytes: u64) -> Vec<u64> {
        let mut spread = Spread::new(Span::from_millis(1), bytes).unwrap();
        let mut out = Vec::new();
        for (i, (start, bps)) in segments.iter().enumerate() {
            let segment = Segment {
                start: Span::from_nanos(*start),
                rate: Some(Bitrate::from_bps(*bps)),
                ..Segment::default()
            };
            let end = segments.get(i + 1).map_or(end, |next| next.0);
            let mut each = |o: Opportunity| {
                out.push(o.at.as_millis());
                Ok(())
            };
            spread
                .push(&segment, Span::from_nanos(end), &mut each)
                .unwrap();
        }
        out
    }

    fn bin(at_ms: &[u64], bytes: u64, length_ms: u64) -> (Vec<(u64, u64)>, u64) {
        let mut bin = Bin::new(Span::from_millis(length_ms)).unwrap();
        let mut out = Vec::new();
        let mut each = |s: Segment| {
            out.push((s.start.as_nanos(), s.rate.unwrap().as_bps()));
            Ok(())
        };
        for at in at_ms {
            let opportunity = Opportunity {
                at: Span::from_millis(*at),
                bytes,
            };
            bin.push(&opportunity, &mut each).unwrap();
        }
        let end = bin.finish(&mut each).unwrap();
        (out, end.as_nanos())
    }

    #[test]
    fn twelve_megabits_are_an_opportunity_per_millisecond() {
        assert_eq!(
            spread(&[(0, 12_000_000)], 5_000_000, 1_500),
            [0, 1, 2, 3, 4]
        );
        assert_eq!(spread(&[(0, 24_000_000)], 2_000_000, 1_500), [0, 0, 1, 1]);
        // 1500 bytes at 5 Mbit/s take 2.4 ms.
        assert_eq!(
            spread(&[(0, 5_000_000)], 12_000_000, 1_500),
            [2, 4, 7, 9, 11]
        );
        assert_eq!(
            spread(&[(0, 0), (7_000_000, 12_000_000)], 9_000_000, 1_500),
            [7, 8]
        );
    }

    #[test]
    fn a_long_outage_is_one_segment() {
        let (segments, end) = bin(&[0, 99, 86_400_000_000], 1_500, 100);
        assert_eq!(
            segments,
            [
                (0, 240_000),
                (100_000_000, 0),
                (86_400_000_000_000_000, 120_000)
            ]
        );
        assert_eq!(end, 86_400_000_100_000_000);
    }

    proptest! {
        #[test]
        fn bins_hold_the_same_bytes_after_a_round_trip(
            gaps in prop::collection::vec(0u64..400, 1..60),
            length in prop::sample::select(vec![1u64, 20, 100, 1_000]),
        ) {
            let at: Vec<u64> = gaps.iter().scan(0, |t, g| { *t += g; Some(*t) }).collect();
            let (segments, end) = bin(&at, 1_500, length);
            let again = spread(&segments, end, 1_500);
            let bins = |at: &[u64]| at.iter().map(|t| t / length).collect::<Vec<_>>();
            prop_assert_eq!(bins(&again), bins(&at));
        }

        #[test]
        fn bits_that_do_not_divide_are_carried(
            gaps in prop::collection::vec(0u64..40, 1..60), bytes in 1u64..3_000, length in 1u64..50,
        ) {
            let at: Vec<u64> = gaps.iter().scan(0, |t, g| { *t += g; Some(*t) }).collect();
            let (segments, end) = bin(&at, bytes, length);
            let ends = segments.iter().skip(1).map(|s| s.0).chain([end]);
            let mut work = 0u128;
            for (segment, end) in segments.iter().zip(ends) {
                work += u128::from(segment.1) * u128::from(end - segment.0);
                let due = at.iter().filter(|t| *t * 1_000_000 < end).count() as u128
                    * u128::from(bytes) * WORK_PER_BYTE;
                let bins = u128::from(end / (length * 1_000_000));
                prop_assert!(work <= due, "never more than counted");
                prop_assert!(due - work < u128::from(length) * 1_000_000 * bins, "{due} {work}");
            }
        }

        #[test]
        fn never_a_packet_apart(
            pieces in prop::collection::vec((1u64..50_000_000, 0u64..30_000_000), 1..20), bytes in 40u64..3_000,
        ) {
            let mut start = 0;
            let mut segments = Vec::new();
            for (length, bps) in &pieces { segments.push((start, *bps)); start += length; }
            let at = spread(&segments, start, bytes);
            let work: u128 = pieces.iter().map(|(l, r)| u128::from(*l) * u128::from(*r)).sum();
            prop_assert_eq!(at.len() as u128, work / (u128::from(bytes) * WORK_PER_BYTE));
            prop_assert!(at.windows(2).all(|pair| pair[0] <= pair[1]));
        }
    }
}
