//! What NetEQ counts.
//!
//! Implements: `statistics_calculator.cc` of NetEQ: nothing counts before the
//! first decoded sound was played (but packets thrown away); a correction below
//! zero is kept and taken off the concealment that follows.
//! Differs: outages too count only from the first decoded sound on.

use std::collections::VecDeque;

use weaknet_core::event::AudioCounter;

use super::super::{AudioAction, AudioDecode};
use super::packets::{Discarded, Packet};
use super::units::{PER_MS, Samples, millis, span};

/// `kInterruptionLenMs`.
const INTERRUPTION_MS: u64 = 150;

/// Counts, and passes on what it counts.
#[derive(Debug, Clone)]
pub(super) struct Statistics {
    started: bool,
    concealed: u64,
    /// `concealed` when the last concealment ended.
    concealed_before: u64,
    /// Concealment that is yet to be taken off.
    bank: u64,
    silent_bank: u64,
    pub(super) actions: VecDeque<AudioAction>,
}

impl Statistics {
    pub(super) fn new() -> Self {
        Self {
            started: false,
            concealed: 0,
            concealed_before: 0,
            bank: 0,
            silent_bank: 0,
            actions: VecDeque::with_capacity(32),
        }
    }

    fn count(&mut self, counter: AudioCounter, by: u64) {
        if by > 0 {
            self.actions.push_back(AudioAction::Count(counter, by));
        }
    }

    /// Counts once the first decoded sound was played.
    fn count_started(&mut self, counter: AudioCounter, by: Samples) {
        if self.started {
            self.count(counter, by.unsigned_abs());
        }
    }

    pub(super) const fn decoded_output_played(&mut self) {
        self.started = true;
    }

    /// Sound was made up; below zero: less than was counted.
    pub(super) fn concealed(&mut self, samples: Samples, silent: bool) {
        if !self.started {
            return;
        }
        let by = samples.unsigned_abs();
        if samples < 0 {
            self.bank += by;
            self.silent_bank += if silent { by } else { 0 };
            return;
        }
        let new = by - by.min(self.bank);
        self.bank -= by - new;
        self.concealed += new;
        self.count(AudioCounter::ConcealedSamples, new);
        if silent {
            let new = by - by.min(self.silent_bank);
            self.silent_bank -= by - new;
            self.count(AudioCounter::SilentConcealedSamples, new);
        }
    }

    pub(super) fn concealment_began(&mut self) {
        self.count_started(AudioCounter::ConcealmentEvents, 1);
    }

    pub(super) fn concealment_ended(&mut self) {
        let samples = self.concealed - self.concealed_before;
        self.concealed_before = self.concealed;
        let ms = samples / PER_MS.unsigned_abs();
        if ms >= INTERRUPTION_MS {
            self.count(AudioCounter::Interruptions, 1);
            self.count(AudioCounter::InterruptionMillis, ms);
        }
    }

    /// A late packet ended a concealment.
    pub(super) fn outage(&mut self, samples: Samples) {
        self.count_started(AudioCounter::Outages, 1);
        self.count_started(AudioCounter::OutageSamples, samples);
    }

    pub(super) fn inserted(&mut self, samples: Samples) {
        self.count_started(AudioCounter::InsertedSamples, samples);
    }

    pub(super) fn removed(&mut self, samples: Samples) {
        self.count_started(AudioCounter::RemovedSamples, samples);
    }

    pub(super) fn comfort_noise(&mut self, samples: Samples) {
        self.count_started(AudioCounter::ComfortNoiseSamples, samples);
    }

    pub(super) fn discarded(&mut self, discarded: Discarded) {
        self.count(AudioCounter::PacketsDiscarded, discarded.primary);
        self.count(AudioCounter::RedundantDiscarded, discarded.redundant);
        self.count(AudioCounter::Flushes, u64::from(discarded.flushed));
    }

    pub(super) fn redundant_received(&mut self) {
        self.count(AudioCounter::RedundantReceived, 1);
    }

    pub(super) fn relative_arrival_delay(&mut self, ms: i64) {
        self.count(AudioCounter::RelativeArrivalMillis, ms.unsigned_abs());
    }

    /// A packet goes to the decoder.
    pub(super) fn decoded(&mut self, packet: &Packet, tick: u64, targets_ms: (i64, i64)) {
        self.actions.push_back(AudioAction::Decode(AudioDecode {
            length: span(packet.length),
            waited: millis(packet.waited_ms(tick)),
            target: millis(targets_ms.0),
            minimum: millis(targets_ms.1),
        }));
        for (counter, by) in packet.level.recovered(packet.length.unsigned_abs()) {
            self.count(counter, by);
        }
    }
}

#[cfg(test)]
impl Statistics {
    pub(super) const fn bank(&self) -> u64 {
        self.bank
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(statistics: &mut Statistics) -> Vec<(AudioCounter, u64)> {
        let counts = statistics.actions.drain(..).map(|action| match action {
            AudioAction::Count(counter, by) => (counter, by),
            other => panic!("{other:?}"),
        });
        counts.collect()
    }

    /// media.md 1.8: "all start only after the first decoded output has been
    /// played"; "negative corrections are banked and cancel later positives".
    #[test]
    fn concealment_is_corrected_afterwards() {
        let mut s = Statistics::new();
        s.concealed(480, false);
        s.concealment_began();
        assert_eq!(counted(&mut s), []);
        s.decoded_output_played();
        s.concealed(480, false);
        s.concealed(-100, false);
        s.concealed(60, false);
        s.concealed(60, true);
        assert_eq!(
            counted(&mut s),
            [
                (AudioCounter::ConcealedSamples, 480),
                (AudioCounter::ConcealedSamples, 20),
                (AudioCounter::SilentConcealedSamples, 60),
            ]
        );
    }

    /// media.md 1.8: "interruption: concealment event >= 150 ms".
    #[test]
    fn interruptions_begin_at_150_ms() {
        let mut s = Statistics::new();
        s.decoded_output_played();
        for (ms, interruption) in [(149, false), (150, true), (400, true)] {
            s.concealed(ms * PER_MS, false);
            s.actions.clear();
            s.concealment_ended();
            let expected: &[_] = if interruption {
                &[
                    (AudioCounter::Interruptions, 1),
                    (AudioCounter::InterruptionMillis, ms.unsigned_abs()),
                ]
            } else {
                &[]
            };
            assert_eq!(counted(&mut s), expected);
        }
    }
}
