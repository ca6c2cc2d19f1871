//! A QUIC transfer, by quinn at both ends.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::rustls::RootCertStore;
use quinn::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use quinn::{ClientConfig, Endpoint, ServerConfig};
use tokio::runtime;

use super::{Family, for_all, least_seconds};

const BYTES: usize = 400_000;
/// bit/s.
const RATE: f64 = 8e6;
const ROUND_TRIP: f64 = 0.02;
/// The name in the server's certificate, and the file by which the client gets it.
const NAME: &str = "server.weaknet";
const CERTIFICATE: &str = "certificate.der";

fn run(what: impl Future<Output = Result<(), Box<dyn Error>>>) {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(what).unwrap();
}

/// Sends bytes to the first that asks.
pub(super) fn serve(at: &str) {
    run(async {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
        let certificate = CertificateDer::from(made.cert);
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::with_single_cert(vec![certificate.clone()], key.into())?;
        let endpoint = Endpoint::server(config, format!("{at}:4433").parse()?)?;
        // There all at once.
        fs::write("unfinished.der", &certificate)?;
        fs::rename("unfinished.der", CERTIFICATE)?;
        let connection = endpoint.accept().await.ok_or("nobody came")?.await?;
        let (mut send, mut receive) = connection.accept_bi().await?;
        assert_eq!(receive.read_to_end(10).await?, b"please");
        send.write_all(&vec![b'q'; BYTES]).await?;
        send.finish()?;
        // Until the client has it all and goes.
        connection.closed().await;
        Ok(())
    });
}

/// Fetches them; writes how long that took.
pub(super) fn fetch(at: &str) {
    run(async {
        let start = Instant::now();
        while !Path::new(CERTIFICATE).exists() {
            assert!(start.elapsed() < Duration::from_secs(20), "no server");
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(fs::read(CERTIFICATE)?))?;
        let to: SocketAddr = format!("{at}:4433").parse()?;
        let any = if to.is_ipv4() { Family::V4 } else { Family::V6 };
        let mut endpoint = Endpoint::client(format!("{}:0", any.any()).parse()?)?;
        endpoint.set_default_client_config(ClientConfig::with_root_certificates(Arc::new(roots))?);
        let start = Instant::now();
        let connection = endpoint.connect(to, NAME)?.await?;
        let (mut send, mut receive) = connection.open_bi().await?;
        send.write_all(b"please").await?;
        send.finish()?;
        let got = receive.read_to_end(BYTES).await?;
        assert!(got.len() == BYTES && got.iter().all(|byte| *byte == b'q'));
        fs::write("seconds.txt", start.elapsed().as_secs_f64().to_string())?;
        connection.close(0_u8.into(), b"done");
        endpoint.wait_idle().await;
        Ok(())
    });
}

#[test]
fn quinn_fetches_over_quic() {
    for_all(|place| {
        let network = "  forward: {delay: 10ms}\n  backward: {rate: 8Mbps, delay: 10ms}\n";
        let peer = match place.family {
            Family::V4 => "$WEAKNET_PEER",
            Family::V6 => "[$WEAKNET_PEER6]",
        };
        let server = place.play("quic_server", place.family.any());
        let client = place.play("quic_client", peer);
        let ended = place.run(network, &client, Some(&server))?;
        let took: f64 = ended.read("seconds.txt").parse().unwrap();
        // One round trip for the handshake, one for the request, and the bytes.
        let least = 2.0 * ROUND_TRIP + least_seconds(BYTES as f64, RATE);
        assert!(took >= least, "{took} {least}");
        Some(())
    });
}
