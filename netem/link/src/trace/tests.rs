//! Formats against small files, and laws over any text.

use std::io::{self, Read};

use proptest::prelude::*;
use weaknet_core::plugin::{Assets, ReadFile};
use weaknet_core::{Bitrate, BuildContext, Plugin, Ratio, Span, Streams, Time};

use super::*;
use crate::rate::RateTrace;

fn records(text: &str, options: &Options) -> Result<(Format, Vec<Record>, Option<Span>), String> {
    let mut reader =
        TraceReader::open(text.as_bytes(), options).map_err(|error| error.to_string())?;
    let mut records = Vec::new();
    while let Some(record) = reader.next().map_err(|error| error.to_string())? {
        records.push(record);
    }
    Ok((reader.format(), records, reader.length()))
}

fn told(text: &str) -> Result<Format, String> {
    records(text, &Options::default()).map(|found| found.0)
}

fn segment(start_ms: u64, kbps: u64) -> Segment {
    Segment {
        start: Span::from_millis(start_ms),
        rate: Some(Bitrate::from_kbps(kbps)),
        ..Segment::default()
    }
}

#[test]
fn formats_are_told_from_their_beginning() {
    use Format::*;
    for (text, format) in [
        ("0\n5\n5\n12\n", Mahimahi),
        ("# from a phone\r\n  +1 \r\n2 # two\r\n", Mahimahi),
        ("0.0\t21.7\n1.0\t7.97\n", SecondsMbps),
        ("0 21\n1 7\n", SecondsMbps),
        ("0 4000\n4000 300\n4000 1200\n8200 900\n", Oboe),
        ("27.5\n31\n", Leoreplayer),
        (
            "{\"uplink\": {\"trace_pattern\": [{\"duration\": 9, \"capacity\": 1}]}}",
            Opennetlab,
        ),
        ("t_s,owd_ms,hops\n1,43.904,15\n", Csv),
        ("% Nframe\n0 U 0. 0.000000 20489\n", Frames),
        ("# weaknet-trace 1\ntime_s,rate_mbps\n0,1\n", Canonical),
    ] {
        assert_eq!(told(text), Ok(format), "{text}");
    }
    // Two directions at once, or what could be anything, is asked for.
    assert!(
        told("0 1500\n0 1500\n3 40\n")
            .unwrap_err()
            .contains("expected a choice of format")
    );
    let bytes = Options {
        format: Some(MahimahiBytes),
        ..Options::default()
    };
    let (_, found, length) = records("0 1500\n0 1500\n3 40\n", &bytes).unwrap();
    assert_eq!(length, Some(Span::from_millis(3)));
    assert_eq!(
        found[2],
        Record::Opportunity(Opportunity {
            at: Span::from_millis(3),
            bytes: 40
        })
    );
}

#[test]
fn opennetlab_holds_two_directions() {
    let text = r#"{"type": "video", "downlink": {"trace_pattern": [{"duration": 500, "capacity": 1}]},
        "uplink": {"note": {"a": [1, {}]}, "trace_pattern": [
          {"duration": 2896, "capacity": 179, "loss": 0, "rtt": 89, "jitter": 0, "time": 0.0},
          {"capacity": 2.5e2, "duration": 104, "loss": 0.2}]}}"#;
    let error = records(text, &Options::default()).unwrap_err();
    assert!(
        error.starts_with("line 3: the trace has an uplink and a downlink"),
        "{error}"
    );
    let up = Options {
        direction: Some(Direction::Uplink),
        ..Options::default()
    };
    let (_, found, length) = records(text, &up).unwrap();
    let first = Segment {
        loss: Some(Ratio::ZERO),
        delay: Some(Span::from_micros(44_500)),
        jitter: Some(Span::ZERO),
        ..segment(0, 179)
    };
    let second = Segment {
        loss: Some(Ratio::from_f64(0.2)),
        ..segment(2_896, 250)
    };
    assert_eq!(found, [Record::Segment(first), Record::Segment(second)]);
    assert_eq!(length, Some(Span::from_secs(3)));
}

#[test]
fn leoreplayer_has_a_delay_each_10_ms() {
    let (_, found, length) = records("27.5\n31\n", &Options::default()).unwrap();
    let delay = |at, micros| {
        Record::Segment(Segment {
            start: Span::from_millis(at),
            delay: Some(Span::from_micros(micros)),
            ..Segment::default()
        })
    };
    assert_eq!(found, [delay(0, 27_500), delay(10, 31_000)]);
    assert_eq!(length, Some(Span::from_millis(20)));
}

#[test]
fn chunks_of_oboe_share_their_borders() {
    let (_, found, _) = records(
        "0 4000\n4000 4000\n4000 1200\n8200 900\n",
        &Options::default(),
    )
    .unwrap();
    assert_eq!(found[2], Record::Segment(segment(4_000, 1_200)));
    let mbps = Options {
        format: Some(Format::SecondsMbps),
        ..Options::default()
    };
    let error = records("0.5 1\n0.5 2\n", &mbps).unwrap_err();
    assert_eq!(error, "line 2: the time 0.5 is also that of the row before");
}

#[test]
fn canonical_files_written_by_hand_are_traces() {
    let text =
        "# weaknet-trace 1\n# format: oboe\n# note: by hand\ntime_ms,rate_kbps\n0,5\n# so\n7,6\n";
    let reader = TraceReader::open(text.as_bytes(), &Options::default()).unwrap();
    assert_eq!(reader.head().get("note"), Some("by hand"));
    let mut out = Vec::new();
    restore(reader, &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "0 5\n7 6\n");
    let newer = "# weaknet-trace 2\ntime_s,rate_mbps\n0,1\n";
    assert!(told(newer).unwrap_err().contains("version 2"));
    let layout = "# weaknet-trace 1\n# format: oboe\ntime_ms,rate_kbps\n#= {time} x\n0,5\n";
    let reader = TraceReader::open(layout.as_bytes(), &Options::default()).unwrap();
    let error = restore(reader, &mut Vec::new()).unwrap_err();
    assert!(
        error.to_string().contains("none of time_ms, rate_kbps"),
        "{error}"
    );
}

/// A file without an end that counts how much of it was read.
struct Endless {
    line: u64,
    pending: Vec<u8>,
    read: u64,
    most: u64,
    text: fn(u64) -> String,
}

impl Endless {
    fn new(most: u64, text: fn(u64) -> String) -> Self {
        Self {
            line: 0,
            pending: Vec::new(),
            read: 0,
            most,
            text,
        }
    }
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        assert!(self.read <= self.most, "read more than {} bytes", self.most);
        while self.pending.len() < out.len() {
            self.pending.extend((self.text)(self.line).bytes());
            self.line += 1;
        }
        let rest = self.pending.split_off(out.len());
        out.copy_from_slice(&self.pending);
        self.pending = rest;
        self.read += out.len() as u64;
        Ok(out.len())
    }
}

/// Files without an end.
struct EndlessFiles(fn(u64) -> String);

impl ReadFile for EndlessFiles {
    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("a trace is never read whole".to_owned())
    }

    fn open(&self, _: &str) -> Result<Box<dyn Read + '_>, String> {
        Ok(Box::new(Endless::new(2 << 20, self.0)))
    }
}

#[test]
fn a_run_reads_no_further_than_it_goes() {
    // A row each 100 ms, or an opportunity each millisecond, for ever: 20 s are
    // read in well under two megabytes.
    for text in [
        (|n| format!("{}.{} 3\n", n / 10, n % 10)) as fn(u64) -> String,
        |n| format!("{n}\n"),
    ] {
        let (streams, assets) = (Streams::new(1), Assets::new(EndlessFiles(text)));
        let assets = assets.until(Time::from_secs(20));
        let cx = BuildContext {
            path: "forward",
            streams: &streams,
            assets: &assets,
        };
        let config = RateTrace {
            file: "endless".into(),
            ..RateTrace::default()
        };
        let model = config.build(&cx).unwrap();
        let bits = model.capacity(Time::ZERO, Time::from_secs(20)).unwrap();
        let whole = if text(0).contains('.') { 60e6 } else { 240e6 };
        assert!((bits - whole).abs() <= 12_000.0, "{bits}");
    }
}

#[test]
fn lines_without_end_are_refused() {
    let endless = Endless::new(4 << 20, |_| "1".repeat(4_096));
    let options = Options {
        format: Some(Format::Mahimahi),
        ..Options::default()
    };
    let mut reader = TraceReader::open(endless, &options).unwrap();
    let error = reader.next().unwrap_err().to_string();
    assert_eq!(error, "line 1: longer than 1048576 bytes: not a trace");
}

#[test]
fn a_hundred_megabytes_pass_through() {
    let rows = |n| format!("{n:9} # {}\n", "a long note ".repeat(8));
    let input = Endless::new(u64::MAX, rows).take(109 * 1_000_000);
    let mut reader = TraceReader::open(input, &Options::default()).unwrap();
    let mut last = 0;
    while let Some(Record::Opportunity(opportunity)) = reader.next().unwrap() {
        last = opportunity.at.as_millis();
    }
    assert_eq!((reader.records(), last), (1_000_000, 999_999));
}

fn comes_back(text: &[u8], options: &Options) -> Result<bool, TestCaseError> {
    let Ok(reader) = TraceReader::open(text, options) else {
        return Ok(false);
    };
    if reader.format() == Format::Canonical {
        return Ok(false);
    }
    let mut canonical = Vec::new();
    if transcribe(reader, &[], &mut canonical).is_err() {
        return Ok(false);
    }
    let shown = String::from_utf8_lossy(&canonical).into_owned();
    let again = Options {
        direction: options.direction,
        ..Options::default()
    };
    let reader = TraceReader::open(&canonical[..], &again)
        .map_err(|e| TestCaseError::fail(format!("{e}\n{shown}")))?;
    let mut out = Vec::new();
    restore(reader, &mut out).map_err(|e| TestCaseError::fail(format!("{e}\n{shown}")))?;
    prop_assert!(out == text, "{shown}");
    Ok(true)
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_come_back(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        text in "[-+0-9.eE,;#%{}\\\\ \t\r\n\"]{0,80}",
    ) {
        for format in std::iter::once(None).chain(Format::ALL.map(Some)) {
            let options = Options { format, ..Options::default() };
            comes_back(&bytes, &options)?;
            comes_back(text.as_bytes(), &options)?;
        }
    }

    #[test]
    fn rows_of_any_layout_come_back(
        rows in prop::collection::vec((1u64..5_000, 0u64..9_999, "[ \t]{0,2}", "[ \t,;]{1,3}", "( #[ -~]{0,9})?", "(\r\n|\n)"), 1..20),
        end in "(# bye \\\\ \\{x)?",
        format in prop::sample::select(vec![Format::SecondsMbps, Format::Oboe, Format::MahimahiBytes]),
    ) {
        let mut time = 0;
        let mut text = String::new();
        for (step, value, before, between, after, line_end) in &rows {
            time += step;
            let (seconds, millis) = (time / 1_000, time % 1_000);
            let at = if format == Format::MahimahiBytes { time.to_string() } else { format!("{seconds}.{millis:03}") };
            text.push_str(&format!("{before}{at}{between}{value}{after}{line_end}"));
        }
        text.push_str(&end);
        let options = Options { format: Some(format), ..Options::default() };
        prop_assert!(comes_back(text.as_bytes(), &options)?, "refused: {text:?}");
    }

    #[test]
    fn tables_of_any_text_come_back(
        cells in prop::collection::vec(("[ -~]{0,8}", "[ -~]{0,8}"), 1..12),
        separator in prop::sample::select(vec![',', ';', '\t']),
    ) {
        let quote = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
        let mut text = format!("t_s{separator}{}{separator}rate_kbps\n", quote("a {b}"));
        for (row, (note, other)) in cells.iter().enumerate() {
            let other = other.replace([',', ';', '"'], "");
            text.push_str(&format!("{row}{separator}{}{separator}{row}", quote(note)));
            text.push_str(if other.contains('#') { "\r\n" } else { "\n" });
        }
        let options = Options { format: Some(Format::Csv), ..Options::default() };
        prop_assert!(comes_back(text.as_bytes(), &options)?, "refused: {text:?}");
    }

    #[test]
    fn json_of_any_layout_comes_back(
        segments in prop::collection::vec((1u32..9_999, 0u32..9_999, any::<bool>(), "[ \n]{0,3}"), 1..12),
    ) {
        let members = |(duration, capacity, swapped, blank): &(u32, u32, bool, String)| match swapped {
            true => format!("{{{blank}\"capacity\":{blank}{capacity}, \"duration\": {duration}}}"),
            false => format!("{{\"duration\": {duration}, \"x\": \"\\\"{{\", \"capacity\": {capacity}{blank}, \"loss\": 0.1}}"),
        };
        let list: Vec<String> = segments.iter().map(members).collect();
        let text = format!("{{\"type\": \"video\",\n\"uplink\": {{\"trace_pattern\": [{}]}},\n \"downlink\": {{}}}}\n", list.join(",\n  "));
        prop_assert!(comes_back(text.as_bytes(), &Options::default())?, "refused: {text:?}");
    }
}
