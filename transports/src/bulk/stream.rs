//! The byte stream at both ends: which bytes are to be sent, which have been
//! delivered.

use std::collections::VecDeque;
use std::ops::Range;

use crate::transport::Ranges;

/// The stream as its sender knows it.
#[derive(Debug, Clone, Default)]
pub(crate) struct SendStream {
    /// Bytes that the application has given, as an end.
    end: u64,
    /// The first byte that has never been sent.
    next: u64,
    /// Bytes that were lost and are to be sent again.
    lost: Ranges,
    acked: Ranges,
    /// By packet number, from `base`.
    carried: VecDeque<Range<u64>>,
    base: u64,
}

impl SendStream {
    /// The application gives more bytes; `None`: without end.
    pub(crate) fn supply(&mut self, bytes: Option<u64>) {
        self.end = bytes.map_or(u64::MAX, |bytes| self.end.saturating_add(bytes));
    }

    /// Where the bytes that the application has given end.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// The lowest byte that is not acknowledged.
    pub(crate) fn unacknowledged(&self) -> u64 {
        let first = self.acked.first().filter(|first| first.start == 0);
        first.map_or(0, |first| first.end)
    }

    /// Whether all that was given has been acknowledged.
    pub(crate) fn is_done(&self) -> bool {
        self.unacknowledged() >= self.end
    }

    /// The bytes to send next, `most` of them, within the receiver's window.
    pub(crate) fn peek(&self, most: u16, window: u64) -> Option<(Range<u64>, bool)> {
        let most = u64::from(most);
        if let Some(lost) = self.lost.first() {
            return Some((
                lost.start..lost.end.min(lost.start.saturating_add(most)),
                true,
            ));
        }
        let end = self.end.min(self.unacknowledged().saturating_add(window));
        let piece = self.next..end.min(self.next.saturating_add(most));
        (!piece.is_empty()).then_some((piece, false))
    }

    /// The bytes that packet `number` carried.
    pub(crate) fn carried(&self, number: u64) -> Option<Range<u64>> {
        let index = usize::try_from(number.checked_sub(self.base)?).ok()?;
        self.carried.get(index).cloned()
    }

    /// The next packet carries these bytes.
    pub(crate) fn on_sent(&mut self, bytes: Range<u64>) {
        self.lost.remove(bytes.clone());
        self.next = self.next.max(bytes.end);
        self.carried.push_back(bytes);
    }

    /// Packet `number` has arrived.
    pub(crate) fn on_acked(&mut self, number: u64) {
        if let Some(bytes) = self.carried(number) {
            self.lost.remove(bytes.clone());
            self.acked.insert(bytes);
        }
    }

    /// Packet `number` is lost.
    pub(crate) fn on_lost(&mut self, number: u64) {
        let Some(bytes) = self.carried(number) else {
            return;
        };
        for gap in self.acked.missing(bytes) {
            self.lost.insert(gap);
        }
    }

    /// Nothing will be heard of packets below `number`.
    pub(crate) fn forget_below(&mut self, number: u64) {
        while self.base < number && self.carried.pop_front().is_some() {
            self.base += 1;
        }
    }
}

/// The stream as its receiver puts it together.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReceiveStream {
    delivered: u64,
    /// Bytes that wait for earlier ones.
    waiting: Ranges,
    /// Ends of transfers that are not delivered yet, ascending.
    ends: VecDeque<u64>,
    /// All transfers that end here or before are known.
    ended: u64,
}

impl ReceiveStream {
    /// A piece arrived. Returns how many bytes can be handed on in order.
    pub(crate) fn on_piece(&mut self, bytes: Range<u64>, last: bool) -> u64 {
        if last && bytes.end > self.ended {
            self.ended = bytes.end;
            self.ends.push_back(bytes.end);
        }
        self.waiting
            .insert(bytes.start.max(self.delivered)..bytes.end);
        let before = self.delivered;
        if let Some(first) = self.waiting.first().filter(|f| f.start <= before) {
            self.delivered = first.end;
            self.waiting.pop_first();
        }
        self.delivered - before
    }

    /// Whether another transfer has been delivered whole; ask until not.
    pub(crate) fn finished(&mut self) -> bool {
        let done = self.ends.front().is_some_and(|end| *end <= self.delivered);
        if done {
            self.ends.pop_front();
        }
        done
    }

    /// Number of holes before bytes that wait.
    pub(crate) fn holes(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(stream: &mut SendStream) -> Option<(Range<u64>, bool)> {
        let (bytes, again) = stream.peek(100, 1_000)?;
        stream.on_sent(bytes.clone());
        Some((bytes, again))
    }

    #[test]
    fn lost_bytes_go_first_and_only_those_that_are_missing() {
        let mut stream = SendStream::default();
        stream.supply(Some(350));
        for range in [0..100, 100..200, 200..300, 300..350] {
            assert_eq!(send(&mut stream), Some((range, false)));
        }
        assert_eq!(send(&mut stream), None);
        stream.on_lost(0);
        stream.on_lost(1);
        assert_eq!(send(&mut stream), Some((0..100, true)));
        // The second was late, not lost.
        stream.on_acked(1);
        assert_eq!(send(&mut stream), None);
        stream.on_acked(4);
        stream.on_lost(0);
        assert_eq!(send(&mut stream), None, "its bytes have arrived");
        stream.on_acked(2);
        assert!(!stream.is_done());
        stream.on_acked(3);
        assert!(stream.is_done());
    }

    #[test]
    fn the_window_begins_at_the_first_missing_byte() {
        let mut stream = SendStream::default();
        stream.supply(None);
        let pieces = std::iter::from_fn(|| send(&mut stream)).count();
        assert_eq!(pieces, 10);
        stream.on_acked(1);
        assert_eq!(send(&mut stream), None);
        stream.on_acked(0);
        stream.forget_below(2);
        assert_eq!(send(&mut stream), Some((1_000..1_100, false)));
        assert_eq!(send(&mut stream), Some((1_100..1_200, false)));
        assert_eq!(send(&mut stream), None);
    }

    #[test]
    fn bytes_are_delivered_in_order_and_once() {
        let mut stream = ReceiveStream::default();
        assert_eq!(stream.on_piece(100..200, false), 0);
        assert_eq!(stream.on_piece(300..350, true), 0);
        assert_eq!(stream.holes(), 2);
        assert_eq!(stream.on_piece(0..120, false), 200);
        assert_eq!(stream.on_piece(50..150, false), 0);
        assert!(!stream.finished());
        assert_eq!(stream.on_piece(200..300, false), 150);
        assert!(stream.finished() && !stream.finished());
        assert_eq!(stream.on_piece(300..350, true), 0);
        assert!(!stream.finished(), "a transfer ends once");
        assert_eq!(stream.holes(), 0);
    }
}
