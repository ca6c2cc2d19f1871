//! A picture of a trace: rate, delay and loss over time, gaps shaded.

mod canvas;
mod png;
mod svg;

use std::path::Path;

use weaknet_harness::trace::{Cell, Description, Series};

use crate::exit::{Exit, Failure};
use canvas::{Align, Canvas, Colour};

/// The kind of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Picture {
    Svg,
    Png,
}

impl Picture {
    /// The kind that a file's name asks for.
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            _ => Err(Failure::new(
                Exit::Usage,
                format!(
                    "--plot {}: expected a name that ends in .svg or .png",
                    path.display()
                ),
            )),
        }
    }
}

const WIDTH: i32 = 1_200;
const LEFT: i32 = 80;
const RIGHT: i32 = 30;
const TOP: i32 = 70;
const BOTTOM: i32 = 55;
/// Between two panels.
const SPACE: i32 = 50;

const INK: Colour = [38, 44, 54];
const FAINT: Colour = [225, 228, 233];
const QUIET: Colour = [104, 112, 124];
const GAP: Colour = [247, 203, 197];
const PAPER: Colour = [255, 255, 255];

/// One quantity over time.
struct Panel {
    title: &'static str,
    height: i32,
    /// Colours of the mean and of the largest value.
    colours: [Colour; 2],
    /// Mean and largest value of a bin; `None` where nothing is known.
    value: fn(&Cell, f64) -> Option<(f64, f64)>,
    gaps: bool,
}

const RATE: Panel = Panel {
    title: "rate in Mbit/s",
    height: 270,
    colours: [[46, 104, 178], [170, 199, 233]],
    value: |cell, seconds| {
        // Opportunities are counted per bin; rates are known for a time.
        let time = if cell.rated > 0.0 {
            cell.rated
        } else {
            seconds
        };
        let mbps = cell.bits / time / 1e6;
        Some((mbps, mbps))
    },
    gaps: true,
};

const DELAY: Panel = Panel {
    title: "one-way delay in ms",
    height: 170,
    colours: [[126, 87, 160], [212, 190, 228]],
    value: |cell, _| (cell.delayed > 0.0).then(|| (cell.delay / cell.delayed, cell.delay_max)),
    gaps: false,
};

const LOSS: Panel = Panel {
    title: "loss in %",
    height: 130,
    colours: [[184, 84, 40], [238, 196, 172]],
    value: |cell, _| {
        let share = (cell.lossy > 0.0).then(|| cell.loss / cell.lossy * 100.0)?;
        Some((share, share))
    },
    gaps: false,
};

/// Draws a trace.
pub(super) fn draw(picture: Picture, title: &str, about: &Description, series: &Series) -> Vec<u8> {
    let mut panels = Vec::new();
    if about.rate.is_some() || about.frames.is_some() {
        panels.push(RATE);
    }
    if about.delay.is_some() {
        panels.push(DELAY);
    }
    if about.loss.is_some() {
        panels.push(LOSS);
    }
    let heights: i32 = panels.iter().map(|panel| panel.height + SPACE).sum();
    let height = TOP + heights - SPACE + BOTTOM;
    match picture {
        Picture::Svg => {
            let mut canvas = svg::Svg::new(WIDTH, height);
            paint(&mut canvas, title, about, series, &panels);
            canvas.finish()
        }
        Picture::Png => {
            let mut canvas = png::Raster::new(WIDTH, height);
            paint(&mut canvas, title, about, series, &panels);
            canvas.finish()
        }
    }
}

fn paint(
    canvas: &mut dyn Canvas,
    title: &str,
    about: &Description,
    series: &Series,
    panels: &[Panel],
) {
    canvas.text(LEFT, 30, true, Align::Left, INK, title);
    canvas.text(LEFT, 50, false, Align::Left, QUIET, &subtitle(about));
    let end = about
        .duration_s
        .unwrap_or_default()
        .max(series.cells.len() as f64 * series.bin as f64 / 1e9 * 1e-3);
    let mut top = TOP;
    for panel in panels {
        let area = Area {
            top: top + 10,
            bottom: top + panel.height,
            end,
        };
        area.paint(canvas, panel, series, about);
        top += panel.height + SPACE;
    }
    let axis = top - SPACE + 40;
    canvas.text(WIDTH / 2, axis, false, Align::Centre, INK, "time in s");
}

fn subtitle(about: &Description) -> String {
    let mut parts = vec![about.format.to_owned()];
    if let Some(rate) = &about.rate {
        parts.push(format!("mean {:.2} Mbit/s", rate.mean_mbps));
    }
    if let Some(frames) = &about.frames {
        parts.push(format!(
            "{:.1} fps, {:.0} kbit/s",
            frames.fps, frames.bitrate_kbps
        ));
    }
    if let Some(gaps) = about.gaps.as_ref().filter(|gaps| gaps.count > 0) {
        let longest = gaps.max_ms.unwrap_or_default() / 1e3;
        parts.push(format!(
            "{:.1} gaps per minute, longest {longest:.1} s",
            gaps.per_minute
        ));
    }
    if let Some(delay) = &about.delay {
        let half = if delay.half_of_round_trip {
            ", half of a round trip"
        } else {
            ""
        };
        parts.push(format!("delay p50 {:.1} ms{half}", delay.p50_ms));
    }
    parts.join("   |   ")
}

/// Where a panel's values are drawn.
struct Area {
    top: i32,
    bottom: i32,
    /// The time at its right edge in seconds.
    end: f64,
}

impl Area {
    fn x(&self, seconds: f64) -> i32 {
        let share = if self.end > 0.0 {
            seconds / self.end
        } else {
            0.0
        };
        LEFT + (share.clamp(0.0, 1.0) * f64::from(WIDTH - LEFT - RIGHT)) as i32
    }

    fn paint(&self, canvas: &mut dyn Canvas, panel: &Panel, series: &Series, about: &Description) {
        let (columns, largest) = self.columns(panel, series);
        let ticks = ticks(largest, 5);
        let limit = ticks.last().copied().unwrap_or(1.0).max(largest);
        let height = f64::from(self.bottom - self.top);
        let y = |value: f64| self.bottom - (value / limit * height) as i32;
        if panel.gaps {
            for (from, to) in &series.gaps {
                let (from, to) = (self.x(*from as f64 / 1e9), self.x(*to as f64 / 1e9));
                canvas.rect(
                    from,
                    self.top,
                    (to - from).max(1),
                    self.bottom - self.top,
                    GAP,
                );
            }
        }
        for tick in &ticks {
            canvas.rect(LEFT, y(*tick), WIDTH - LEFT - RIGHT, 1, FAINT);
            let label = label(*tick, &ticks);
            canvas.text(LEFT - 8, y(*tick) + 5, false, Align::Right, QUIET, &label);
        }
        for (x, column) in (LEFT..).zip(&columns) {
            let Some((mean, most)) = column else { continue };
            let (mean, most) = (y(*mean), y(*most));
            canvas.rect(x, most, 1, mean - most, panel.colours[1]);
            canvas.rect(x, mean, 1, (self.bottom - mean).max(1), panel.colours[0]);
        }
        canvas.rect(LEFT, self.bottom, WIDTH - LEFT - RIGHT, 1, INK);
        canvas.rect(LEFT, self.top, 1, self.bottom - self.top, INK);
        for tick in ticks_of_time(self.end) {
            let x = self.x(tick);
            canvas.rect(x, self.bottom, 1, 5, INK);
            let text = label(tick, &ticks_of_time(self.end));
            canvas.text(x, self.bottom + 20, false, Align::Centre, QUIET, &text);
        }
        canvas.text(LEFT, self.top - 8, false, Align::Left, INK, panel.title);
        self.legend(canvas, panel, series, about);
    }

    fn legend(&self, canvas: &mut dyn Canvas, panel: &Panel, series: &Series, about: &Description) {
        let mut right = WIDTH - RIGHT;
        let mut entry = |colour: Colour, text: &str| {
            canvas.text(right, self.top - 8, false, Align::Right, QUIET, text);
            right -= 9 * text.chars().count() as i32 + 18;
            canvas.rect(right, self.top - 18, 12, 12, colour);
            right -= 18;
        };
        if panel.gaps && about.gaps.as_ref().is_some_and(|gaps| gaps.count > 0) {
            entry(GAP, "gap of 200 ms and more");
        }
        entry(panel.colours[1], "largest");
        let bin = series.bin as f64 / 1e9;
        entry(panel.colours[0], &format!("mean of {bin} s or a pixel"));
    }

    /// Mean and largest value for each pixel, and the largest of all.
    fn columns(&self, panel: &Panel, series: &Series) -> (Vec<Option<(f64, f64)>>, f64) {
        let width = (WIDTH - LEFT - RIGHT) as usize;
        let bin = series.bin as f64 / 1e9;
        let mut columns = Vec::with_capacity(width);
        let mut largest = 0.0f64;
        for pixel in 0..width {
            let at = |pixel: usize| pixel as f64 / width as f64 * self.end / bin;
            let first = at(pixel) as usize;
            let last = (at(pixel + 1) as usize)
                .max(first + 1)
                .min(series.cells.len());
            let cells = series.cells.get(first..last).unwrap_or_default();
            let values: Vec<(f64, f64)> = cells
                .iter()
                .filter_map(|cell| (panel.value)(cell, bin))
                .collect();
            let most = values.iter().fold(0.0f64, |most, value| most.max(value.1));
            let mean = values.iter().map(|value| value.0).sum::<f64>() / values.len() as f64;
            largest = largest.max(most);
            columns.push((!values.is_empty()).then_some((mean, most)));
        }
        (columns, largest)
    }
}

/// Round numbers from zero to just above `largest`.
fn ticks(largest: f64, about: i32) -> Vec<f64> {
    if largest <= 0.0 || !largest.is_finite() {
        return vec![0.0, 1.0];
    }
    let rough = largest / f64::from(about);
    let decade = 10f64.powi(rough.log10().floor() as i32);
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * decade)
        .find(|step| *step >= rough)
        .unwrap_or(decade * 10.0);
    let count = (largest / step).ceil() as i32;
    (0..=count).map(|n| f64::from(n) * step).collect()
}

fn ticks_of_time(end: f64) -> Vec<f64> {
    let mut all = ticks(end, 10);
    all.retain(|tick| *tick <= end);
    all
}

/// As many decimals as the step needs.
fn label(value: f64, ticks: &[f64]) -> String {
    let step = ticks.get(1).copied().unwrap_or(1.0);
    let decimals = if step >= 1.0 {
        0
    } else {
        (-step.log10()).ceil().min(6.0) as usize
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_over_the_largest() {
        assert_eq!(ticks(9.5, 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(0.0, 5), [0.0, 1.0]);
        let fine = ticks(0.031, 5);
        assert_eq!(label(fine[1], &fine), "0.01");
        assert!(*fine.last().unwrap() >= 0.031);
        assert_eq!(ticks_of_time(100.0).last(), Some(&100.0));
    }
}
