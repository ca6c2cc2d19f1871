//! A trace of what a link can carry.

use weaknet_core::{Bitrate, Span, Time};
use weaknet_netem::trace::Segment;

use super::{MOST_SEGMENTS, SynthError};

/// Width of the bins whose mean rates are taken.
const GRID: Span = Span::from_millis(100);

/// The mean rates of a link on a grid of 100 ms; bins alike are one segment.
/// `capacity` tells the bits that it can carry between two instants.
///
/// # Errors
/// When the link has no limit, or the trace would be too long.
pub fn of_link(
    capacity: &dyn Fn(Time, Time) -> Option<f64>,
    length: Span,
) -> Result<Vec<Segment>, SynthError> {
    let bins = length.as_nanos().div_ceil(GRID.as_nanos());
    if bins > MOST_SEGMENTS {
        return Err(SynthError::new("the trace would be too long"));
    }
    let mut segments: Vec<Segment> = Vec::new();
    for bin in 0..bins {
        let start = GRID * bin;
        let end = (start + GRID).min(length);
        let bits = capacity(Time::ZERO + start, Time::ZERO + end)
            .ok_or_else(|| SynthError::new("the link has no limit: there is no rate to draw"))?;
        let rate = Some(Bitrate::from_bps_f64(bits / (end - start).as_secs_f64()));
        if segments.last().is_none_or(|last| last.rate != rate) {
            segments.push(Segment {
                start,
                rate,
                ..Segment::default()
            });
        }
    }
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_have_their_means_and_like_ones_are_one() {
        // 1 Mbit/s, and 3 Mbit/s from 250 ms on.
        let until = |at: Time| {
            let seconds = at.since_start().as_secs_f64();
            1e6 * seconds + 2e6 * (seconds - 0.25).max(0.0)
        };
        let capacity = |from, to| Some(until(to) - until(from));
        let found = of_link(&capacity, Span::from_millis(450)).unwrap();
        let found: Vec<(u64, u64)> = found
            .iter()
            .map(|segment| (segment.start.as_millis(), segment.rate.unwrap().as_bps()))
            .collect();
        assert_eq!(found, [(0, 1_000_000), (200, 2_000_000), (300, 3_000_000)]);
        assert!(of_link(&|_, _| None, GRID).is_err());
    }
}
