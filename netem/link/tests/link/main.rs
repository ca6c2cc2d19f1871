//! Whole links against closed forms, laws and a recorded network.

mod busy_link;
mod cellular_trace;
mod changes;
mod closed_forms;
mod impairments;
mod laws;
mod queue;
mod random_links;
mod scenario_text;
mod support;
mod weather;
