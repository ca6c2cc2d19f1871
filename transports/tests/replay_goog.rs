//! Decision by decision against libwebrtc's goog_cc (July 2026).

mod support;

use support::check;
use weaknet_transports::cc::gcc::Gcc;

#[test]
fn constant_link() {
    check::<Gcc>("goog_const1M", 334);
}

#[test]
fn stepping_link() {
    check::<Gcc>("goog_step", 392);
}

#[test]
fn application_limited() {
    check::<Gcc>("goog_alr3M", 202);
}
