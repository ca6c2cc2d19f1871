//! Text on a terminal: width in cells, padding, colour.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How a piece of text is set off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// As it is.
    Plain,
    /// Set off.
    Bold,
    /// In the background.
    Faint,
    /// Good news.
    Green,
    /// Bad news.
    Red,
}

/// Writes styles, or leaves them out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    /// Whether styles are written.
    pub(super) colour: bool,
}

impl Paint {
    /// Text in a style.
    pub(super) fn text(self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Plain => "",
            Style::Bold => "1",
            Style::Faint => "2",
            Style::Green => "32",
            Style::Red => "1;31",
        };
        if self.colour && !code.is_empty() && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Names come from files: control characters would steer the terminal.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// Terminal cells that a text takes.
pub(super) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// A text of at most so many cells, with an ellipsis if cut.
pub(super) fn clip(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let mut clipped = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > cells {
            break;
        }
        clipped.push(c);
    }
    clipped + "…"
}

/// Pads on the right.
pub(super) fn left(text: &str, cells: usize) -> String {
    format!("{text}{}", " ".repeat(cells.saturating_sub(width(text))))
}

/// Pads on the left.
pub(super) fn right(text: &str, cells: usize) -> String {
    format!("{}{text}", " ".repeat(cells.saturating_sub(width(text))))
}

/// Breaks a text at its plain spaces into lines of at most so many cells; a
/// longer word stands alone.
pub(super) fn wrap(text: &str, cells: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= cells => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_counted_not_characters() {
        assert_eq!(width("弱网"), 4);
        assert_eq!(clip("弱网测试", 5), "弱网…");
        assert_eq!(clip("gcc", 3), "gcc");
        assert_eq!(right("弱", 4), "  弱");
    }

    #[test]
    fn wraps_at_words() {
        assert_eq!(wrap("frame delay p95 ms", 11), ["frame delay", "p95 ms"]);
        assert_eq!(wrap("utilisation %", 4), ["utilisation", "%"]);
    }

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(clean("a\u{1b}[31mb\n"), "a\u{fffd}[31mb\u{fffd}");
    }
}
