//! The configurations as scenario files spell them.

use serde_json::{Value, from_value, json, to_value};
use weaknet_core::Plugin;
use weaknet_netem::{delay, loss, queue, rate};

fn read<P: Plugin>(value: Value) -> Result<P, String> {
    from_value(value).map_err(|e| e.to_string())
}

#[track_caller]
fn round_trip<P: Plugin + PartialEq + std::fmt::Debug>(value: Value) {
    let plugin: P = read(value.clone()).unwrap();
    assert_eq!(to_value(&plugin).unwrap(), value);
    assert_eq!(read::<P>(to_value(P::default()).unwrap()), Ok(P::default()));
}

/// What is left out is printed with its default.
#[track_caller]
fn completed<P: Plugin + PartialEq + std::fmt::Debug>(value: Value) {
    let plugin: P = read(value.clone()).unwrap();
    let printed = to_value(&plugin).unwrap();
    for (key, given) in value.as_object().unwrap() {
        assert_eq!(printed[key], *given, "{key}");
    }
    assert_eq!(read::<P>(printed), Ok(plugin));
}

#[test]
fn traces_are_named_by_their_file() {
    completed::<rate::RateTrace>(json!({"file": "ATT-LTE-driving.down", "format": "mahimahi"}));
    completed::<rate::RateTrace>(json!({"file": "bus.log", "format": "seconds_mbps"}));
    completed::<rate::RateTrace>(
        json!({"file": "a.down", "opportunity": "1.504kB", "unit": "packets"}),
    );
    completed::<rate::RateTrace>(json!({"file": "4G.json", "direction": "uplink"}));
    completed::<rate::RateTrace>(json!({"file": "5g.csv", "time": "t_s", "rate": "dl_kbps"}));
    completed::<delay::DelayTrace>(json!({"file": "path.csv"}));
    completed::<loss::LossTrace>(
        json!({"file": "fates.txt", "format": "packets", "repeat": false}),
    );
    completed::<loss::LossTrace>(json!({"file": "5g.csv", "loss": "ping_loss_pct"}));
}

#[test]
fn contract_examples_read_and_print() {
    round_trip::<rate::ConstantRate>(json!("3Mbps"));
    round_trip::<rate::UnlimitedRate>(json!({}));
    round_trip::<rate::RateSteps>(json!([["0ns", "2.5Mbps"], ["20s", "0bps"]]));
    round_trip::<delay::ConstantDelay>(json!("30ms"));
    round_trip::<delay::UniformDelay>(
        json!({"min": "20ms", "max": "80ms", "reorder": "forbidden"}),
    );
    round_trip::<delay::NormalDelay>(json!({"mean": "50ms", "std": "10ms", "reorder": "allowed"}));
    round_trip::<delay::Stalls>(
        json!({"base": "25ms", "every": "2s", "length": "100ms", "phase": "0ns"}),
    );
    round_trip::<delay::DelaySteps>(json!([["0ns", "20ms"], ["5s", "30ms"]]));
    round_trip::<loss::NoLoss>(json!({}));
    round_trip::<loss::Bernoulli>(json!("2%"));
    round_trip::<loss::GilbertElliott>(json!({"average": "5%", "burst": 5.0}));
    round_trip::<loss::GilbertElliott>(json!({"p": "1%", "r": "25%", "h": "10%", "k": "99%"}));
    round_trip::<loss::LossWindows>(json!([{"from": "10s", "to": "12s", "loss": "100%"}]));
    round_trip::<queue::DropTail>(json!({"limit": "300ms"}));
    round_trip::<queue::DropTail>(json!({"limit": "333packets"}));
    round_trip::<queue::DropTail>(json!({"limit": "300ms", "at": "2Mbps"}));
}

#[test]
fn fields_left_out_have_defaults() {
    let stalls: delay::Stalls =
        read(json!({"base": "25ms", "every": "2s", "length": "100ms"})).unwrap();
    assert_eq!(stalls, delay::Stalls::default());
    let lift: loss::LossWindows = read(json!([{"from": "10s", "to": "12s"}])).unwrap();
    assert_eq!(lift.0[0].loss, weaknet_core::Ratio::ONE);
}

#[test]
fn mistakes_are_named() {
    assert!(
        read::<delay::Stalls>(json!({"evry": "2s"}))
            .unwrap_err()
            .starts_with("unknown field `evry`")
    );
    assert!(
        read::<queue::DropTail>(json!({"limit": 300}))
            .unwrap_err()
            .starts_with("`300` has no unit")
    );
    assert!(
        read::<rate::RateTrace>(json!({"format": "json"}))
            .unwrap_err()
            .starts_with("unknown variant `json`")
    );
    assert!(read::<rate::RateSteps>(json!([["0s"]])).is_err());
    assert!(
        read::<loss::Bernoulli>(json!(0.02))
            .unwrap_err()
            .contains("expected a share such as `5%`")
    );
}
