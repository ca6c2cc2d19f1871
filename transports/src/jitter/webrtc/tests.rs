//! The whole buffer, driven as a receiver drives it.

use weaknet_core::event::FrameDrop;
use weaknet_core::plugin::Assets;
use weaknet_core::rng::{Draws, exponential_quantile, normal_quantile};
use weaknet_core::{BuildContext, Plugin, Span, Streams, Time};

use super::super::{CompleteFrame, JitterAction, JitterBuffer};
use super::Webrtc;

pub(super) fn build(config: &Webrtc) -> Box<dyn JitterBuffer> {
    let (streams, assets) = (Streams::new(1), Assets::default());
    config
        .build(&BuildContext {
            path: "jitter",
            streams: &streams,
            assets: &assets,
        })
        .unwrap()
}

/// A frame that goes to the decoder.
#[derive(Debug, Clone, Copy)]
struct Shown {
    frame: CompleteFrame,
    released: Time,
    render_at: Option<Time>,
}

impl Shown {
    /// Chromium's jitter buffer delay: first packet to release, ms.
    fn delay_ms(&self) -> f64 {
        self.released
            .since(self.frame.first_arrived)
            .as_millis_f64()
    }
}

/// A receiver with a decoder that takes a constant time.
struct Receiver {
    buffer: Box<dyn JitterBuffer>,
    decode_time: Span,
    decoding: Option<Time>,
    shown: Vec<Shown>,
    dropped: Vec<(u64, FrameDrop)>,
    requests: Vec<Time>,
}

impl Receiver {
    fn new(config: &Webrtc) -> Self {
        let mut buffer = build(config);
        buffer.start(Time::ZERO);
        Self {
            buffer,
            decode_time: Span::from_millis(3),
            decoding: None,
            shown: Vec::new(),
            dropped: Vec::new(),
            requests: Vec::new(),
        }
    }

    fn drain(&mut self, now: Time) {
        while let Some(action) = self.buffer.poll(now) {
            match action {
                JitterAction::Decode(release) => {
                    assert!(self.decoding.is_none(), "the decoder is busy");
                    self.decoding = Some(now + self.decode_time);
                    self.shown.push(Shown {
                        frame: release.frame,
                        released: now,
                        render_at: release.render_at,
                    });
                }
                JitterAction::Drop { frame, reason } => self.dropped.push((frame, reason)),
                JitterAction::RequestKeyFrame => self.requests.push(now),
            }
        }
        assert!(self.buffer.next_wake().is_none_or(|wake| wake > now));
    }

    /// Lets time pass up to and including `until`.
    fn run_until(&mut self, until: Time) {
        while let Some(now) = self
            .decoding
            .into_iter()
            .chain(self.buffer.next_wake())
            .min()
            .filter(|t| *t <= until)
        {
            if self.decoding == Some(now) {
                self.decoding = None;
                self.buffer.on_decoded(now, self.decode_time);
            }
            self.drain(now);
        }
    }

    fn arrive(&mut self, frame: CompleteFrame) {
        self.run_until(frame.complete);
        self.buffer
            .on_packet(frame.complete, frame.reference.is_none());
        self.buffer.on_frame(frame.complete, frame);
        self.drain(frame.complete);
    }

    fn mean_delay_ms(&self, from: usize) -> f64 {
        let delays: Vec<f64> = self.shown[from..].iter().map(Shown::delay_ms).collect();
        delays.iter().sum::<f64>() / delays.len() as f64
    }
}

/// Frame `n` of a 30 fps stream whose first packet comes `delay` after capture.
fn frame(n: u64, delay: Span, spread: Span) -> CompleteFrame {
    let first_arrived = Time::from_nanos(n * 1_000_000_000 / 30) + delay;
    CompleteFrame {
        frame: n,
        reference: n.checked_sub(1),
        timestamp: n * 3000,
        size: 10_000,
        first_arrived,
        complete: first_arrived + spread,
        retransmitted: false,
        picture: weaknet_core::packet::Picture::default(),
        seqs: (n * 10, n * 10 + 9),
    }
}

const fn ms(n: u64) -> Span {
    Span::from_millis(n)
}

/// Chromium's clean case: 2.5 Mbit/s at 30 fps over 3 Mbit/s and 25 ms, each
/// frame sent in one burst, frame sizes with a coefficient of variation of 0.13;
/// camera, encoder and sender add 3 ms of (measured, one-sided) jitter.
fn clean(n: u64, draws: Draws) -> CompleteFrame {
    let size = (10_417.0 * (1.0 + 0.13 * normal_quantile(draws.unit(n)))).max(1000.0);
    let packet_bytes = 1_130.0;
    let wire = size * packet_bytes / 1_080.0;
    let spread = Span::from_secs_f64((wire - packet_bytes).max(0.0) * 8.0 / 3e6);
    let sender = Span::from_millis_f64(exponential_quantile(draws.unit(n + 1_000_000), 3.0));
    CompleteFrame {
        size: size as u32,
        ..frame(n, ms(28) + sender, spread)
    }
}

#[test]
fn clean_call_has_chromiums_jitter_buffer_delay() {
    // Measured: 49 and 56 ms in two runs, link-in to shown 98 and 106 ms. The
    // upper end includes audio/video synchronisation, which is not modelled.
    let mut receiver = Receiver::new(&Webrtc::default());
    let draws = Draws::from_key(7);
    for n in 0..1800 {
        receiver.arrive(clean(n, draws));
    }
    receiver.run_until(Time::from_secs(61));
    assert_eq!(
        (
            receiver.shown.len(),
            receiver.dropped.len(),
            receiver.requests.len()
        ),
        (1800, 0, 0)
    );
    let delay = receiver.mean_delay_ms(300);
    assert!((45.0..=60.0).contains(&delay), "{delay}");
    let estimate = receiver.buffer.target_delay().as_millis_f64() - 13.0;
    // Chromium's jitterBufferMinimumDelay settles at 29 ms.
    assert!((15.0..=40.0).contains(&estimate), "{estimate}");
}

#[test]
fn even_stream_is_shown_evenly() {
    let mut receiver = Receiver::new(&Webrtc::default());
    for n in 0..300 {
        receiver.arrive(frame(n, ms(25), Span::ZERO));
    }
    receiver.run_until(Time::from_secs(11));
    let gaps: Vec<u64> = receiver.shown[30..]
        .windows(2)
        .map(|w| (w[1].render_at.unwrap() - w[0].render_at.unwrap()).as_millis())
        .collect();
    assert!(gaps.iter().all(|gap| (33..=34).contains(gap)), "{gaps:?}");
    assert!(
        receiver.mean_delay_ms(30) < 12.0,
        "jitter 11 ms, less what decoding and rendering take"
    );
}

/// Mean delay of frames `range`, arrival of the last packet to release, ms.
fn wait_ms(receiver: &Receiver, range: std::ops::Range<usize>) -> f64 {
    let waits = receiver.shown[range.clone()]
        .iter()
        .map(|s| s.released.since(s.frame.complete).as_millis_f64());
    waits.sum::<f64>() / range.len() as f64
}

#[test]
fn steps_of_delay_are_followed_after_150_frames() {
    let mut receiver = Receiver::new(&Webrtc::default());
    let draws = Draws::from_key(7);
    for n in 0..2400 {
        let mut f = clean(n, draws);
        if (900..1500).contains(&n) {
            f.first_arrived += ms(200);
            f.complete += ms(200);
        }
        receiver.arrive(f);
    }
    receiver.run_until(Time::from_secs(81));
    assert_eq!((receiver.shown.len(), receiver.dropped.len()), (2400, 0));
    let usual = wait_ms(&receiver, 600..900);
    // Longer path: late, hence decoded at once, until the extrapolation moves.
    assert_eq!(wait_ms(&receiver, 901..1050), 0.0);
    assert!((wait_ms(&receiver, 1100..1500) - usual).abs() < 5.0);
    // Shorter path: the whole gain is waited out until the extrapolation moves.
    assert!((wait_ms(&receiver, 1501..1650) - usual - 200.0).abs() < 5.0);
    assert!((wait_ms(&receiver, 1700..2400) - usual).abs() < 5.0);
}

#[test]
fn noise_raises_the_target_at_once_and_fades_over_400_frames() {
    let mut receiver = Receiver::new(&Webrtc::default());
    let mut targets = Vec::new();
    for n in 0..3000 {
        let extra = if (900..1200).contains(&n) {
            60 * (n % 2)
        } else {
            0
        };
        let mut f = frame(n, ms(25 + extra), ms(10));
        f.complete = f
            .complete
            .max(Time::from_nanos(n * 1_000_000_000 / 30) + ms(35));
        receiver.arrive(f);
        targets.push(receiver.buffer.target_delay().as_millis_f64() - 13.0);
    }
    assert_eq!(
        targets[899], 11.0,
        "the least estimate and the operating system's jitter"
    );
    let peak = targets[1199];
    assert!(peak > 50.0, "{peak}");
    // From here on the noise is about zero: its variance falls by 399/400 a
    // frame, so that (estimate + 30 ms - 10 ms)² does.
    let fading: Vec<f64> = targets[1260..]
        .iter()
        .copied()
        .take_while(|t| *t > 12.0)
        .collect();
    assert!(fading.windows(2).all(|w| w[1] <= w[0]));
    let variance = |estimate: f64| (estimate + 20.0) * (estimate + 20.0);
    let ratio = variance(fading[200]) / variance(fading[0]);
    assert!(
        (ratio / libm::pow(399.0 / 400.0, 200.0) - 1.0).abs() < 0.1,
        "{ratio}"
    );
}

#[test]
fn retransmissions_raise_the_delay_for_a_minute() {
    // Chromium's b_steps: +200 ms from the third nacked frame until 60 s after
    // the last one (0.9 x 350 ms of RTT, capped).
    let mut receiver = Receiver::new(&Webrtc::default());
    let draws = Draws::from_key(3);
    let mut targets = Vec::new();
    for n in 0..30 * 100 {
        let mut f = clean(n, draws);
        if (600..610).contains(&n) {
            f.retransmitted = true;
            f.complete += ms(100);
        }
        if n % 30 == 0 {
            let rtt = if (600..700).contains(&n) { 350 } else { 60 };
            receiver.buffer.on_rtt(f.first_arrived, ms(rtt));
        }
        receiver.arrive(f);
        targets.push(receiver.buffer.target_delay().as_millis_f64());
    }
    let last_nacked = 609;
    assert!(targets[599] < 70.0, "{}", targets[599]);
    // One second of RTT samples is too little to forget 350 ms.
    assert!(targets[last_nacked + 30] > 200.0);
    let held: Vec<f64> = targets[last_nacked + 30..last_nacked + 59 * 30].to_vec();
    assert!(
        held.iter().all(|t| *t > targets[599] + 30.0),
        "held for 59 s"
    );
    let after = targets[last_nacked + 61 * 30];
    assert!(
        after < targets[599] + 20.0,
        "after {after}, before {}",
        targets[599]
    );
}

#[test]
fn late_recovery_delays_then_catches_up_without_loss() {
    let mut receiver = Receiver::new(&Webrtc::default());
    let mut frames: Vec<CompleteFrame> = (0..300).map(|n| frame(n, ms(25), ms(10))).collect();
    frames[150].complete += ms(90);
    frames[150].retransmitted = true;
    frames.sort_by_key(|f| f.complete);
    for f in frames {
        receiver.arrive(f);
    }
    receiver.run_until(Time::from_secs(11));
    let order: Vec<u64> = receiver.shown.iter().map(|s| s.frame.frame).collect();
    assert_eq!(order, (0..300).collect::<Vec<_>>());
    assert!(receiver.dropped.is_empty() && receiver.requests.is_empty());
    // The frames that waited are decoded back to back, 3 ms apart.
    let gap = receiver.shown[152].released - receiver.shown[151].released;
    assert_eq!(gap, ms(3));
}

#[test]
fn fast_forward_to_a_key_frame_drops_what_is_5_ms_late() {
    let mut receiver = Receiver::new(&Webrtc::default());
    for n in 0..60 {
        receiver.arrive(frame(n, ms(25), ms(5)));
    }
    // The decoder is stuck while four more frames and a key frame come.
    receiver.run_until(Time::from_millis(2_010));
    receiver.decoding = None;
    receiver.buffer.on_decoded(Time::from_millis(2_010), ms(3));
    receiver.drain(Time::from_millis(2_010));
    let shown = receiver.shown.len();
    receiver.decode_time = ms(250);
    for n in 60..68 {
        let reference = if n == 66 { None } else { Some(n - 1) };
        receiver.arrive(CompleteFrame {
            reference,
            ..frame(n, ms(25), ms(5))
        });
    }
    receiver.run_until(Time::from_secs(3));
    let order: Vec<u64> = receiver.shown[shown..]
        .iter()
        .map(|s| s.frame.frame)
        .collect();
    assert_eq!(order, [60, 66, 67]);
    let want = [(61, FrameDrop::Late), (62, FrameDrop::Undecodable)];
    assert_eq!(receiver.dropped[..2], want);
    assert_eq!(receiver.dropped.len(), 5);
}

#[test]
fn asks_for_a_key_frame_every_200_ms_at_the_start() {
    let mut receiver = Receiver::new(&Webrtc::default());
    receiver.run_until(Time::from_millis(999));
    assert_eq!(receiver.requests, [], "no packet, no request");
    receiver.buffer.on_packet(Time::from_millis(999), false);
    receiver.run_until(Time::from_millis(6_000));
    // The packet is 4.801 s old at 5.8 s, and 5.001 s, too old, at 6 s.
    let want: Vec<Time> = (5..30).map(|i| Time::from_millis(200 * i)).collect();
    assert_eq!(receiver.requests, want);
}

#[test]
fn does_not_ask_while_a_key_frame_arrives() {
    let mut receiver = Receiver::new(&Webrtc::default());
    for i in 0..10 {
        let at = Time::from_millis(150 + 100 * i);
        receiver.run_until(at);
        receiver.buffer.on_packet(at, true);
    }
    receiver.run_until(Time::from_millis(1_399));
    assert_eq!(
        receiver.requests,
        [],
        "the last packet of a key frame came at 1.05 s"
    );
    receiver.run_until(Time::from_millis(1_400));
    assert_eq!(receiver.requests, [Time::from_millis(1_400)]);
}

#[test]
fn asks_three_seconds_after_the_last_frame_and_again() {
    let mut receiver = Receiver::new(&Webrtc::default());
    for n in 0..30 {
        receiver.arrive(frame(n, ms(25), ms(5)));
    }
    receiver.run_until(Time::from_millis(1_100));
    let last = receiver.shown[29].released;
    // Packets go on, but frame 30 never completes.
    for n in 31..300 {
        receiver.arrive(frame(n, ms(25), ms(5)));
    }
    assert_eq!(receiver.requests, [last + ms(3_000), last + ms(6_000)]);
    assert_eq!(receiver.shown.len(), 30);
    // The key frame that comes is decoded at once, and what waited is dropped.
    receiver.arrive(CompleteFrame {
        reference: None,
        ..frame(300, ms(25), ms(5))
    });
    receiver.run_until(Time::from_millis(10_300));
    assert_eq!(receiver.shown.last().unwrap().frame.frame, 300);
    assert_eq!(receiver.dropped.len(), 269);
    assert!(
        receiver
            .dropped
            .iter()
            .all(|(_, reason)| *reason == FrameDrop::Undecodable)
    );
}

#[test]
fn first_frame_without_key_asks_at_once() {
    let mut receiver = Receiver::new(&Webrtc::default());
    let first = frame(1, ms(25), ms(5));
    receiver.arrive(first);
    assert_eq!(receiver.requests, [first.complete]);
    receiver.arrive(frame(2, ms(25), ms(5)));
    assert_eq!(receiver.requests.len(), 1);
}

#[test]
fn low_latency_shows_every_frame_at_once() {
    let config = Webrtc {
        max_playout_delay: ms(500),
        ..Webrtc::default()
    };
    let mut receiver = Receiver::new(&config);
    for n in 0..100 {
        receiver.arrive(frame(n, ms(25 + n % 7), ms(5)));
    }
    receiver.run_until(Time::from_secs(5));
    assert_eq!(receiver.shown.len(), 100);
    assert!(
        receiver.shown.iter().all(
            |s| s.render_at.is_none() && s.released.as_micros() == s.frame.complete.as_micros()
        )
    );
}

#[test]
fn min_playout_delay_holds_every_frame() {
    let config = Webrtc {
        min_playout_delay: ms(300),
        ..Webrtc::default()
    };
    let mut receiver = Receiver::new(&config);
    for n in 0..100 {
        receiver.arrive(frame(n, ms(25), ms(5)));
    }
    receiver.run_until(Time::from_secs(5));
    for s in &receiver.shown[1..] {
        let delay = s.render_at.unwrap().since(s.frame.complete).as_millis_f64();
        assert!((delay - 300.0).abs() <= 1.0, "{delay}");
    }
}

#[test]
fn bad_render_times_reset_the_timing() {
    let mut receiver = Receiver::new(&Webrtc {
        version: crate::version::LibwebrtcVersion::October2024,
        ..Webrtc::default()
    });
    for n in 0..60 {
        receiver.arrive(frame(n, ms(25), ms(5)));
    }
    // The sender's clock jumps by an hour; without outlier rejection only the
    // bad render time starts the extrapolation anew.
    let jumped = |n| CompleteFrame {
        timestamp: n * 3000 + 3600 * 90_000,
        ..frame(n, ms(25), ms(5))
    };
    for n in 60..400 {
        receiver.arrive(jumped(n));
    }
    receiver.run_until(Time::from_secs(14));
    assert_eq!(receiver.shown.len(), 400);
    // The first one waits until just before the time-out, then all is new.
    assert_eq!(
        receiver.shown[60].released - receiver.shown[59].released,
        ms(2_999)
    );
    assert!(receiver.mean_delay_ms(300) < 60.0);
}

#[test]
fn refuses_senseless_parameters() {
    let (streams, assets) = (Streams::new(1), Assets::default());
    let cx = BuildContext {
        path: "jitter",
        streams: &streams,
        assets: &assets,
    };
    let field = |config: Webrtc| config.build(&cx).err().and_then(|e| e.field);
    assert_eq!(
        field(Webrtc {
            min_playout_delay: ms(11_000),
            ..Webrtc::default()
        })
        .unwrap(),
        "min_playout_delay"
    );
    assert_eq!(
        field(Webrtc {
            max_wait_for_frame: Span::ZERO,
            ..Webrtc::default()
        })
        .unwrap(),
        "max_wait_for_frame"
    );
    assert_eq!(field(Webrtc::default()), None);
}
