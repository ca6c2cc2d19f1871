//! Finds the packets of one capture point again at another.
//!
//! Packets are matched by key. Keys come back (IP identifications wrap), so an
//! arrival belongs to the latest packets of its key that had been sent by then;
//! of several within [`SAME_KEY`] the first that is still missing. An arrival
//! whose packet has arrived already is a duplicate.

use std::collections::HashMap;

use super::FitError;
use super::frame::Frame;
use super::series::{Passage, Series, View};

/// Packets of one key within this time may be in flight together.
const SAME_KEY: i64 = 200_000_000;
/// One-way delays beyond this come from clocks, not from networks.
const LONGEST_DELAY: i64 = 60_000_000_000;

/// The passages from `sent` to `received`. With `one_clock` unset the clocks of
/// the two may differ by any constant.
///
/// # Errors
/// When next to nothing of what was sent is found again.
pub(super) fn passages(
    sent: &[Frame],
    received: &[Frame],
    one_clock: bool,
) -> Result<Series, FitError> {
    let mut sent = sent.to_vec();
    let mut received = received.to_vec();
    sent.sort_by_key(|frame| frame.at);
    received.sort_by_key(|frame| frame.at);
    let (Some(start), false) = (sent.first().map(|f| f.at), received.is_empty()) else {
        return Err(FitError::new("a capture point has no packet"));
    };
    let mut by_key: HashMap<u64, Vec<usize>> = HashMap::new();
    for (i, frame) in sent.iter().enumerate() {
        by_key.entry(frame.key).or_default().push(i);
    }
    let shift = if one_clock {
        0
    } else {
        clock_shift(&sent, &received, &by_key)
    };

    let mut arrival: Vec<Option<i64>> = vec![None; sent.len()];
    let (mut duplicates, mut foreign) = (0, 0u64);
    for frame in &received {
        let at = frame.at - shift;
        let candidates = by_key.get(&frame.key).map_or(&[][..], Vec::as_slice);
        let known = candidates.partition_point(|i| sent[*i].at <= at);
        let Some(&latest) = known.checked_sub(1).and_then(|k| candidates.get(k)) else {
            foreign += 1;
            continue;
        };
        if at - sent[latest].at > LONGEST_DELAY {
            foreign += 1;
            continue;
        }
        let missing = candidates[..known]
            .iter()
            .rev()
            .take_while(|i| sent[latest].at - sent[**i].at <= SAME_KEY)
            .filter(|i| arrival[**i].is_none())
            .last();
        match missing {
            Some(i) => arrival[*i] = Some(at),
            None => duplicates += 1,
        }
    }
    let found = arrival.iter().flatten().count();
    if found * 20 < sent.len() {
        let percent = 100.0 * found as f64 / sent.len() as f64;
        return Err(FitError::new(format!(
            "only {percent:.1} % of the sent packets are found among the received ones: \
             the captures are of different traffic, or were taken with segmentation offload on"
        )));
    }
    let mut notices = Vec::new();
    if foreign > 0 {
        notices.push(format!(
            "{foreign} arrivals belong to no packet sent and were left out"
        ));
    }
    if shift != 0 {
        notices.push(format!(
            "the receiver's clock was moved by {:.3} ms to let the shortest delay be zero",
            -shift as f64 / 1e6
        ));
    }
    let passages = sent
        .iter()
        .zip(&arrival)
        .map(|(frame, received)| Passage {
            sent: frame.at - start,
            received: received.map(|at| at - start),
            bytes: frame.bytes,
        })
        .collect();
    Ok(Series {
        view: if one_clock {
            View::BothEnds
        } else {
            View::TwoClocks
        },
        passages,
        duplicates,
        source: String::new(),
        notices,
    })
}

/// What to subtract from the receiver's clock: nothing while the delays are
/// possible ones, else the shortest delay of the packets with a key of their
/// own.
fn clock_shift(sent: &[Frame], received: &[Frame], by_key: &HashMap<u64, Vec<usize>>) -> i64 {
    let mut times: HashMap<u64, (i64, bool)> = HashMap::new();
    for frame in received {
        times
            .entry(frame.key)
            .and_modify(|(_, unique)| *unique = false)
            .or_insert((frame.at, true));
    }
    let shortest = times
        .iter()
        .filter(|(_, (_, unique))| *unique)
        .filter_map(|(key, (at, _))| match by_key.get(key)?.as_slice() {
            [i] => Some(at - sent[*i].at),
            _ => None,
        })
        .min();
    shortest
        .filter(|least| !(0..LONGEST_DELAY).contains(least))
        .unwrap_or(0)
}
