//! Standard output carries data, standard error carries messages.

use std::io::{self, IsTerminal as _, Write as _};

/// Writes data to standard output. A closed pipe ends the program quietly, as
/// for `weaknet list | head`.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    if out
        .write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        std::process::exit(0);
    }
}

/// Whether standard output may be coloured (<https://no-color.org>).
pub(crate) fn colour() -> bool {
    allowed() && io::stdout().is_terminal()
}

fn allowed() -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}

/// Columns of the terminal, or what fits most pagers.
pub(crate) fn width() -> usize {
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    columns
        .or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .unwrap_or(120)
}

/// Columns of the terminal when standard output is one.
pub(crate) fn terminal_width() -> Option<usize> {
    io::stdout().is_terminal().then(width)
}

/// Breaks text into lines of at most `width` characters where words allow.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// Says what went wrong, one message per thing.
pub(crate) fn errors(messages: &[String]) {
    let mut err = io::stderr().lock();
    let (bold, plain) = if allowed() && io::stderr().is_terminal() {
        ("\x1b[1;31m", "\x1b[0m")
    } else {
        ("", "")
    };
    for (at, message) in messages.iter().enumerate() {
        let gap = if at == 0 { "" } else { "\n" };
        let _ = writeln!(err, "{gap}{bold}error{plain}: {message}");
    }
    if messages.len() > 1 {
        let _ = writeln!(err, "\n{} errors", messages.len());
    }
}

/// Says something that is no error.
pub(crate) fn note(message: &str) {
    let _ = writeln!(io::stderr().lock(), "{message}");
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_break_between_words() {
        let wrapped = super::wrap(&"word ".repeat(40), 92);
        assert_eq!(wrapped.len(), 3);
        assert!(wrapped.iter().all(|line| line.len() <= 92));
        assert_eq!(super::wrap("one\ntwo", 80), ["one", "two"]);
        assert_eq!(super::wrap("indivisible", 3), ["indivisible"]);
        assert_eq!(super::wrap("", 80), [""]);
    }
}
