//! Congestion controllers and endpoints of other Rust stacks, run in the
//! simulator beside weaknet's own.
//!
//! Each stack is behind a feature of the same name, off by default. These
//! crates are not pure: they take time as [`std::time::Instant`], and some draw
//! random numbers of their own. Each module says what that means for
//! "same inputs, same bytes".

#[cfg(any(feature = "quinn", feature = "str0m"))]
mod instants;
#[cfg(feature = "quinn")]
pub mod quinn;
#[cfg(feature = "s2n")]
pub mod s2n;
#[cfg(feature = "str0m")]
pub mod str0m;
