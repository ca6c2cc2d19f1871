//! `weaknet doctor` from the outside.

use std::process::{Command, Output};

use serde_json::Value;

fn doctor(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weaknet"));
    command.arg("doctor").args(arguments).output().unwrap()
}

/// What is measured is up to the machine; that it is measured is not.
#[test]
fn every_line_has_figures_limits_and_a_verdict() {
    let output = doctor(&["--quick", "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["schema"], "weaknet.doctor/1");
    assert!(found["machine"]["processors"].as_u64() > Some(0));
    let message = String::from_utf8_lossy(&output.stderr);
    let checks = found["checks"].as_array().unwrap();
    let names: Vec<&str> = checks
        .iter()
        .filter_map(|check| check["name"].as_str())
        .collect();
    assert!(names.contains(&"timer_sleep"), "{names:?}");
    if output.status.code() == Some(77) {
        assert_eq!(found["verdict"], "not_possible");
        let obstacle = found["obstacle"].as_str().unwrap();
        assert!(message.contains(obstacle), "{message}");
        return;
    }
    assert_eq!(output.status.code(), Some(0), "{message}");
    assert!(found["port"]["name"].is_string());
    for name in [
        "ceiling_small_packets",
        "ceiling_large_packets",
        "ceiling_tcp_packets",
        "ceiling_tcp_super_frames",
        "delay_0ms",
        "delay_1ms",
        "delay_20ms",
        "delay_100ms",
        "rate_1mbps",
        "rate_10mbps",
        "rate_100mbps",
        "rate_500mbps",
        "loss_independent",
        "loss_bursts",
    ] {
        assert!(names.contains(&name), "{name} is missing: {names:?}");
    }
    let find = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap();
    for check in checks {
        let verdict = check["verdict"].as_str().unwrap();
        assert!(["good", "degraded", "not_possible"].contains(&verdict));
        assert!(
            check["limits"]
                .as_object()
                .is_some_and(|all| !all.is_empty())
        );
    }
    // No load makes a packet early, and none changes which packets are lost.
    for name in ["delay_1ms", "delay_20ms", "delay_100ms"] {
        let earliest = find(name)["figures"]["earliest_us"].as_f64().unwrap();
        assert!(earliest >= 0.0, "{name}: {earliest}");
    }
    for name in ["loss_independent", "loss_bursts"] {
        assert_eq!(find(name)["verdict"], "good", "{}", find(name));
    }
}
