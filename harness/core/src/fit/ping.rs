//! Reads the text that `ping` prints: sequence numbers and round-trip times.
//!
//! Implements: iputils (`icmp_seq=5 ttl=57 time=12.3 ms`, with and without the
//! stamps of `-D`, `no answer yet for icmp_seq=5` of `-O`) and the BSD form
//! (`Request timeout for icmp_seq 5`). Without stamps the sending times are
//! one interval apart: 1 s, or what the summary's `time 4999ms` divides into.
//! Missing numbers were lost. Not modelled: `ping -f`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::FitError;
use super::series::{Passage, Series, View};

/// What `ping` adds to its payload in an IPv4 packet.
const HEADERS: u32 = 28;
/// A sequence number far beyond the one before it was misread.
const LARGEST_JUMP: u64 = 100_000;

/// Whether a text looks like it.
#[must_use]
pub fn is_ping(text: &str) -> bool {
    text.lines()
        .take(50)
        .any(|line| number_after(line, "icmp_seq").is_some())
}

/// The round trips.
///
/// # Errors
/// When no line is an answer, or with the line's number.
pub fn read(text: &str) -> Result<Series, FitError> {
    // Sequence number, unwrapped -> stamp of the line in ns, round trip in ns.
    let mut answers: BTreeMap<u64, (Option<i64>, i64)> = BTreeMap::new();
    let (mut last, mut duplicates, mut bytes) = (0u64, 0, HEADERS + 56);
    let (mut transmitted, mut total_ms) = (None, None);
    for (i, line) in text.lines().enumerate() {
        if let Some(found) = summary(line) {
            (transmitted, total_ms) = found;
        }
        let Some(seq) = number_after(line, "icmp_seq") else {
            continue;
        };
        // 16 bits that wrap.
        let seq = last + u64::from((seq as u16).wrapping_sub(last as u16));
        let seq = if seq - last > u64::from(u16::MAX) / 2 && seq >= 65_536 {
            seq - 65_536
        } else {
            seq
        };
        if seq > last + LARGEST_JUMP {
            return Err(FitError::new(format!(
                "line {}: the sequence jumps to {seq}",
                i + 1
            )));
        }
        last = last.max(seq);
        let Some(millis) = line.split("time=").nth(1).and_then(leading_number) else {
            continue;
        };
        if !(0.0..1e7).contains(&millis) {
            return Err(FitError::new(format!(
                "line {}: `{millis}` ms is no time",
                i + 1
            )));
        }
        if let Some(payload) = leading_number(line.rsplit(']').next().unwrap_or(line).trim()) {
            // ICMP header included.
            bytes = (payload as u32).saturating_add(20);
        }
        let stamp = line
            .strip_prefix('[')
            .and_then(leading_number)
            .filter(|stamp| (0.0..1e10).contains(stamp))
            .map(|stamp| (stamp * 1e9) as i64);
        match answers.entry(seq) {
            Entry::Occupied(_) => duplicates += 1,
            Entry::Vacant(place) => {
                place.insert((stamp, (millis * 1e6) as i64));
            }
        }
    }
    let Some(first) = answers.keys().next().copied() else {
        return Err(FitError::new(
            "no line is an answer: expected the output of ping, \
             with `icmp_seq=1 ttl=57 time=12.3 ms`",
        ));
    };
    let count = last - first;
    let interval = match (transmitted, total_ms) {
        (Some(n), Some(ms)) if n > 1 => (ms * 1e6) as i64 / (n - 1),
        _ => 1_000_000_000,
    };
    let start = answers[&first].0.map(|stamp| stamp - answers[&first].1);
    let last_answer = answers
        .iter()
        .next_back()
        .map_or((first, None), |(seq, a)| (*seq, a.0));
    let interval = match (start, last_answer.1) {
        (Some(start), Some(end)) if last_answer.0 > first => {
            (end - answers[&last_answer.0].1 - start) / (last_answer.0 - first) as i64
        }
        _ => interval,
    };
    let passages = (0..=count)
        .map(|k| {
            let nominal = interval.saturating_mul(k as i64);
            let answer = answers.get(&(first + k));
            let stamped = answer.and_then(|(stamp, rtt)| Some((*stamp)? - rtt - start?));
            let sent = stamped.unwrap_or(nominal);
            Passage {
                sent,
                received: answer.map(|(_, rtt)| sent + rtt),
                bytes,
            }
        })
        .collect();
    Ok(Series {
        view: View::RoundTrip,
        passages,
        duplicates,
        source: "ping".to_owned(),
        notices: if start.is_some() {
            Vec::new()
        } else {
            vec![
                "no times of sending: answers are taken to be evenly spaced (use `ping -D`)"
                    .to_owned(),
            ]
        },
    })
}

/// `5 packets transmitted, .. time 4005ms`.
fn summary(line: &str) -> Option<(Option<i64>, Option<f64>)> {
    let (count, rest) = line.split_once(" packets transmitted")?;
    let total = rest.split(", time ").nth(1).and_then(leading_number);
    Some((count.trim().parse().ok(), total))
}

fn number_after(line: &str, word: &str) -> Option<u64> {
    let rest = line.split(word).nth(1)?;
    let rest = rest.strip_prefix(['=', ' '])?;
    leading_number(rest)
        .filter(|n| (0.0..=65_535.0).contains(n))
        .map(|n| n as u64)
}

fn leading_number(text: &str) -> Option<f64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    text[..end].parse().ok()
}
