//! What tshark makes of a capture.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// What it has found in a file.
pub(crate) struct Found {
    pub(crate) per_interface: [usize; 3],
    /// Sequence numbers in NACKs that reach the link.
    pub(crate) nacked: u32,
    /// Number of frames by field and value.
    pub(crate) values: Values,
}

pub(crate) type Values = BTreeMap<(&'static str, String), usize>;

/// What every frame of a capture shows: no fault, checksums that are right.
const FAULTLESS: [(&str, &str); 4] = [
    ("_ws.malformed", ""),
    ("rtcp.rtpfb.transportcc_bad", ""),
    ("ip.checksum.status", "1"),
    ("udp.checksum.status", "1"),
];

/// What a call shows in some of its frames.
const SHOWN: [(&str, &str); 32] = [
    // Video, retransmissions and padding, audio.
    ("rtp.p_type", "96"),
    ("rtp.p_type", "97"),
    ("rtp.p_type", "111"),
    ("rtp.ssrc", "0x57000060"),
    ("rtp.ssrc", "0x57000061"),
    ("rtp.ssrc", "0x5700006f"),
    ("rtp.marker", "1"),
    ("rtp.padding.count", "255"),
    ("rtp.ext.rfc5285.id", "1"),
    ("rtp.ext.rfc5285.id", "2"),
    ("rtp.ext.rfc5285.id", "3"),
    // Sender report, receiver report, description, feedback, extended reports.
    ("rtcp.pt", "200"),
    ("rtcp.pt", "201"),
    ("rtcp.pt", "202"),
    ("rtcp.pt", "205"),
    ("rtcp.pt", "206"),
    ("rtcp.pt", "207"),
    ("rtcp.length_check", "1"),
    ("rtcp.sdes.text", "flow00000@sender"),
    ("rtcp.xr.bt", "4"),
    ("rtcp.xr.bt", "5"),
    // NACK, transport-wide feedback, PLI.
    ("rtcp.rtpfb.fmt", "1"),
    ("rtcp.rtpfb.fmt", "15"),
    ("rtcp.psfb.fmt", "1"),
    ("rtcp.rtpfb.transportcc.reftime", "2"),
    // Connectivity checks with a right fingerprint, and the key exchange.
    ("stun.type", "0x0001"),
    ("stun.type", "0x0101"),
    ("stun.att.crc32.status", "1"),
    ("stun.att.ipv4", "10.0.0.1"),
    ("dtls.handshake.type", "1"),
    ("dtls.handshake.type", "2"),
    ("dtls.handshake.type", "11"),
];

/// Further fields whose values are counted.
const COUNTED: [(&str, &str); 2] = [("dtls.record.content_type", "23"), ("rtp.version", "1")];

/// Lets tshark look at a capture of RTP on port 50000: no frame has a fault.
/// `None` when there is no tshark, which fails in CI.
pub(crate) fn check(capture: &Path) -> Option<Found> {
    let mut fields = vec![
        PID,
        "frame.interface_name",
        "frame.protocols",
        "_ws.expert.severity",
    ];
    for (field, _) in FAULTLESS.iter().chain(&SHOWN).chain(&COUNTED) {
        if !fields.contains(field) {
            fields.push(field);
        }
    }
    let mut command = Command::new("tshark");
    command.args(["-n", "-d", "udp.port==50000,rtp"]);
    command.args([
        "-o",
        "ip.check_checksum:TRUE",
        "-o",
        "udp.check_checksum:TRUE",
    ]);
    command.arg("-r").arg(capture).args(["-T", "fields"]);
    command.args(fields.iter().flat_map(|field| ["-e", field]));
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            let message = format!("no tshark: {error}");
            assert!(std::env::var_os("CI").is_none(), "{message}");
            eprintln!("SKIPPED: {message}; install it to have captures checked");
            return None;
        }
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut values = Values::new();
    let (mut per_interface, mut nacked) = ([0; 3], 0);
    for line in lines.lines() {
        let columns: BTreeMap<_, _> = fields.iter().copied().zip(line.split('\t')).collect();
        for (field, value) in FAULTLESS {
            assert_eq!(columns[field], value, "{field} in {line}");
        }
        // Comments alone are worth mentioning.
        let severity = columns["_ws.expert.severity"];
        assert!(["", COMMENT].contains(&severity), "{line}");
        let protocol = columns["frame.protocols"].rsplit(':').next().unwrap();
        // Short headers of QUIC, which tshark takes for another version of RTP.
        let is_short = columns["rtp.version"] == "1";
        assert!(PROTOCOLS.contains(&protocol) || is_short, "{line}");
        let name = columns["frame.interface_name"];
        let interface = INTERFACES.iter().position(|known| *known == name);
        per_interface[interface.unwrap()] += 1;
        if interface == Some(0) && !columns[PID].is_empty() {
            // Those in masks are listed too.
            nacked += columns[PID].split(',').count() as u32;
        }
        for (field, column) in columns {
            for value in column.split(',') {
                *values.entry((field, value.to_owned())).or_default() += 1;
            }
        }
    }
    Some(Found {
        per_interface,
        nacked,
        values,
    })
}

const PID: &str = "rtcp.rtpfb.nack_pid";

const INTERFACES: [&str; 3] = ["in", "out", "dropped"];
const PROTOCOLS: [&str; 4] = ["rtp", "rtcp", "stun", "dtls"];
/// `PI_COMMENT` of Wireshark.
const COMMENT: &str = "1048576";

/// What should have been shown and was not.
pub(crate) fn missing(values: &Values) -> Vec<(&'static str, &'static str)> {
    let shown = |(field, value): &(&'static str, &'static str)| {
        values.contains_key(&(*field, (*value).to_owned()))
    };
    SHOWN.into_iter().filter(|pair| !shown(pair)).collect()
}
