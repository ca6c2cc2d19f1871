//! Packets that wait in a pacer, by precedence and then by age.

use std::collections::VecDeque;

use weaknet_core::{Bytes, Span, Time};

use super::{Paced, Priority};

const CLASSES: usize = 3;

/// One FIFO for each [`Priority`].
#[derive(Debug, Default)]
pub(super) struct PacketQueue {
    classes: [VecDeque<(Time, Paced)>; CLASSES],
    bytes: u64,
    /// Sum of the times at which the waiting packets came, in nanoseconds.
    enqueued: u128,
}

impl PacketQueue {
    pub(super) fn push(&mut self, now: Time, packet: Paced) {
        self.bytes = self.bytes.saturating_add(packet.size.get());
        self.enqueued += u128::from(now.as_nanos());
        self.classes[packet.priority as usize].push_back((now, packet));
    }

    pub(super) fn pop(&mut self) -> Option<Paced> {
        let (at, packet) = self.classes.iter_mut().find_map(VecDeque::pop_front)?;
        self.bytes = self.bytes.saturating_sub(packet.size.get());
        self.enqueued -= u128::from(at.as_nanos());
        Some(packet)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.classes.iter().all(VecDeque::is_empty)
    }

    pub(super) const fn bytes(&self) -> Bytes {
        Bytes::new(self.bytes)
    }

    /// When the oldest packet of a class came.
    pub(super) fn oldest(&self, priority: Priority) -> Option<Time> {
        self.classes[priority as usize].front().map(|(at, _)| *at)
    }

    /// Mean time that the waiting packets have waited.
    pub(super) fn mean_wait(&self, now: Time) -> Span {
        let packets: u128 = self.classes.iter().map(|class| class.len() as u128).sum();
        let total = (u128::from(now.as_nanos()) * packets).saturating_sub(self.enqueued);
        Span::from_nanos(u64::try_from(total.checked_div(packets).unwrap_or(0)).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_then_age() {
        let mut queue = PacketQueue::default();
        let kinds = [
            Priority::Video,
            Priority::Audio,
            Priority::Video,
            Priority::Retransmission,
            Priority::Audio,
        ];
        for (handle, priority) in (0..).zip(kinds) {
            queue.push(
                Time::from_millis(handle),
                Paced {
                    handle,
                    size: Bytes::new(100),
                    priority,
                },
            );
        }
        assert_eq!(queue.bytes().get(), 500);
        assert_eq!(queue.mean_wait(Time::from_millis(10)), Span::from_millis(8));
        assert_eq!(queue.oldest(Priority::Audio), Some(Time::from_millis(1)));
        let order: Vec<_> = std::iter::from_fn(|| queue.pop())
            .map(|packet| packet.handle)
            .collect();
        assert_eq!(order, [1, 4, 3, 0, 2]);
        assert!(queue.is_empty());
        assert_eq!(
            (queue.bytes().get(), queue.mean_wait(Time::from_secs(1))),
            (0, Span::ZERO)
        );
    }
}
