//! Fewer pixels or fewer frames when there are not enough bits, and back.
//!
//! Implements: libwebrtc's video stream adapter (`call/adaptation/
//! video_stream_adapter.cc`, 2026-07): a step down to at most 3/5 of the pixels,
//! by sides of 3/4, 1/2, 3/8, 1/4 .. of the camera's, not below a least number of
//! pixels; or to 2/3 of the frame rate, not below 2 fps; balanced: first the
//! frame rate that its table gives for the size (7, 10 or 15 fps), then the
//! size. A step up to more pixels needs the least start rate of the size above
//! (`bitrate_constraint.cc` with the limits of VP8 of `encoder_info_settings.cc`,
//! interpolated by pixels).
//! Differs: a step up takes back the last step down, which comes to the same for
//! a camera that does not change.
//! Not modelled: steps because of processor load.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::Bitrate;

/// What is given up for want of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DegradationPreference {
    /// Pixels (the default of libwebrtc for cameras).
    #[default]
    MaintainFramerate,
    /// Frames (the default of libwebrtc for screens).
    MaintainResolution,
    /// Frames and pixels by turns.
    Balanced,
}

/// Sides relative to the camera's, in sixteenths, from full size down.
const SCALES: [u32; 7] = [16, 12, 8, 6, 4, 3, 2];
const MIN_FPS: f64 = 2.0;
/// Up to so many pixels: so many frames per second, in balanced mode.
const BALANCED: [(u32, f64); 3] = [(320 * 240, 7.0), (480 * 360, 10.0), (640 * 480, 15.0)];
/// Pixels and least kbit/s to start with that size.
const START_RATES: [(u32, u64); 6] = [
    (320 * 180, 0),
    (480 * 270, 200),
    (640 * 360, 300),
    (960 * 540, 500),
    (1280 * 720, 900),
    (1920 * 1080, 2_000),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    /// The scale before it.
    Size(usize),
    /// The frame rate before it.
    Rate(f64),
}

/// What is encoded of what the camera gives.
#[derive(Debug, Clone)]
pub(super) struct Degradation {
    preference: DegradationPreference,
    camera: (u16, u16),
    min_pixels: u32,
    scale: usize,
    fps: f64,
    steps: Vec<Step>,
}

impl Degradation {
    /// Everything that the camera gives.
    pub(super) const fn new(
        preference: DegradationPreference,
        camera: (u16, u16),
        fps: f64,
        min_pixels: u32,
    ) -> Self {
        Self {
            preference,
            camera,
            min_pixels,
            scale: 0,
            fps,
            steps: Vec::new(),
        }
    }

    /// Width and height that are encoded.
    pub(super) fn size(&self) -> (u16, u16) {
        self.scaled(self.scale)
    }

    /// Frames per second that are encoded.
    pub(super) const fn fps(&self) -> f64 {
        self.fps
    }

    fn scaled(&self, scale: usize) -> (u16, u16) {
        let sixteenths = SCALES.get(scale).copied().unwrap_or(16);
        let side = |full: u16| {
            let side = u32::from(full) * sixteenths / 16;
            // Chroma has half the resolution: sides are even.
            (side & !1).clamp(2, u32::from(u16::MAX)) as u16
        };
        if sixteenths == 16 {
            return self.camera;
        }
        (side(self.camera.0), side(self.camera.1))
    }

    /// Takes a step down, if there is one.
    pub(super) fn down(&mut self) {
        let pixels = area(self.size());
        let rate = match self.preference {
            DegradationPreference::MaintainFramerate => None,
            DegradationPreference::MaintainResolution => Some(libm::floor(self.fps * 2.0 / 3.0)),
            DegradationPreference::Balanced => {
                let row = BALANCED.iter().find(|row| pixels <= row.0);
                row.map(|row| row.1)
            }
        };
        let rate = rate
            .map(|fps| fps.max(MIN_FPS))
            .filter(|fps| *fps < self.fps);
        if let Some(fps) = rate {
            self.steps.push(Step::Rate(self.fps));
            self.fps = fps;
        } else if self.preference != DegradationPreference::MaintainResolution
            && self.scale + 1 < SCALES.len()
            && pixels * 3 / 5 >= self.min_pixels
        {
            self.steps.push(Step::Size(self.scale));
            self.scale += 1;
        }
    }

    /// Takes the last step down back, if the rate suffices.
    pub(super) fn up(&mut self, rate: Bitrate) {
        match self.steps.last() {
            Some(Step::Size(scale)) if rate >= start_rate(area(self.scaled(*scale))) => {
                self.scale = *scale;
                self.steps.pop();
            }
            Some(Step::Rate(fps)) => {
                self.fps = *fps;
                self.steps.pop();
            }
            _ => {}
        }
    }
}

/// Pixels of a size.
pub(super) fn area((width, height): (u16, u16)) -> u32 {
    u32::from(width) * u32::from(height)
}

/// Least rate with which a size is begun.
fn start_rate(pixels: u32) -> Bitrate {
    let above = START_RATES.iter().position(|row| row.0 >= pixels);
    let kbps = match above {
        Some(0) => START_RATES[0].1 as f64,
        Some(index) => {
            let (down, up) = (START_RATES[index - 1], START_RATES[index]);
            let way = f64::from(pixels - down.0) / f64::from(up.0 - down.0);
            down.1 as f64 * (1.0 - way) + up.1 as f64 * way
        }
        None => START_RATES[START_RATES.len() - 1].1 as f64,
    };
    Bitrate::from_bps_f64(kbps * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use DegradationPreference::{Balanced, MaintainFramerate, MaintainResolution};

    const MIN: u32 = 320 * 180;
    const PLENTY: Bitrate = Bitrate::from_mbps(100);

    fn downs(preference: DegradationPreference, camera: (u16, u16)) -> Vec<(u16, u16, u32)> {
        let mut state = Degradation::new(preference, camera, 30.0, MIN);
        let mut seen = Vec::new();
        for _ in 0..12 {
            let (width, height) = state.size();
            let now = (width, height, state.fps() as u32);
            if seen.last() == Some(&now) {
                break;
            }
            seen.push(now);
            state.down();
        }
        seen
    }

    #[test]
    fn pixels_go_down_the_ladder() {
        assert_eq!(
            downs(MaintainFramerate, (1280, 720)),
            [
                (1280, 720, 30),
                (960, 540, 30),
                (640, 360, 30),
                (480, 270, 30),
                (320, 180, 30)
            ]
        );
        assert_eq!(downs(MaintainFramerate, (320, 180)), [(320, 180, 30)]);
    }

    #[test]
    fn frames_go_down_by_a_third() {
        let fps: Vec<_> = downs(MaintainResolution, (640, 360))
            .iter()
            .map(|step| step.2)
            .collect();
        assert_eq!(fps, [30, 20, 13, 8, 5, 3, 2]);
    }

    #[test]
    fn balanced_takes_turns() {
        assert_eq!(
            downs(Balanced, (1280, 720)),
            [
                (1280, 720, 30),
                (960, 540, 30),
                (640, 360, 30),
                (640, 360, 15),
                (480, 270, 15),
                (480, 270, 10),
                (320, 180, 10),
                (320, 180, 7)
            ]
        );
    }

    #[test]
    fn steps_up_lead_back_the_same_way() {
        for preference in [MaintainFramerate, MaintainResolution, Balanced] {
            let mut state = Degradation::new(preference, (1280, 720), 30.0, MIN);
            let mut way = Vec::new();
            for _ in 0..12 {
                way.push((state.size(), state.fps()));
                state.down();
            }
            way.dedup();
            while let Some(place) = way.pop() {
                assert_eq!((state.size(), state.fps()), place);
                state.up(PLENTY);
            }
            assert_eq!((state.size(), state.fps()), ((1280, 720), 30.0));
        }
    }

    #[test]
    fn more_pixels_need_a_start_rate() {
        let mut state = Degradation::new(MaintainFramerate, (1280, 720), 30.0, MIN);
        state.down();
        state.up(Bitrate::from_kbps(899));
        assert_eq!(state.size(), (960, 540));
        state.up(Bitrate::from_kbps(900));
        assert_eq!(state.size(), (1280, 720));
        assert_eq!(start_rate(1), Bitrate::ZERO);
        assert_eq!(start_rate(u32::MAX), Bitrate::from_kbps(2_000));
        // Half way from 640x360 to 960x540 in pixels.
        assert_eq!(start_rate(374_400), Bitrate::from_kbps(400));
    }
}
