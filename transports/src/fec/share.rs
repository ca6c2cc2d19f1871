//! How many repair packets are due by now.

/// What rounding of sums may take from a whole packet.
const ROUNDING: f64 = 1e-6;
/// Repair packets that may be due at most.
const MOST: f64 = 1_024.0;

/// Repair packets that are due, with what is left of one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Share(f64);

impl Share {
    /// A media packet was sent, at this rate of repair packets.
    pub(super) fn add(&mut self, rate: f64) {
        self.0 = (self.0 + rate).min(MOST);
    }

    /// Whether one is due; then there is one less.
    pub(super) fn take(&mut self) -> bool {
        let is_due = self.0 >= 1.0 - ROUNDING;
        if is_due {
            self.0 -= 1.0;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tenths_are_one() {
        let mut share = Share::default();
        let due = (0..1_000).filter(|_| {
            share.add(0.1);
            share.take()
        });
        assert_eq!(due.count(), 100);
    }
}
