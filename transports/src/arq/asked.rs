//! How often packets were asked for that are no longer missing.

/// Numbers that are remembered.
const REMEMBERED: u64 = 1 << 11;

/// By sequence number, the newest of each place.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Number and times asked for, at the number modulo the length.
    places: Vec<(u64, u32)>,
}

impl Asked {
    pub(super) fn new() -> Self {
        Self {
            places: vec![(0, 0); REMEMBERED as usize],
        }
    }

    pub(super) fn remember(&mut self, seq: u64, times: u32) {
        self.places[place(seq)] = (seq, times);
    }

    pub(super) fn times(&self, seq: u64) -> u32 {
        let (number, times) = self.places[place(seq)];
        if number == seq { times } else { 0 }
    }
}

const fn place(seq: u64) -> usize {
    (seq % REMEMBERED) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_numbers_take_the_place_of_older_ones() {
        let mut asked = Asked::new();
        asked.remember(7, 3);
        assert_eq!([7, 8, 7 + 2048].map(|n| asked.times(n)), [3, 0, 0]);
        asked.remember(7 + 2048, 1);
        assert_eq!([7, 7 + 2048].map(|n| asked.times(n)), [0, 1]);
    }
}
