//! The fake camera: eight seconds of video that begin again without a seam.
//!
//! A texture with details of several sizes moves in a circle, a brighter disc across it,
//! and every pixel has some noise of its own in every frame, as from a sensor. So the
//! encoder has use for every bit it gets at 2.5 Mbit/s, and frames differ in size by what
//! motion does, not by cuts.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

const WIDTH: usize = 640;
const HEIGHT: usize = 360;
const FRAMES: usize = 240;
/// Cells of the texture's octaves, in pixels, and how bright each is at most.
const OCTAVES: [(usize, f64); 4] = [(40, 60.0), (20, 36.0), (10, 18.0), (5, 4.0)];
/// Noise reaches so far up and down.
const NOISE: i32 = 2;

/// Writes the clip as YUV4MPEG2.
pub(crate) fn write(path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "YUV4MPEG2 W{WIDTH} H{HEIGHT} F30:1 Ip A1:1 C420jpeg")?;
    let texture = texture();
    let mut luma = vec![0; WIDTH * HEIGHT];
    let mut chroma = vec![0; WIDTH * HEIGHT / 4];
    for frame in 0..FRAMES {
        writeln!(file, "FRAME")?;
        let turn = std::f64::consts::TAU * frame as f64 / FRAMES as f64;
        let (shift_x, shift_y) = (
            (WIDTH as f64 + 80.0 * turn.cos()) as usize,
            (HEIGHT as f64 + 40.0 * turn.sin()) as usize,
        );
        let disc = (
            320.0 - 180.0 * turn.cos(),
            180.0 + 90.0 * (2.0 * turn).sin(),
        );
        for (at, value) in luma.iter_mut().enumerate() {
            let (x, y) = (at % WIDTH, at / WIDTH);
            let under = texture[(y + shift_y) % HEIGHT * WIDTH + (x + shift_x) % WIDTH];
            let (dx, dy) = (x as f64 - disc.0, y as f64 - disc.1);
            let light = if dx * dx + dy * dy < 4_900.0 { 45 } else { 0 };
            let noise = hash(at + frame * WIDTH * HEIGHT) % (2 * NOISE as u64 + 1);
            let sum = i32::from(under) + light + noise as i32 - NOISE;
            *value = sum.clamp(16, 235) as u8;
        }
        file.write_all(&luma)?;
        for (phase, across) in [(0.0, 1.0), (2.0, -1.0)] {
            for (at, value) in chroma.iter_mut().enumerate() {
                let (x, y) = (at % (WIDTH / 2), at / (WIDTH / 2));
                let wave = (x as f64 * across + y as f64) / 60.0 + turn + phase;
                *value = (128.0 + 30.0 * wave.sin()) as u8;
            }
            file.write_all(&chroma)?;
        }
    }
    file.flush()
}

/// Sums of smooth noise; it goes on at the far edges where it began.
fn texture() -> Vec<u8> {
    let mut sums = vec![30.0; WIDTH * HEIGHT];
    for (octave, (cell, height)) in OCTAVES.into_iter().enumerate() {
        let (columns, rows) = (WIDTH / cell, HEIGHT / cell);
        let node = |column: usize, row: usize| {
            let at = (row % rows) * columns + column % columns;
            (hash(at + (octave + 1) * 1_000_003) % 1_000) as f64 / 1_000.0
        };
        for (at, sum) in sums.iter_mut().enumerate() {
            let (x, y) = (at % WIDTH, at / WIDTH);
            let (column, row) = (x / cell, y / cell);
            let part = |within: usize| {
                let share = within as f64 / cell as f64;
                share * share * (3.0 - 2.0 * share)
            };
            let (right, down) = (part(x % cell), part(y % cell));
            let mix = |a: f64, b: f64, share: f64| a + (b - a) * share;
            let upper = mix(node(column, row), node(column + 1, row), right);
            let lower = mix(node(column, row + 1), node(column + 1, row + 1), right);
            *sum += height * mix(upper, lower, down);
        }
    }
    sums.into_iter().map(|sum| sum as u8).collect()
}

/// SplitMix64's finalizer.
fn hash(of: usize) -> u64 {
    let mut z = (of as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
