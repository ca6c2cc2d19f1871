//! The messages that a sender has not done with.
//!
//! Implements: selective repeat: a message is queued to be sent again when the
//! last packet that carried it is lost, if its reliability still wants it; what
//! is wanted no more is given up.

use std::collections::{BTreeSet, VecDeque};

use weaknet_core::Time;
use weaknet_core::packet::Message;

use super::config::{MOST, Reliability};

#[derive(Debug, Clone, Copy)]
struct Stored {
    size: u16,
    given: Time,
    /// Packets under way that carry it.
    in_flight: u32,
    /// Retransmissions so far.
    retransmits: u32,
    sent: bool,
    /// Acknowledged or given up.
    done: bool,
}

/// Messages by number, and those that wait to be sent.
#[derive(Debug, Clone)]
pub(super) struct Store {
    reliability: Reliability,
    redundancy: u64,
    messages: VecDeque<Stored>,
    /// Number of the first of `messages`.
    base: u64,
    /// Never sent, or lost and to be sent again.
    waiting: BTreeSet<u64>,
}

impl Store {
    pub(super) const fn new(reliability: Reliability, redundancy: u32) -> Self {
        Self {
            reliability,
            redundancy: redundancy as u64,
            messages: VecDeque::new(),
            base: 0,
            waiting: BTreeSet::new(),
        }
    }

    /// The number that the next message will get.
    pub(super) fn next(&self) -> u64 {
        self.base + self.messages.len() as u64
    }

    /// Nothing below this number will be sent any more.
    pub(super) const fn base(&self) -> u64 {
        self.base
    }

    fn get(&mut self, number: u64) -> Option<&mut Stored> {
        let index = usize::try_from(number.checked_sub(self.base)?).ok()?;
        self.messages.get_mut(index)
    }

    /// The application gives a message.
    pub(super) fn give(&mut self, now: Time, size: u16) -> u64 {
        let number = self.next();
        if self.reliability == Reliability::NewestWins {
            // Nobody wants what has not even been sent once.
            for old in std::mem::take(&mut self.waiting) {
                self.finish(old);
            }
        }
        self.messages.push_back(Stored {
            size,
            given: now,
            in_flight: 0,
            retransmits: 0,
            sent: false,
            done: false,
        });
        self.waiting.insert(number);
        number
    }

    /// Whether a message may be sent again.
    fn wanted(&mut self, now: Time, number: u64) -> bool {
        let (reliability, newest) = (self.reliability, self.next() - 1);
        let Some(stored) = self.get(number).filter(|stored| !stored.done) else {
            return false;
        };
        match reliability {
            Reliability::Reliable => true,
            Reliability::NewestWins => number == newest,
            Reliability::Unreliable => false,
            Reliability::MaxRetransmits(most) => stored.retransmits < most,
            Reliability::MaxLifetime(most) => now.since(stored.given) < most,
        }
    }

    /// Acknowledged or given up.
    fn finish(&mut self, number: u64) {
        if let Some(stored) = self.get(number) {
            stored.done = true;
        }
        self.waiting.remove(&number);
        while self.messages.front().is_some_and(|stored| stored.done) {
            self.messages.pop_front();
            self.base += 1;
        }
    }

    /// Gives up what has waited until it was too old.
    fn expire(&mut self, now: Time) {
        if let Reliability::MaxLifetime(most) = self.reliability {
            let old: Vec<u64> = self.waiting.iter().copied().collect();
            for number in old {
                let given = self.get(number).map_or(now, |stored| stored.given);
                if now.since(given) >= most {
                    self.finish(number);
                }
            }
        }
    }

    /// Whether anything waits to be sent.
    pub(super) fn has_waiting(&mut self, now: Time) -> bool {
        self.expire(now);
        !self.waiting.is_empty()
    }

    /// The messages of the next packet: what waits, oldest first, and of those
    /// before the first of them that go for the first time so many as redundancy
    /// says.
    pub(super) fn next_packet(&mut self, now: Time) -> Vec<Message> {
        self.expire(now);
        let (mut packet, mut room) = (Vec::new(), MOST);
        let mut first_new = None;
        while let Some(number) = self.waiting.first().copied() {
            let Some(message) = self.message(number, &mut room) else {
                break;
            };
            if !message.again {
                first_new.get_or_insert(number);
            }
            self.waiting.pop_first();
            packet.push(message);
        }
        if let Some(first) = first_new {
            let before = (first.saturating_sub(self.redundancy)..first).rev();
            for number in before {
                let carried = packet.iter().any(|message| message.number == number);
                if let Some(message) = (!carried)
                    .then(|| self.message(number, &mut room))
                    .flatten()
                {
                    packet.push(message);
                }
            }
        }
        packet
    }

    /// A message by itself, to be sent once more without being lost.
    pub(super) fn copy(&mut self, number: u64) -> Option<Message> {
        self.message(number, &mut { MOST })
    }

    /// The oldest message that a probe may carry.
    pub(super) fn probe(&mut self, now: Time) -> Option<Message> {
        let sent = (self.base..self.next()).find(|number| self.wanted(now, *number))?;
        self.copy(sent)
    }

    /// A message that is not done with, if there is room.
    fn message(&mut self, number: u64, room: &mut u16) -> Option<Message> {
        let stored = self.get(number).filter(|stored| !stored.done)?;
        *room = room.checked_sub(stored.size)?;
        let message = Message {
            number,
            size: stored.size,
            again: stored.sent,
            given: stored.given,
        };
        stored.sent = true;
        stored.in_flight += 1;
        Some(message)
    }

    /// A packet that carried the message arrived.
    pub(super) fn on_acked(&mut self, number: u64) {
        self.finish(number);
    }

    /// A packet that carried the message is lost. `copies`: more are to come.
    pub(super) fn on_lost(&mut self, now: Time, number: u64, copies: bool) {
        let wanted = self.wanted(now, number);
        let Some(stored) = self.get(number).filter(|stored| !stored.done) else {
            return;
        };
        stored.in_flight = stored.in_flight.saturating_sub(1);
        if stored.in_flight > 0 || copies {
            return;
        }
        if wanted {
            stored.retransmits += 1;
            self.waiting.insert(number);
        } else {
            self.finish(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::Span;

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    fn numbers(store: &mut Store, now: Time) -> Vec<u64> {
        store
            .next_packet(now)
            .iter()
            .map(|message| message.number)
            .collect()
    }

    #[test]
    fn lost_messages_go_first_with_what_is_new() {
        let mut store = Store::new(Reliability::Reliable, 0);
        for n in 0..3 {
            store.give(at(n), 100);
            assert_eq!(numbers(&mut store, at(n)), [n]);
        }
        store.on_acked(1);
        store.on_lost(at(9), 0, false);
        store.give(at(10), 100);
        let packet = store.next_packet(at(10));
        let seen: Vec<_> = packet.iter().map(|m| (m.number, m.again)).collect();
        assert_eq!(seen, [(0, true), (3, false)]);
        assert_eq!((store.base(), store.has_waiting(at(10))), (0, false));
        store.on_acked(0);
        assert_eq!(store.base(), 2);
    }

    #[test]
    fn a_packet_holds_1200_bytes() {
        let mut store = Store::new(Reliability::Reliable, 0);
        for _ in 0..5 {
            store.give(at(0), 500);
        }
        assert_eq!(numbers(&mut store, at(0)), [0, 1]);
        assert_eq!(numbers(&mut store, at(0)), [2, 3]);
        assert_eq!(numbers(&mut store, at(0)), [4]);
    }

    #[test]
    fn the_last_messages_go_again_until_they_are_acknowledged() {
        let mut store = Store::new(Reliability::Unreliable, 2);
        let mut packets = Vec::new();
        for n in 0..4 {
            store.give(at(n), 40);
            packets.push(numbers(&mut store, at(n)));
        }
        store.on_acked(3);
        store.give(at(4), 40);
        packets.push(numbers(&mut store, at(4)));
        assert_eq!(
            packets,
            [
                vec![0],
                vec![1, 0],
                vec![2, 1, 0],
                vec![3, 2, 1],
                vec![4, 2]
            ]
        );
        // Message 0 was in three packets; with the last of them lost it is over.
        for left in [false, false, true] {
            assert_eq!(store.base(), 0);
            store.on_lost(at(5), 0, false);
            assert_eq!(store.base() > 0, left);
        }
    }

    #[test]
    fn reliability_limits_what_is_sent_again() {
        let again = |reliability, now| {
            let mut store = Store::new(reliability, 0);
            store.give(at(0), 100);
            store.next_packet(at(0));
            let mut times = 0;
            loop {
                store.on_lost(at(now), 0, false);
                if !store.has_waiting(at(now)) || times > 5 {
                    return times;
                }
                times += 1;
                store.next_packet(at(now));
            }
        };
        assert_eq!(again(Reliability::Unreliable, 1), 0);
        assert_eq!(again(Reliability::MaxRetransmits(3), 1), 3);
        let short = Reliability::MaxLifetime(Span::from_millis(50));
        assert_eq!((again(short, 49), again(short, 50)), (6, 0));
        assert_eq!(again(Reliability::Reliable, 1_000_000), 6);
        assert_eq!(again(Reliability::NewestWins, 1), 6);
        let mut store = Store::new(Reliability::NewestWins, 0);
        store.give(at(0), 100);
        store.next_packet(at(0));
        store.give(at(1), 100);
        store.on_lost(at(2), 0, false);
        store.give(at(3), 100);
        assert_eq!(numbers(&mut store, at(3)), [2], "0 and 1 are old news");
    }

    #[test]
    fn what_waits_too_long_is_never_sent() {
        let mut store = Store::new(Reliability::MaxLifetime(Span::from_millis(50)), 0);
        store.give(at(0), 100);
        store.give(at(30), 100);
        assert_eq!(numbers(&mut store, at(60)), [1]);
    }
}
