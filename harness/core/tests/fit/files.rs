//! What is written loads again; what is damaged is refused or used in part,
//! and said so.

use weaknet_harness::fit::scenario::{self, Style};
use weaknet_harness::fit::{self, capture, irtt, ping};
use weaknet_harness::plan::{Plan, Request};
use weaknet_harness::registry::Registry;

use crate::known_links::write;
use crate::support::{Known, drive, independent, pcap, pcapng, plain, traffic, uniform};

fn style(name: &str) -> Style<'_> {
    Style {
        name,
        trace_stem: None,
        has_delay: &|family| ["constant", "uniform", "normal"].contains(&family),
    }
}

#[test]
fn the_scenario_runs_as_it_is() {
    let known = Known {
        delay: uniform("20ms", "50ms"),
        loss: independent("2%"),
        ..plain()
    };
    let [entered, left] = drive(known, &traffic(6_000_000, 1));
    let file = write("runs.pcapng", &pcapng(&[("in", &entered), ("out", &left)]));
    let measurement = fit::read(&[file]).unwrap();
    let forward = fit::fit(&measurement.forward).unwrap();
    let written = scenario::write(&style("fitted"), &forward, None);
    assert!(
        written.yaml.contains("# delay      uniform"),
        "{}",
        written.yaml
    );
    assert!(written.yaml.contains("loss: 1.938%"), "{}", written.yaml);
    let path = write("fitted.yaml", written.yaml.as_bytes());
    let request = Request {
        paths: vec![path.display().to_string()],
        needs_flows: true,
        ..Request::default()
    };
    let plan = Plan::load(&request, &Registry::builtin()).unwrap();
    assert_eq!(plan.cases[0].scenario.name, "fitted");
}

#[test]
fn a_capture_cut_anywhere_is_refused_or_used_in_part() {
    let packets = &traffic(6_000_000, 1)[..40];
    let [entered, left] = drive(plain(), packets);
    let whole = pcapng(&[("in", &entered), ("out", &left)]);
    let classic = pcap(&entered, 0);
    let count = |bytes: &[u8]| {
        let capture = capture::read(bytes).ok()?;
        let frames = capture.points.iter().map(|p| p.frames.len()).sum::<usize>();
        Some((frames, capture.notices.len()))
    };
    for file in [&whole, &classic] {
        let all = count(file).unwrap();
        assert_eq!(all.1, 0);
        for end in 0..file.len() {
            match count(&file[..end]) {
                // Cut between two blocks, or with a notice.
                Some((frames, notices)) => assert!(frames <= all.0 && notices <= 1, "{end}"),
                None => assert!(end < 400, "{end}"),
            }
        }
        // Cut within the last packet.
        let (frames, notices) = count(&file[..file.len() - 3]).unwrap();
        assert_eq!((frames, notices), (all.0 - 1, 1));
    }
}

#[test]
fn a_capture_with_any_byte_changed_stops_nothing() {
    let packets = &traffic(6_000_000, 1)[..12];
    let [entered, left] = drive(plain(), packets);
    for file in [
        pcapng(&[("in", &entered), ("out", &left)]),
        pcap(&entered, 0),
    ] {
        for at in 0..file.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = file.clone();
                changed[at] = value;
                let _ = capture::read(&changed[..]);
            }
        }
    }
}

#[test]
fn other_files_are_refused() {
    let refused = |bytes: &[u8]| {
        let path = write("refused", bytes);
        let error = fit::read(&[path]).unwrap_err().to_string();
        error.split("refused: ").nth(1).unwrap_or(&error).to_owned()
    };
    let expected = "expected a pcap or pcapng capture, JSON output of irtt, or output of ping";
    assert_eq!(refused(b""), expected);
    assert_eq!(refused(b"1\n2\n3\n"), expected);
    assert_eq!(refused(b"\xff\xfe\x00"), expected);
    assert!(refused(b"{}").starts_with("not the JSON output of irtt"));
    assert_eq!(
        refused(&[0xd4, 0xc3, 0xb2, 0xa1]),
        "the file ends within its header"
    );
    let [entered, _] = drive(plain(), &traffic(6_000_000, 1)[..40]);
    let mut docsis = pcap(&entered, 0);
    docsis[20] = 143;
    assert!(refused(&docsis).starts_with("link type 143 is not supported"));
    let [other, _] = drive(plain(), &[]);
    assert!(refused(&pcapng(&[("in", &entered), ("out", &other)])).contains("no packet"));
}

#[test]
fn one_capture_point_at_the_receiver() {
    let known = Known {
        loss: independent("5%"),
        ..plain()
    };
    // A packet each 20 ms, with timestamps of 90 kHz that say so.
    let packets: Vec<_> = traffic(6_000_000, 1)
        .into_iter()
        .filter(|p| p.1 == 400)
        .collect();
    let [_, left] = drive(known, &packets);
    let file = write("receiver-only.pcap", &pcap(&left, 0));
    let measurement = fit::read(&[file]).unwrap();
    let fit = fit::fit(&measurement.forward).unwrap();
    let sent = left.last().unwrap().id - left[0].id + 1;
    assert_eq!(fit.packets as u64, sent);
    let lost = sent - left.len() as u64;
    assert!((fit.loss.average - lost as f64 / sent as f64).abs() < 1e-9);
    assert_eq!(fit.delay.family, fit::Family::Constant(0.0));
    assert!(!fit.rate.known());
}

/// 200 answers, each fifth of them missing.
fn ping_text(stamps: bool) -> String {
    let mut text = "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n".to_owned();
    for seq in 1..=200u32 {
        if seq % 5 == 3 {
            text.push_str(&format!("no answer yet for icmp_seq={seq}\n"));
            continue;
        }
        let rtt = 40.0 + f64::from(seq % 4);
        let stamp = if stamps {
            format!(
                "[{:.6}] ",
                1_700_000_000.0 + f64::from(seq) * 0.2 + rtt / 1e3
            )
        } else {
            String::new()
        };
        text.push_str(&format!(
            "{stamp}64 bytes from 192.0.2.2: icmp_seq={seq} ttl=57 time={rtt} ms\n"
        ));
    }
    text.push_str("\n--- 192.0.2.2 ping statistics ---\n");
    text.push_str("200 packets transmitted, 160 received, 20% packet loss, time 39800ms\n");
    text
}

#[test]
fn the_output_of_ping() {
    for stamps in [false, true] {
        let series = ping::read(&ping_text(stamps)).unwrap();
        assert_eq!(series.passages.len(), 200);
        let gap = series.passages[11].sent - series.passages[10].sent;
        assert!((gap - 200_000_000).abs() < 5_000, "{gap}");
        assert_eq!(series.passages[0].bytes, 84);
        let fit = fit::fit(&series).unwrap();
        assert_eq!(fit.loss.average, 0.2);
        let written = scenario::write(&style("ping"), &fit, None);
        assert!(
            written.yaml.contains("backward: {delay: 19."),
            "{}",
            written.yaml
        );
    }
    assert!(ping::read("PING\n").is_err());
}

#[test]
fn the_output_of_irtt() {
    let trips: Vec<String> = (0..100i64)
        .map(|k| {
            let sent = 1_700_000_000_000_000_000 + k * 20_000_000;
            // The server's clock is an hour ahead; 30 ms there, 10 ms back.
            let hour = 3_600_000_000_000;
            let there = sent + hour + 30_000_000 + (k % 7) * 1_000_000;
            let back = there - hour + 10_000_000;
            let (lost, receive) = match k % 10 {
                3 => ("true_up", 0),
                6 => ("true_down", 0),
                _ => ("false", back),
            };
            let there = if lost == "false" { there } else { 0 };
            format!(
                r#"{{"seqno":{k},"lost":"{lost}","timestamps":{{"client":{{"send":{{"wall":{sent}}},"receive":{{"wall":{receive}}}}},"server":{{"receive":{{"wall":{there}}},"send":{{"wall":{there}}}}}}}}}"#
            )
        })
        .collect();
    let text = format!(
        r#"{{"config":{{"params":{{"length":172}}}},"round_trips":[{}]}}"#,
        trips.join(",")
    );
    let series = irtt::read(&text).unwrap();
    let [there, back] = series.as_slice() else {
        panic!("expected both directions");
    };
    assert_eq!(there.passages[0].bytes, 200);
    let least = |s: &fit::series::Series| {
        s.passages
            .iter()
            .filter_map(|p| p.received.map(|r| r - p.sent))
            .min()
            .unwrap()
    };
    assert_eq!((least(there), least(back)), (20_000_000, 20_000_000));
    let lost = |s: &fit::series::Series| s.passages.iter().filter(|p| p.received.is_none()).count();
    assert_eq!((lost(there), lost(back)), (10, 10));
    assert!(irtt::read(&text[..text.len() / 2]).is_err());
}
