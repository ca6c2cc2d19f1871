//! Decision by decision against libwebrtc's SCReAM v2 (July 2026).

mod support;

use support::check;
use weaknet_transports::cc::scream::Scream;

#[test]
fn constant_link() {
    check::<Scream>("scream-webrtc_const1M", 1799);
}

#[test]
fn stepping_link() {
    check::<Scream>("scream-webrtc_step", 2264);
}

#[test]
fn application_limited() {
    check::<Scream>("scream-webrtc_alr3M", 1369);
}
