//! Whole links against closed forms, laws and a recorded network.

mod cellular_trace;
mod closed_forms;
mod impairments;
mod laws;
mod scenario_text;
mod support;
mod weather;
