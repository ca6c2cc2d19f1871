//! Behaviour of the whole controller.
