//! The lines of small text tables.

/// The lines of a text file without their comments (`#` to the end) and blanks
/// at the end, numbered from 1. Lines that hold a comment only are left out;
/// empty lines are not.
///
/// # Errors
/// When the bytes are no text.
pub(crate) fn numbered(bytes: &[u8]) -> Result<impl Iterator<Item = (usize, &str)>, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let line = 1 + bytes[..e.valid_up_to()]
            .iter()
            .filter(|b| **b == b'\n')
            .count();
        format!("line {line}: not a text file")
    })?;
    Ok(text.lines().enumerate().filter_map(|(i, line)| {
        let kept = line.split('#').next().unwrap_or_default().trim_end();
        let comment_only = kept.is_empty() && line.contains('#');
        (!comment_only).then_some((i + 1, kept))
    }))
}
