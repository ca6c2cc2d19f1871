//! From targets to frames.

use std::collections::VecDeque;

use weaknet_core::packet::Picture;
use weaknet_core::rng::{Draws, laplace_quantile};
use weaknet_core::{Bitrate, Time};

use super::Webrtc;
use super::backlog::Backlog;
use super::degradation::{Degradation, area};
use super::quality_scaler::{QualityScaler, Verdict};
use super::quantiser::Quantiser;
use super::simulcast::{self, Allocator};
use crate::media::start_caution::StartCaution;
use crate::media::temporal_layers::{Place, TemporalLayers};
use crate::media::{
    EncodedFrame, FrameDropper, MIN_FPS, SIMULCAST_LAYERS, VideoFormat, VideoSource, frame_interval,
};

const MIN_INTERVAL_FACTOR: f64 = 0.2;
/// By how much a suspended stream's target has to pass its least rate
/// (`kToggleFactor` and `kMinToggleBitrateBps` of `bitrate_allocator.cc`).
const RESUME_FACTOR: f64 = 0.1;
const RESUME_MARGIN: Bitrate = Bitrate::from_kbps(20);

/// A running camera and encoder.
pub(super) struct Encoder {
    config: Webrtc,
    size_noise: Draws,
    interval_noise: Draws,
    state: Option<Running>,
}

/// The accounts of one simulcast layer.
#[derive(Debug, Clone, Copy, Default)]
struct Layer {
    /// Bytes that key frames took too much and later ones still have to repay.
    debt: f64,
    /// What frames so far took beyond their share, relative to the mean.
    excess: f64,
}

struct Running {
    format: VideoFormat,
    /// Targets that came and from which picture on they count.
    coming: VecDeque<(u64, Bitrate)>,
    target: Bitrate,
    /// The rate on its way to the target, bit/s.
    rate: f64,
    suspended: bool,
    window_dropper: FrameDropper,
    backlog: Backlog,
    next: Time,
    /// Pictures taken so far.
    index: u64,
    key: bool,
    temporal: TemporalLayers,
    allocator: Option<Allocator>,
    /// Layers in the last picture.
    sent: usize,
    layers: [Layer; SIMULCAST_LAYERS],
    degradation: Degradation,
    scaler: QualityScaler,
    /// Layers of the last picture that have not been fetched.
    pending: VecDeque<EncodedFrame>,
}

impl Encoder {
    pub(super) const fn new(config: Webrtc, size_noise: Draws, interval_noise: Draws) -> Self {
        Self {
            config,
            size_noise,
            interval_noise,
            state: None,
        }
    }
}

impl Webrtc {
    const fn quantiser(&self) -> Quantiser {
        Quantiser {
            reference: self.reference_qp,
            exponent: self.qp_exponent,
            max: self.max_qp,
        }
    }

    const fn caution(&self) -> StartCaution {
        StartCaution {
            factor: self.start_caution,
            spared: 0,
            frames: self.start_frames,
            fade: self.fade_frames,
        }
    }

    /// Width and height of a simulcast layer when the highest has `size`.
    fn layer_size(&self, layer: usize, size: (u16, u16)) -> (u16, u16) {
        let halvings = usize::from(self.simulcast_layers).saturating_sub(layer + 1);
        ((size.0 >> halvings).max(1), (size.1 >> halvings).max(1))
    }

    fn allocator(&self) -> Option<Allocator> {
        let layers = usize::from(self.simulcast_layers);
        let pixels = |layer| area(self.layer_size(layer, (self.width, self.height)));
        (layers > 1)
            .then(|| Allocator::new((0..layers).map(|l| simulcast::rates(pixels(l))).collect()))
    }
}

impl Running {
    /// Takes up the target that counts for picture number `index`.
    fn follow_target(&mut self, index: u64, config: &Webrtc) {
        while let Some((_, target)) = self.coming.pop_front_if(|(from, _)| *from <= index) {
            self.target = target;
        }
        let target = self.target.as_bps_f64();
        let interval = 1.0 / self.degradation.fps().max(MIN_FPS);
        let rise = config.rise.as_secs_f64();
        self.rate = if self.rate < target && rise > 0.0 {
            target - (target - self.rate) * libm::exp(-interval / rise)
        } else {
            target
        };
        self.backlog.set_rate(self.rate / 8.0, config.max_backlog);
        self.backlog.drain(interval);
    }

    /// Steps in pixels or frame rate.
    fn scale_quality(&mut self, now: Time) {
        let size = self.degradation.size();
        match self.scaler.poll(now) {
            Some(Verdict::TooHigh) => self.degradation.down(),
            Some(Verdict::Low) => self.degradation.up(self.target),
            None => return,
        }
        self.key |= self.degradation.size() != size;
    }

    /// The rates of the layers that are sent now.
    fn allocate(&mut self) -> [Bitrate; SIMULCAST_LAYERS] {
        let rate = Bitrate::from_bps_f64(self.rate);
        match &mut self.allocator {
            Some(allocator) => allocator.allocate(rate),
            None => {
                let mut rates = [Bitrate::ZERO; SIMULCAST_LAYERS];
                rates[0] = rate;
                rates
            }
        }
    }

    /// What a frame takes, and its quantiser index. `mean`: bytes of the mean
    /// frame; `noise`: its own deviation from it.
    fn encode(
        &mut self,
        config: &Webrtc,
        layer: usize,
        place: Place,
        pixels: u32,
        mean: f64,
        noise: f64,
    ) -> (f64, u8) {
        let quantiser = config.quantiser();
        let factor = self.temporal.size_factor(place.temporal);
        let floor = quantiser.least_bits_per_pixel() * f64::from(pixels) / 8.0;
        let mean = mean.max(floor);
        let layer = &mut self.layers[layer];
        let (size, plain) = if place.key {
            layer.debt += (config.key_frame_ratio - 1.0) * mean;
            (config.key_frame_ratio * mean, mean)
        } else {
            let repaid = layer
                .debt
                .min(config.repayment * mean * factor)
                .min((mean - floor) * factor);
            layer.debt -= repaid;
            let deviation = noise - config.rate_control * layer.excess;
            layer.excess += deviation;
            let relative = 1.0 + deviation * libm::sqrt(1.0 - config.rate_control / 2.0);
            let left = mean * factor - repaid;
            (left * relative.max(0.0), left / factor)
        };
        let index = quantiser.index(plain * 8.0 / f64::from(pixels.max(1)));
        (size.max(1.0), index)
    }

    /// Bytes that all layers still have to repay.
    fn debt(&self) -> f64 {
        self.layers.iter().map(|layer| layer.debt).sum()
    }
}

impl VideoSource for Encoder {
    fn start(&mut self, now: Time, format: VideoFormat, target: Bitrate) {
        let config = &self.config;
        let target = format.clip(target);
        let camera = (config.width, config.height);
        self.state = Some(Running {
            format,
            coming: VecDeque::new(),
            target,
            rate: target.as_bps_f64(),
            suspended: false,
            window_dropper: FrameDropper::default(),
            backlog: Backlog::default(),
            next: now,
            index: 0,
            key: true,
            temporal: TemporalLayers::new(config.temporal_layers),
            allocator: config.allocator(),
            sent: 0,
            layers: Default::default(),
            degradation: Degradation::new(
                config.degradation_preference,
                camera,
                format.fps,
                config.min_pixels,
            ),
            scaler: QualityScaler::new(now, config.low_qp, config.high_qp),
            pending: VecDeque::new(),
        });
    }

    fn set_target(&mut self, _: Time, target: Bitrate, frame_drop: f64) {
        let Some(state) = &mut self.state else {
            return;
        };
        let (least, suspend) = (
            state.format.min_bitrate,
            self.config.suspend_below_min_bitrate,
        );
        if state.suspended {
            let margin = least.mul_f64(RESUME_FACTOR).max(RESUME_MARGIN);
            state.suspended = target < (least + margin).min(state.format.max_bitrate);
            state.key |= !state.suspended;
        } else {
            state.suspended = suspend && target < least;
        }
        let target = state.format.clip(target);
        state.window_dropper.set(target, least, frame_drop);
        let from = state.index + u64::from(self.config.reaction_frames);
        match state.coming.back_mut() {
            Some(last) if last.0 == from => last.1 = target,
            _ => state.coming.push_back((from, target)),
        }
    }

    fn request_key_frame(&mut self, _: Time) {
        if let Some(state) = &mut self.state {
            state.key = true;
        }
    }

    fn next_capture(&self) -> Option<Time> {
        let state = self.state.as_ref()?;
        let pending = state.pending.front().map(|frame| frame.captured);
        Some(pending.unwrap_or(state.next))
    }

    fn capture(&mut self, now: Time) -> Option<EncodedFrame> {
        let (config, state) = (&self.config, self.state.as_mut()?);
        if let Some(frame) = state.pending.pop_front() {
            return Some(frame);
        }
        if state.next > now {
            return None;
        }
        let (captured, index) = (state.next, state.index);
        state.index += 1;
        let stretch =
            1.0 + laplace_quantile(self.interval_noise.unit(index), config.interval_noise);
        let interval = frame_interval(state.degradation.fps());
        state.next += interval.mul_f64(stretch.max(MIN_INTERVAL_FACTOR));
        state.follow_target(index, config);
        if state.suspended {
            return None;
        }
        if state.allocator.is_none() {
            state.scale_quality(captured);
        }
        if state.window_dropper.skips() {
            return None;
        }
        if state.backlog.is_full(config.max_backlog) {
            state.scaler.on_frame(None);
            return None;
        }
        let rates = state.allocate();
        let sent = rates.iter().filter(|rate| !rate.is_zero()).count().max(1);
        state.key |= sent > state.sent;
        state.sent = sent;
        let place = state.temporal.next(std::mem::take(&mut state.key));
        let owed = state.debt();
        let (size, fps) = (
            state.degradation.size(),
            state.degradation.fps().max(MIN_FPS),
        );
        let mut total = 0.0;
        for (layer, rate) in rates.iter().enumerate().take(sent) {
            let (width, height) = config.layer_size(layer, size);
            let mean = rate.as_bps_f64() * config.overshoot / 8.0 / fps;
            let draw = index.wrapping_mul(SIMULCAST_LAYERS as u64) + layer as u64;
            let (bytes, qp) = state.encode(
                config,
                layer,
                place,
                area((width, height)),
                mean / config.caution().at(index),
                laplace_quantile(self.size_noise.unit(draw), config.size_noise),
            );
            total += bytes;
            if layer == 0 {
                state.scaler.on_frame(Some(qp));
            }
            state.pending.push_front(EncodedFrame {
                captured,
                ready: captured + config.encode_time,
                size: bytes as u32,
                key: place.key,
                picture: Picture {
                    width,
                    height,
                    reference: place.reference.max(1),
                    qp: Some(qp),
                    temporal: place.temporal,
                    simulcast: layer as u8,
                    simulcast_layers: sent as u8,
                    screen: false,
                },
            });
        }
        // What key frames took too much is owed, not backlog.
        let new_debt = state.debt() - owed;
        state.backlog.fill(total - new_debt);
        state.pending.pop_front()
    }
}
