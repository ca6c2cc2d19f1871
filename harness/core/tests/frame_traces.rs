//! Recorded encoders of the library of traces, played at their own rate. Needs
//! the library in `WEAKNET_SHARED` (default: `shared` beside the workspace).

use std::path::PathBuf;

use weaknet_core::plugin::{Assets, ReadFile};
use weaknet_core::{Bitrate, BuildContext, Plugin, Streams, Time};
use weaknet_transports::media::{EncodedFrame, FrameTrace, VideoFormat};

/// The recordings; `None` without the library, which has to be there in CI.
fn recordings() -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    let shared = std::env::var_os("WEAKNET_SHARED").map_or_else(beside, PathBuf::from);
    let path = shared.join("traces/video-frames-syncodecs");
    if path.is_dir() {
        return Some(path);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{} is absent",
        path.display()
    );
    eprintln!(
        "NOTICE: {} is absent, its test has nothing to test",
        path.display()
    );
    None
}

struct Folder(PathBuf);

impl ReadFile for Folder {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        std::fs::read(self.0.join(name)).map_err(|e| e.to_string())
    }
}

/// So many frames of a recording at a target.
fn play(folder: PathBuf, file: &str, target: Bitrate, frames: usize) -> Vec<EncodedFrame> {
    let (streams, assets) = (Streams::new(1), Assets::new(Folder(folder)));
    let config = FrameTrace {
        file: file.to_owned(),
        ..FrameTrace::default()
    };
    let mut source = config
        .build(&BuildContext {
            path: "call/video",
            streams: &streams,
            assets: &assets,
        })
        .unwrap();
    let format = VideoFormat {
        fps: 30.0,
        min_bitrate: Bitrate::ZERO,
        max_bitrate: Bitrate::from_mbps(100),
    };
    source.start(Time::ZERO, format, target);
    (0..frames)
        .map(|_| source.capture(source.next_capture().unwrap()).unwrap())
        .collect()
}

/// Name, mean kbit/s at 30 frames per second, median, 95 % and largest size in
/// bytes.
const RECORDINGS: [(&str, f64, [u32; 3]); 3] = [
    ("chat_360p_400.txt", 336.43, [1_416, 2_100, 7_109]),
    ("chat_720p_1000.txt", 977.52, [4_123, 5_202, 14_567]),
    ("chat_1080p_1500.txt", 1_503.32, [6_300, 7_588, 20_489]),
];

#[test]
fn recordings_play_as_they_were_recorded() {
    let Some(folder) = recordings() else {
        return;
    };
    for (file, kbps, [median, most, largest]) in RECORDINGS {
        let target = Bitrate::from_bps_f64(kbps * 1e3);
        let frames = play(folder.clone(), file, target, 7_200);
        let total: u64 = frames.iter().map(|frame| u64::from(frame.size)).sum();
        let rate = total as f64 * 8.0 / 240.0;
        assert!(
            (rate / target.as_bps_f64() - 1.0).abs() < 1e-4,
            "{file}: {rate}"
        );
        let mut sizes: Vec<_> = frames.iter().map(|frame| frame.size).collect();
        sizes.sort_unstable();
        // The target is known to 0.005 of 336 kbit/s, sizes are whole bytes.
        let near = |found: u32, expected: u32| {
            let off = f64::from(found.abs_diff(expected));
            assert!(
                off <= 1.0 + 2e-5 * f64::from(expected),
                "{file}: {found} {expected}"
            );
        };
        near(sizes[3_600], median);
        near(sizes[6_839], most);
        near(sizes[7_199], largest);
        assert_eq!(frames.iter().filter(|frame| frame.key).count(), 1, "{file}");
    }
}

#[test]
fn recordings_follow_a_target_and_repeat_after_their_start() {
    let Some(folder) = recordings() else {
        return;
    };
    for (file, ..) in RECORDINGS {
        let target = Bitrate::from_kbps(600);
        let frames = play(folder.clone(), file, target, 7_200 + 100);
        assert!(frames.iter().all(|frame| frame.size >= 1));
        let again = frames[7_200..].iter().map(|frame| frame.size);
        assert!(
            again.eq(frames[20..120].iter().map(|frame| frame.size)),
            "{file}"
        );
    }
}
