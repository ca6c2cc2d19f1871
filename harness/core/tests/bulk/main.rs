//! Bulk flows through the whole simulator, from scenario text to scores.

mod closed_forms;
mod competition;
mod feedback;
mod laws;
mod media_controllers;
mod support;
mod windows;
