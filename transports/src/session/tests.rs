use proptest::prelude::*;
use weaknet_core::event::SessionStage;
use weaknet_core::packet::{Protocol, SessionMessage};
use weaknet_core::rng::Draws;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::{DtlsVersion, End, Outgoing, Session, SessionConfig};

/// Two ends and a symmetric FIFO link.
struct Call {
    ends: [Session; 2],
    rate: Bitrate,
    delay: Span,
    /// Serialiser of each direction is busy until then.
    busy: [Time; 2],
    flying: Vec<(Time, usize, SessionMessage)>,
    now: Time,
    /// (from, when put on the link, message, size, lost)
    log: Vec<(usize, Time, SessionMessage, u32, bool)>,
}

impl Call {
    fn new(config: &SessionConfig, kbps: u64, delay_ms: u64) -> Self {
        let mut ends = [End::Sender, End::Receiver].map(|end| Session::new(end, config).unwrap());
        for end in &mut ends {
            assert_eq!(end.stage(), None);
            end.start(Time::ZERO);
        }
        let (rate, delay) = (Bitrate::from_kbps(kbps), Span::from_millis(delay_ms));
        Self {
            ends,
            rate,
            delay,
            busy: [Time::ZERO; 2],
            flying: Vec::new(),
            now: Time::ZERO,
            log: Vec::new(),
        }
    }

    /// Runs until `stop` holds or `end`; `lose` is asked for each message
    /// with its place in the log.
    fn run(
        &mut self,
        end: Time,
        mut lose: impl FnMut(usize, SessionMessage) -> bool,
        stop: impl Fn(&[Session; 2]) -> bool,
    ) {
        loop {
            for from in 0..2 {
                while let Some(Outgoing { message, size, .. }) = self.ends[from].poll(self.now) {
                    let lost = lose(self.log.len(), message);
                    self.log.push((from, self.now, message, size, lost));
                    self.busy[from] =
                        self.busy[from].max(self.now) + self.rate.time_for(Bytes::new(size.into()));
                    if !lost {
                        self.flying
                            .push((self.busy[from] + self.delay, 1 - from, message));
                    }
                }
            }
            if stop(&self.ends) {
                return;
            }
            let wakes = self.ends.iter().filter_map(Session::next_wake);
            let Some(next) = wakes
                .chain(self.flying.iter().map(|(at, ..)| *at))
                .min()
                .filter(|at| *at <= end)
            else {
                return;
            };
            assert!(
                next > self.now || self.flying.iter().any(|(at, ..)| *at == next),
                "wakes at once, for ever"
            );
            self.now = next;
            while let Some(i) = self.flying.iter().position(|(at, ..)| *at <= next) {
                let (_, to, message) = self.flying.remove(i);
                self.ends[to].on_message(next, message, Protocol::Udp);
            }
        }
    }

    fn until_sender_is_ready(&mut self, lose: impl FnMut(usize, SessionMessage) -> bool) -> f64 {
        self.run(Time::from_secs(60), lose, |ends| ends[0].is_ready());
        assert!(self.ends[0].is_ready());
        self.now.as_millis_f64()
    }
}

fn config() -> SessionConfig {
    SessionConfig::default()
}

#[test]
fn set_up_takes_as_long_as_in_chromium() {
    // Recorded: 114 to 119 ms at 3 Mbit/s and 25 ms each way.
    let clean = Call::new(&config(), 3_000, 25).until_sender_is_ready(|_, _| false);
    assert!((114.0..=119.0).contains(&clean), "{clean}");
    // Recorded: 489 ms at 0.3 Mbit/s and 100 ms each way. Within 3 %: there the
    // other end's hello was already under way.
    let slow = Call::new(&config(), 300, 100).until_sender_is_ready(|_, _| false);
    assert!((slow / 489.0 - 1.0).abs() < 0.03, "{slow}");
}

#[test]
fn both_ends_pass_all_stages_and_agree_on_the_round_trip() {
    let mut call = Call::new(&config(), 1_000_000, 25);
    let mut seen = [vec![], vec![]];
    for ms in 0..300 {
        call.run(Time::from_millis(ms), |_, _| false, |_| false);
        for (stages, end) in seen.iter_mut().zip(&call.ends) {
            let stage = end.stage().unwrap();
            if stages.last() != Some(&stage) {
                stages.push(stage);
            }
        }
    }
    use SessionStage::{Connected, IceConnected, SenderReady, Started};
    assert_eq!(seen[0], [Started, IceConnected, SenderReady, Connected]);
    assert_eq!(seen[1], [Started, IceConnected, Connected]);
    for end in &call.ends {
        assert_eq!(end.rtt().unwrap().as_millis(), 50);
    }
}

#[test]
fn messages_have_the_recorded_sizes() {
    let mut call = Call::new(&config(), 3_000, 25);
    call.run(Time::from_millis(200), |_, _| false, |_| false);
    let sizes = |from: usize, wanted: fn(SessionMessage) -> bool| {
        let mut sizes: Vec<_> = call
            .log
            .iter()
            .filter(|l| l.0 == from && wanted(l.2))
            .map(|l| l.3)
            .collect();
        sizes.dedup();
        sizes
    };
    assert_eq!(
        sizes(0, |m| matches!(m, SessionMessage::BindingRequest { .. })),
        [128]
    );
    assert_eq!(
        sizes(1, |m| matches!(m, SessionMessage::BindingRequest { .. })),
        [124]
    );
    assert_eq!(
        sizes(1, |m| matches!(m, SessionMessage::BindingResponse { .. })),
        [92]
    );
    assert_eq!(
        sizes(0, |m| matches!(m, SessionMessage::Handshake { .. })),
        [1_228, 291, 484]
    );
    assert_eq!(
        sizes(1, |m| matches!(m, SessionMessage::Handshake { .. })),
        [1_227, 545, 68]
    );
}

#[test]
fn dtls_1_2_and_the_other_role_cost_what_their_flights_cost() {
    // Without serialisation: checks take one round trip of 50 ms; 2 ms before
    // each flight.
    let ready = |dtls, client| {
        let config = SessionConfig {
            dtls,
            client,
            ..config()
        };
        Call::new(&config, 1_000_000_000, 25)
            .until_sender_is_ready(|_, _| false)
            .round()
    };
    assert_eq!(ready(DtlsVersion::V1_3, End::Sender), 106.0);
    assert_eq!(ready(DtlsVersion::V1_3, End::Receiver), 131.0);
    assert_eq!(ready(DtlsVersion::V1_2, End::Sender), 158.0);
    assert_eq!(ready(DtlsVersion::V1_2, End::Receiver), 131.0);
}

#[test]
fn a_lost_flight_costs_twice_the_round_trip_then_twice_that() {
    let ready = |number: u8, count: u32| {
        let mut lost = 0;
        Call::new(&config(), 1_000_000_000, 25)
            .until_sender_is_ready(|_, message| {
                let hit = lost < count
                    && matches!(message, SessionMessage::Handshake { flight, part: 0, .. } if flight == number);
                lost += u32::from(hit);
                hit
            })
            .round()
    };
    assert_eq!(ready(1, 0), 106.0);
    assert_eq!(ready(1, 1), 206.0);
    assert_eq!(ready(1, 2), 406.0);
    // The server's flight, sent at 79 ms, is lost: the hello that is sent again
    // at 152 ms brings it back before the server's own timer does.
    assert_eq!(ready(2, 1), 204.0);
}

#[test]
fn a_lost_check_costs_one_interval() {
    let mut call = Call::new(&config(), 1_000_000_000, 25);
    assert_eq!(
        call.until_sender_is_ready(|place, _| place == 0).round(),
        169.0
    ); // 106 + 62.5
}

#[test]
fn nothing_arrives_and_the_set_up_fails_at_its_timeout() {
    let mut call = Call::new(
        &SessionConfig {
            timeout: Span::from_secs(7),
            ..config()
        },
        3_000,
        25,
    );
    call.run(Time::from_secs(60), |_, _| true, |_| false);
    for end in &call.ends {
        assert_eq!(end.stage(), Some(SessionStage::Failed));
        assert_eq!(end.next_wake(), None);
    }
    assert_eq!(call.now, Time::from_secs(7));
    assert!(call.log.iter().all(|l| l.1 < Time::from_secs(7)));
}

#[test]
fn consent_checks_go_on_every_2_66_s_unless_switched_off() {
    let requests = |consent| {
        let mut call = Call::new(
            &SessionConfig {
                consent,
                ..config()
            },
            3_000,
            25,
        );
        call.run(Time::from_secs(30), |_, _| false, |_| false);
        let own = call
            .log
            .iter()
            .filter(|l| l.0 == 0 && matches!(l.2, SessionMessage::BindingRequest { .. }));
        own.map(|l| l.1.as_millis()).collect::<Vec<_>>()
    };
    // Recorded, less the 4 ms before the first: 0 64 126 1251 2314 4970 7626.
    assert_eq!(
        requests(true)[..7],
        [0, 62, 125, 1_187, 2_250, 4_906, 7_562]
    );
    assert_eq!(requests(false), [0, 62, 125]);
}

#[test]
fn messages_out_of_place_do_no_harm() {
    let mut session = Session::new(End::Receiver, &config()).unwrap();
    session.on_message(
        Time::ZERO,
        SessionMessage::BindingRequest { transaction: 1 },
        Protocol::Udp,
    );
    assert_eq!(session.poll(Time::ZERO), None, "deaf before the start");
    session.start(Time::ZERO);
    for flight in 0..=255 {
        for part in [0, 1, 7, 255] {
            session.on_message(
                Time::ZERO,
                SessionMessage::Handshake {
                    flight,
                    part,
                    parts: 1,
                },
                Protocol::Udp,
            );
        }
        session.on_message(
            Time::ZERO,
            SessionMessage::BindingResponse {
                transaction: flight.into(),
            },
            Protocol::Tcp,
        );
    }
    assert_ne!(session.stage(), Some(SessionStage::Failed));
}

#[test]
fn senseless_parameters_are_refused() {
    let field = |config: &SessionConfig| {
        Session::new(End::Sender, config)
            .err()
            .unwrap()
            .field
            .unwrap()
    };
    assert_eq!(
        field(&SessionConfig {
            check_interval: Span::ZERO,
            ..config()
        }),
        "check_interval"
    );
    assert_eq!(
        field(&SessionConfig {
            max_retransmission: Span::ZERO,
            ..config()
        }),
        "max_retransmission"
    );
}

#[test]
fn an_established_session_sends_nothing_and_is_ready_at_its_start() {
    let mut session = Session::established(End::Sender);
    assert_eq!((session.is_ready(), session.stage()), (false, None));
    session.start(Time::from_millis(7));
    assert!(session.is_ready());
    assert_eq!(session.stage(), Some(SessionStage::Connected));
    session.on_message(
        Time::from_millis(8),
        SessionMessage::BindingRequest { transaction: 1 },
        Protocol::Udp,
    );
    assert_eq!(session.next_wake(), None);
    assert_eq!(session.poll(Time::from_secs(60)), None);
}

/// Two ends that may differ in version and client, over any slow path.
fn calls() -> impl Strategy<Value = (SessionConfig, u64, u64)> {
    let ends = (any::<bool>(), any::<bool>());
    (ends, 50_u64..10_000, 0_u64..400).prop_map(|((v1_2, receiver_first), kbps, delay)| {
        let dtls = if v1_2 {
            DtlsVersion::V1_2
        } else {
            DtlsVersion::V1_3
        };
        let client = if receiver_first {
            End::Receiver
        } else {
            End::Sender
        };
        let config = SessionConfig {
            dtls,
            client,
            ..config()
        };
        (config, kbps, delay)
    })
}

proptest! {
    /// Whatever share is lost: a flight is sent again after twice the round
    /// trip, then twice that, so that at 600 ms there are five tries in 30 s,
    /// and all of them may be lost.
    #[test]
    fn each_end_is_ready_or_has_failed_by_its_timeout(
        (config, kbps, delay) in calls(),
        seed in any::<u64>(),
        loss in 0.0_f64..1.0,
    ) {
        let mut call = Call::new(&config, kbps, delay);
        let draws = Draws::from_key(seed);
        call.run(Time::from_secs(30), |place, _| draws.unit(place as u64) < loss, |_| false);
        for end in &call.ends {
            prop_assert!(end.is_ready() != (end.stage() == Some(SessionStage::Failed)));
        }
    }

    /// Each message lost costs at most one more timer, and the timers of a
    /// flight double from twice the round trip. Of all triples among the first
    /// 60 messages at the ends of these ranges the worst takes 13.7 s.
    #[test]
    fn three_messages_lost_anywhere_leave_both_ends_ready_within_14_s(
        (config, kbps, delay) in calls(),
        lost in prop::collection::vec(0_usize..60, 3),
    ) {
        let mut call = Call::new(&config, kbps, delay);
        let ready = |ends: &[Session; 2]| ends.iter().all(Session::is_ready);
        call.run(Time::from_secs(30), |place, _| lost.contains(&place), ready);
        prop_assert!(ready(&call.ends));
        prop_assert!(call.now < Time::from_secs(14), "{:?}", call.now);
    }
}
