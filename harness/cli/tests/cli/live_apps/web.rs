//! `curl` of a server.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::{for_all, has, least_seconds, until_it_works};

const BYTES: usize = 600_000;
/// bit/s, and what a round trip takes, in s.
const RATE: f64 = 8e6;
const ROUND_TRIP: f64 = 0.02;

/// Serves one page.
pub(super) fn serve(at: &str) {
    let listener = TcpListener::bind(format!("{at}:8000")).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    let mut buffer = [0; 1_024];
    while !request.ends_with(b"\r\n\r\n") {
        let length = stream.read(&mut buffer).unwrap();
        assert!(length > 0, "a whole request");
        request.extend_from_slice(&buffer[..length]);
    }
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BYTES}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&vec![b'w'; BYTES]).unwrap();
}

#[test]
fn curl_gets_a_page() {
    if !has("curl") {
        return;
    }
    for_all(|place| {
        let network = "  forward: {delay: 10ms}\n  backward: {rate: 8Mbps, delay: 10ms}\n";
        let host = match place.family {
            super::Family::V4 => "$WEAKNET_PEER".to_owned(),
            super::Family::V6 => "[$WEAKNET_PEER6]".to_owned(),
        };
        let curl = format!(
            "curl -sgS --max-time 20 -o page -w '%{{http_code}} %{{size_download}} %{{time_total}}' \
             http://{host}:8000/ > curl.txt"
        );
        let server = place.play("web", place.family.any());
        let ended = place.run(network, &until_it_works(&curl), Some(&server))?;
        let said = ended.read("curl.txt");
        let words: Vec<&str> = said.split(' ').collect();
        assert_eq!(words[..2], ["200", &BYTES.to_string()], "{said}");
        assert!(ended.read("page").bytes().all(|byte| byte == b'w'));
        // One for the connection, one for the request, and the page.
        let least = 2.0 * ROUND_TRIP + least_seconds(BYTES as f64, RATE);
        let took: f64 = words[2].parse().unwrap();
        assert!(took >= least, "{took} {least}");
        Some(())
    });
}
