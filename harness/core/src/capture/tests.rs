use std::fs;
use std::path::Path;

use tempfile::TempDir;
use weaknet_core::event::DropReason;
use weaknet_core::packet::{Ecn, FlowId, Leg, Packet, Payload, Protocol};
use weaknet_core::{Span, Time};

use super::*;

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

const DATAGRAM: &str = "45 01 00 2c 00 00 40 00 40 11 b6 bc c0 00 02 01 c0 00 02 02 13 8c 13 8c \
    00 18 00 00 80 ef 12 34 00 00 03 c0 01 02 03 04 de ad be ef";

#[test]
fn blocks_are_those_of_the_examples() {
    let interface = Interface {
        name: "uplink",
        description: "x",
    };
    let mut writer = PcapngWriter::new(Vec::new(), "weaknet", &[interface], None).unwrap();
    let packet = PacketBlock {
        interface: 0,
        at: 1_700_000_000_123_456_789,
        bytes: &hex(DATAGRAM),
        length: 0,
        direction: 0,
        comment: "drop=codel",
    };
    writer.packet(&packet).unwrap();
    let section = "0a 0d 0d 0a 2c 00 00 00 4d 3c 2b 1a 01 00 00 00 ff ff ff ff ff ff ff ff \
        04 00 07 00 77 65 61 6b 6e 65 74 00 00 00 00 00 2c 00 00 00";
    // The example's interface has no description: 8 bytes less.
    let interface = "01 00 00 00 34 00 00 00 65 00 00 00 00 00 00 00 02 00 06 00 75 70 6c 69 \
        6e 6b 00 00 03 00 01 00 78 00 00 00 09 00 01 00 09 00 00 00 00 00 00 00 34 00 00 00";
    let packet = format!(
        "06 00 00 00 60 00 00 00 00 00 00 00 fe 9c 97 17 15 cd 85 3d 2c 00 00 00 2c 00 00 00 \
         {DATAGRAM} 01 00 0a 00 64 72 6f 70 3d 63 6f 64 65 6c 00 00 00 00 00 00 60 00 00 00"
    );
    let expected = [section, interface, &packet].map(hex).concat();
    assert_eq!(writer.into_inner(), expected);
}

#[test]
fn a_short_packet_keeps_its_length() {
    let mut writer = PcapngWriter::new(Vec::new(), "weaknet", &[], Some(5)).unwrap();
    let packet = PacketBlock {
        interface: 1,
        at: 7,
        bytes: &[1, 2, 3, 4, 5, 6],
        length: 0,
        direction: 2,
        comment: "",
    };
    writer.packet(&packet).unwrap();
    let block = "06 00 00 00 34 00 00 00 01 00 00 00 00 00 00 00 07 00 00 00 05 00 00 00 \
        06 00 00 00 01 02 03 04 05 00 00 00 02 00 04 00 02 00 00 00 00 00 00 00 34 00 00 00";
    let block = hex(block);
    assert_eq!(block.len(), 0x34);
    assert!(writer.into_inner().ends_with(&block));
}

fn options() -> CaptureOptions {
    CaptureOptions {
        pcapng: true,
        qlog: false,
        snaplen: None,
        version: "1.2.3".to_owned(),
    }
}

fn packet(id: u64, size: u32) -> Packet {
    Packet {
        id,
        flow: FlowId(0),
        leg: Leg::Outward,
        path: 0,
        hop: 0,
        ecn: Ecn::Ect1,
        damaged: false,
        protocol: Protocol::Udp,
        size,
        sent: Time::ZERO,
        payload: Payload::Opaque,
    }
}

/// Interface and comment of each packet.
fn comments(file: &[u8]) -> Vec<(u32, String)> {
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    let (mut found, mut at) = (Vec::new(), 0);
    while at < file.len() {
        let length = word(at + 4) as usize;
        if word(at) == 6 {
            let data = (word(at + 20) as usize).next_multiple_of(4);
            let options = &file[at + 28 + data..at + length - 4];
            // Comments come last but for the end of options.
            let text = String::from_utf8_lossy(options);
            let start = text.find(|c: char| c.is_ascii_lowercase());
            let text = start.map_or("", |start| text[start..].trim_end_matches('\0'));
            found.push((word(at + 8), text.to_owned()));
        }
        at += length;
    }
    found
}

#[test]
fn comments_tell_marks_copies_and_damage() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("link.pcapng");
    let capture = LinkCapture::create(&path, &options(), Arc::default()).unwrap();
    let mut tap = capture.tap();
    let at = Time::from_millis;
    let (one, two) = (packet(1, 100), packet(2, 20));
    tap.arrived(at(1), &one);
    tap.arrived(at(1), &two);
    tap.marked(at(2), one.tag());
    tap.copied(at(2), one.tag());
    let waited = Span::from_nanos(1_234_000);
    tap.delivered(at(3), &one, waited, Span::from_nanos(31_200_001));
    let damaged = Packet {
        damaged: true,
        protocol: Protocol::Udp,
        ..one.clone()
    };
    tap.delivered(at(4), &damaged, Span::ZERO, Span::from_millis(3));
    // Its copy has left too: nothing is known of it any more.
    tap.dropped(at(5), &one, DropReason::TooBig);
    tap.dropped(at(5), &two, DropReason::Aqm);
    capture.finish().unwrap();
    let finished = fs::read(&path).unwrap();
    tap.arrived(at(6), &one);
    drop(tap);
    let expected = [
        (IN, ""),
        (IN, "size=20"),
        (
            OUT,
            "queue_delay=1.234ms total=31.200001ms ce-marked duplicated",
        ),
        (
            OUT,
            "queue_delay=0ms total=3ms ce-marked duplicated damaged",
        ),
        (DROPPED, "drop=too_big"),
        (DROPPED, "drop=aqm size=20"),
    ];
    let expected = expected.map(|(interface, text)| (interface, text.to_owned()));
    assert_eq!(comments(&finished), expected);
    assert_eq!(fs::read(&path).unwrap(), finished, "written after the end");
    assert_eq!(String::from_utf8_lossy(&finished[28..41]), "weaknet 1.2.3");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_at_the_end() {
    let capture = LinkCapture::create(Path::new("/dev/full"), &options(), Arc::default()).unwrap();
    let mut tap = capture.tap();
    for id in 0..1_000 {
        tap.arrived(Time::from_millis(id), &packet(id, 1_200));
    }
    let error = capture.finish().unwrap_err().to_string();
    let expected = "failed to write `/dev/full`: No space left on device";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn what_cannot_be_created_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("none/link.pcapng");
    let error = LinkCapture::create(&path, &options(), Arc::default())
        .err()
        .unwrap();
    assert_eq!((error.action, error.path), ("create", path));
}

#[test]
fn captures_are_taken_over_whole() {
    let folder = TempDir::new().unwrap();
    let (from, to) = (folder.path().join("a-1"), folder.path().join("b-1"));
    fs::create_dir(&from).unwrap();
    fs::write(from.join("x.pcapng"), "x").unwrap();
    // Left behind by an attempt that was broken off.
    fs::create_dir(folder.path().join("b-1.tmp")).unwrap();
    fs::write(folder.path().join("b-1.tmp/y.pcapng"), "y").unwrap();
    take_over(&from, &to).unwrap();
    assert_eq!(fs::read_dir(&to).unwrap().count(), 1);
    assert_eq!(fs::read(to.join("x.pcapng")).unwrap(), b"x");
    assert!(from.join("x.pcapng").exists());
}

#[test]
fn qlog_records_are_json_text_sequences() {
    let mut log = QlogWriter::new(Vec::new(), "title", "call", "group", "1.2.3").unwrap();
    let data = serde_json::json!({ "latest_rtt": 61.5 });
    log.event(Time::from_nanos(1_000_000_001), "weaknet:x", &data)
        .unwrap();
    let text = String::from_utf8(log.into_inner()).unwrap();
    let records: Vec<_> = text.split('\x1e').collect();
    assert_eq!(records.len(), 3);
    assert_eq!(records[0], "");
    let header: serde_json::Value = serde_json::from_str(records[1]).unwrap();
    assert_eq!(
        header["file_schema"],
        "urn:ietf:params:qlog:file:sequential"
    );
    assert_eq!(header["serialization_format"], "application/qlog+json-seq");
    assert_eq!(header["trace"]["common_fields"]["group_id"], "group");
    let event = "{\"time\":1000.000001,\"name\":\"weaknet:x\",\"data\":{\"latest_rtt\":61.5}}\n";
    assert_eq!(records[2], event);
}
