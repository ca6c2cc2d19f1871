//! Congestion control feedback of RFC 8888: how exact its times are, and how
//! many bytes it takes.
//!
//! Implements: RFC 8888 section 3.1: arrival times as 1/1024 s before the
//! report's timestamp, cut down to whole ones, 8189 of them at most; a timestamp
//! of 1/65536 s; 16384 packets at most.
//! Differs: one block over transport-wide numbers, where RFC 8888 has one for
//! each stream with that stream's own numbers: 8 bytes less per further stream.
//! An arrival within the unit of the timestamp has offset zero.

use weaknet_core::packet::Arrival;
use weaknet_core::{Span, Time};

/// Header with the sender of the report, a block's head, the timestamp.
const FIXED: u32 = 8 + 8 + 4;
/// Most packets of one report.
pub(super) const MAX_BLOCKS: usize = 16_384;
/// The largest arrival time offset that has a meaning, in 1/1024 s.
const MAX_OFFSET: u64 = 8_189;
/// What stands for an offset beyond that.
const BEYOND: u16 = 0x1ffe;

const SECOND: u64 = 1_000_000_000;

/// Bytes of a report, RTCP header included.
#[must_use]
pub fn ccfb_size(arrivals: &[Arrival]) -> u32 {
    let count = u32::try_from(arrivals.len()).unwrap_or(u32::MAX / 4);
    FIXED + 2 * count.next_multiple_of(2)
}

/// The arrival time offset of a packet, as on the wire.
#[must_use]
pub fn arrival_offset(made: Time, at: Time) -> u16 {
    let units = u128::from(made.since(at).as_nanos()) * 1_024 / u128::from(SECOND);
    u16::try_from(units)
        .ok()
        .filter(|units| u64::from(*units) <= MAX_OFFSET)
        .unwrap_or(BEYOND)
}

/// A report's own time as its timestamp says it.
pub(super) fn timestamp(now: Time) -> Time {
    let units = u128::from(now.as_nanos()) * 65_536 / u128::from(SECOND);
    let nanos = (units * u128::from(SECOND)).div_ceil(65_536);
    Time::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// An arrival as the report says it; `None`: too long ago.
pub(super) fn rounded(made: Time, at: Time) -> Option<Time> {
    let units = arrival_offset(made, at);
    let offset = Span::from_nanos(u64::from(units) * SECOND / 1_024);
    (units != BEYOND).then(|| made.saturating_sub(offset))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weaknet_core::packet::Ecn;

    #[test]
    fn sizes_are_those_of_the_format() {
        let arrival = Arrival {
            seq: 0,
            at: None,
            ecn: Ecn::NotEct,
        };
        // Eight bytes of header, eight of the block, blocks of two, four of time.
        assert_eq!(ccfb_size(&[]), 20);
        assert_eq!(ccfb_size(&[arrival; 3]), 28);
        assert_eq!(ccfb_size(&[arrival; 4]), 28);
    }

    #[test]
    fn offsets_are_cut_down_and_end_at_8189() {
        let offset =
            |us: u64| arrival_offset(Time::from_secs(10), Time::from_micros(10_000_000 - us));
        assert_eq!((offset(0), offset(976), offset(977)), (0, 0, 1));
        assert_eq!(offset(500_000), 0x200);
        // 8189 / 1024 s = 7.997 s.
        assert_eq!((offset(7_997_071), offset(7_998_047)), (8_189, BEYOND));
    }

    proptest! {
        #[test]
        fn times_are_off_by_one_unit_at_most(now in 8_000_000_000u64..1_000_000_000_000, ago in 0u64..7_900_000_000) {
            let (now, at) = (Time::from_nanos(now), Time::from_nanos(now - ago));
            let made = timestamp(now);
            prop_assert!(made <= now && now.since(made) < Span::from_nanos(15_259));
            let told = rounded(made, at.min(made)).unwrap();
            let off = told.since(at.min(made));
            prop_assert!(at.min(made) <= told && off <= Span::from_nanos(976_563), "{off}");
        }
    }
}
