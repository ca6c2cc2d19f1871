//! How much arrived per slice of time.

/// Packets of one size of a flow that a link serialises one behind the other, by the
/// time at which the last bit of each has come.
///
/// What has come by an instant between two of them is taken in proportion: the bits of
/// a packet come while it is serialised. That leaves no rounding to whole packets, so
/// that a bin is off by lateness only.
#[derive(Debug, Clone, Default)]
pub struct Curve {
    /// Number of the packet, and when it came, in nanoseconds; both rise.
    points: Vec<(u64, u64)>,
}

impl Curve {
    /// Adds an arrival. A packet behind one that came already says nothing new.
    ///
    /// The link keeps the order: when a packet has come, all before it have, also those
    /// that a receiver missed.
    pub fn add(&mut self, number: u64, at: u64) {
        match self.points.last_mut() {
            Some((last, _)) if *last >= number => {}
            Some((last, same)) if *same >= at => *last = number,
            _ => self.points.push((number, at)),
        }
    }

    /// Packets, not whole ones, that came in each full `bin` nanoseconds from the first
    /// arrival on, at most so many bins.
    #[must_use]
    pub fn bins(&self, bin: u64, most: usize) -> Vec<f64> {
        let Some(&(_, start)) = self.points.first() else {
            return Vec::new();
        };
        let edges = (0..=most as u64).map_while(|k| self.at(start + k * bin));
        let edges: Vec<f64> = edges.collect();
        edges.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// The number of the packet that came at that time, not whole between two; `None`
    /// beyond the last arrival.
    #[must_use]
    pub fn at(&self, time: u64) -> Option<f64> {
        let next = self.points.partition_point(|(_, at)| *at < time);
        let &(number, at) = self.points.get(next)?;
        let Some(&(before, since)) = next.checked_sub(1).and_then(|at| self.points.get(at)) else {
            return Some(number as f64);
        };
        let share = (time - since) as f64 / (at - since) as f64;
        Some(before as f64 + (number - before) as f64 * share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_flow_fills_all_bins_alike() {
        let mut curve = Curve::default();
        for number in 0..1_000 {
            curve.add(number, 5_000 + 333 * number);
        }
        let bins = curve.bins(10_000, 100);
        assert_eq!(bins.len(), 33, "the last one is not full");
        for bin in &bins {
            assert!((bin - 10_000.0 / 333.0).abs() < 1e-9, "{bin}");
        }
        assert_eq!(curve.bins(10_000, 3).len(), 3);
    }

    #[test]
    fn packets_that_a_receiver_missed_came_in_between() {
        let mut curve = Curve::default();
        for number in (0..1_000).filter(|number| number % 7 != 3) {
            curve.add(number, 100 * number);
        }
        assert!(
            curve
                .bins(1_000, 50)
                .iter()
                .all(|bin| (bin - 10.0).abs() < 1e-9)
        );
    }

    #[test]
    fn a_late_packet_moves_its_bits_to_the_next_bin() {
        let mut curve = Curve::default();
        for (number, at) in [(0, 0), (1, 10), (2, 24), (3, 30), (4, 40)] {
            curve.add(number, at);
        }
        let bins = curve.bins(20, 9);
        assert!((bins[0] - (1.0 + 10.0 / 14.0)).abs() < 1e-9);
        assert!((bins[0] + bins[1] - 4.0).abs() < 1e-9);
    }

    #[test]
    fn what_comes_together_or_behind_its_place() {
        let mut curve = Curve::default();
        for (number, at) in [(0, 10), (2, 20), (3, 20), (1, 25), (4, 30)] {
            curve.add(number, at);
        }
        assert_eq!(curve.bins(10, 9), [3.0, 1.0]);
        assert!(Curve::default().bins(10, 9).is_empty());
    }
}
