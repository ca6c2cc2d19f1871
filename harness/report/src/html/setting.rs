//! What the page takes from the resolved scenarios: the measurement window and
//! which links a flow crosses.

use serde::{Deserialize as _, Serialize};
use weaknet_core::Span;
use weaknet_harness::results::CaseResult;

/// Longer scenarios are not read.
const LONGEST_SCENARIO: usize = 1_000_000;

/// One resolved scenario.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Setting {
    name: String,
    /// When measuring begins and ends.
    pub(super) window: Option<Window>,
    /// Links by flow, in order.
    pub(super) routes: Vec<(String, Vec<String>)>,
}

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Window {
    /// Seconds since the start.
    pub(super) from: f64,
    /// Seconds since the start.
    pub(super) to: f64,
}

/// Reads resolved scenarios, one YAML document each; what cannot be read is
/// left out.
pub(super) fn read(yaml: &str) -> Vec<Setting> {
    if yaml.len() > LONGEST_SCENARIO {
        return Vec::new();
    }
    serde_yaml::Deserializer::from_str(yaml)
        .map_while(|document| serde_json::Value::deserialize(document).ok())
        .filter_map(|document| setting(&document))
        .collect()
}

/// The setting of a case: that of its scenario, since parameters rarely move
/// windows and routes.
pub(super) fn of<'s>(settings: &'s [Setting], case: &CaseResult) -> Option<&'s Setting> {
    settings
        .iter()
        .find(|setting| setting.name == case.scenario)
}

fn setting(document: &serde_json::Value) -> Option<Setting> {
    let at = |name: &str| {
        let text = document.get("measure")?.get(name)?.as_str()?;
        Some(text.parse::<Span>().ok()?.as_secs_f64())
    };
    let window = || {
        Some(Window {
            from: at("from")?,
            to: at("to")?,
        })
    };
    let flows = document.get("flows").and_then(|flows| flows.as_array());
    Some(Setting {
        name: document.get("name")?.as_str()?.to_owned(),
        window: window(),
        routes: flows.into_iter().flatten().filter_map(route).collect(),
    })
}

/// The links that a flow crosses; those of several paths one after the other.
fn route(flow: &serde_json::Value) -> Option<(String, Vec<String>)> {
    let name = flow.get("name")?.as_str()?.to_owned();
    let links = match flow.get("from").and_then(|from| from.as_str()) {
        Some("a") => vec!["forward".to_owned()],
        Some("b") => vec!["backward".to_owned()],
        _ => {
            let paths = flow.get("paths").and_then(|paths| paths.as_array());
            let paths = paths.map_or_else(|| std::slice::from_ref(flow), Vec::as_slice);
            let routes = paths.iter().map(|path| path.get("route")?.as_array());
            let mut links = Vec::new();
            for link in routes.collect::<Option<Vec<_>>>()?.into_iter().flatten() {
                let link = link.as_str()?.to_owned();
                if !links.contains(&link) {
                    links.push(link);
                }
            }
            links
        }
    };
    Some((name, links))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_and_routes_are_read_from_each_document() {
        let yaml = "\
# a = b
name: one
measure: {from: 10s, to: 1min}
flows:
- {name: down, from: a}
- {name: up, from: b}
---
name: two
flows:
- {name: call, route: [wifi, core]}
- {name: both, paths: [{name: w, route: [wifi, core]}, {name: l, route: [lte, core]}]}
";
        let found = read(yaml);
        assert_eq!(found.len(), 2);
        let window = Window {
            from: 10.0,
            to: 60.0,
        };
        assert_eq!(found[0].window, Some(window));
        assert_eq!(found[0].routes[1], ("up".into(), vec!["backward".into()]));
        assert_eq!(found[1].window, None);
        assert_eq!(
            found[1].routes,
            [
                ("call".into(), vec!["wifi".into(), "core".into()]),
                (
                    "both".into(),
                    vec!["wifi".into(), "core".into(), "lte".into()]
                ),
            ]
        );
    }

    #[test]
    fn what_is_no_scenario_is_left_out() {
        assert_eq!(read("- [: {"), []);
        assert_eq!(read("a string"), []);
        assert_eq!(read(""), []);
    }
}
