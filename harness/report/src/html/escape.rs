//! Text from files in a page: it stays text.

/// Text for an element's content or a quoted attribute.
pub(super) fn text(raw: &str) -> String {
    let mut escaped = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() && !matches!(c, '\n' | '\t') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// JSON for the content of a script element: nothing in it can end the
/// element or open a comment.
pub(super) fn json(raw: &str) -> String {
    raw.replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// A word for a POSIX shell.
pub(super) fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// At most so many characters, with an ellipsis if cut.
pub(super) fn clip(raw: &str, most: usize) -> String {
    match raw.char_indices().nth(most) {
        None => raw.to_owned(),
        Some((end, _)) => format!("{}…", &raw[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_stays_text() {
        assert_eq!(text("<b a='x'>&\""), "&lt;b a=&#39;x&#39;&gt;&amp;&quot;");
        assert_eq!(text("a\u{0}b"), "a\u{fffd}b");
    }

    #[test]
    fn json_cannot_end_its_script_and_means_the_same() {
        let raw = serde_json::to_string("</script><!--\u{2028}").unwrap();
        let escaped = json(&raw);
        assert!(!escaped.contains('<') && !escaped.contains('\u{2028}'));
        assert_eq!(
            serde_json::from_str::<String>(&escaped).unwrap(),
            "</script><!--\u{2028}"
        );
    }

    #[test]
    fn shell_words() {
        assert_eq!(shell("scenarios/lte.yaml"), "scenarios/lte.yaml");
        assert_eq!(shell("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(shell(""), "''");
    }
}
