//! Cases that differ in nothing but the seed, and the axes along which groups
//! of cases differ.

use std::collections::BTreeMap;

use weaknet_harness::results::CaseResult;

/// Cases of one scenario with equal parameters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group<'s> {
    /// Name of the scenario.
    pub(crate) scenario: &'s str,
    /// Matrix axes and `--set` values.
    pub(crate) params: &'s BTreeMap<String, String>,
    /// Indices into the summary's cases, in its order.
    pub(crate) cases: Vec<usize>,
    /// What sets this group apart from the others, for people.
    pub(crate) label: String,
}

/// A parameter that differs between groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Axis {
    /// Where it stands in the scenario.
    pub(crate) path: String,
    /// The end of the path: as much of it as tells it from the other axes.
    pub(crate) label: String,
}

impl Axis {
    /// Whether it varies what is under test rather than the conditions: only
    /// rows that differ in such axes alone compete for being best.
    pub(crate) fn is_choice(&self) -> bool {
        is_choice(&self.path)
    }
}

/// Whether a parameter belongs to a flow (its algorithms and media).
pub(crate) fn is_choice(path: &str) -> bool {
    path.starts_with("flows.")
}

/// A parameter for people: `fixed: {rate: 600kbps}` reads `fixed rate 600kbps`, and
/// a text in quotes stands without them. Anything deeper stays as written.
pub(crate) fn in_words(value: &str) -> String {
    let quoted = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    if let Some(text) = quoted('"').or_else(|| quoted('\'')) {
        return text.to_owned();
    }
    let parts = || {
        let inner = value.strip_prefix('{').and_then(|v| v.strip_suffix('}'));
        let (name, rest) = inner.unwrap_or(value).split_once(": {")?;
        let fields = rest.strip_suffix('}')?;
        let flat = !name.is_empty() && !fields.contains(['{', '[', '"', '\'']);
        flat.then(|| format!("{name} {}", fields.replace(": ", " ")))
    };
    parts().map_or_else(|| value.to_owned(), |words| words.trim_end().to_owned())
}

/// Groups cases by scenario and parameters, in order of first appearance.
pub(crate) fn group(cases: &[CaseResult]) -> (Vec<Group<'_>>, Vec<Axis>) {
    let mut order: BTreeMap<(&str, &BTreeMap<String, String>), usize> = BTreeMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        let index = *order
            .entry((&case.scenario, &case.params))
            .or_insert_with(|| {
                groups.push(Group {
                    scenario: &case.scenario,
                    params: &case.params,
                    cases: Vec::new(),
                    label: String::new(),
                });
                groups.len() - 1
            });
        if let Some(group) = groups.get_mut(index) {
            group.cases.push(at);
        }
    }
    let axes = axes(&groups);
    let scenarios_differ = groups
        .windows(2)
        .any(|pair| pair[0].scenario != pair[1].scenario);
    for group in &mut groups {
        group.label = label(group, &axes, scenarios_differ);
    }
    (groups, axes)
}

fn axes(groups: &[Group<'_>]) -> Vec<Axis> {
    let mut paths: Vec<&str> = groups
        .iter()
        .flat_map(|group| group.params.keys().map(String::as_str))
        .filter(|path| {
            let first = groups.first().and_then(|group| group.params.get(*path));
            groups.iter().any(|group| group.params.get(*path) != first)
        })
        .collect();
    paths.sort_unstable();
    paths.dedup();
    // Conditions first: they frame what is compared.
    paths.sort_by_key(|path| is_choice(path));
    let label = |path: &str| {
        let words: Vec<&str> = path.split('.').collect();
        (1..=words.len())
            .map(|n| words[words.len() - n..].join("."))
            .find(|end| {
                !paths
                    .iter()
                    .any(|other| *other != path && other.ends_with(&format!(".{end}")))
            })
            .unwrap_or_else(|| path.to_owned())
    };
    paths
        .iter()
        .map(|path| Axis {
            path: (*path).to_owned(),
            label: label(path),
        })
        .collect()
}

fn label(group: &Group<'_>, axes: &[Axis], with_scenario: bool) -> String {
    let mut words: Vec<String> = Vec::new();
    if with_scenario {
        words.push(group.scenario.to_owned());
    }
    let choices = axes.iter().filter(|axis| axis.is_choice()).count();
    for axis in axes {
        let Some(value) = group.params.get(&axis.path) else {
            continue;
        };
        // A lone choice needs no name: `gcc` speaks for itself. A number does not.
        let value = in_words(value);
        let speaks = !value.starts_with(|c: char| c.is_ascii_digit());
        let bare = speaks && (axes.len() == 1 || (choices == 1 && axis.is_choice()));
        words.push(if bare {
            value
        } else {
            format!("{} {value}", axis.label)
        });
    }
    if words.is_empty() {
        group.scenario.to_owned()
    } else {
        words.join(" · ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(scenario: &str, params: &[(&str, &str)], seed: u32) -> CaseResult {
        CaseResult {
            id: format!("{scenario}{seed}"),
            scenario: scenario.into(),
            params: params
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect(),
            seed: seed.to_string(),
            digest: String::new(),
            trajectory: String::new(),
            flows: vec![],
            links: vec![],
            expectations: vec![],
        }
    }

    #[test]
    fn seeds_fall_together_and_constant_parameters_are_no_axes() {
        let cases = [
            case("s", &[("flows.call.fec", "none"), ("duration", "60s")], 1),
            case("s", &[("flows.call.fec", "xor"), ("duration", "60s")], 1),
            case("s", &[("flows.call.fec", "none"), ("duration", "60s")], 2),
        ];
        let (groups, axes) = group(&cases);
        assert_eq!(
            groups.iter().map(|g| g.cases.clone()).collect::<Vec<_>>(),
            [vec![0, 2], vec![1]]
        );
        assert_eq!(
            groups.iter().map(|g| g.label.as_str()).collect::<Vec<_>>(),
            ["none", "xor"]
        );
        assert_eq!(
            axes,
            [Axis {
                path: "flows.call.fec".into(),
                label: "fec".into()
            }]
        );
    }

    #[test]
    fn flat_parameters_become_words() {
        assert_eq!(in_words("gcc"), "gcc");
        assert_eq!(in_words("fixed: {rate: 600kbps}"), "fixed rate 600kbps");
        assert_eq!(
            in_words("gcc: {start: 1Mbps, alr: {usage: 0.8}}"),
            "gcc: {start: 1Mbps, alr: {usage: 0.8}}"
        );
        assert_eq!(
            in_words("{duplicate: {distance: 2}}"),
            "duplicate distance 2"
        );
        assert_eq!(in_words("{a: {b: 1}, c: {d: 2}}"), "{a: {b: 1}, c: {d: 2}}");
        assert_eq!(in_words("none: {}"), "none");
        assert_eq!(in_words("\"5%\""), "5%");
        assert_eq!(in_words("'5%'"), "5%");
    }

    #[test]
    fn a_lone_number_is_named() {
        let copies = |n| case("s", &[("flows.wheel.messages.copies", n)], 1);
        let cases = [copies("1"), copies("2")];
        let (groups, _) = group(&cases);
        assert_eq!(groups[1].label, "copies 2");
    }

    #[test]
    fn labels_are_as_long_as_needed() {
        let cases = [
            case(
                "s",
                &[
                    ("flows.a.fec", "1"),
                    ("flows.b.fec", "1"),
                    ("network.forward.loss", "0%"),
                ],
                1,
            ),
            case(
                "s",
                &[
                    ("flows.a.fec", "2"),
                    ("flows.b.fec", "2"),
                    ("network.forward.loss", "5%"),
                ],
                1,
            ),
        ];
        let (groups, axes) = group(&cases);
        let labels: Vec<_> = axes.iter().map(|axis| axis.label.as_str()).collect();
        assert_eq!(labels, ["loss", "a.fec", "b.fec"]);
        assert_eq!(groups[1].label, "loss 5% · a.fec 2 · b.fec 2");
    }
}
