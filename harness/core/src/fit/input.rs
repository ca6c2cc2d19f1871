//! From files to series: finds out what each file is.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::capture::{self, Capture};
use super::frame::Frame;
use super::series::Series;
use super::{FitError, irtt, matching, ping, receiver};

/// Text files beyond this size are no output of irtt or ping.
const LARGEST_TEXT: u64 = 1 << 30;

const EXPECTED: &str = "expected a pcap or pcapng capture, JSON output of irtt, or output of ping";

/// What was measured: one direction, or there and back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measurement {
    /// The direction measured.
    pub forward: Series,
    /// The way back, when it was measured as well.
    pub backward: Option<Series>,
}

/// Reads one file (a capture with two points or at the receiver, irtt, ping) or
/// two captures, the sender's first.
///
/// # Errors
/// What is wrong with which file.
pub fn read(files: &[PathBuf]) -> Result<Measurement, FitError> {
    match files {
        [one] => one_file(one),
        [sender, receiver] => two_files(sender, receiver),
        _ => Err(FitError::new(format!(
            "expected one file, or the sender's and the receiver's capture, found {} files",
            files.len()
        ))),
    }
}

fn one_file(path: &Path) -> Result<Measurement, FitError> {
    let name = named(path);
    let at = |error: FitError| FitError::new(format!("{}: {error}", path.display()));
    if is_capture(path)? {
        let capture = read_capture(path)?;
        let mut series = match (capture.point("in"), capture.point("out")) {
            (Some(entry), Some(exit)) => {
                let mut series =
                    matching::passages(&entry.frames, &exit.frames, true).map_err(at)?;
                series.source = format!("capture with two points, {name}");
                series
            }
            _ => {
                let frames = all_frames(&capture);
                let mut series = receiver::series(&frames).map_err(at)?;
                series.source = format!("capture at the receiver, {name}");
                series
            }
        };
        series.notices.splice(0..0, capture.notices);
        return Ok(Measurement {
            forward: series,
            backward: None,
        });
    }
    let text = read_text(path)?;
    if text.trim_start().starts_with('{') {
        let mut series = irtt::read(&text).map_err(at)?.into_iter();
        let forward = series
            .next()
            .ok_or_else(|| at(FitError::new("nothing measured")))?;
        let mut measurement = Measurement {
            forward,
            backward: series.next(),
        };
        measurement.forward.source = format!("irtt, {name}");
        if let Some(backward) = &mut measurement.backward {
            backward.source = format!("irtt, {name}");
        }
        return Ok(measurement);
    }
    if ping::is_ping(&text) {
        let mut series = ping::read(&text).map_err(at)?;
        series.source = format!("ping, {name}");
        return Ok(Measurement {
            forward: series,
            backward: None,
        });
    }
    Err(at(FitError::new(EXPECTED)))
}

fn two_files(sender: &Path, receiver: &Path) -> Result<Measurement, FitError> {
    for path in [sender, receiver] {
        if !is_capture(path)? {
            return Err(FitError::new(format!(
                "{}: expected a pcap or pcapng capture",
                path.display()
            )));
        }
    }
    let (first, second) = (read_capture(sender)?, read_capture(receiver)?);
    let at = |error: FitError| {
        FitError::new(format!(
            "{} and {}: {error}",
            sender.display(),
            receiver.display()
        ))
    };
    let sent = largest_path(&all_frames(&first));
    let mut series = matching::passages(&sent, &all_frames(&second), false).map_err(at)?;
    series.source = format!(
        "captures at both ends, {} and {}",
        named(sender),
        named(receiver)
    );
    series
        .notices
        .splice(0..0, first.notices.into_iter().chain(second.notices));
    Ok(Measurement {
        forward: series,
        backward: None,
    })
}

/// Packets of the pair of addresses that sent the most.
fn largest_path(frames: &[Frame]) -> Vec<Frame> {
    let mut bytes = std::collections::BTreeMap::<u64, u64>::new();
    for frame in frames {
        *bytes.entry(frame.path).or_default() += u64::from(frame.bytes);
    }
    let largest = bytes
        .iter()
        .max_by_key(|(_, bytes)| **bytes)
        .map(|(path, _)| *path);
    frames
        .iter()
        .filter(|f| Some(f.path) == largest)
        .copied()
        .collect()
}

fn all_frames(capture: &Capture) -> Vec<Frame> {
    let mut frames: Vec<Frame> = capture
        .points
        .iter()
        .flat_map(|point| point.frames.iter().copied())
        .collect();
    frames.sort_by_key(|frame| frame.at);
    frames
}

fn named(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Goes into comments and lines.
    name.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

fn open(path: &Path) -> Result<File, FitError> {
    File::open(path)
        .map_err(|error| FitError::new(format!("`{}` cannot be read: {error}", path.display())))
}

fn is_capture(path: &Path) -> Result<bool, FitError> {
    let mut start = Vec::new();
    open(path)?
        .take(4)
        .read_to_end(&mut start)
        .map_err(|error| FitError::new(format!("`{}` cannot be read: {error}", path.display())))?;
    Ok(capture::is_capture(&start))
}

fn read_capture(path: &Path) -> Result<Capture, FitError> {
    capture::read(BufReader::new(open(path)?))
        .map_err(|error| FitError::new(format!("{}: {error}", path.display())))
}

fn read_text(path: &Path) -> Result<String, FitError> {
    let mut bytes = Vec::new();
    open(path)?
        .take(LARGEST_TEXT)
        .read_to_end(&mut bytes)
        .map_err(|error| FitError::new(format!("`{}` cannot be read: {error}", path.display())))?;
    String::from_utf8(bytes).map_err(|_| FitError::new(format!("{}: {EXPECTED}", path.display())))
}
