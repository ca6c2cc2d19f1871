//! Pictures as SVG.

use std::fmt::Write as _;

use super::PAPER;
use super::canvas::{Align, Canvas, Colour};

pub(super) struct Svg {
    text: String,
}

impl Svg {
    pub(super) fn new(width: i32, height: i32) -> Self {
        let mut svg = Self {
            text: format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
                 viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, sans-serif\">\n"
            ),
        };
        svg.rect(0, 0, width, height, PAPER);
        svg
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.text.push_str("</svg>\n");
        self.text.into_bytes()
    }
}

impl Canvas for Svg {
    fn rect(&mut self, x: i32, y: i32, width: i32, height: i32, [r, g, b]: Colour) {
        if width > 0 && height > 0 {
            let _ = writeln!(
                self.text,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
                 fill=\"#{r:02x}{g:02x}{b:02x}\"/>"
            );
        }
    }

    fn text(&mut self, x: i32, y: i32, large: bool, align: Align, [r, g, b]: Colour, text: &str) {
        let anchor = match align {
            Align::Left => "start",
            Align::Centre => "middle",
            Align::Right => "end",
        };
        let size = if large { 20 } else { 14 };
        let plain = text.chars().filter(|c| !c.is_control());
        let escaped = plain.fold(String::new(), |mut out, c| {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                c => out.push(c),
            }
            out
        });
        let _ = writeln!(
            self.text,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"{anchor}\" \
             fill=\"#{r:02x}{g:02x}{b:02x}\">{escaped}</text>"
        );
    }
}
