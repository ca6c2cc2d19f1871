//! A call between two Chromium processes, each at an end of a `weaknet live` link.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::camera;
use crate::devtools::{Page, Pipes, Trouble};
use crate::second::{Sample, Second};

/// The encoder's own limit.
const MAX_BITRATE: u32 = 2_500_000;
/// When the call begins on a link whose rate changes, by the clock of the link: the
/// browsers have started until then.
const LEAD: Duration = Duration::from_secs(20);

/// How a call goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Condition {
    pub(crate) seconds: u32,
    /// The rates of both directions in kbit/s and the seconds of the call from which on
    /// they hold.
    pub(crate) rates: &'static [(u32, u32)],
}

impl Condition {
    /// What the link can carry in the second that ends there.
    fn capacity_kbps(&self, second: u32) -> f64 {
        let passed = self.rates.iter().take_while(|(from, _)| *from < second);
        f64::from(passed.last().map_or(0, |(_, kbps)| *kbps))
    }

    fn lead(&self) -> Duration {
        if self.rates.len() > 1 {
            LEAD
        } else {
            Duration::ZERO
        }
    }

    /// The link of the recorded calls.
    fn scenario(&self) -> String {
        let steps: Vec<String> = self
            .rates
            .iter()
            .map(|(from, kbps)| {
                let at = match from {
                    0 => 0,
                    from => u64::from(*from) + self.lead().as_secs(),
                };
                format!("[{at}s, {kbps}kbps]")
            })
            .collect();
        let steps = steps.join(", ");
        let direction = format!(
            "{{rate: {{steps: [{steps}]}}, delay: 25ms, queue: {{drop_tail: {{limit: 300ms}}}}}}"
        );
        format!(
            "name: browsers\nduration: {}s\nnetwork:\n  forward: {direction}\n  backward: {direction}\n",
            self.seconds
        )
    }
}

/// What a call was.
pub(crate) struct Call {
    pub(crate) seconds: Vec<Second>,
    /// For every frame: received to shown in ms, and when it was shown, in seconds of
    /// the call.
    pub(crate) frames: Vec<(f64, f64)>,
    /// From the answer to the first frame that is shown.
    pub(crate) first_frame_ms: Option<f64>,
    /// What weaknet said at its end.
    pub(crate) summary: String,
}

/// Why there was no call.
pub(crate) enum NoCall {
    /// It cannot be here.
    Impossible(String),
    /// It should have been.
    Failed(Trouble),
}

impl From<Trouble> for NoCall {
    fn from(trouble: Trouble) -> Self {
        Self::Failed(trouble)
    }
}

/// Chromium, by whatever name it goes here.
pub(crate) fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let folders = std::env::var_os("PATH")?;
    let candidates = std::env::split_paths(&folders)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .collect::<Vec<_>>();
    candidates.into_iter().find(|path| path.is_file())
}

/// weaknet with both browsers. All ends with it.
struct Link(Child);

impl Link {
    fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // It has ended already if all went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A call in a folder of its own, which keeps the logs of all programs.
pub(crate) fn run(condition: &Condition, folder: &Path) -> Result<Call, NoCall> {
    let Some(chromium) = chromium() else {
        return Err(NoCall::Impossible("there is no Chromium".to_owned()));
    };
    let camera = folder.join("camera.y4m");
    camera::write(&camera).map_err(|error| format!("camera: {error}"))?;
    let scenario = folder.join("scenario.yaml");
    for (name, text) in [
        ("scenario.yaml", condition.scenario().as_str()),
        ("call.html", include_str!("call.html")),
        ("call.js", include_str!("call.js")),
    ] {
        fs::write(folder.join(name), text).map_err(|error| format!("{name}: {error}"))?;
    }
    let pipes = ["left", "right"].map(|end| Pipes::create(folder, end));
    let [mut left, mut right] = [Page::connect(&pipes[0]), Page::connect(&pipes[1])];
    let line = |end: usize, name: &str| {
        let browser = browser(&chromium, folder, name, &camera);
        let [log, started] = ["log", "started"].map(|what| folder.join(format!("{name}.{what}")));
        format!(
            "touch '{}'; exec {browser} {} >'{}' 2>&1",
            started.display(),
            pipes[end].redirections(),
            log.display()
        )
    };
    let log = folder.join("weaknet.log");
    let mut link = Command::new(env!("CARGO_BIN_EXE_weaknet"));
    link.arg("live").arg(&scenario).stdin(Stdio::null());
    link.args(["--left", &line(0, "left"), "--right", &line(1, "right")]);
    link.stderr(File::create(&log).map_err(|error| error.to_string())?);
    let mut link = Link(link.spawn().map_err(|error| error.to_string())?);
    // The first command runs as soon as the link does.
    let started = folder.join("left.started");
    while !started.exists() {
        if link.has_ended() {
            return Err(why_ended(&mut link, &log));
        }
        thread::sleep(Duration::from_millis(5));
    }
    let mut call = (|| {
        let url = format!("file://{}", folder.join("call.html").display());
        left.open(&url, "sample")?;
        right.open(&url, "sample")?;
        let begin = fs::metadata(&started).and_then(|found| found.modified());
        let begin = begin.map_err(|error| error.to_string())? + condition.lead();
        talk(&mut left, &mut right, condition, begin)
    })()?;
    left.close();
    right.close();
    let end = Instant::now() + Duration::from_secs(20);
    while !link.has_ended() && Instant::now() < end {
        thread::sleep(Duration::from_millis(20));
    }
    drop(link);
    call.summary = fs::read_to_string(&log).unwrap_or_default();
    Ok(call)
}

/// Why there was no link.
fn why_ended(link: &mut Link, log: &Path) -> NoCall {
    let message = fs::read_to_string(log).unwrap_or_default();
    match link.0.wait().map(|status| status.code()) {
        Ok(Some(77)) => NoCall::Impossible(message),
        status => NoCall::Failed(format!("weaknet ended: {status:?} {message}")),
    }
}

/// The shell words that start a Chromium without a window, without its own background
/// traffic, with a fake camera and microphone, and with the addresses of its devices in
/// the open: there is nobody to resolve names for it.
fn browser(program: &Path, folder: &Path, name: &str, camera: &Path) -> String {
    let profile = folder.join(format!("{name}.profile"));
    format!(
        "'{}' --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic \
         --no-first-run --disable-background-networking --disable-component-update \
         --disable-sync --disable-background-timer-throttling \
         --disable-backgrounding-occluded-windows --disable-renderer-backgrounding \
         --autoplay-policy=no-user-gesture-required \
         --disable-features=WebRtcHideLocalIpsWithMdns \
         --use-fake-ui-for-media-stream --use-fake-device-for-media-stream \
         --use-file-for-fake-video-capture='{}' --user-data-dir='{}' \
         --remote-debugging-pipe about:blank",
        program.display(),
        camera.display(),
        profile.display()
    )
}

/// Calls, and asks both ends once a second.
fn talk(
    left: &mut Page,
    right: &mut Page,
    condition: &Condition,
    begin: SystemTime,
) -> Result<Call, Trouble> {
    let offer = left.evaluate(&format!("offer({MAX_BITRATE})"))?;
    let early = begin.duration_since(SystemTime::now());
    if early.is_err() && !condition.lead().is_zero() {
        return Err("the browsers were not ready when the call should have begun".to_owned());
    }
    thread::sleep(early.unwrap_or_default());
    let answer = right.evaluate(&format!("answer({offer})"))?;
    let began = Instant::now();
    let epoch = left.evaluate(&format!("accept({answer})"))?;
    let epoch = epoch.as_f64().ok_or("no time")?;
    let nothing = Sample {
        left: json!({"transport": {"timestamp": epoch}, "sent_video": {"timestamp": epoch}}),
        right: json!({"transport": {"timestamp": epoch}}),
    };
    let (mut before, mut seconds, mut frames) = (nothing, Vec::new(), Vec::new());
    let mut first_frame_ms = None;
    for second in 1..=condition.seconds {
        let at = Duration::from_secs(u64::from(second));
        thread::sleep((began + at).saturating_duration_since(Instant::now()));
        let now = Sample {
            left: left.evaluate("sample()")?,
            right: right.evaluate("sample()")?,
        };
        let (t_s, capacity) = (f64::from(second), condition.capacity_kbps(second));
        let sampled = Second::between(t_s, capacity, &before, &now);
        let _ = writeln!(
            std::io::stderr(),
            "{second:3} s: {} of {capacity} kbit/s",
            sampled
                .l_out_kbps
                .map_or_else(|| "-".to_owned(), |kbps| format!("{kbps:.0}"))
        );
        seconds.push(sampled);
        before = now;
        for frame in right
            .evaluate("takeFrames()")?
            .as_array()
            .into_iter()
            .flatten()
        {
            let [Some(shown), Some(received)] = [&frame[0], &frame[1]].map(Value::as_f64) else {
                continue;
            };
            first_frame_ms.get_or_insert(shown - epoch);
            frames.push((shown - received, (shown - epoch) / 1_000.0));
        }
    }
    Ok(Call {
        seconds,
        frames,
        first_frame_ms,
        summary: String::new(),
    })
}
