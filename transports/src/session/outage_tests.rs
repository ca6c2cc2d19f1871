use weaknet_core::event::SessionStage;
use weaknet_core::packet::{Protocol, SessionMessage};
use weaknet_core::{Span, Time};

use super::{End, Fallback, OnOutage, Outgoing, Session, SessionConfig};

const DELAY: Span = Span::from_millis(25);
const ROUND_TRIP: Span = Span::from_millis(50);

fn ms(ms: u64) -> Span {
    Span::from_millis(ms)
}

fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

/// Two ends, 25 ms apart, on links without a limit; packets that begin their way
/// while `blocked` says so are lost. Once ready both ends hear media all the time.
struct Pair {
    ends: [Session; 2],
    flying: Vec<(Time, usize, Outgoing)>,
    /// (from, when, what)
    log: Vec<(usize, Time, Outgoing)>,
    /// Stages of the sender's end.
    stages: Vec<(Time, SessionStage)>,
    /// How long a TCP connection takes to open.
    opens_in: Span,
}

impl Pair {
    fn new(config: &SessionConfig) -> Self {
        let ends = [End::Sender, End::Receiver].map(|end| Session::new(end, config).unwrap());
        Self {
            ends,
            flying: Vec::new(),
            log: Vec::new(),
            stages: Vec::new(),
            opens_in: ROUND_TRIP,
        }
    }

    fn run(mut self, end: Time, blocked: impl Fn(Time, Protocol) -> bool) -> Self {
        let (mut now, mut opening) = (Time::ZERO, None);
        for end in &mut self.ends {
            end.start(now);
        }
        loop {
            for from in 0..2 {
                while let Some(outgoing) = self.ends[from].poll(now) {
                    self.log.push((from, now, outgoing));
                    if !blocked(now, outgoing.protocol) {
                        self.flying.push((now + DELAY, 1 - from, outgoing));
                    }
                }
            }
            let stage = self.ends[0].stage().unwrap();
            if self.stages.last().is_none_or(|(_, last)| *last != stage) {
                self.stages.push((now, stage));
            }
            let wanted = self.ends[0].connection();
            if wanted > 0 && opening.is_none_or(|(number, _)| number < wanted) {
                opening = Some((wanted, now + self.opens_in));
            }
            let opens = opening.map(|(_, at)| at).filter(|at| *at > now);
            let media = now + ms(50);
            let wakes = self.ends.iter().filter_map(Session::next_wake);
            let arrivals = self.flying.iter().map(|(at, ..)| *at);
            let next = wakes.chain(arrivals).chain([media]).chain(opens);
            now = next.min().unwrap().max(now);
            if now > end {
                return self;
            }
            while let Some(i) = self.flying.iter().position(|(at, ..)| *at <= now) {
                let (_, to, outgoing) = self.flying.remove(i);
                self.ends[to].on_heard(now, outgoing.protocol);
                self.ends[to].on_message(now, outgoing.message, outgoing.protocol);
            }
            if opening.is_some_and(|(_, at)| at <= now) && !blocked(now, Protocol::Tcp) {
                self.ends[0].on_open(now);
            }
            for end in &mut self.ends {
                let protocol = end.protocol();
                if end.may_send() && !blocked(now, protocol) {
                    end.on_heard(now, protocol);
                }
            }
        }
    }

    /// When the sender's end reached this stage, each time.
    fn reached(&self, wanted: SessionStage) -> Vec<Time> {
        let stages = self.stages.iter().filter(|(_, stage)| *stage == wanted);
        stages.map(|(at, _)| *at).collect()
    }

    /// When the sender's end sent a check over this pair.
    fn checks(&self, protocol: Protocol) -> impl Iterator<Item = Time> + '_ {
        let checks = self.log.iter().filter(move |(from, _, outgoing)| {
            let request = matches!(outgoing.message, SessionMessage::BindingRequest { .. });
            *from == 0 && request && outgoing.protocol == protocol
        });
        checks.map(|(_, at, _)| *at)
    }

    fn sent(&self, what: impl Fn(&SessionMessage) -> bool) -> Vec<Time> {
        let sent = self.log.iter().filter(|(_, _, o)| what(&o.message));
        sent.map(|(_, at, _)| *at).collect()
    }
}

fn config(on_outage: OnOutage) -> SessionConfig {
    SessionConfig {
        on_outage,
        ..SessionConfig::default()
    }
}

/// The first check of the sender's end whose answer an outage has swallowed.
fn first_unanswered(pair: &Pair, from: Time) -> Time {
    let lost = |check: &Time| *check + DELAY >= from;
    pair.checks(Protocol::Udp).find(lost).unwrap()
}

#[test]
fn an_outage_of_2_s_is_none_to_the_session() {
    let outage = |now, _| (at(20_000)..at(22_000)).contains(&now);
    let pair = Pair::new(&config(OnOutage::Wait)).run(at(40_000), outage);
    assert!(pair.reached(SessionStage::Disconnected).is_empty());
}

#[test]
fn an_outage_of_8_s_disconnects_5_s_after_a_lost_check_and_ends_with_the_next_one() {
    let (from, to) = (at(20_000), at(28_000));
    let outage = move |now, _| (from..to).contains(&now);
    for on_outage in [OnOutage::Wait, OnOutage::RestartIce, OnOutage::Rejoin] {
        let pair = Pair::new(&config(on_outage)).run(at(40_000), outage);
        let lost = first_unanswered(&pair, from);
        assert_eq!(
            pair.reached(SessionStage::Disconnected),
            [lost + Span::from_secs(5)]
        );
        // Checked every 62.5 ms by then; the first check after the outage is
        // answered a round trip later.
        let answered = pair.checks(Protocol::Udp).find(|check| *check >= to);
        let answered = answered.unwrap();
        assert!(answered < to + Span::from_micros(62_500));
        let connected = pair.reached(SessionStage::Connected);
        assert_eq!(connected[1..], [answered + ROUND_TRIP]);
        assert!(
            pair.sent(|m| matches!(m, SessionMessage::Offer { .. }))
                .is_empty()
        );
    }
    // Whoever does not care notices nothing.
    let pair = Pair::new(&config(OnOutage::Ignore)).run(at(40_000), outage);
    assert!(pair.reached(SessionStage::Disconnected).is_empty());
}

#[test]
fn a_silent_pair_is_checked_closely_after_2_5_s() {
    let from = at(20_000);
    let pair = Pair::new(&config(OnOutage::Wait)).run(at(25_000), move |now, _| now >= from);
    let gaps = |from: Time, to: Time| {
        let checks: Vec<Time> = pair.checks(Protocol::Udp).collect();
        let within = checks.windows(2).filter(|w| from <= w[0] && w[1] < to);
        within.map(|w| w[1] - w[0]).collect::<Vec<_>>()
    };
    let fast = Span::from_micros(62_500);
    assert!(gaps(at(15_000), at(22_450)).iter().all(|gap| *gap > fast));
    let close = gaps(at(22_600), at(25_000));
    assert!(close.len() > 30 && close.iter().all(|gap| *gap == fast));
}

#[test]
fn a_pair_that_nobody_restarts_is_given_up_after_30_s() {
    let from = at(20_000);
    let pair = Pair::new(&config(OnOutage::Wait)).run(at(90_000), move |now, _| now >= from);
    let lost = first_unanswered(&pair, from);
    assert_eq!(
        pair.reached(SessionStage::Failed),
        [lost + Span::from_secs(30)]
    );
    assert_eq!(
        pair.checks(Protocol::Udp)
            .last()
            .map(|last| last < lost + Span::from_secs(30)),
        Some(true)
    );
}

#[test]
fn ice_restarts_with_the_keys_that_there_are() {
    let (from, to) = (at(20_000), at(60_000));
    let outage = move |now, _| (from..to).contains(&now);
    let pair = Pair::new(&config(OnOutage::RestartIce)).run(at(70_000), outage);
    let lost = first_unanswered(&pair, from);
    let offers = pair.sent(|m| matches!(m, SessionMessage::Offer { .. }));
    // One each second from the time-out on until one is answered.
    assert_eq!(offers[0], lost + Span::from_secs(15));
    assert!(offers.windows(2).all(|w| w[1] - w[0] == Span::from_secs(1)));
    let heard = *offers.last().unwrap();
    assert!((to..to + Span::from_secs(1)).contains(&heard));
    // The answer, then one check.
    let connected = pair.reached(SessionStage::Connected);
    assert_eq!(connected[1..], [heard + ROUND_TRIP * 2]);
    let flights = pair.sent(|m| matches!(m, SessionMessage::Handshake { .. }));
    assert!(flights.iter().all(|flight| *flight < at(1_000)));
}

#[test]
fn a_new_session_makes_new_keys() {
    let (from, to) = (at(20_000), at(60_000));
    let outage = move |now, _| (from..to).contains(&now);
    let pair = Pair::new(&config(OnOutage::Rejoin)).run(at(70_000), outage);
    let offers = pair.sent(|m| matches!(m, SessionMessage::Offer { .. }));
    let heard = *offers.last().unwrap();
    // Offer and answer, a check, the hellos with their computing times.
    let ready = pair.reached(SessionStage::SenderReady);
    let compute = SessionConfig::default().compute;
    assert_eq!(ready[1], heard + ROUND_TRIP * 3 + compute * 3);
    assert_eq!(pair.ends.map(|end| end.rejoined()), [1, 1]);
}

#[test]
fn without_udp_the_call_goes_over_tcp_as_soon_as_that_is_open() {
    let config = SessionConfig {
        fallback: Fallback::IceTcp,
        ..SessionConfig::default()
    };
    let udp_blocked = |_, protocol| protocol == Protocol::Udp;
    let mut pair = Pair::new(&config);
    pair.opens_in = ms(200);
    let pair = pair.run(at(40_000), udp_blocked);
    // 50 ms until it is begun, its opening, a check, the hellos.
    let compute = config.compute;
    let ready = at(0) + ms(50) + ms(200) + ROUND_TRIP * 2 + compute * 3;
    assert_eq!(pair.reached(SessionStage::SenderReady), [ready]);
    assert_eq!(pair.ends[0].protocol(), Protocol::Tcp);
    assert_eq!(pair.ends[0].watched_protocol(), Some(Protocol::Tcp));
    // The UDP pair is given up after 15 s.
    let last = pair.checks(Protocol::Udp).last().unwrap();
    assert!((at(14_900)..at(15_000)).contains(&last));
}

#[test]
fn where_udp_works_nothing_falls_back() {
    let config = SessionConfig {
        fallback: Fallback::TurnTls,
        fallback_after: ms(100),
        ..SessionConfig::default()
    };
    let pair = Pair::new(&config).run(at(10_000), |_, _| false);
    assert_eq!(pair.ends[0].connection(), 0);
    assert_eq!(pair.checks(Protocol::Tcp).count(), 0);
    assert_eq!(pair.ends[0].watched_protocol(), Some(Protocol::Udp));
}

#[test]
fn where_nothing_gets_through_the_call_fails_after_15_s() {
    for on_outage in [OnOutage::Ignore, OnOutage::Wait, OnOutage::RestartIce] {
        let config = SessionConfig {
            fallback: Fallback::TurnTls,
            ..config(on_outage)
        };
        let pair = Pair::new(&config).run(at(60_000), |_, _| true);
        assert_eq!(pair.reached(SessionStage::Failed), [at(15_000)]);
        assert_eq!(pair.ends[0].next_wake(), None);
    }
}

#[test]
fn a_call_changes_to_tcp_when_udp_is_blocked_later() {
    let config = SessionConfig {
        fallback: Fallback::IceTcp,
        ..config(OnOutage::RestartIce)
    };
    let from = at(20_000);
    let blocked = move |now, protocol| now >= from && protocol == Protocol::Udp;
    let pair = Pair::new(&config).run(at(60_000), blocked);
    let lost = first_unanswered(&pair, from);
    // The time-out, offer and answer, the wait for UDP, the opening, a check.
    let back = lost + Span::from_secs(15) + ROUND_TRIP + ms(50) + ROUND_TRIP + ROUND_TRIP;
    let connected = pair.reached(SessionStage::Connected);
    assert_eq!(connected[1..], [back]);
    assert_eq!(pair.ends[0].protocol(), Protocol::Tcp);
}

#[test]
fn nonsense_is_refused() {
    let field = |config: SessionConfig| {
        let refused = Session::new(End::Sender, &config).err();
        refused.and_then(|error| error.field)
    };
    let plain = SessionConfig::default;
    assert_eq!(
        field(SessionConfig {
            dead_timeout: Span::from_secs(1),
            ..plain()
        })
        .as_deref(),
        Some("dead_timeout")
    );
    assert_eq!(
        field(SessionConfig {
            consent: false,
            ..config(OnOutage::Wait)
        })
        .as_deref(),
        Some("on_outage")
    );
}
