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

/// Says what went wrong.
pub(crate) fn error(message: &str) {
    let mut err = io::stderr().lock();
    let (bold, plain) = if allowed() && io::stderr().is_terminal() {
        ("\x1b[1;31m", "\x1b[0m")
    } else {
        ("", "")
    };
    let _ = writeln!(err, "{bold}error{plain}: {message}");
}

/// Says something that is no error.
pub(crate) fn note(message: &str) {
    let _ = writeln!(io::stderr().lock(), "{message}");
}
