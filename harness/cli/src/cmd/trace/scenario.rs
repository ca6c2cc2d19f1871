//! A scenario that plays a trace.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use weaknet_netem::trace::{Kind, Quantity, TraceReader};

use super::input::bad;
use crate::exit::{Exit, Failure};

/// Longest run that is proposed; a longer trace can be played by hand.
const LONGEST: u64 = 300;

/// The scenario's text. The trace is named as it is found from the scenario.
pub(super) fn of(
    path: &Path,
    scenario: &Path,
    mut reader: TraceReader<'_>,
) -> Result<String, Failure> {
    if path.as_os_str() == "-" {
        let message = "a scenario names its trace: expected a file, not standard input";
        return Err(Failure::new(Exit::Usage, message));
    }
    let named = json!({"file": beside(path, scenario)?, "format": reader.format().name()});
    let kind = reader.kind();
    let has = |quantity| reader.carries(quantity);
    let (rate, delay, loss) = (
        kind == Kind::Opportunities || has(Quantity::Rate),
        has(Quantity::Delay),
        has(Quantity::Loss),
    );
    if kind == Kind::Frames {
        return Err(bad(
            path,
            &"frame sizes say nothing of a link that could be played",
        ));
    }
    while reader.next().map_err(|error| bad(path, &error))?.is_some() {}
    let seconds = reader
        .length()
        .map_or(60, |length| length.as_secs_f64().ceil() as u64);
    let trace = |named: &Value| json!({"trace": named});
    let mut forward = serde_json::Map::new();
    if rate {
        forward.insert("rate".into(), trace(&named));
    }
    let constant = json!("20ms");
    forward.insert(
        "delay".into(),
        if delay {
            trace(&named)
        } else {
            constant.clone()
        },
    );
    if loss {
        forward.insert("loss".into(), trace(&named));
    }
    let stem = path.file_name().unwrap_or_default().to_string_lossy();
    let document = json!({
        "name": stem,
        "duration": format!("{}s", seconds.clamp(1, LONGEST)),
        "network": {"forward": forward, "backward": {"delay": constant}},
        "flows": [{
            "name": "call",
            "media": {"video": {"max_bitrate": "2.5Mbps"}, "audio": {}},
        }],
    });
    let mut text = String::new();
    let _ = writeln!(
        text,
        "# A video call over {stem}, which repeats when it ends."
    );
    let yaml = serde_yaml::to_string(&document);
    text.push_str(&yaml.map_err(|error| Failure::new(Exit::Internal, error.to_string()))?);
    Ok(text)
}

/// The trace's name for a scenario: bare in the same folder, else the whole
/// path.
fn beside(path: &Path, scenario: &Path) -> Result<String, Failure> {
    let folder = |path: &Path| {
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        parent
            .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
            .canonicalize()
    };
    let same = matches!((folder(path), folder(scenario)), (Ok(one), Ok(other)) if one == other);
    let name = match path.file_name() {
        Some(name) if same => PathBuf::from(name),
        _ => path.canonicalize().map_err(|error| bad(path, &error))?,
    };
    Ok(name.display().to_string())
}
