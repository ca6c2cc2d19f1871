//! Descriptions and conversions against figures that are known.

use weaknet_core::Span;
use weaknet_netem::trace::{Direction, Format, Options, TraceReader};

use super::*;

fn open(text: &[u8]) -> TraceReader<'_> {
    TraceReader::open(text, &Options::default()).unwrap()
}

fn to(format: Format) -> Conversion {
    Conversion {
        to: format,
        bin: Span::from_millis(100),
        opportunity: 1_500,
        direction: Direction::Uplink,
        lossy: false,
        entries: Vec::new(),
    }
}

fn converted(text: &str, how: &Conversion) -> Result<String, String> {
    let mut out = Vec::new();
    convert(open(text.as_bytes()), how, &mut out).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn a_segment_trace_is_described_by_time() {
    // 10 Mbit/s for 3 s, nothing for 1 s, 2 Mbit/s for 4 s, which ends it.
    let (found, series) = describe(open(b"0 10\n3 0\n4 2\n"), &[3_000_000]).unwrap();
    assert_eq!((found.kind, found.format), ("segments", "seconds_mbps"));
    assert_eq!(
        found.duration_s,
        Some(5.0),
        "the last row is as long as the one before"
    );
    let rate = found.rate.unwrap();
    assert!((rate.mean_mbps - 32.0 / 5.0).abs() < 1e-9);
    assert_eq!(
        (rate.p5_mbps, rate.p50_mbps, rate.p95_mbps),
        (Some(0.0), Some(10.0), Some(10.0))
    );
    assert_eq!(rate.step_half_pct, Some(50.0));
    // Seconds: 10 10 10 0 2.
    assert_eq!(rate.halve_pct, Some(25.0));
    let gaps = found.gaps.unwrap();
    assert_eq!(
        (gaps.count, gaps.max_ms, gaps.per_minute),
        (1, Some(1_000.0), 12.0)
    );
    let below = &found.below[0];
    assert!((below.share_pct - 40.0).abs() < 1e-9);
    assert_eq!(below.run_max_s, Some(2.0), "the gap and what follows");
    assert_eq!(series.gaps, [(3_000_000_000, 4_000_000_000)]);
}

#[test]
fn times_of_any_length_take_no_time() {
    // A row after 31 years: seconds are counted, not walked through.
    let (found, _) = describe(open(b"0 1\n1000000000 5\n"), &[]).unwrap();
    assert!((found.rate.unwrap().mean_mbps - 3.0).abs() < 1e-6);
    let (found, _) = describe(open(b"5\n86400000000000\n"), &[]).unwrap();
    assert_eq!(found.gaps.unwrap().count, 1);
    assert_eq!(found.rate.unwrap().p95_mbps, Some(0.0));
}

#[test]
fn delay_loss_and_frames_have_words() {
    let json = r#"{"type":"video","uplink":{"trace_pattern":[
        {"duration":1000,"capacity":500,"loss":0.1,"rtt":100,"jitter":4},
        {"duration":3000,"capacity":1500,"loss":0,"rtt":60}]},"downlink":{}}"#;
    let (found, _) = describe(open(json.as_bytes()), &[]).unwrap();
    let delay = found.delay.unwrap();
    assert!(delay.half_of_round_trip);
    assert_eq!(
        (delay.min_ms, delay.p50_ms, delay.max_ms),
        (30.0, 30.0, 50.0)
    );
    assert!((found.loss.unwrap().mean_pct - 2.5).abs() < 1e-9);
    assert!((found.rate.unwrap().mean_mbps - 1.25).abs() < 1e-9);
    let frames = "% Nframe\n0 K 0. 0.0 9000\n1 U 0. 0.1 1000\n2 U 0. 0.2 2000\n";
    let (found, _) = describe(open(frames.as_bytes()), &[]).unwrap();
    let frames = found.frames.unwrap();
    assert_eq!(
        (
            frames.key_frames,
            frames.size_max_bytes,
            frames.size_p50_bytes
        ),
        (1, 9_000, 2_000.0)
    );
    assert!((frames.fps - 10.0).abs() < 1e-9 && (frames.bitrate_kbps - 320.0).abs() < 1e-9);
}

#[test]
fn formats_of_a_kind_say_the_same() {
    let mbps = "0 2.5\n0.5 0.125\n2 3\n";
    assert_eq!(
        converted(mbps, &to(Format::Oboe)).unwrap(),
        "0 2500\n500 125\n2000 3000\n"
    );
    let oboe = "0 2500\n500 125\n2000 3000\n";
    assert_eq!(converted(oboe, &to(Format::SecondsMbps)).unwrap(), mbps);
    assert_eq!(
        converted(oboe, &to(Format::Csv)).unwrap(),
        "time_s,rate_mbps\n0,2.5\n0.5,0.125\n2,3\n"
    );
    let json = converted(mbps, &to(Format::Opennetlab)).unwrap();
    // The last row held as long as the one before; there it must not.
    assert_eq!(converted(&json, &to(Format::SecondsMbps)).unwrap(), mbps);
}

#[test]
fn an_end_that_is_not_implied_is_written() {
    let json = r#"{"uplink":{"trace_pattern":[{"duration":1000,"capacity":500},{"duration":3000,"capacity":1500}]}}"#;
    let text = converted(json, &to(Format::SecondsMbps)).unwrap();
    assert_eq!(text, "0 0.5\n1 1.5\n2.5 1.5\n");
    let mut reader = open(text.as_bytes());
    while reader.next().unwrap().is_some() {}
    assert_eq!(reader.length(), Some(Span::from_secs(4)));
}

#[test]
fn kinds_hold_equal_bytes_in_every_bin() {
    let opportunities = "3\n3\n40\n250\n250\n299\n";
    let segments = converted(opportunities, &to(Format::SecondsMbps)).unwrap();
    assert_eq!(segments, "0 0.36\n0.1 0\n0.2 0.36\n");
    let back = converted(&segments, &to(Format::Mahimahi)).unwrap();
    let bins = |text: &str| -> Vec<u64> {
        text.lines()
            .map(|line| line.parse::<u64>().unwrap() / 100)
            .collect()
    };
    assert_eq!(bins(&back), bins(opportunities));
    assert_eq!(
        converted(opportunities, &to(Format::MahimahiBytes))
            .unwrap()
            .lines()
            .last(),
        Some("299 1500")
    );
}

#[test]
fn what_would_be_lost_is_named() {
    let table = "time_s,rate_mbps,loss,speed_kmh\n0,1,0.1,50\n1,2,0.2,60\n";
    let refused = converted(table, &to(Format::SecondsMbps)).unwrap_err();
    assert_eq!(
        refused,
        "seconds_mbps cannot hold the trace's loss, column speed_kmh: that would be lost"
    );
    let lossy = Conversion {
        lossy: true,
        ..to(Format::SecondsMbps)
    };
    assert_eq!(converted(table, &lossy).unwrap(), "0 1\n1 2\n");
    assert!(
        converted(table, &to(Format::Mahimahi))
            .unwrap_err()
            .contains("loss")
    );
    assert!(converted("t_s,owd_ms\n0,1\n", &to(Format::Mahimahi)).is_err());
    assert!(
        converted("0.5 1\n1.5 2\n", &to(Format::SecondsMs))
            .unwrap_err()
            .contains("rate")
    );
    assert!(
        converted("0 0\n1 0\n", &to(Format::Mahimahi))
            .unwrap_err()
            .contains("less than two")
    );
    let frames = "0 U 0. 0.0 9000\n1 U 0. 0.1 1000\n";
    assert!(
        converted(frames, &to(Format::Oboe))
            .unwrap_err()
            .contains("frame sizes")
    );
}
