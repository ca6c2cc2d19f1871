//! NetEQ: packets in, 10 ms of sound out.
//!
//! Implements: `InsertPacket` and `GetAudio` of `neteq_impl.cc` (2026-07) with
//! lengths in place of samples; what each operation does to them says the file
//! in libwebrtc of its name.

use weaknet_core::{Span, Time};

use super::super::{AudioAction, AudioBuffer, AudioPacket, Playout};
use super::Neteq;
use super::decision::{DecisionLogic, Mode, Operation, Status};
use super::expand::{Expand, OVERLAP};
use super::packets::{Packet, PacketBuffer};
use super::sound::{LONGEST_PERIOD, Sound};
use super::statistics::Statistics;
use super::sync_buffer::SyncBuffer;
use super::units::{PER_MS, Samples, TICK, TICK_MS, millis, samples, span};

/// Two pulls of the loudspeaker.
const PERIOD: Span = Span::from_millis(TICK_MS.unsigned_abs());
/// What a stretch works on.
const STRETCHED: Samples = 3 * TICK;
/// The longest Opus packet (RFC 6716, section 2.1.4).
const LONGEST_PACKET: Samples = 120 * PER_MS;
/// Packets that are older than what was played by more are taken for new ones.
const HORIZON: Samples = 5_000 * PER_MS;

/// What was decoded in this tick.
#[derive(Debug, Clone, Copy, Default)]
struct Decoded {
    /// How much that is.
    length: Samples,
    /// Whether the last packet of it was one of silence.
    silence: bool,
}

/// The running buffer.
#[derive(Debug, Clone)]
pub(super) struct NeteqBuffer {
    fast_accelerate: bool,
    sound: Sound,
    /// From the first packet to the first pull.
    phase: Span,
    next_pull: Option<Time>,
    tick: u64,
    packets: PacketBuffer,
    sync: SyncBuffer,
    expand: Expand,
    decision: DecisionLogic,
    statistics: Statistics,
    last_mode: Mode,
    /// The stream begins with the next packet.
    new_stream: bool,
    /// Length of the last packet that was decoded.
    frame: Samples,
    /// Whether that was one of silence.
    last_was_silence: bool,
    /// The tick in which sound began to be made up.
    generating_since: Option<u64>,
    /// Capture time of the pause that comfort noise stands for.
    pause: Option<Time>,
    /// What is taken from the packet buffer: capture times and lengths.
    taken: Vec<(Time, Samples)>,
}

impl NeteqBuffer {
    pub(super) fn new(config: &Neteq, sound: Sound, phase: Span) -> Self {
        Self {
            fast_accelerate: config.fast_accelerate,
            sound,
            phase,
            next_pull: None,
            tick: 0,
            packets: PacketBuffer::new(config.max_packets as usize),
            sync: SyncBuffer::new(),
            expand: Expand::silent(),
            decision: DecisionLogic::new(config),
            statistics: Statistics::new(),
            last_mode: Mode::Expand,
            new_stream: true,
            frame: 2 * TICK,
            last_was_silence: false,
            generating_since: Some(0),
            pause: None,
            taken: Vec::with_capacity(16),
        }
    }

    /// The loudspeaker takes 10 ms.
    fn pull(&mut self) {
        self.tick += 1;
        if self.expand.is_muted() && self.packets.is_empty() {
            self.statistics.concealed(TICK, true);
            self.play(None);
            return;
        }
        let operation = self.decide();
        let decoded = self.decode();
        if decoded.silence {
            self.generating_since = Some(self.tick);
        }
        self.act(operation, decoded);
        let captured = self.sync.play();
        self.play(captured);
        if !matches!(self.last_mode, Mode::ComfortNoise | Mode::Expand) {
            self.generating_since = None;
        }
    }

    fn play(&mut self, captured: Option<Time>) {
        let playout = Playout {
            length: PERIOD,
            captured,
        };
        self.statistics
            .actions
            .push_back(AudioAction::Play(playout));
    }

    /// Decides, and takes the packets that it needs.
    fn decide(&mut self) -> Operation {
        let tick = self.tick;
        if !self.new_stream {
            let discarded = self.packets.discard_older(self.sync.end, HORIZON);
            self.statistics.discarded(discarded);
        }
        let left = self.sync.left();
        if self.last_mode == Mode::Stretched {
            self.decision.end_stretch(left);
        }
        let next = self.packets.next().copied();
        let status = Status {
            tick,
            last_mode: self.last_mode,
            next: next.map(|packet| packet.timestamp),
            due: self.sync.end,
            future: self.sync.future(),
            span: self.packets.span(tick),
            span_and_wait: self.packets.span_and_wait(tick),
            has_silence: self.packets.has_silence(),
            faint: self.expand.is_faint(),
            generated: self
                .generating_since
                .map_or(0, |since| tick.saturating_sub(since).cast_signed() * TICK),
        };
        let mut operation = self.decision.decide(&status);
        let stretches = matches!(
            operation,
            Operation::Accelerate | Operation::FastAccelerate | Operation::PreemptiveExpand
        );
        if next.is_some_and(|packet| packet.silence) && (stretches || operation == Operation::Merge)
        {
            operation = Operation::Normal;
        }
        if left >= TICK && !matches!(operation, Operation::Merge) && !is_stretch(operation) {
            return Operation::Normal;
        }
        let Some(next) = next else {
            return operation;
        };
        if self.new_stream || operation == Operation::Reset {
            operation = Operation::Normal;
            self.sync.end = next.timestamp;
            self.new_stream = false;
            self.decision.soft_reset(tick);
        }
        let mut required = TICK;
        let long_frames = self.frame >= STRETCHED;
        match operation {
            Operation::Expand | Operation::ComfortNoise => return operation,
            Operation::Accelerate | Operation::FastAccelerate => {
                if left >= STRETCHED {
                    self.decision.begin_stretch(left);
                    return operation;
                }
                if left >= TICK && long_frames {
                    return Operation::Normal;
                }
                if left < 2 * TICK && !long_frames {
                    // Decodes ahead and stretches another time.
                    required = 2 * TICK;
                    operation = Operation::Normal;
                }
            }
            Operation::PreemptiveExpand => {
                if left >= STRETCHED || left >= TICK && long_frames {
                    self.decision.begin_stretch(left);
                    return operation;
                }
                if left < 2 * TICK && !long_frames {
                    required = 2 * TICK;
                }
            }
            _ => {}
        }
        self.sync.end = next.timestamp;
        let taken = self.take(required);
        if is_stretch(operation) {
            self.decision.begin_stretch(left + taken);
            let short = taken + left < STRETCHED;
            if short && operation != Operation::PreemptiveExpand {
                operation = Operation::Normal;
            }
        }
        operation
    }

    /// Takes packets in a row until they are long enough: how long they are.
    fn take(&mut self, required: Samples) -> Samples {
        let Some(first) = self.packets.next().map(|packet| packet.timestamp) else {
            return 0;
        };
        let targets = (
            self.decision.target_ms(),
            self.decision.unlimited_target_ms(),
        );
        let mut last = first;
        let mut length = 0;
        while let Some(packet) = self.packets.take() {
            self.statistics.decoded(&packet, self.tick, targets);
            last = packet.timestamp;
            length = packet.timestamp - first + packet.length;
            self.frame = packet.length;
            self.last_was_silence = packet.silence;
            self.taken.push((packet.captured, packet.length));
            let end = packet.timestamp.saturating_add(packet.length);
            let goes_on = self
                .packets
                .next()
                .is_some_and(|next| next.timestamp == end);
            if length >= required || !goes_on {
                break;
            }
        }
        let discarded = self.packets.discard_older(last, Samples::MAX);
        self.statistics.discarded(discarded);
        length
    }

    /// Decodes what was taken.
    fn decode(&mut self) -> Decoded {
        if self.taken.is_empty() {
            return Decoded::default();
        }
        let length = self.taken.iter().map(|(_, length)| *length).sum();
        let silence = self.last_was_silence;
        // Silence does not move on by itself: the next packet tells how long it was.
        if !silence {
            self.sync.end = self.sync.end.saturating_add(length);
        }
        Decoded { length, silence }
    }

    fn act(&mut self, operation: Operation, decoded: Decoded) {
        match operation {
            Operation::Normal | Operation::Reset => self.normal(decoded),
            Operation::Merge => self.merge(decoded),
            Operation::Expand => self.conceal(),
            Operation::Accelerate => self.accelerate(false),
            Operation::FastAccelerate => self.accelerate(self.fast_accelerate),
            Operation::PreemptiveExpand => self.decelerate(decoded),
            Operation::ComfortNoise => {
                self.statistics.comfort_noise(TICK);
                self.sync.push(TICK, self.pause);
                self.pause = self.pause.map(|captured| captured + PERIOD);
                self.expand.reset();
                self.last_mode = Mode::ComfortNoise;
            }
        }
        if decoded.silence && operation != Operation::Expand {
            self.last_mode = Mode::ComfortNoise;
        }
        self.taken.clear();
    }

    /// Sound that was taken goes to be played.
    fn push_decoded(&mut self) {
        for (captured, length) in self.taken.drain(..) {
            self.sync.push(length, Some(captured));
            self.pause = Some(captured + span(length));
        }
    }

    fn normal(&mut self, decoded: Decoded) {
        if decoded.length == 0 {
            return;
        }
        if self.last_mode == Mode::Expand {
            self.statistics.outage(self.expand.duration());
            self.statistics.concealment_ended();
            self.expand.reset();
        }
        self.push_decoded();
        self.statistics.decoded_output_played();
        self.last_mode = Mode::Normal;
    }

    fn merge(&mut self, decoded: Decoded) {
        self.statistics.concealment_ended();
        let period = self.expand.process(self.tick, &self.sound);
        let old = self.sync.future();
        // Where the new sound begins, at least one tick before its end.
        let start = (old.max(TICK + OVERLAP) - decoded.length).max(0);
        let best = start + self.sound.alignment(self.tick, period);
        let correction = best - old;
        self.statistics.concealed(correction, self.last_was_silence);
        if correction < 0 {
            self.sync.shorten(-correction);
        } else {
            self.sync.push(correction, None);
        }
        // Of the new sound that much is covered by the overlap.
        let covered = (-correction - (old - OVERLAP)).max(0);
        self.push_decoded();
        self.sync.shorten(covered);
        self.expand.reset();
        self.last_mode = Mode::Merge;
    }

    fn conceal(&mut self) {
        while self.sync.left() < TICK {
            let length = self.expand.process(self.tick, &self.sound);
            let silent = self.expand.is_muted() || self.last_was_silence;
            self.statistics.concealed(length, silent);
            if self.last_mode != Mode::Expand {
                self.statistics.concealment_began();
            }
            self.last_mode = Mode::Expand;
            self.sync.push(length, None);
        }
        self.generating_since.get_or_insert(self.tick);
    }

    fn accelerate(&mut self, fast: bool) {
        self.push_decoded();
        self.last_mode = Mode::NotStretched;
        if let Some(period) = self.sound.stretch(self.tick) {
            let removed = if fast {
                LONGEST_PERIOD / period * period
            } else {
                period
            };
            self.sync.shorten(removed);
            self.statistics.removed(removed);
            self.last_mode = Mode::Stretched;
        }
        self.expand.reset();
    }

    fn decelerate(&mut self, decoded: Decoded) {
        let borrowed = (STRETCHED - decoded.length).max(0);
        let played = (borrowed - self.sync.future()).max(0);
        self.push_decoded();
        self.last_mode = Mode::NotStretched;
        // What was played cannot be changed any more.
        if played <= LONGEST_PERIOD
            && let Some(period) = self.sound.stretch(self.tick)
        {
            self.sync.lengthen(period);
            self.statistics.inserted(period);
            self.last_mode = Mode::Stretched;
        }
        self.expand.reset();
    }
}

const fn is_stretch(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Accelerate | Operation::FastAccelerate | Operation::PreemptiveExpand
    )
}

impl AudioBuffer for NeteqBuffer {
    fn on_packet(&mut self, now: Time, packet: AudioPacket) {
        let length = samples(packet.length);
        if !(1..=LONGEST_PACKET).contains(&length) {
            return;
        }
        if self.next_pull.is_none() {
            self.next_pull = Some(now + self.phase);
        }
        if packet.level.codec > 0 {
            self.statistics.redundant_received();
        }
        let timestamp = Samples::try_from(packet.timestamp).unwrap_or(Samples::MAX);
        let discarded = self.packets.insert(Packet {
            timestamp,
            length,
            level: packet.level,
            silence: packet.silence,
            captured: packet.captured,
            since: self.tick,
        });
        self.statistics.discarded(discarded);
        if discarded.flushed {
            self.decision.on_flush();
            self.new_stream = true;
        } else if !self.new_stream
            && let Some(ms) = self.decision.on_packet(self.tick, timestamp, length)
        {
            self.statistics.relative_arrival_delay(ms);
        }
    }

    fn poll(&mut self, now: Time) -> Option<AudioAction> {
        while self.statistics.actions.is_empty()
            && let Some(at) = self.next_pull
            && at <= now
        {
            self.pull();
            self.next_pull = Some(at + PERIOD);
        }
        self.statistics.actions.pop_front()
    }

    fn next_wake(&self) -> Option<Time> {
        if self.statistics.actions.is_empty() {
            self.next_pull
        } else {
            Some(Time::ZERO)
        }
    }

    fn target_delay(&self) -> Span {
        millis(self.decision.target_ms())
    }

    fn current_delay(&self) -> Span {
        span(self.decision.filtered_level() + self.sync.future())
    }

    fn set_min_delay(&mut self, delay: Span) -> bool {
        self.decision
            .set_min_delay_ms(delay.as_millis().cast_signed())
    }
}

#[cfg(test)]
impl NeteqBuffer {
    /// What is yet to be played, and what concealment is yet to be taken off.
    pub(super) fn left_and_bank(&self) -> (Samples, u64) {
        (self.sync.left(), self.statistics.bank())
    }
}
