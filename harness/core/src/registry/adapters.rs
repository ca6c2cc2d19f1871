//! Plug-ins that only some builds have.

/// The features of the `weaknet` program that add plug-ins, and their names.
const FEATURES: [(&str, &[&str]); 2] = [
    ("quinn", &["quinn_bbr", "quinn_cubic", "quinn_new_reno"]),
    ("s2n", &["s2n_bbr", "s2n_cubic"]),
];

/// The feature that a plug-in needs.
pub(super) fn feature_of(name: &str) -> Option<&'static str> {
    let found = FEATURES.iter().find(|(_, names)| names.contains(&name));
    found.map(|(feature, _)| *feature)
}
