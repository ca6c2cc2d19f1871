//! `cases.csv`: one row per case and flow, for spreadsheets and data frames.
//!
//! Columns: `id`, `scenario`, `seed`, `flow`, one per parameter by its path,
//! one per metric of any flow by its name. An empty field: not set, or does not
//! apply.

use std::collections::BTreeSet;

use crate::results::Summary;

/// The table as bytes.
#[must_use]
pub fn cases_csv(summary: &Summary) -> Vec<u8> {
    let params: BTreeSet<&str> = summary
        .cases
        .iter()
        .flat_map(|case| case.params.keys())
        .map(String::as_str)
        .collect();
    let flows = || {
        summary
            .cases
            .iter()
            .flat_map(|case| case.flows.iter().map(move |flow| (case, flow)))
    };
    let metrics: BTreeSet<&str> = flows()
        .flat_map(|(_, flow)| flow.metrics.keys())
        .map(String::as_str)
        .collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail.
    let header = ["id", "scenario", "seed", "flow"].into_iter();
    let _ = writer.write_record(
        header
            .chain(params.iter().copied())
            .chain(metrics.iter().copied()),
    );
    for (case, flow) in flows() {
        let mut row = vec![
            case.id.clone(),
            case.scenario.clone(),
            case.seed.clone(),
            flow.name.clone(),
        ];
        row.extend(
            params
                .iter()
                .map(|&name| case.params.get(name).cloned().unwrap_or_default()),
        );
        row.extend(metrics.iter().map(|&name| {
            flow.metrics
                .get(name)
                .map_or_else(String::new, f64::to_string)
        }));
        let _ = writer.write_record(row);
    }
    writer.into_inner().unwrap_or_default()
}
