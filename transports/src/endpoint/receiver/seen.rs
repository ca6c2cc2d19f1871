//! Tells new sequence numbers from repeated ones.

/// Which of the last 512 numbers have been seen.
#[derive(Debug, Clone)]
pub(super) struct SeenWindow {
    next: u64,
    bits: [u64; 8],
}

impl SeenWindow {
    pub(super) const fn new() -> Self {
        Self {
            next: 0,
            bits: [0; 8],
        }
    }

    /// Marks `seq`; whether it is new. Too old counts as seen.
    pub(super) fn insert(&mut self, seq: u64) -> bool {
        while self.next <= seq {
            if seq - self.next >= 512 {
                self.next = seq - 511;
                self.bits = [0; 8];
            }
            self.bits[(self.next / 64 % 8) as usize] &= !(1 << (self.next % 64));
            self.next += 1;
        }
        if self.next - seq > 512 {
            return false;
        }
        let (word, bit) = ((seq / 64 % 8) as usize, 1 << (seq % 64));
        let new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_tells_new_from_seen() {
        let mut seen = SeenWindow::new();
        assert!(seen.insert(0) && !seen.insert(0));
        assert!(seen.insert(5) && seen.insert(3) && !seen.insert(3));
        assert!(
            seen.insert(10_000) && !seen.insert(5),
            "too old counts as seen"
        );
        assert!(seen.insert(9_600) && !seen.insert(9_600));
        assert!(seen.insert(10_511) && !seen.insert(10_000));
    }
}
