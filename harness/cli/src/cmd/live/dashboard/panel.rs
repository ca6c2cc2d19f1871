//! One direction: figures, each with its curve of the last seconds.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Sparkline, Widget};

use super::super::snapshot::{Direction, EmulationError};
use super::board::{Past, Series};
use super::text;

/// Steps of a curve's height.
const STEPS: f64 = 10_000.0;
/// A loss curve that reaches the top means at least that much.
const LEAST_LOSS: f64 = 0.05;
/// And a curve of delay that many milliseconds.
const LEAST_DELAY: f64 = 10.0;
/// Where figures begin.
const LABEL: usize = 7;

pub(super) struct Panel<'a> {
    pub(super) title: &'static str,
    pub(super) direction: &'a Direction,
    pub(super) past: &'a Past,
    /// Whether keys change it.
    pub(super) chosen: bool,
}

/// A figure and its curve.
struct Curve<'a> {
    label: &'static str,
    figures: String,
    series: &'a Series,
    /// What the top of the curve means at least.
    least: f64,
    /// What stands at the right end where there is room, seen the top.
    aside: Box<dyn Fn(f64) -> String>,
    colour: Color,
}

impl Widget for Panel<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let border = if self.chosen {
            Style::new().fg(Color::Cyan)
        } else {
            Style::new().dim()
        };
        let mark = if self.chosen { "* " } else { "" };
        let block = Block::bordered()
            .title(format!(" {mark}{} ", self.title))
            .border_style(border)
            .title_style(Style::new().not_dim().bold());
        let inner = block.inner(area);
        block.render(area, buffer);
        let curves = self.curves();
        let mut heights = vec![Constraint::Fill(1); curves.len()];
        heights.extend([Constraint::Length(1); 2]);
        let rows = Layout::vertical(heights).split(inner);
        for (curve, row) in curves.iter().zip(rows.iter()) {
            curve.render(*row, buffer);
        }
        if let [.., error, drops] = &*rows {
            self.error().render(*error, buffer);
            self.drops().render(*drops, buffer);
        }
    }
}

impl Panel<'_> {
    fn curves(&self) -> [Curve<'_>; 4] {
        let Self {
            direction, past, ..
        } = self;
        let arriving = direction.in_bps;
        let delay = direction.one_way_delay_ms.map_or_else(
            || "-".to_owned(),
            |delay| {
                let [p50, p95] = [delay.p50, delay.p95].map(text::millis);
                format!("p50 {p50}, p95 {p95}")
            },
        );
        [
            Curve {
                label: "rate",
                figures: rate(direction),
                series: &past.rate,
                least: direction.capacity_bps.map_or(1_000.0, |bps| bps as f64),
                aside: Box::new(move |_| format!("in {}", text::rate(arriving))),
                colour: Color::Green,
            },
            Curve {
                label: "queue",
                figures: format!(
                    "{}, {} packets, {}",
                    text::millis(direction.queue_delay_ms),
                    direction.queue_packets,
                    text::bytes(direction.queue_bytes)
                ),
                series: &past.queue,
                least: LEAST_DELAY,
                aside: Box::new(|top| format!("top {}", text::millis(top))),
                colour: Color::Yellow,
            },
            Curve {
                label: "delay",
                figures: delay,
                series: &past.delay,
                least: LEAST_DELAY,
                aside: Box::new(|top| format!("top {}", text::millis(top))),
                colour: Color::Blue,
            },
            Curve {
                label: "loss",
                figures: text::percent(direction.loss),
                series: &past.loss,
                least: LEAST_LOSS,
                aside: Box::new(|top| format!("top {}", text::percent(top))),
                colour: Color::Red,
            },
        ]
    }

    fn error(&self) -> Line<'static> {
        let figures = self.direction.emulation_error_us.map_or_else(
            || "-".to_owned(),
            |error| {
                let EmulationError { p50, p99, max } = error;
                format!("p50 {p50:.0}, p99 {p99:.0}, max {max:.0} us")
            },
        );
        labelled("error", figures)
    }

    fn drops(&self) -> Line<'static> {
        let mut parts: Vec<String> = self
            .direction
            .drops
            .iter()
            .map(|drops| format!("{} {}", drops.packets, drops.reason))
            .collect();
        if parts.is_empty() {
            parts.push("none".to_owned());
        }
        let line = labelled("drops", parts.join(", "));
        match self.direction.system_drops {
            0 => line,
            lost => {
                let mut line = line;
                line.push_span(Span::from(format!(", {lost} by the system")).red().bold());
                line
            }
        }
    }
}

fn rate(direction: &Direction) -> String {
    let out = text::rate(direction.out_bps);
    match direction.capacity_bps {
        Some(0) => format!("{out}, stopped"),
        Some(capacity) => {
            let used = direction.out_bps as f64 / capacity as f64;
            format!("{out} of {}, {:.0} %", text::rate(capacity), used * 100.0)
        }
        None => format!("{out}, no limit"),
    }
}

fn labelled(label: &'static str, figures: String) -> Line<'static> {
    let label = format!("{label:<LABEL$}");
    Line::from(vec![Span::from(label).dim(), Span::from(figures)])
}

impl Curve<'_> {
    fn render(&self, area: Rect, buffer: &mut Buffer) {
        let areas = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]);
        let [line, below] = areas.areas(area);
        let values: Vec<f64> = self.series.last(usize::from(below.width)).collect();
        let top = values.iter().copied().fold(self.least, f64::max);
        let figures = labelled(self.label, self.figures.clone());
        let aside = Line::from((self.aside)(top));
        // Figures are never written over.
        if figures.width() + aside.width() < usize::from(line.width) {
            aside.right_aligned().dim().render(line, buffer);
        }
        figures.render(line, buffer);
        let steps = values.iter().map(|value| (value / top * STEPS) as u64);
        Sparkline::default()
            .data(steps)
            .max(STEPS as u64)
            .style(Style::new().fg(self.colour))
            .render(below, buffer);
    }
}
