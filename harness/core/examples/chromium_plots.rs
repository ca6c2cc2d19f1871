//! Draws the courses of calls between two Chromium processes beside ours, as SVG.
//!
//! `cargo run -p weaknet-harness --example chromium_plots -- docs/validation`
//! writes `chromium-<condition>.svg` into that folder. Needs the recordings in
//! `WEAKNET_SHARED`.

#[path = "../tests/chromium/course.rs"]
mod course;

use std::fmt::Write as _;
use std::path::PathBuf;

use course::{Course, Second, recorded, run};

/// Recordings of a picture: name, run and how the legend calls it.
type Recordings = &'static [(&'static str, u32, &'static str)];

/// A picture: letter of our scenario, title, recordings, our seeds.
type Picture = (&'static str, &'static str, Recordings, &'static str);

#[rustfmt::skip]
const PICTURES: [Picture; 6] = [
    ("a", "a: 3 Mbit/s, 25 ms each way",
        &[("a_clean3M", 1, "run 1"), ("a_clean3M", 2, "run 2")], "[1, 2]"),
    ("b", "b: 2.5, 1, 0.4 and 2 Mbit/s, 25 ms each way",
        &[("b_steps", 1, "run 1"), ("b_steps", 2, "run 2"), ("b_steps", 4, "run 3")], "[1, 2, 3]"),
    // One seed in ten starts as slowly as the first recorded run: 34 does.
    ("c", "c: 3 Mbit/s, 25 ms, 5 % loss each way",
        &[("c_loss5", 1, "run 1"), ("c_loss5", 2, "run 2"), ("c_loss5", 4, "run 3")], "[34, 2, 3]"),
    ("c-nofec", "c without FEC: 3 Mbit/s, 25 ms, 5 % loss each way",
        &[("c_loss5_nofec", 1, "run 1")], "[34]"),
    ("g", "g: 0.3 Mbit/s, 100 ms each way",
        &[("g_300k_100ms", 1, "run 1"), ("g_300k_100ms", 2, "run 2")], "[1, 2]"),
    ("i", "i: 1 Mbit/s, 25 ms each way", &[("i_cap1M_steady", 1, "run 1")], "[1]"),
];

/// A label and what it is about.
type Panel = (&'static str, fn(&Second) -> f64);

/// What is drawn, each over time in a panel of its own.
const PANELS: [Panel; 4] = [
    ("estimate of the link, kbit/s", |s| s.estimate),
    ("video encoder's target, kbit/s", |s| s.encoder),
    ("rate out of the link, kbit/s", |s| s.link),
    ("longest wait in the queue, ms", |s| s.longest_wait),
];
/// The panel that shows the capacity too.
const LINK_PANEL: usize = 2;
/// The panel whose label says means too.
const WAIT_PANEL: usize = 3;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 70.0;
const PANEL: f64 = 130.0;
const PITCH: f64 = 182.0;
const THEIRS: &str = "#c2410c";
const OURS: &str = "#1d4ed8";

/// A course and how the legend calls it.
type Named = (String, Course);

/// Colour, opacity and dashes of a line.
type Style<'a> = (&'a str, f64, &'a str);

/// A step of 1, 2 or 5 times a power of ten that divides `range` into at most
/// `parts`.
fn step(range: f64, parts: f64) -> f64 {
    let decade = 10_f64.powf((range / parts).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|k| k * decade);
    let enough = steps.into_iter().find(|step| range / step <= parts);
    enough.unwrap_or(decade * 10.0)
}

struct Frame {
    top: f64,
    end: f64,
    high: f64,
}

impl Frame {
    fn x(&self, time: f64) -> f64 {
        LEFT + time / self.end * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        self.top + PANEL * (1.0 - value / self.high)
    }

    fn axes(&self, svg: &mut String, label: &str) {
        let tick = step(self.high, 5.0);
        for k in 0..=(self.high / tick + 1e-9) as usize {
            let (value, right) = (k as f64 * tick, WIDTH - RIGHT);
            let y = self.y(value);
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#ddd\"/>\
                 <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
                LEFT - 6.0,
                y + 4.0
            );
        }
        let tick = step(self.end, 14.0);
        for k in 0..=(self.end / tick) as usize {
            let (time, bottom) = (k as f64 * tick, self.top + PANEL);
            let x = self.x(time);
            let unit = if k == 0 { " s" } else { "" };
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {bottom}v4\" stroke=\"#666\"/>\
                 <text x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{time}{unit}</text>",
                bottom + 17.0
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"{:.0}\" font-weight=\"600\">{label}</text>",
            self.top - 6.0
        );
    }

    fn capacity(&self, svg: &mut String, course: &Course) {
        let steps = course.seconds.iter().flat_map(|s| {
            let y = self.y(s.capacity);
            [(self.x(s.end - 1.0), y), (self.x(s.end), y)]
        });
        self.polyline(svg, steps, CAPACITY);
    }

    fn line(&self, svg: &mut String, course: &Course, of: fn(&Second) -> f64, style: Style<'_>) {
        let seconds = course.seconds.iter().filter(|s| of(s).is_finite());
        self.polyline(svg, seconds.map(|s| (self.x(s.end), self.y(of(s)))), style);
    }

    fn polyline(
        &self,
        svg: &mut String,
        points: impl Iterator<Item = (f64, f64)>,
        (colour, opacity, dashes): Style<'_>,
    ) {
        let points: Vec<String> = points.map(|(x, y)| format!("{x:.0},{y:.1}")).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.4\" \
             stroke-opacity=\"{opacity}\"{dashes}/>",
            points.join(" ")
        );
    }
}

/// Theirs in a line, ours in another.
fn legend(svg: &mut String, theirs: &[Named], ours: &[Named]) {
    let mut entry = |place: usize, y: u32, name: &str, (colour, opacity, dashes): Style<'_>| {
        let x = LEFT + 160.0 * place as f64;
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.0} {y}h24\" stroke=\"{colour}\" stroke-width=\"2.5\" \
             stroke-opacity=\"{opacity}\"{dashes}/><text x=\"{:.0}\" y=\"{}\">{name}</text>",
            x + 29.0,
            y + 4
        );
    };
    for (k, (name, _)) in theirs.iter().enumerate() {
        entry(k, 33, name, style(THEIRS, k));
    }
    for (k, (name, _)) in ours.iter().enumerate() {
        entry(k, 50, name, style(OURS, k));
    }
    entry(ours.len(), 50, "capacity", CAPACITY);
}

const CAPACITY: Style<'_> = ("#444", 1.0, " stroke-dasharray=\"5 4\"");

/// The first run is strong, others are paler.
fn style(colour: &str, run: usize) -> Style<'_> {
    (colour, [1.0, 0.55, 0.3][run.min(2)], "")
}

fn mean_waits(courses: &[Named]) -> String {
    let waits = courses.iter().map(|(_, c)| format!("{:.1}", c.mean_wait));
    waits.collect::<Vec<_>>().join(", ")
}

fn picture(title: &str, theirs: &[Named], ours: &[Named]) -> String {
    let height = TOP + PITCH * PANELS.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"18\" font-size=\"15\" font-weight=\"600\">{title}</text>\n"
    );
    legend(&mut svg, theirs, ours);
    for (at, (label, of)) in PANELS.into_iter().enumerate() {
        let mut label = label.to_owned();
        if at == WAIT_PANEL {
            let _ = write!(
                label,
                " (mean from 10 s: Chromium {}; weaknet {})",
                mean_waits(theirs),
                mean_waits(ours)
            );
        }
        let all = || theirs.iter().chain(ours).map(|(_, course)| course);
        let shown = |s: &Second| if at == LINK_PANEL { s.capacity } else { 0.0 };
        let values = all().flat_map(|c| c.seconds.iter().map(move |s| of(s).max(shown(s))));
        let most = values.filter(|v| v.is_finite()).fold(0.0, f64::max);
        let tick = step(most, 10.0);
        let frame = Frame {
            top: TOP + 14.0 + PITCH * at as f64,
            end: all().map(|c| c.seconds.len()).max().unwrap_or(1) as f64,
            high: (most / tick).ceil() * tick,
        };
        frame.axes(&mut svg, &label);
        if at == LINK_PANEL {
            frame.capacity(&mut svg, &theirs[0].1);
        }
        for (k, (_, course)) in theirs.iter().enumerate() {
            frame.line(&mut svg, course, of, style(THEIRS, k));
        }
        for (k, (_, course)) in ours.iter().enumerate() {
            frame.line(&mut svg, course, of, style(OURS, k));
        }
    }
    svg + "</svg>\n"
}

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| PathBuf::from("docs/validation"));
    std::fs::create_dir_all(&folder)?;
    for (letter, title, recordings, seeds) in PICTURES {
        let theirs = recordings.iter().map(|(name, run, label)| {
            let course = recorded(name, &[*run])?.remove(0);
            Some((format!("Chromium, {label}"), course))
        });
        let Some(theirs) = theirs.collect::<Option<Vec<_>>>() else {
            return Ok(());
        };
        let ours = run(letter, seeds).into_iter().map(|outcome| {
            let label = format!("weaknet, seed {}", outcome.result.seed);
            (label, Course::of(&outcome))
        });
        let ours: Vec<_> = ours.collect();
        let path = folder.join(format!("chromium-{letter}.svg"));
        std::fs::write(&path, picture(title, &theirs, &ours))?;
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}
