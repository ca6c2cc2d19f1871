//! Tells packets that found the queue full from packets that got lost.
//!
//! A packet's backlog is what was still before it in the link when it was sent:
//! the arrival of its predecessor, less the path's delay, less its own sending
//! time. Behind packets that got lost it is the packet's own delay that tells, and
//! of those themselves what lies between the backlogs of their neighbours: the
//! last arrival says less and less of the link the longer a run of losses is.
//! When packets that met the largest backlogs were lost far more often
//! than the others, the queue overflowed. Where jitter is small against the
//! time of a packet, a loss at a full queue counts as overflow only if it left
//! no trace in the link's time; otherwise what was sent into a full queue tells
//! nothing about random loss, and is left out of it.

use serde::Serialize;

use super::busy::{Busy, Interval, OUTAGE_NS};
use super::rate::RateFit;
use super::series::Series;
use crate::stats;

/// Fewer losses than this at a full queue are chance.
const FEWEST: usize = 5;
/// Packets that must have met a queue that was not full, to compare with.
const OTHERS: usize = 200;
/// Jitter below this share of a packet's time leaves single losses visible.
pub(super) const LOW_NOISE: f64 = 0.25;

/// In what a queue's limit is constant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueFit {
    /// It dropped at this time of waiting, in seconds; the spread of it.
    Time(f64, f64),
    /// It dropped at this many waiting bytes; the spread of it.
    Bytes(f64, f64),
    /// It never dropped; the longest wait seen in seconds.
    NeverFull(f64),
    /// Nothing is known of the queue.
    Unknown,
}

/// What became of the packets of a series.
pub(super) struct Fates {
    /// Whether each packet got lost at random, in order, without those that
    /// overflowed; broken where packets had to be left out.
    pub(super) sequences: Vec<Vec<bool>>,
    /// Packets that found the queue full.
    pub(super) overflow: usize,
    /// Losses that may be either, and count as overflow.
    pub(super) unclear: usize,
    pub(super) queue: QueueFit,
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Arrived,
    Lost,
    Overflow,
    LeftOut,
}

pub(super) fn tell_apart(series: &Series, busy: &Busy, rate: &RateFit) -> Fates {
    let service = |at: i64| busy.size * 8e9 / rate.at(at as f64 / 1e9).max(1.0);
    let waits = backlog(series, busy, service);
    let bytes: Vec<f64> = series
        .passages
        .iter()
        .zip(&waits)
        .map(|(p, wait)| wait * rate.at(p.sent as f64 / 1e9) / 8e9)
        .collect();
    let lost: Vec<bool> = series
        .passages
        .iter()
        .map(|p| p.received.is_none())
        .collect();
    let mean_service = stats::median(
        &series
            .passages
            .iter()
            .map(|p| service(p.sent))
            .collect::<Vec<f64>>(),
    )
    .unwrap_or(0.0);
    let noise_bytes = busy.noise / mean_service.max(1.0) * busy.size;
    let in_time = Full::find(&waits, &lost, (2.5 * mean_service).max(5.0 * busy.noise));
    let in_bytes = Full::find(&bytes, &lost, (2.5 * busy.size).max(5.0 * noise_bytes))
        .filter(|_| rate.known());
    let longest = longest_wait(series, &waits);
    let (full, levels, is_time) = match (in_time, in_bytes) {
        (None, None) => {
            let all = lost.clone();
            return Fates {
                sequences: vec![all],
                overflow: 0,
                unclear: 0,
                queue: if busy.intervals.is_empty() {
                    QueueFit::Unknown
                } else {
                    QueueFit::NeverFull(longest)
                },
            };
        }
        // The unit in which the losses lie closer together.
        (Some(time), Some(by)) if time.spread <= by.spread * 1.05 => (time, &waits, true),
        (Some(time), None) => (time, &waits, true),
        (_, Some(by)) => (by, &bytes, false),
    };

    let visible = busy.noise < LOW_NOISE * mean_service;
    let fates: Vec<Fate> = if visible {
        by_link_time(series, busy, rate, levels, full.floor)
    } else {
        // Jitter blurs the edge of the full queue: what lies near it tells
        // nothing of random loss.
        let blur = 5.0 * if is_time { busy.noise } else { noise_bytes };
        (0..lost.len())
            .map(|i| match (levels[i] - full.floor, lost[i]) {
                (above, true) if above >= 0.0 => Fate::Overflow,
                (above, _) if above >= -blur => Fate::LeftOut,
                (_, true) => Fate::Lost,
                (_, false) => Fate::Arrived,
            })
            .collect()
    };
    let dropped: Vec<f64> = (0..fates.len())
        .filter(|i| fates[*i] == Fate::Overflow)
        .map(|i| levels[i])
        .collect();
    let overflow = dropped.len();
    if overflow == 0 {
        return Fates {
            sequences: sequences(&fates),
            overflow,
            unclear: 0,
            queue: QueueFit::NeverFull(longest),
        };
    }
    let level = stats::median(&dropped).unwrap_or(0.0);
    // A backlog is reckoned from the shortest delay: what packets travel longer
    // than that on an idle path is none of the queue's.
    let travel = travel_beyond_base(series, &waits, busy);
    let level = match is_time {
        true => level - travel,
        false => level - travel / mean_service.max(1.0) * busy.size,
    };
    let spread = full.spread * level;
    // The backlog holds half a packet in service, on average, that does not
    // wait; the limit is reached half a packet above what waits.
    let queue = if is_time {
        QueueFit::Time(level / 1e9, spread / 1e9)
    } else {
        QueueFit::Bytes(level, spread)
    };
    Fates {
        sequences: sequences(&fates),
        overflow,
        unclear: if visible { 0 } else { overflow },
        queue,
    }
}

/// Share of the packets that got lost although the queue had room; `None` when
/// it never overflowed. `service` is the time of a packet in nanoseconds.
pub(super) fn lost_with_room(series: &Series, busy: &Busy, service: f64) -> Option<f64> {
    let waits = backlog(series, busy, |_| service);
    let passages = &series.passages;
    let lost: Vec<bool> = passages.iter().map(|p| p.received.is_none()).collect();
    let full = Full::find(&waits, &lost, (2.5 * service).max(5.0 * busy.noise))?;
    let with_room = || {
        waits
            .iter()
            .zip(&lost)
            .filter(|(wait, _)| **wait < full.floor)
    };
    let count = with_room().count() as f64;
    Some(with_room().filter(|(_, lost)| **lost).count() as f64 / count)
}

/// How much of the time that its size takes each packet took of the link, on
/// average: all of it when it arrived, nothing when the queue had no room for it.
/// `elsewhere` is what other losses took. Of the losses at a full queue as many
/// were random as where there was room.
pub(super) fn link_time_shares(
    series: &Series,
    busy: &Busy,
    service: f64,
    elsewhere: f64,
) -> Vec<f64> {
    let waits = backlog(series, busy, |_| service);
    let lost: Vec<bool> = series
        .passages
        .iter()
        .map(|p| p.received.is_none())
        .collect();
    let band = (2.5 * service).max(5.0 * busy.noise);
    let full = Full::find(&waits, &lost, band);
    let floor = full.map_or(f64::INFINITY, |full| full.floor);
    let count = |at_full: bool, is_lost: bool| {
        let packets = waits.iter().zip(&lost);
        let some = packets.filter(|(wait, lost)| (**wait >= floor) == at_full && **lost == is_lost);
        some.count() as f64
    };
    let odds = count(false, true) / count(false, false).max(1.0);
    let random = (odds * count(true, false) / count(true, true).max(1.0)).min(1.0);
    waits
        .iter()
        .zip(&lost)
        .map(|(wait, lost)| match (*lost, *wait >= floor) {
            (false, _) => 1.0,
            (true, false) => elsewhere,
            (true, true) => elsewhere * random,
        })
        .collect()
}

/// Nanoseconds of work before each packet; `service` is the time that one sent
/// then takes.
fn backlog(series: &Series, busy: &Busy, service: impl Fn(i64) -> f64) -> Vec<f64> {
    let passages = &series.passages;
    let mut waits = vec![0.0; passages.len()];
    // Index of the last packet that arrived, and when it did.
    let mut last: Option<(usize, i64)> = None;
    for (at, packet) in passages.iter().enumerate() {
        let Some(received) = packet.received else {
            continue;
        };
        let known = last.map_or(0, |(_, arrival)| arrival - busy.base - packet.sent);
        let mut wait = known.max(0) as f64;
        let first_lost = last.map_or(0, |(before, _)| before + 1);
        if first_lost < at {
            let own = (received - busy.base - packet.sent) as f64 - service(packet.sent);
            wait = wait.max(own);
            let (from, before) = last.map_or((packet.sent, wait), |(before, _)| {
                (passages[before].sent, waits[before])
            });
            let whole = (packet.sent - from).max(1) as f64;
            for lost in first_lost..at {
                let part = (passages[lost].sent - from) as f64 / whole;
                waits[lost] = before + (wait - before) * part;
            }
        }
        waits[at] = wait;
        last = Some((at, received));
    }
    // Behind the last arrival nothing else is known.
    if let Some((before, arrival)) = last {
        for (wait, packet) in waits.iter_mut().zip(passages).skip(before + 1) {
            *wait = (arrival - busy.base - packet.sent).max(0) as f64;
        }
    }
    waits
}

/// Median delay of packets that met an idle link, less the shortest.
fn travel_beyond_base(series: &Series, waits: &[f64], busy: &Busy) -> f64 {
    let idle = series
        .passages
        .iter()
        .zip(waits)
        .filter(|(_, w)| **w == 0.0);
    let delays: Vec<f64> = idle
        .filter_map(|(p, _)| Some((p.received? - p.sent - busy.base) as f64))
        .collect();
    stats::median(&delays).unwrap_or(0.0)
}

fn longest_wait(series: &Series, waits: &[f64]) -> f64 {
    let arrived = series
        .passages
        .iter()
        .zip(waits)
        .filter(|(p, _)| p.received.is_some());
    arrived.map(|(_, wait)| *wait).fold(0.0, f64::max) / 1e9
}

/// The band of backlogs in which a queue is full.
struct Full {
    floor: f64,
    /// Coefficient of variation of the backlogs at losses within the band.
    spread: f64,
}

impl Full {
    fn find(levels: &[f64], lost: &[bool], band: f64) -> Option<Self> {
        let mut arrived: Vec<f64> = levels
            .iter()
            .zip(lost)
            .filter(|(level, lost)| !**lost && **level > 0.0)
            .map(|(level, _)| *level)
            .collect();
        arrived.sort_unstable_by(f64::total_cmp);
        let top = stats::quantile(&arrived, 0.999)?;
        let floor = top - band;
        if floor <= 0.0 {
            return None;
        }
        let (mut n, mut losses, mut others, mut other_losses) = (0.0, 0.0, 0.0, 0.0);
        let mut at_losses = Vec::new();
        for (level, lost) in levels.iter().zip(lost) {
            if *level >= floor {
                n += 1.0;
                losses += f64::from(*lost);
                if *lost {
                    at_losses.push(*level);
                }
            } else {
                others += 1.0;
                other_losses += f64::from(*lost);
            }
        }
        if at_losses.len() < FEWEST || others < OTHERS as f64 {
            return None;
        }
        let (share, elsewhere) = (losses / n, other_losses / others);
        let chance = (elsewhere.max(1.0 / others) * (1.0 / n + 1.0 / others)).sqrt();
        if share < 2.0 * elsewhere + 5.0 * chance {
            return None;
        }
        let mean = stats::mean(&at_losses)?;
        let squares = at_losses.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        Some(Self {
            floor,
            spread: (squares / at_losses.len() as f64).sqrt() / mean,
        })
    }
}

/// Losses at a full queue are overflow unless the link spent time on them.
fn by_link_time(
    series: &Series,
    busy: &Busy,
    rate: &RateFit,
    levels: &[f64],
    floor: f64,
) -> Vec<Fate> {
    let mut fates: Vec<Fate> = series
        .passages
        .iter()
        .zip(levels)
        .map(|(p, level)| match (p.received, *level >= floor) {
            (Some(_), _) => Fate::Arrived,
            (None, true) => Fate::Overflow,
            (None, false) => Fate::Lost,
        })
        .collect();
    for interval in busy.intervals.iter().filter(|i| i.lost > 0) {
        let used = packets_with_link_time(interval, rate, busy.base);
        let lost = interval.passage - interval.lost..interval.passage;
        let mut random = fates[lost.clone()]
            .iter()
            .filter(|f| **f == Fate::Lost)
            .count();
        for fate in fates[lost].iter_mut().filter(|f| **f == Fate::Overflow) {
            if random < used {
                *fate = Fate::Lost;
                random += 1;
            }
        }
    }
    fates
}

fn packets_with_link_time(interval: &Interval, rate: &RateFit, base: i64) -> usize {
    if interval.nanos() >= OUTAGE_NS as f64 {
        return 0;
    }
    let middle = ((interval.from + interval.to) / 2 - base) as f64 / 1e9;
    let carried = interval.nanos() * rate.at(middle) / 8e9 - interval.bytes;
    let each = interval.lost_bytes / interval.lost as f64;
    (carried / each).round().clamp(0.0, interval.lost as f64) as usize
}

fn sequences(fates: &[Fate]) -> Vec<Vec<bool>> {
    let mut all = vec![Vec::new()];
    for fate in fates {
        match fate {
            Fate::Arrived | Fate::Lost => {
                if let Some(last) = all.last_mut() {
                    last.push(*fate == Fate::Lost);
                }
            }
            Fate::LeftOut => {
                if all.last().is_some_and(|last| !last.is_empty()) {
                    all.push(Vec::new());
                }
            }
            Fate::Overflow => {}
        }
    }
    all.retain(|sequence| !sequence.is_empty());
    all
}
