//! Digests of results: the same results and resolved scenario, the same text.

use crate::results::SubjectScores;

/// 32 hexadecimal digits over parts, their lengths included (BLAKE3).
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// The digest of one case: its scores and its resolved scenario in canonical
/// form. No times, paths or names of files enter it.
#[must_use]
pub fn case_digest(
    resolved_scenario: &str,
    flows: &[SubjectScores],
    links: &[SubjectScores],
) -> String {
    // Scores are maps with text keys and finite values: they always serialise.
    let scores = serde_json::to_vec(&(flows, links)).unwrap_or_default();
    digest([resolved_scenario.as_bytes(), &scores])
}
