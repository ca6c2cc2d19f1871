//! The configurations as scenario files spell them.

use serde_json::{Value, from_value, json, to_value};
use weaknet_core::Plugin;
use weaknet_netem::queue::{Codel, DropHead, DropTail, Drr, DualPi2, FqCodel, Pie, Priority, Red};

#[track_caller]
fn reads<P: Plugin + PartialEq + std::fmt::Debug>(value: Value) {
    let plugin: P = from_value(value.clone()).unwrap();
    let written = to_value(&plugin).unwrap();
    for (field, given) in value.as_object().unwrap() {
        assert_eq!(&written[field], given, "{field}");
    }
    assert_eq!(from_value::<P>(written).unwrap(), plugin);
    assert_eq!(from_value::<P>(json!({})).unwrap(), P::default());
    let unknown = from_value::<P>(json!({"no_such_field": 1})).unwrap_err();
    assert!(
        unknown
            .to_string()
            .starts_with("unknown field `no_such_field`")
    );
    crate::support::build(&plugin, 1);
    crate::support::build(&P::default(), 1);
}

#[test]
fn every_field_reads_and_prints() {
    reads::<DropTail>(json!({"limit": "300ms", "at": "2Mbps", "ce_threshold": "5ms"}));
    reads::<DropHead>(json!({"limit": "333packets", "ce_threshold": "5ms"}));
    reads::<DropHead>(json!({"limit": "300ms", "at": "2Mbps"}));
    reads::<Red>(json!({
        "limit": "100packets", "min": "5packets", "max": "15packets", "weight": 0.002,
        "max_probability": "2%", "gentle": false, "wait": true, "by_size": true,
        "adaptive": true, "mean_packet": "500B", "ecn": true
    }));
    reads::<Red>(json!({"adaptive": true, "target_delay": "5ms"}));
    reads::<Codel>(json!({
        "limit": "1000packets", "target": "5ms", "interval": "100ms", "mtu": "1.5kB",
        "ecn": true, "ce_threshold": "1ms", "control_law": "linux"
    }));
    reads::<Codel>(json!({"control_law": "rfc8289"}));
    reads::<Codel>(json!({"control_law": "strict"}));
    reads::<FqCodel>(json!({
        "limit": "10240packets", "flows": 1024, "quantum": "300B", "target": "15ms",
        "interval": "100ms", "mtu": "1.5kB", "ecn": false, "ce_threshold": "1ms",
        "drop_batch": 64, "turn_ends": "below_zero", "control_law": "linux", "salt": 7
    }));
    reads::<Pie>(json!({
        "limit": "1000packets", "target": "15ms", "update": "15ms", "max_burst": "150ms",
        "alpha": 0.125, "beta": 1.25, "mtu": "1.5kB", "ecn": true, "mark_threshold": "10%",
        "latency": "departure_rate", "derandomise": true, "cap_step": true,
        "decay": "below_half_target", "variant": "rfc8033"
    }));
    reads::<Pie>(json!({"variant": "linux"}));
    reads::<DualPi2>(json!({"variant": "linux"}));
    reads::<DualPi2>(json!({
        "variant": "rfc9332", "limit": "250ms", "target": "15ms", "rtt_max": "100ms",
        "update": "16ms", "alpha": 0.16, "beta": 3.2, "coupling": 2.0,
        "min_threshold": "800us", "range": "400us", "spared_packets": 1,
        "scheduler": "time_shifted_fifo", "classic_weight": "6.25%", "time_shift": "50ms",
        "mtu": "1.5kB"
    }));
    reads::<Priority>(json!({
        "bands": [
            {"classes": ["audio", "rtcp", "session"], "limit": "100ms"},
            {"classes": ["video", "rtx", "fec", "padding", "other"], "limit": "300ms"}
        ],
        "ce_threshold": "20ms"
    }));
    reads::<Drr>(json!({"limit": "64kB", "quantum": "1.5kB", "ce_threshold": "5ms"}));
}
