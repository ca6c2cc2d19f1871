//! What one capture point at the receiver shows.
//!
//! RTP: sequence numbers tell the losses, timestamps the sending times up to a
//! constant, as far as the sender follows its media clock. The packets of a
//! frame leave together, so that the time between their arrivals is that of the
//! narrowest link, or of a pacer. TCP: holes that are filled later were losses;
//! what arrives is taken for the rate, since a bulk flow fills its link.
//!
//! Not modelled: RTP clock rates other than those of [`CLOCKS`]; clock drift.

use std::collections::BTreeMap;

use weaknet_transports::transport::Unwrapper;

use super::FitError;
use super::frame::{Frame, Transport};
use super::rate::{RateFit, RateShape};
use super::series::{Passage, Series, View};
use crate::stats;

/// Clock rates of media in use (RFC 3551, RFC 7587).
const CLOCKS: [f64; 6] = [8_000.0, 16_000.0, 24_000.0, 44_100.0, 48_000.0, 90_000.0];
/// A jump in sequence numbers beyond this is another stream (RFC 3550 A.1).
const LARGEST_JUMP: i64 = 3_000;
/// Frames of at least this many packets tell a rate.
const TRAIN: usize = 3;
const FEWEST_TRAINS: usize = 20;

/// The largest flow of a capture as a series.
///
/// # Errors
/// When it is neither RTP nor TCP.
pub(super) fn series(frames: &[Frame]) -> Result<Series, FitError> {
    let mut flows: BTreeMap<u64, u64> = BTreeMap::new();
    for frame in frames {
        *flows.entry(frame.flow).or_default() += u64::from(frame.bytes);
    }
    let Some((largest, _)) = flows.iter().max_by_key(|(_, bytes)| **bytes) else {
        return Err(FitError::new("the capture has no packet"));
    };
    let mut frames: Vec<Frame> = frames
        .iter()
        .filter(|f| f.flow == *largest)
        .copied()
        .collect();
    frames.sort_by_key(|frame| frame.at);
    let rtp = frames
        .iter()
        .filter(|f| matches!(f.transport, Transport::Rtp { .. }))
        .count();
    let tcp = frames
        .iter()
        .filter(|f| matches!(f.transport, Transport::Tcp { .. }))
        .count();
    let mut series = if rtp * 2 > frames.len() {
        from_rtp(&frames)?
    } else if tcp > 0 {
        from_tcp(&frames)
    } else {
        return Err(FitError::new(
            "one capture point shows losses of RTP and TCP only, and the largest flow is \
             neither: capture at the sender as well",
        ));
    };
    if flows.len() > 1 {
        let notice = format!("of {} flows the largest was used", flows.len());
        series.notices.push(notice);
    }
    Ok(series)
}

fn from_rtp(frames: &[Frame]) -> Result<Series, FitError> {
    let mut streams: BTreeMap<u32, Vec<(i64, u16, u32, u32)>> = BTreeMap::new();
    for frame in frames {
        if let Transport::Rtp {
            ssrc,
            seq,
            timestamp,
        } = frame.transport
        {
            streams
                .entry(ssrc)
                .or_default()
                .push((frame.at, seq, timestamp, frame.bytes));
        }
    }
    let Some(stream) = streams.values().max_by_key(|stream| stream.len()) else {
        return Err(FitError::new("the capture has no RTP packet"));
    };
    let start = stream[0].0;
    // Unwrapped sequence number -> arrival, unwrapped timestamp, bytes.
    let mut packets: BTreeMap<i64, (i64, i64, u32)> = BTreeMap::new();
    let (mut seqs, mut timestamps) = (Unwrapper::<16>::new(), Unwrapper::<32>::new());
    let mut last_seq = i64::from(stream[0].1);
    let mut duplicates = 0;
    for (at, seq, timestamp, bytes) in stream {
        let (seq, ts) = (seqs.unwrap((*seq).into()), timestamps.unwrap(*timestamp));
        if (seq - last_seq).abs() > LARGEST_JUMP {
            return Err(FitError::new(format!(
                "the RTP sequence numbers jump by {}: the stream was restarted, \
                 or this is not RTP",
                seq - last_seq
            )));
        }
        if packets.contains_key(&seq) {
            duplicates += 1;
            continue;
        }
        packets.insert(seq, (at - start, ts, *bytes));
        last_seq = last_seq.max(seq);
    }
    let ticks = clock_rate(&packets);
    let first_ts = packets.values().next().map_or(0, |p| p.1);
    let sizes: Vec<f64> = packets.values().map(|p| f64::from(p.2)).collect();
    let usual = stats::median(&sizes).unwrap_or(0.0) as u32;
    let Some((first, last)) = packets
        .keys()
        .next()
        .copied()
        .zip(packets.keys().last().copied())
    else {
        return Err(FitError::new("the capture has no RTP packet"));
    };
    let mut sent = 0;
    let passages: Vec<Passage> = (first..=last)
        .map(|seq| match packets.get(&seq) {
            Some((at, ts, bytes)) => {
                sent = ((ts - first_ts) as f64 * 1e9 / ticks) as i64;
                Passage {
                    sent,
                    received: Some(*at),
                    bytes: *bytes,
                }
            }
            None => Passage {
                sent,
                received: None,
                bytes: usual,
            },
        })
        .collect();
    Ok(Series {
        view: View::Receiver,
        passages: from_zero(passages),
        duplicates,
        source: String::new(),
        notices: vec![format!("RTP clock rate taken as {ticks} Hz")],
    })
}

/// Moves the sending times so that the shortest delay is zero.
fn from_zero(mut passages: Vec<Passage>) -> Vec<Passage> {
    let least = passages
        .iter()
        .filter_map(|p| p.received.map(|r| r - p.sent))
        .min();
    for p in &mut passages {
        p.sent += least.unwrap_or(0);
    }
    passages
}

/// The known clock rate nearest to ticks per second of arrival.
fn clock_rate(packets: &BTreeMap<i64, (i64, i64, u32)>) -> f64 {
    let ends = packets.values().next().zip(packets.values().last());
    let Some(((from, first, _), (to, last, _))) = ends else {
        return 90_000.0;
    };
    let measured = (last - first) as f64 * 1e9 / ((to - from) as f64).max(1.0);
    let off = |clock: &f64| libm::log(measured.max(1.0) / clock).abs();
    CLOCKS
        .into_iter()
        .min_by(|a, b| off(a).total_cmp(&off(b)))
        .unwrap_or(90_000.0)
}

/// Segments of a TCP flow; of a hole that is filled by an older segment later,
/// the segments were lost once.
fn from_tcp(frames: &[Frame]) -> Series {
    let start = frames.first().map_or(0, |f| f.at);
    let mut next: Option<u32> = None;
    let mut passages = Vec::new();
    for frame in frames {
        let Transport::Tcp { seq, payload } = frame.transport else {
            continue;
        };
        let at = frame.at - start;
        let ahead = next.map_or(0, |next| seq.wrapping_sub(next) as i32);
        if ahead > 0 && payload > 0 {
            let missing = (ahead as u32).div_ceil(payload).min(10_000);
            passages.extend((0..missing).map(|_| Passage {
                sent: at,
                received: None,
                bytes: frame.bytes,
            }));
        }
        passages.push(Passage {
            sent: at,
            received: Some(at),
            bytes: frame.bytes,
        });
        let end = seq.wrapping_add(payload);
        if next.is_none_or(|next| end.wrapping_sub(next) as i32 > 0) {
            next = Some(end);
        }
    }
    Series {
        view: View::Receiver,
        passages,
        duplicates: 0,
        source: String::new(),
        notices: vec!["TCP: holes in the sequence are taken for losses".to_owned()],
    }
}

/// The rate from trains of packets that were sent together; without them what
/// arrived at most.
pub(super) fn rate(series: &Series) -> RateFit {
    let mut trains = Vec::new();
    let delivered: Vec<(usize, i64, i64, u32)> = series.delivered().collect();
    for train in delivered.chunk_by(|a, b| a.1 == b.1 && b.0 == a.0 + 1) {
        let (first, last) = (train[0].2, train[train.len() - 1].2);
        if train.len() >= TRAIN && last > first {
            let bytes: u32 = train[1..].iter().map(|p| p.3).sum();
            trains.push(f64::from(bytes) * 8e9 / (last - first) as f64);
        }
    }
    let n = trains.len() as f64;
    let most = super::rate::largest_throughput(series);
    let median = stats::median(&trains).unwrap_or(0.0);
    let mean = stats::mean(&trains).unwrap_or(0.0);
    let variance = trains.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let cv = if mean > 0.0 {
        variance.sqrt() / mean
    } else {
        0.0
    };
    let agree = trains.len() >= FEWEST_TRAINS && median >= 0.9 * most;
    RateFit {
        shape: if agree {
            RateShape::Constant(median)
        } else {
            RateShape::AtLeast(most)
        },
        standard_error: if agree { (variance / n).sqrt() } else { 0.0 },
        cv,
        r2: None,
        bins: trains.len(),
        bin_s: 0.0,
        busy_share: 0.0,
        lost_use_link: None,
        lost_share: 0.0,
    }
}
