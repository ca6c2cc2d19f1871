//! What the next 10 ms shall be made of.
//!
//! Implements: `decision_logic.cc` of NetEQ (2026-07).
//! Not modelled: comfort noise packets of RFC 3389 and DTMF (Opus has its own
//! silence and no tones).

use super::Neteq;
use super::arrival_history::ArrivalHistory;
use super::constraints::DelayConstraints;
use super::delay_manager::DelayManager;
use super::level_filter::LevelFilter;
use super::units::{PER_MS, Samples, TICK};

/// What was done last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Normal,
    Expand,
    Merge,
    /// Accelerated or decelerated.
    Stretched,
    /// Would have, but the sound did not allow it.
    NotStretched,
    /// The codec's comfort noise.
    ComfortNoise,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// Play what was decoded as it is.
    Normal,
    /// Go from concealment over to what is decoded.
    Merge,
    /// Conceal.
    Expand,
    /// Take a pitch period out.
    Accelerate,
    /// Take out as many as fit in 15 ms.
    FastAccelerate,
    /// Put a pitch period in.
    PreemptiveExpand,
    /// Play the codec's comfort noise.
    ComfortNoise,
    /// The next packet is older than what was played.
    Reset,
}

/// What the decision is made on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Status {
    pub(super) tick: u64,
    pub(super) last_mode: Mode,
    /// Timestamp of the next packet.
    pub(super) next: Option<Samples>,
    /// Timestamp that is due.
    pub(super) due: Samples,
    /// Decoded but not played.
    pub(super) future: Samples,
    /// Level of the packet buffer.
    pub(super) span: Samples,
    /// The same with the time since its last packet came.
    pub(super) span_and_wait: Samples,
    /// Whether it has packets of silence.
    pub(super) has_silence: bool,
    /// Whether concealment has faded by half.
    pub(super) faint: bool,
    /// Made up since the last real sound.
    pub(super) generated: Samples,
}

/// The parameters of the decision.
#[derive(Debug, Clone, Copy)]
struct Rules {
    time_stretching: bool,
    timescale_interval: u64,
    granularity_ms: i64,
    window_ms: i64,
    postpone_percent: i64,
    cng_timeout: Samples,
}

/// Decides.
#[derive(Debug, Clone)]
pub(super) struct DecisionLogic {
    rules: Rules,
    delays: DelayManager,
    constraints: DelayConstraints,
    level: LevelFilter,
    history: ArrivalHistory,
    packet_length: Samples,
    /// Level before a stretch, less what it left.
    sample_memory: Samples,
    stretching: bool,
    /// Tick from which a stretch is allowed again.
    stretch_from: u64,
    flushed: bool,
}

impl DecisionLogic {
    pub(super) fn new(config: &Neteq) -> Self {
        let ms = |span: weaknet_core::Span| span.as_millis().cast_signed();
        Self {
            rules: Rules {
                time_stretching: config.time_stretching,
                timescale_interval: u64::from(config.timescale_interval),
                granularity_ms: ms(config.delay_granularity),
                window_ms: ms(config.target_window),
                postpone_percent: libm::round(config.postpone_decoding.as_f64() * 100.0) as i64,
                cng_timeout: ms(config.comfort_noise_timeout) * PER_MS,
            },
            delays: DelayManager::new(config),
            constraints: DelayConstraints::new(
                i64::from(config.max_packets),
                ms(config.min_delay),
                ms(config.max_delay),
            ),
            level: LevelFilter::new(),
            history: ArrivalHistory::new(ms(config.history)),
            packet_length: 0,
            sample_memory: 0,
            stretching: false,
            stretch_from: u64::from(config.timescale_interval) + 1,
            flushed: false,
        }
    }

    /// The stream begins anew.
    pub(super) fn soft_reset(&mut self, tick: u64) {
        self.packet_length = 0;
        self.sample_memory = 0;
        self.stretching = false;
        self.stretch_from = tick + self.rules.timescale_interval + 1;
        self.delays.reset();
        self.level = LevelFilter::new();
        self.history.reset();
    }

    /// A packet came: how late.
    pub(super) fn on_packet(
        &mut self,
        tick: u64,
        timestamp: Samples,
        length: Samples,
    ) -> Option<i64> {
        if length != self.packet_length {
            self.packet_length = length;
            self.constraints.set_packet_ms(length / PER_MS);
        }
        if !self.history.insert(tick, timestamp, length) || self.history.len() < 2 {
            return None;
        }
        let delay_ms = self.history.delay_ms(tick, timestamp);
        let reordered = !self.history.is_newest(timestamp);
        self.delays.update(tick, delay_ms, reordered);
        Some(delay_ms)
    }

    /// The packet buffer was emptied.
    pub(super) const fn on_flush(&mut self) {
        self.flushed = true;
    }

    pub(super) fn set_min_delay_ms(&mut self, ms: i64) -> bool {
        self.constraints.set_min(ms)
    }

    pub(super) fn target_ms(&self) -> i64 {
        self.constraints.clamp(self.delays.target_ms())
    }

    pub(super) const fn unlimited_target_ms(&self) -> i64 {
        self.delays.target_ms()
    }

    pub(super) const fn filtered_level(&self) -> Samples {
        self.level.level()
    }

    /// A stretch is about to be tried, with so much to play.
    pub(super) const fn begin_stretch(&mut self, samples: Samples) {
        self.sample_memory = samples;
        self.stretching = true;
    }

    /// The last stretch left so much.
    pub(super) const fn end_stretch(&mut self, left: Samples) {
        self.sample_memory -= left + TICK;
    }

    pub(super) fn decide(&mut self, status: &Status) -> Operation {
        self.stretching &= status.last_mode == Mode::Stretched;
        if self.stretching {
            self.stretch_from = status.tick + self.rules.timescale_interval;
        }
        if !matches!(status.last_mode, Mode::ComfortNoise | Mode::Expand) {
            self.filter_level(status.span);
        }
        let Some(next) = status.next else {
            return self.without_packet(status);
        };
        if self.postpones(status) {
            return self.without_packet(status);
        }
        if next == status.due {
            return self.with_expected_packet(status);
        }
        // More than 5 s ago counts as the future, by the wrap of timestamps.
        if next < status.due && next > status.due - 5_000 * PER_MS {
            return Operation::Reset;
        }
        self.with_future_packet(status, next)
    }

    fn filter_level(&mut self, span: Samples) {
        self.level.set_target_ms(self.target_ms());
        if std::mem::take(&mut self.flushed) {
            self.level.set_level(span);
        } else {
            let stretched = if self.stretching {
                self.sample_memory
            } else {
                0
            };
            self.level.update(span, stretched);
        }
        self.stretching = false;
    }

    /// Whether it is worth to go on concealing until more has come.
    fn postpones(&self, status: &Status) -> bool {
        let least = self.target_ms() * PER_MS * self.rules.postpone_percent / 100;
        if status.span_and_wait >= least || status.has_silence {
            return false;
        }
        match status.last_mode {
            Mode::ComfortNoise => true,
            Mode::Expand => status.faint,
            _ => false,
        }
    }

    const fn without_packet(&self, status: &Status) -> Operation {
        match status.last_mode {
            Mode::ComfortNoise if status.generated <= self.rules.cng_timeout => {
                Operation::ComfortNoise
            }
            _ => Operation::Expand,
        }
    }

    fn with_expected_packet(&self, status: &Status) -> Operation {
        if !self.rules.time_stretching || status.last_mode == Mode::Expand {
            return Operation::Normal;
        }
        let delay_ms = self
            .history
            .delay_ms(status.tick, status.due - status.future);
        let low_ms = self.target_ms();
        let high_ms = low_ms + self.history.max_delay_ms() + self.rules.granularity_ms;
        if delay_ms >= 4 * high_ms {
            return Operation::FastAccelerate;
        }
        if status.tick >= self.stretch_from {
            if delay_ms >= high_ms {
                return Operation::Accelerate;
            }
            if delay_ms < low_ms {
                return Operation::PreemptiveExpand;
            }
        }
        Operation::Normal
    }

    fn with_future_packet(&mut self, status: &Status, next: Samples) -> Operation {
        // 32 bits, as timestamps have.
        let leap = Samples::from(next.wrapping_sub(status.due) as u32);
        let high_ms = self.target_ms() + self.rules.window_ms / 2;
        let above_target = status.span_and_wait / PER_MS > high_ms;
        if leap > status.generated && !above_target {
            return self.without_packet(status);
        }
        if leap != status.generated {
            self.level.set_level(status.span_and_wait);
        }
        match status.last_mode {
            Mode::Expand => Operation::Merge,
            Mode::ComfortNoise => Operation::Normal,
            _ => Operation::Expand,
        }
    }
}
