//! Named versions of libwebrtc. Its rules change between releases in ways that
//! change scores, so what follows them says which one it follows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A state of libwebrtc's source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum LibwebrtcVersion {
    /// As in use in October 2024.
    #[serde(rename = "libwebrtc_2024_10")]
    October2024,
    /// As of January 2026.
    #[default]
    #[serde(rename = "libwebrtc_2026_01")]
    January2026,
}
