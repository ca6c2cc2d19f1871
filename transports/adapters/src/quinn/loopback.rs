//! Two connections of quinn that talk to each other within a call.

use std::any::Any;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use quinn_proto::congestion::{Controller, ControllerFactory};
use quinn_proto::{
    ClientConfig, Connection, ConnectionHandle, DatagramEvent, Endpoint, EndpointConfig,
    RttEstimator, ServerConfig, TransportConfig,
};
use weaknet_core::Time;

use super::plaintext::Plaintext;
use crate::instants::instant;

/// Rounds of talk after which a handshake that is not over has failed.
const ROUNDS: u32 = 8;
/// A server acknowledges every second packet at once.
const PINGS: u32 = 2;
const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 2);

/// Where the client's controller puts the estimator that it is shown.
type Shown = Arc<Mutex<Option<RttEstimator>>>;

/// A client and a server, connected.
pub(super) struct Loopback {
    now: Instant,
    shown: Shown,
    client: End,
    server: End,
}

/// An end of the pair.
struct End {
    endpoint: Endpoint,
    connection: Option<(ConnectionHandle, Connection)>,
    address: SocketAddr,
}

impl Loopback {
    /// `None` when the handshake fails.
    pub(super) fn new() -> Option<Self> {
        let now = instant(Time::ZERO);
        let shown = Shown::default();
        let mut transport = TransportConfig::default();
        transport
            .max_idle_timeout(None)
            .mtu_discovery_config(None)
            .congestion_controller_factory(Arc::new(Watch(Arc::clone(&shown))));
        let mut server = ServerConfig::new(Arc::new(Plaintext), Arc::new(Plaintext));
        let mut silent = TransportConfig::default();
        silent.max_idle_timeout(None).mtu_discovery_config(None);
        server.transport_config(Arc::new(silent));
        let mut client = ClientConfig::new(Arc::new(Plaintext));
        client.transport_config(Arc::new(transport));

        let endpoint = |server, seed| {
            let config = Arc::new(EndpointConfig::new(Arc::new(Plaintext)));
            Endpoint::new(config, server, false, Some([seed; 32]))
        };
        let mut loopback = Self {
            now,
            shown,
            client: End {
                endpoint: endpoint(None, 1),
                connection: None,
                address: CLIENT,
            },
            server: End {
                endpoint: endpoint(Some(Arc::new(server)), 2),
                connection: None,
                address: SERVER,
            },
        };
        let connected = loopback
            .client
            .endpoint
            .connect(now, client, SERVER, "loopback");
        loopback.client.connection = Some(connected.ok()?);
        for _ in 0..ROUNDS {
            loopback.client.pass(now, now, &mut loopback.server);
            loopback.server.pass(now, now, &mut loopback.client);
        }
        let is_up = |end: &End| {
            let connection = end.connection.as_ref();
            connection.is_some_and(|(_, connection)| !connection.is_handshaking())
        };
        (is_up(&loopback.client) && is_up(&loopback.server)).then_some(loopback)
    }

    /// The estimator of a path that has shown these round-trip times.
    pub(super) fn estimator_after(&mut self, samples: &[Duration]) -> Option<RttEstimator> {
        let (_, connection) = self.client.connection.as_mut()?;
        connection.path_changed(self.now);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // The controller is shown the estimator before the sample of the same
        // acknowledgement is taken in: one more tells how the last one left it.
        for sample in samples.iter().chain([&Duration::ZERO]) {
            for _ in 0..PINGS {
                let (_, connection) = self.client.connection.as_mut()?;
                connection.ping();
                self.client.pass(self.now, self.now, &mut self.server);
            }
            let arrival = self.now.checked_add(*sample)?;
            self.server.pass(self.now, arrival, &mut self.client);
            self.now = arrival;
        }
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl End {
    /// Sends what is due, for `peer` to receive at `arrival`.
    fn pass(&mut self, now: Instant, arrival: Instant, peer: &mut Self) {
        let mut datagram = Vec::new();
        while let Some((_, connection)) = &mut self.connection
            && let Some(transmit) = connection.poll_transmit(now, 1, &mut datagram)
        {
            peer.receive(arrival, self.address, &datagram[..transmit.size]);
            datagram.clear();
        }
        self.settle();
    }

    fn receive(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let (datagram, mut answer) = (BytesMut::from(datagram), Vec::new());
        let event = self
            .endpoint
            .handle(now, from, None, None, datagram, &mut answer);
        match (event, &mut self.connection) {
            (Some(DatagramEvent::ConnectionEvent(_, event)), Some((_, connection))) => {
                connection.handle_event(event);
            }
            (Some(DatagramEvent::NewConnection(incoming)), None) => {
                let accepted = self.endpoint.accept(incoming, now, &mut answer, None);
                self.connection = accepted.ok();
            }
            _ => {}
        }
        self.settle();
    }

    /// Lets connection and endpoint tell each other their news.
    fn settle(&mut self) {
        let Some((handle, connection)) = &mut self.connection else {
            return;
        };
        while let Some(event) = connection.poll_endpoint_events() {
            if let Some(news) = self.endpoint.handle_event(*handle, event) {
                connection.handle_event(news);
            }
        }
        while connection.poll().is_some() {}
    }
}

/// A controller that controls nothing and keeps the estimator that it is shown.
#[derive(Clone)]
struct Watch(Shown);

impl ControllerFactory for Watch {
    fn build(self: Arc<Self>, _: Instant, _: u16) -> Box<dyn Controller> {
        Box::new(Self::clone(&self))
    }
}

impl Controller for Watch {
    fn on_ack(&mut self, _: Instant, _: Instant, _: u64, _: bool, rtt: &RttEstimator) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(*rtt);
    }

    fn on_congestion_event(&mut self, _: Instant, _: Instant, _: bool, _: u64) {}

    fn on_mtu_update(&mut self, _: u16) {}

    fn window(&self) -> u64 {
        self.initial_window()
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }

    fn initial_window(&self) -> u64 {
        1 << 20
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn estimators_are_as_their_samples_say() {
        let mut loopback = Loopback::new().expect("a connection");
        let mut after = |samples: &[Duration]| {
            let rtt = loopback.estimator_after(samples).expect("an estimator");
            (rtt.get(), rtt.min())
        };
        assert_eq!(after(&[]), (ms(333), ms(333)));
        assert_eq!(after(&[ms(40)]), (ms(40), ms(40)));
        assert_eq!(after(&[ms(40), ms(120)]), (ms(50), ms(40)));
        assert_eq!(after(&[ms(7_000)]), (ms(7_000), ms(7_000)));
        assert_eq!(after(&[]), (ms(333), ms(333)));
        for n in 0..10_000 {
            let wanted = Duration::from_nanos(1 + n * 7_919);
            assert_eq!(after(&[wanted]), (wanted, wanted));
        }
    }
}
