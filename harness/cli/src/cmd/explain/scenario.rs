//! `weaknet explain SCENARIO`: what it is, where its numbers come from, and its
//! file.

use super::wrap;
use crate::cmd::shipped::Shipped;

/// The paragraphs in which the head of a file, comment lines in front of the
/// document, says where its numbers come from and what no source says.
const PARAGRAPHS: [&str; 2] = ["Source:", "Assumed:"];

/// Takes those paragraphs off the head of a file. Other comments stay.
fn split(text: &str) -> ([String; 2], String) {
    let (mut origin, mut rest) = (<[String; 2]>::default(), String::new());
    let (mut place, mut is_head) = (None, true);
    for line in text.lines() {
        is_head &= line.starts_with('#');
        let mut words = line.trim_start_matches('#').trim();
        for (at, name) in PARAGRAPHS.iter().enumerate() {
            if let Some(first) = words.strip_prefix(name) {
                (words, place) = (first.trim(), Some(at));
            }
        }
        match place.filter(|_| is_head) {
            Some(at) => {
                let gap = if origin[at].is_empty() { "" } else { " " };
                origin[at].push_str(&format!("{gap}{words}"));
            }
            None => rest.push_str(&format!("{line}\n")),
        }
    }
    (origin, rest)
}

pub(super) fn text(scenario: &Shipped) -> String {
    let file = std::fs::read_to_string(&scenario.path).unwrap_or_default();
    let (origin, rest) = split(&file);
    let path = scenario.path.display();
    let mut text = format!(
        "scenario {} ({path})\n\n{}\n",
        scenario.name,
        wrap(&scenario.about, "")
    );
    for (name, words) in PARAGRAPHS.iter().zip(&origin) {
        if !words.is_empty() {
            let name = name.to_lowercase();
            text.push_str(&format!("\n{name}\n{}\n", wrap(words, "  ")));
        }
    }
    format!("{text}\n{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_tells_the_origin_and_the_rest_stays() {
        let file = "# yaml-language-server: x\n# Source: a ride\n# in Oslo.\n# Assumed: loss.\nname: a\n# Source: no head\n";
        let (origin, rest) = split(file);
        assert_eq!(origin, ["a ride in Oslo.", "loss."]);
        assert_eq!(
            rest,
            "# yaml-language-server: x\nname: a\n# Source: no head\n"
        );
        let plain = "name: a\n";
        assert_eq!(split(plain), (<[String; 2]>::default(), plain.to_owned()));
    }
}
