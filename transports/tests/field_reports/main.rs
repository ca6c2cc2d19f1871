//! What users of other stacks ran into, as tests: each is named after the
//! symptom and cites the report.

mod estimate;
mod reports;
mod sources;
mod support;
