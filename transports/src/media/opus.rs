//! An Opus encoder: packets of equal length, nearly equal size.
//!
//! Implements: Opus as a browser uses it (RFC 6716, section 2): frames of 20 ms
//! and 6.5 ms of look-ahead. Constant rate by default; for a variable one
//! `average` is what the sound needs of the rate, and `variation` spreads sizes
//! evenly around that.
//! Not modelled: DTX, in-band FEC, changes of the rate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::Draws;
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Ratio, Span, Time};

use super::{Audio, AudioSource, EncodedAudio};

/// Largest Opus packet of one frame (RFC 6716, section 3.4).
const MAX_PACKET: u64 = 1_275;

/// An Opus encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Opus {
    /// Sound per packet, 2.5 to 120 ms (20 ms in browsers).
    pub frame: Span,
    /// Delay of the encoder besides the frame itself (6.5 ms, RFC 6716,
    /// section 2).
    pub look_ahead: Span,
    /// Mean size of a packet relative to what the rate allows (100 %). An
    /// encoder of variable rate needs less for simple sound: 30 % for the beeps of
    /// Chromium's fake microphone at 32 kbit/s.
    pub average: Ratio,
    /// Largest deviation of a packet's size from the mean.
    pub variation: Ratio,
}

impl Default for Opus {
    fn default() -> Self {
        Self {
            frame: Span::from_millis(20),
            look_ahead: Span::from_micros(6_500),
            average: Ratio::ONE,
            variation: Ratio::ZERO,
        }
    }
}

impl Plugin for Opus {
    type Kind = Audio;
    const NAME: &'static str = "opus";
    const SUMMARY: &'static str = "packets of 20 ms at a constant rate";
    const REFERENCES: &'static [&'static str] = &["RFC 6716", "RFC 7587"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn AudioSource>, BuildError> {
        if !(Span::from_micros(2_500)..=Span::from_millis(120)).contains(&self.frame) {
            return Err(BuildError::field(
                "frame",
                format!("expected 2.5ms to 120ms, found {}", self.frame),
            ));
        }
        if self.variation > Ratio::ONE {
            return Err(BuildError::field("variation", "expected at most 100%"));
        }
        if self.average > Ratio::ONE {
            return Err(BuildError::field("average", "expected at most 100%"));
        }
        let noise = cx.streams.draws(cx.path, "packet size");
        Ok(Box::new(Microphone {
            config: self.clone(),
            noise,
            state: None,
        }))
    }
}

struct Microphone {
    config: Opus,
    noise: Draws,
    state: Option<Running>,
}

struct Running {
    start: Time,
    mean: f64,
    /// Packets so far.
    index: u64,
}

impl Microphone {
    fn captured(&self, state: &Running) -> Time {
        state.start + self.config.frame * state.index
    }
}

impl AudioSource for Microphone {
    fn start(&mut self, now: Time, bitrate: Bitrate) {
        let mean = bitrate.as_bps_f64() * self.config.frame.as_secs_f64() / 8.0
            * self.config.average.as_f64();
        self.state = Some(Running {
            start: now,
            mean,
            index: 0,
        });
    }

    fn next_packet(&self) -> Option<Time> {
        let state = self.state.as_ref()?;
        Some(self.captured(state) + self.config.frame + self.config.look_ahead)
    }

    fn packet(&mut self, now: Time) -> Option<EncodedAudio> {
        if self.next_packet()? > now {
            return None;
        }
        let state = self.state.as_ref()?;
        let spread = (2.0 * self.noise.unit(state.index) - 1.0) * self.config.variation.as_f64();
        let size = libm::round(state.mean * (1.0 + spread)) as u64;
        let packet = EncodedAudio {
            captured: self.captured(state),
            size: size.clamp(1, MAX_PACKET) as u32,
            length: self.config.frame,
        };
        if let Some(state) = &mut self.state {
            state.index += 1;
        }
        Some(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::plugin::Assets;
    use weaknet_core::rng::Streams;

    fn build(config: &Opus) -> Result<Box<dyn AudioSource>, BuildError> {
        let (streams, assets) = (Streams::new(7), Assets::default());
        config.build(&BuildContext {
            path: "call/audio",
            streams: &streams,
            assets: &assets,
        })
    }

    #[test]
    fn packets_of_20_ms_at_a_constant_rate() {
        let mut source = build(&Opus::default()).unwrap();
        assert_eq!(source.next_packet(), None);
        source.start(Time::from_millis(3), Bitrate::from_kbps(32));
        assert_eq!(source.packet(Time::from_millis(29)), None);
        for k in 0..50 {
            let due = source.next_packet().unwrap();
            assert_eq!(due, Time::from_micros(29_500 + 20_000 * k));
            let packet = source.packet(due).unwrap();
            assert_eq!(packet.size, 80);
            assert_eq!(packet.captured, Time::from_millis(3 + 20 * k));
            assert_eq!(packet.length, Span::from_millis(20));
        }
    }

    #[test]
    fn variation_keeps_the_mean_and_its_bounds() {
        let mut source = build(&Opus {
            variation: Ratio::from_f64(0.25),
            ..Opus::default()
        })
        .unwrap();
        source.start(Time::ZERO, Bitrate::from_kbps(64));
        let sizes: Vec<_> = (0..10_000)
            .map(|_| source.packet(source.next_packet().unwrap()).unwrap().size)
            .collect();
        assert!(sizes.iter().all(|size| (120..=200).contains(size)));
        let mean = f64::from(sizes.iter().sum::<u32>()) / 10_000.0;
        // Uniform over 80 bytes: standard error 0.23; 5 of them allowed.
        assert!((mean - 160.0).abs() < 1.2, "{mean}");
    }

    #[test]
    fn simple_sound_needs_less_than_its_rate() {
        let mut source = build(&Opus {
            average: Ratio::from_f64(0.3),
            ..Opus::default()
        })
        .unwrap();
        source.start(Time::ZERO, Bitrate::from_kbps(32));
        let due = source.next_packet().unwrap();
        assert_eq!(source.packet(due).unwrap().size, 24);
    }

    #[test]
    fn senseless_parameters_are_refused() {
        let field = |config: &Opus| build(config).err().unwrap().field.unwrap();
        assert_eq!(
            field(&Opus {
                frame: Span::from_secs(1),
                ..Opus::default()
            }),
            "frame"
        );
        assert_eq!(
            field(&Opus {
                variation: Ratio::from_f64(1.5),
                ..Opus::default()
            }),
            "variation"
        );
    }
}
