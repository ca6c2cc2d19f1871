//! The picture: a function of the board.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Widget};

use super::super::snapshot::Snapshot;
use super::board::{Board, Chosen, Said};
use super::panel::Panel;
use super::{keys, text};

/// With less the directions stand one above the other.
const SIDE_BY_SIDE: u16 = 72;
/// What panels get at most: higher curves say no more.
const TALLEST: u16 = 26;
const FEWEST_CHANGES: u16 = 5;

impl Widget for &Board {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let Some(snapshot) = &self.latest else {
            Line::from("waiting for the link ...").render(area, buffer);
            return;
        };
        let [top, middle, below, said, help] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Max(TALLEST),
            Constraint::Min(FEWEST_CHANGES),
            Constraint::Length(1),
            Constraint::Length(1),
        ])
        .areas(area);
        title(snapshot, top, buffer);
        let halves = [Constraint::Fill(1), Constraint::Fill(1)];
        let [left, right] = if area.width < SIDE_BY_SIDE {
            Layout::vertical(halves).areas(middle)
        } else {
            Layout::horizontal(halves).areas(middle)
        };
        let [forward, backward] = &self.past;
        Panel {
            title: "forward: left to right",
            direction: &snapshot.forward,
            past: forward,
            chosen: self.chosen != Chosen::Backward,
        }
        .render(left, buffer);
        Panel {
            title: "backward: right to left",
            direction: &snapshot.backward,
            past: backward,
            chosen: self.chosen != Chosen::Forward,
        }
        .render(right, buffer);
        changes(snapshot, below, buffer);
        let line = match &self.said {
            Some(Said::Done(what)) => Line::from(format!(" {what}")).green(),
            Some(Said::Failed(why)) => Line::from(format!(" {why}")).red(),
            None => Line::default(),
        };
        line.render(said, buffer);
        bottom(help, buffer);
    }
}

fn title(snapshot: &Snapshot, area: Rect, buffer: &mut Buffer) {
    Line::from(vec![" weaknet ".bold(), Span::from(snapshot.name.clone())]).render(area, buffer);
    Line::from(format!("running {} ", text::clock(snapshot.time_s)))
        .right_aligned()
        .render(area, buffer);
}

/// The last changes, the newest at the top.
fn changes(snapshot: &Snapshot, area: Rect, buffer: &mut Buffer) {
    let lines: Vec<Line<'_>> = snapshot
        .changes
        .iter()
        .rev()
        .map(|change| {
            let time = format!(" {:>7}  ", text::clock(change.time_s));
            Line::from(vec![time.dim(), Span::from(change.text.clone())])
        })
        .collect();
    let block = Block::bordered()
        .title(" last changes ")
        .title_bottom(
            Line::from(" small letter: more, capital: less, of what has a * ").right_aligned(),
        )
        .border_style(Style::new().dim());
    Paragraph::new(lines).block(block).render(area, buffer);
}

/// The keys.
fn bottom(area: Rect, buffer: &mut Buffer) {
    let key = Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD);
    let mut spans = vec![Span::from(" ")];
    for (name, what) in keys::HELP {
        spans.push(Span::styled(name, key));
        spans.push(Span::from(format!(" {what}  ")));
    }
    Line::from(spans).render(area, buffer);
}

#[cfg(test)]
mod tests;
