use super::*;

/// The generator of libwebrtc's unit test: delays -50, -40 .. 50 ms in turn and
/// sizes that go with them.
struct Bench {
    estimator: JitterEstimator,
    now: Micros,
    counter: i64,
}

impl Bench {
    fn new() -> Self {
        Self {
            estimator: JitterEstimator::new(),
            now: 0,
            counter: 0,
        }
    }
    fn delay_ms(&self) -> i64 {
        (self.counter % 11 - 5) * 10
    }
    fn size(&self) -> u32 {
        u32::try_from(1000 + self.delay_ms() / 5).unwrap()
    }
    fn run(&mut self, frames: u32, fps: i64) {
        for _ in 0..frames {
            self.estimator
                .update(self.now, self.delay_ms() * MILLISECOND, self.size());
            self.now += SECOND / fps;
            self.counter += 1;
        }
    }
    fn estimate_ms(&mut self) -> i64 {
        to_millis(self.estimator.estimate(self.now))
    }
}

#[test]
fn steady_state_is_54_ms() {
    // `SteadyStateConvergence` of jitter_estimator_unittest.cc.
    let mut b = Bench::new();
    b.run(60 * 30, 30);
    assert_eq!(b.estimate_ms(), 54);
}

#[test]
fn a_large_frame_raises_the_estimate_by_a_quarter() {
    let mut b = Bench::new();
    b.run(60 * 30, 30);
    let steady = b.estimate_ms();
    b.estimator
        .update(b.now, b.delay_ms() * MILLISECOND, 10 * b.size());
    assert!(b.estimate_ms() * 4 > steady * 5);
}

#[test]
fn frames_behind_a_large_one_count_as_noise() {
    // `CongestedFrameImpactsJitterEstimate`.
    let mut b = Bench::new();
    b.run(10 * 30, 30);
    let steady = b.estimate_ms();
    b.estimator
        .update(b.now, -10 * b.delay_ms() * MILLISECOND, b.size() / 10);
    assert!(b.estimate_ms() > steady);
}

#[test]
fn five_frames_per_second_need_no_delay() {
    let mut b = Bench::new();
    for i in 0..60 {
        b.estimator
            .update(b.now, b.delay_ms() * MILLISECOND, b.size());
        b.now += SECOND / 5;
        b.counter += 1;
        assert!(i <= 2 || b.estimator.estimate(b.now) == 0);
    }
}

#[test]
fn between_five_and_ten_frames_per_second_it_scales() {
    let mut b = Bench::new();
    b.run(400, 8);
    let scaled = b.estimator.estimate(b.now);
    b.estimator.frame_rate = FrameRate::default();
    let whole = b.estimator.estimate(b.now);
    assert_eq!(scaled, scale(whole, 3.0 / 5.0));
}

/// Ten even frames: 1 ms of noise and 10 ms of operating system jitter.
fn calm() -> Bench {
    let mut b = Bench::new();
    for _ in 0..10 {
        b.now += 33_333;
        b.estimator.update(b.now, 0, 1000);
    }
    b
}

#[test]
fn third_nacked_frame_within_a_minute_adds_nine_tenths_of_the_rtt() {
    let mut b = calm();
    b.estimator.on_rtt(100_000);
    let base = b.estimator.estimate(b.now);
    for nacked in 1..=3 {
        assert_eq!(b.estimator.estimate(b.now), base, "before frame {nacked}");
        b.estimator.on_nacked_frame(b.now);
    }
    assert_eq!(b.estimator.estimate(b.now), base + 90_000);
    assert_eq!(b.estimator.estimate(b.now + 60 * SECOND), base + 90_000);
    assert_eq!(b.estimator.estimate(b.now + 60 * SECOND + 1), base);
}

#[test]
fn share_of_the_rtt_is_capped_at_200_ms() {
    let mut b = calm();
    b.estimator.on_rtt(400_000);
    let base = b.estimator.estimate(b.now);
    for _ in 0..3 {
        b.estimator.on_nacked_frame(b.now);
    }
    assert_eq!(b.estimator.estimate(b.now), base + 200_000);
}

#[test]
fn even_frames_need_eleven_milliseconds() {
    assert_eq!(calm().estimate_ms(), 11);
}

#[test]
fn the_largest_frame_is_forgotten_slowly() {
    let mut b = calm();
    b.estimator.update(b.now, 0, 20_000);
    for _ in 0..1000 {
        b.now += 33_333;
        b.estimator.update(b.now, 0, 1000);
    }
    let expected = 20_000.0 * libm::pow(0.9999, 1000.0);
    assert!((b.estimator.max_size - expected).abs() < 1e-6);
}
