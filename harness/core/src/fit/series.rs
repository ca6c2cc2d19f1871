//! What is known of the packets of one direction of a path, whatever it was
//! read from.

use serde::Serialize;

/// A packet that was sent, and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passage {
    /// When it was sent, in nanoseconds since the first packet of the series.
    pub sent: i64,
    /// When it arrived; `None` when it did not.
    pub received: Option<i64>,
    /// Bytes from the IP header on.
    pub bytes: u32,
}

/// What the times of a series mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// Both ends, one clock.
    BothEnds,
    /// Both ends, each with its own clock: one-way delays are known up to a
    /// constant.
    TwoClocks,
    /// The receiver only: the sending times are those of the media, and delays
    /// are known up to a constant.
    Receiver,
    /// Round trips: there and back cannot be told apart.
    RoundTrip,
}

/// All packets of one direction, in the order in which they were sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// What the times mean.
    pub view: View,
    /// The packets.
    pub passages: Vec<Passage>,
    /// Copies that arrived beyond the first.
    pub duplicates: u64,
    /// What it was read from, for people.
    pub source: String,
    /// What the reader has to say.
    pub notices: Vec<String>,
}

impl Series {
    /// Passages that arrived, with their times.
    pub(super) fn delivered(&self) -> impl Iterator<Item = (usize, i64, i64, u32)> {
        self.passages
            .iter()
            .enumerate()
            .filter_map(|(i, p)| p.received.map(|received| (i, p.sent, received, p.bytes)))
    }

    /// From the first packet sent to the last one sent or received, in seconds.
    pub(super) fn seconds(&self) -> f64 {
        let last = self
            .passages
            .iter()
            .map(|p| p.received.unwrap_or(p.sent).max(p.sent))
            .max();
        let first = self.passages.first().map(|p| p.sent);
        match (first, last) {
            (Some(first), Some(last)) => (last - first) as f64 / 1e9,
            _ => 0.0,
        }
    }

    /// Number of packets whose fate is known: all but those at the end that may
    /// still have been on their way when the measurement stopped.
    pub(super) fn settled(&self) -> usize {
        let arrivals = || self.delivered().map(|(_, _, received, _)| received);
        let longest = self
            .delivered()
            .map(|(_, sent, received, _)| received - sent);
        let (Some(last), Some(longest)) = (arrivals().max(), longest.max()) else {
            return self.passages.len();
        };
        // Clocks of their own say nothing of when the other end stopped.
        let end = match (self.view, self.passages.last()) {
            (View::BothEnds | View::RoundTrip, Some(packet)) => last.max(packet.sent),
            _ => last,
        };
        let unknown = |p: &&Passage| p.received.is_none() && p.sent > end - longest;
        self.passages.len() - self.passages.iter().rev().take_while(unknown).count()
    }

    /// Share of the packets that arrived after one that was sent later, as
    /// "type-P-reordered" of RFC 4737 section 3.
    pub(super) fn reordered(&self) -> f64 {
        let mut arrivals: Vec<(i64, usize)> = self
            .delivered()
            .map(|(i, _, received, _)| (received, i))
            .collect();
        arrivals.sort_unstable();
        let mut next_expected = 0;
        let mut late = 0u64;
        for (_, i) in &arrivals {
            if *i < next_expected {
                late += 1;
            } else {
                next_expected = i + 1;
            }
        }
        late as f64 / arrivals.len().max(1) as f64
    }
}
