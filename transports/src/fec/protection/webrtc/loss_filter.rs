//! The loss that protection is made for: the largest of the last ten seconds.
//!
//! Implements: `VCMLossProtectionLogic::UpdateMaxLossHistory` and
//! `MaxFilteredLossPr` of libwebrtc (2026-07), with their corners: a window of
//! 1 s closes with the first value after it, which itself counts for neither
//! unless the window had no loss; and a window is too old when its closing is
//! more than 10 s ago.

use std::collections::VecDeque;

use weaknet_core::{Span, Time};

const WINDOW: Span = Span::from_secs(1);
const WINDOWS: usize = 10;

/// Maxima of windows, in 255ths.
#[derive(Debug, Default)]
pub(super) struct LossFilter {
    /// When a window was closed and its maximum, newest first.
    closed: VecDeque<(Time, u8)>,
    open: u8,
}

impl LossFilter {
    /// Takes in a loss and gives the one to protect against.
    pub(super) fn update(&mut self, now: Time, loss: u8) -> u8 {
        match self.closed.front() {
            Some((at, _)) if now.since(*at) < WINDOW => self.open = self.open.max(loss),
            last => {
                let most = if last.is_none() || self.open == 0 {
                    loss
                } else {
                    self.open
                };
                self.closed.push_front((now, most));
                self.closed.truncate(WINDOWS);
                self.open = 0;
            }
        }
        let recent = |at: Time| now.since(at) <= WINDOW * WINDOWS as u64;
        let valid = self.closed.iter().take_while(|(at, _)| recent(*at));
        valid.map(|(_, loss)| *loss).fold(self.open, u8::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_md_3_1_line_1_largest_of_ten_windows() {
        let mut filter = LossFilter::default();
        let at = Time::from_millis;
        assert_eq!(filter.update(at(0), 3), 3);
        assert_eq!(filter.update(at(500), 20), 20);
        // Closes the window that has the 20.
        assert_eq!(filter.update(at(1_000), 1), 20);
        for second in 2..=10 {
            assert_eq!(filter.update(at(1_000 * second), 0), 20, "{second}");
        }
        // Ten more windows have been closed since.
        assert_eq!(filter.update(at(11_000), 0), 0);
    }

    #[test]
    fn a_long_silence_makes_all_windows_too_old() {
        let mut filter = LossFilter::default();
        filter.update(Time::ZERO, 50);
        assert_eq!(filter.update(Time::from_millis(10_000), 0), 50);
        let mut filter = LossFilter::default();
        filter.update(Time::ZERO, 50);
        assert_eq!(filter.update(Time::from_millis(10_001), 0), 0);
    }
}
