//! Which packets of a stream became usable.
//!
//! Implements: one bit per packet in the order of sending, for the latest
//! 1,048,576 packets and up to 64 before; older ones are counted and forgotten,
//! so that memory is bounded.
//! Differs: from a packet's fate at the end of the run, when it becomes usable
//! more than 1,048,576 packets of its stream after it was sent: it counts as
//! lost. Shorter streams are exact.

use std::collections::VecDeque;

use super::loss_bursts::Runs;

/// As many packets are remembered.
const KEPT: u64 = 1 << 20;
const WORD: u64 = u64::BITS as u64;

/// First transmissions of one stream: which are judged and which got usable.
#[derive(Debug, Default)]
pub(super) struct Stream {
    sent: u64,
    /// Indices of the first and after the last packet that is judged.
    judged: Option<(u64, u64)>,
    first_seq: Option<u64>,
    /// Whether packets are usable, from that of index `settled` on, 64 to a
    /// word; those behind the last word are not.
    usable: VecDeque<u64>,
    /// Packets with lower indices are counted.
    settled: u64,
    counts: Judged,
}

/// The judged packets of a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Judged {
    /// All of them.
    pub(super) packets: u64,
    /// Those that became usable.
    pub(super) usable: u64,
    /// Runs of those that did not, in the order of sending.
    pub(super) runs: Runs,
}

impl Stream {
    /// The next packet was sent.
    pub(super) fn sent(&mut self, judged: bool) {
        self.sent_keeping(KEPT, judged);
    }

    fn sent_keeping(&mut self, kept: u64, judged: bool) {
        if judged {
            let first = self.judged.map_or(self.sent, |(first, _)| first);
            self.judged = Some((first, self.sent + 1));
        }
        self.sent += 1;
        if self.sent - self.settled >= kept + WORD {
            self.settle();
        }
    }

    /// The packet with this number became usable.
    pub(super) fn usable(&mut self, seq: u64) {
        let sent = self.sent;
        let first = *self
            .first_seq
            .get_or_insert(if seq < sent { 0 } else { seq });
        let Some(ahead) = seq
            .checked_sub(first)
            .and_then(|index| index.checked_sub(self.settled))
            .filter(|ahead| *ahead < 2 * KEPT)
        else {
            return;
        };
        let word = (ahead / WORD) as usize;
        if word >= self.usable.len() {
            self.usable.resize(word + 1, 0);
        }
        self.usable[word] |= 1 << (ahead % WORD);
    }

    /// Counts the oldest word.
    fn settle(&mut self) {
        let word = self.usable.pop_front().unwrap_or(0);
        let (first, end) = self.judged.unwrap_or_default();
        for bit in 0..WORD {
            if (first..end).contains(&(self.settled + bit)) {
                let usable = word >> bit & 1;
                self.counts.packets += 1;
                self.counts.usable += usable;
                self.counts.runs.push(usable == 0);
            }
        }
        self.settled += WORD;
    }

    /// What became of the judged packets, when the run is over.
    pub(super) fn finish(mut self) -> Judged {
        while self.settled < self.sent {
            self.settle();
        }
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_more_than_so_many_are_remembered() {
        let mut stream = Stream::default();
        for seq in 0..5 * KEPT {
            stream.sent(true);
            stream.usable(seq);
        }
        assert!(stream.usable.len() as u64 <= KEPT / WORD + 1);
        // A number far ahead asks for nothing; one that is settled comes too late.
        stream.usable(u64::MAX);
        stream.usable(0);
        assert!(stream.usable.capacity() as u64 <= 2 * KEPT / WORD + 1);
        let judged = stream.finish();
        assert_eq!((judged.packets, judged.usable), (5 * KEPT, 5 * KEPT));
    }

    proptest! {
        /// By the definition: all fates known at the end, then counted in order.
        #[test]
        fn equals_the_sequence_of_all_fates(
            fates in prop::collection::vec((any::<bool>(), 0u64..100), 1..1_000),
            window in (0usize..1_000, 0usize..1_000),
        ) {
            let judged = window.0..window.1;
            let mut stream = Stream::default();
            let mut late: Vec<(u64, u64)> = Vec::new();
            for (seq, (usable, after)) in fates.iter().enumerate() {
                stream.sent_keeping(128, judged.contains(&seq));
                if *usable {
                    late.push((seq as u64 + after, seq as u64));
                }
                late.retain(|(at, late)| {
                    if *at <= seq as u64 {
                        stream.usable(*late);
                    }
                    *at > seq as u64
                });
            }
            late.iter().for_each(|(_, seq)| stream.usable(*seq));
            // The first one seen is below the count of those sent: from 0 on.
            let want = fates.iter().enumerate().filter(|(seq, _)| judged.contains(seq));
            let mut runs = Runs::default();
            want.clone().for_each(|(_, (usable, _))| runs.push(!usable));
            let judged = stream.finish();
            prop_assert_eq!(judged.packets, want.clone().count() as u64);
            prop_assert_eq!(judged.usable, want.filter(|(_, (usable, _))| *usable).count() as u64);
            prop_assert_eq!(judged.runs, runs);
        }
    }
}
