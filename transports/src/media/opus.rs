//! An Opus encoder: packets of equal length, nearly equal size.
//!
//! Implements: Opus as a browser uses it (RFC 6716, section 2): frames of 20 ms
//! and 6.5 ms of look-ahead. Constant rate by default; for a variable one
//! `average` is what the sound needs of the rate, and `variation` spreads sizes
//! evenly around that. With `dtx` pauses of speech are not sent (`dtx`,
//! `talk_spurts`). In-band FEC is a scheme of the call (`opus_lbrr`).
//! Differs: a frame of comfort noise is as large as any other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::{Draws, Sequence};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Ratio, Span, Time};

use super::dtx::{Coded, Dtx};
use super::talk_spurts::Speaker;
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
    /// Discontinuous transmission: in pauses of speech, with these lengths, hardly
    /// anything is sent. Absent (default): what is heard makes no difference, as
    /// in browsers without `usedtx=1` (RFC 7587, section 6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dtx: Option<TalkSpurts>,
}

/// Exponential lengths of talk spurts and pauses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TalkSpurts {
    /// Mean length of a talk spurt. Default 1.004 s (ITU-T P.59, table 1).
    pub talk: Span,
    /// Mean length of a pause. Default 1.587 s (ITU-T P.59, table 1).
    pub pause: Span,
}

impl Default for TalkSpurts {
    fn default() -> Self {
        Self {
            talk: Span::from_millis(1_004),
            pause: Span::from_millis(1_587),
        }
    }
}

impl Default for Opus {
    fn default() -> Self {
        Self {
            frame: Span::from_millis(20),
            look_ahead: Span::from_micros(6_500),
            average: Ratio::ONE,
            variation: Ratio::ZERO,
            dtx: None,
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
        if let Some(TalkSpurts { talk, pause }) = &self.dtx {
            for (field, mean) in [("dtx.talk", talk), ("dtx.pause", pause)] {
                if !(Span::from_millis(1)..=Span::from_secs(3_600)).contains(mean) {
                    let message = format!("expected 1ms to 1h, found {mean}");
                    return Err(BuildError::field(field, message));
                }
            }
        }
        Ok(Box::new(Microphone {
            config: self.clone(),
            noise: cx.streams.draws(cx.path, "packet size"),
            spurts: Some(cx.streams.sequence(cx.path, "talk spurts")),
            state: None,
        }))
    }
}

struct Microphone {
    config: Opus,
    noise: Draws,
    /// Draws of the speaker, until there is one.
    spurts: Option<Sequence>,
    state: Option<Running>,
}

struct Running {
    start: Time,
    mean: f64,
    /// Frames so far.
    index: u64,
    /// Whose pauses are not sent.
    speaker: Option<(Speaker, Dtx)>,
}

/// Bytes of a packet without content: a table-of-contents byte (RFC 6716, section
/// 3.1).
const EMPTY: u32 = 1;

impl Microphone {
    fn captured(&self, state: &Running) -> Time {
        state.start + self.config.frame * state.index
    }

    /// Mean size of a packet.
    fn mean(&self, bitrate: Bitrate) -> f64 {
        let Opus { frame, average, .. } = &self.config;
        bitrate.as_bps_f64() * frame.as_secs_f64() / 8.0 * average.as_f64()
    }
}

impl AudioSource for Microphone {
    fn start(&mut self, now: Time, bitrate: Bitrate) {
        let dtx = self.config.dtx.as_ref().zip(self.spurts.take());
        let speaker = dtx.map(|(TalkSpurts { talk, pause }, draws)| {
            (Speaker::new(now, [*talk, *pause], draws), Dtx::default())
        });
        self.state = Some(Running {
            start: now,
            mean: self.mean(bitrate),
            index: 0,
            speaker,
        });
    }

    fn set_bitrate(&mut self, _: Time, bitrate: Bitrate) {
        let mean = self.mean(bitrate);
        if let Some(state) = &mut self.state {
            state.mean = mean;
        }
    }

    fn next_packet(&self) -> Option<Time> {
        let state = self.state.as_ref()?;
        Some(self.captured(state) + self.config.frame + self.config.look_ahead)
    }

    fn packet(&mut self, now: Time) -> Option<EncodedAudio> {
        if self.next_packet()? > now {
            return None;
        }
        let frame = self.config.frame;
        let captured = self.captured(self.state.as_ref()?);
        let state = self.state.as_mut()?;
        let index = state.index;
        state.index += 1;
        let coded = state
            .speaker
            .as_mut()
            .map_or(Coded::Whole, |(speaker, dtx)| {
                dtx.code(speaker.is_talking(captured), frame)
            });
        let size = match coded {
            Coded::Whole => {
                let deviation = 2.0 * self.noise.unit(index) - 1.0;
                let spread = deviation * self.config.variation.as_f64();
                let size = libm::round(state.mean * (1.0 + spread)) as u64;
                size.clamp(1, MAX_PACKET) as u32
            }
            Coded::Empty => EMPTY,
            Coded::Nothing => return None,
        };
        Some(EncodedAudio {
            captured,
            size,
            length: frame,
        })
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
    fn the_rate_changes_with_the_next_packet() {
        let mut source = build(&Opus::default()).unwrap();
        source.start(Time::ZERO, Bitrate::from_kbps(32));
        let packet = source.packet(source.next_packet().unwrap()).unwrap();
        assert_eq!(packet.size, 80);
        source.set_bitrate(Time::ZERO, Bitrate::from_kbps(16));
        let packet = source.packet(source.next_packet().unwrap()).unwrap();
        assert_eq!((packet.size, packet.captured), (40, Time::from_millis(20)));
    }

    #[test]
    fn pauses_are_not_sent() {
        let mut source = build(&Opus {
            dtx: Some(TalkSpurts::default()),
            ..Opus::default()
        })
        .unwrap();
        source.start(Time::ZERO, Bitrate::from_kbps(32));
        let (mut whole, mut empty, frames) = (0.0, 0.0, 500_000);
        for _ in 0..frames {
            match source.packet(source.next_packet().unwrap()).map(|p| p.size) {
                Some(80) => whole += 1.0,
                Some(1) => empty += 1.0,
                Some(other) => panic!("{other}"),
                None => {}
            }
        }
        // Pauses are exponential with mean m: the hangover h of each is sent whole,
        // then an empty packet if there is more, and one of each after every r.
        let (talk, m, h, r): (f64, f64, f64, f64) = (1.004, 1.587, 0.2, 0.42);
        let frame = 0.02;
        let cycles = f64::from(frames) * frame / (talk + m);
        let longer = libm::exp(-h / m);
        let refreshes = longer / libm::expm1(r / m);
        let spoken = talk + m * (1.0 - longer) + refreshes * frame;
        let (whole, empty) = (whole * frame / cycles, empty / cycles);
        // 3,860 cycles: 1.6 % of an exponential length each; 5 standard errors of
        // 1.004 s. A frame begun counts, on average half of one.
        assert!((whole - spoken).abs() < 0.09, "{whole} {spoken}");
        assert!((empty - longer - refreshes).abs() < 0.35, "{empty}");
        // ITU-T P.59: speech for 38.7 % of the time, and the hangover besides.
        let share = whole / (talk + m);
        assert!((share - 0.47).abs() < 0.03, "{share}");
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
