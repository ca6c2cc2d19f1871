//! What the loss-aware controls know: losses, bursts and sizes of frames, as
//! means in which old values fade.

use weaknet_core::{Span, Time};

use super::super::{PathState, Protection};
use super::binomial::repairs_for;

/// A mean over about so long.
#[derive(Debug, Clone, Copy)]
struct Fading {
    memory: Span,
    value: f64,
    at: Option<Time>,
}

impl Fading {
    const fn new(memory: Span) -> Self {
        Self {
            memory,
            value: 0.0,
            at: None,
        }
    }

    fn add(&mut self, now: Time, sample: f64) {
        let kept = match self.at.replace(now) {
            None => 0.0,
            Some(last) => libm::exp(-now.since(last).as_secs_f64() / self.memory.as_secs_f64()),
        };
        self.value = kept * self.value + (1.0 - kept) * sample;
    }
}

/// Means of what a control is told.
#[derive(Debug, Clone)]
pub(super) struct Estimate {
    loss: Fading,
    burst: Fading,
    /// Packets of delta and of key frames.
    packets: [Fading; 2],
    pub(super) rtt: Span,
}

impl Estimate {
    pub(super) const fn new(memory: Span) -> Self {
        Self {
            loss: Fading::new(memory),
            burst: Fading::new(memory),
            packets: [
                Fading::new(Span::from_secs(1)),
                Fading::new(Span::from_secs(60)),
            ],
            rtt: Span::ZERO,
        }
    }

    pub(super) fn on_frame(&mut self, now: Time, key: bool, packets: u16) {
        self.packets[usize::from(key)].add(now, f64::from(packets));
    }

    pub(super) fn on_path(&mut self, now: Time, path: &PathState) {
        self.loss.add(now, path.loss);
        self.burst.add(now, path.burst);
        self.rtt = path.rtt;
    }

    pub(super) fn loss(&self) -> f64 {
        self.loss.value
    }

    /// The fewest repair packets for so many frames together that on average leave at
    /// most a target share of the media lost, and no more than `max_rate` per packet.
    pub(super) fn protection(
        &self,
        key: bool,
        max_frames: u32,
        loss: f64,
        target: f64,
        max_rate: f64,
    ) -> Protection {
        let media = self.packets(key, max_frames);
        let most = (f64::from(media) * max_rate) as u32;
        let burst = self.burst.value.max(1.0);
        let repairs = repairs_for(media, loss, burst, target, most);
        Protection {
            rate: repairs / f64::from(media),
            max_frames,
            bursts: burst > 1.5,
        }
    }

    /// Media packets of so many frames, at least 1.
    fn packets(&self, key: bool, frames: u32) -> u32 {
        let packets = self.packets[usize::from(key)].value * f64::from(frames);
        (packets.round() as u32).clamp(1, 250)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_values_fade_by_e_in_the_memory() {
        let mut mean = Fading::new(Span::from_secs(2));
        mean.add(Time::ZERO, 1.0);
        assert!((mean.value - 1.0).abs() < 1e-12);
        mean.add(Time::from_secs(2), 0.0);
        assert!((mean.value - libm::exp(-1.0)).abs() < 1e-12);
    }
}
