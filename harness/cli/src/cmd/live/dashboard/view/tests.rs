use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::super::snapshot::{Change, Delay, Direction, Drops, EmulationError, Snapshot};
use super::*;

/// A link in its `second`: a rate that comes and goes, a queue that only grows.
fn snapshot(second: u32) -> Snapshot {
    let time = f64::from(second);
    let wave = (time / 5.0).sin() * 0.4 + 0.5;
    Snapshot {
        name: "lte-drive".to_owned(),
        time_s: time,
        forward: Direction {
            capacity_bps: Some(3_000_000),
            in_bps: 2_800_000,
            out_bps: (2_999_000.0 * wave) as u64,
            queue_bytes: 12_345,
            queue_packets: 11,
            queue_delay_ms: 3.0 * time,
            one_way_delay_ms: Some(Delay {
                p50: 58.2,
                p95: 171.0,
            }),
            loss: 0.012,
            drops: vec![
                Drops {
                    reason: "overflow".to_owned(),
                    packets: 12,
                },
                Drops {
                    reason: "loss".to_owned(),
                    packets: 3,
                },
            ],
            emulation_error_us: Some(EmulationError {
                p50: 9.0,
                p99: 3_912.0,
                max: 58_900.0,
            }),
            ..Direction::default()
        },
        backward: Direction {
            out_bps: 13_000,
            system_drops: 4,
            ..Direction::default()
        },
        changes: vec![
            Change {
                time_s: 41.0,
                text: "network.forward.loss=5%".to_owned(),
            },
            Change {
                time_s: 52.5,
                text: "outage of 2 s".to_owned(),
            },
        ],
    }
}

fn board() -> Board {
    let mut board = Board::default();
    for second in 0..=83 {
        board.push(snapshot(second));
    }
    board
}

fn drawn(board: &Board, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let frame = terminal.draw(|frame| frame.render_widget(board, frame.area()));
    let buffer = frame.unwrap().buffer;
    let rows = buffer.content.chunks(usize::from(width));
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>())
        .collect()
}

#[test]
fn a_small_terminal_shows_all_figures() {
    let lines = drawn(&board(), 80, 24);
    let text = lines.join("\n");
    for expected in [
        "weaknet lte-drive",
        "running 1:23",
        "249 ms, 11 packets, 12.3 kB",
        "of 3.00 Mbit/s, ",
        "p50 58 ms, p95 171 ms",
        "loss   1.2 %",
        "p50 9, p99 3912, max 58900 us",
        "12 overflow, 3 loss",
        "13.0 kbit/s, no limit",
        "none, 4 by the system",
        "0:41  network.forward.loss=5%",
        "0:52  outage of 2 s",
        "q quit",
        "* forward: left to right",
        "* backward: right to left",
    ] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
    // The newest change is at the top.
    assert!(text.find("outage of 2 s") < text.find("network.forward.loss"));
}

#[test]
fn curves_rise_with_their_figures() {
    let lines = drawn(&board(), 120, 40);
    let queue = lines.iter().position(|line| line.contains("│queue"));
    let curve: Vec<Vec<char>> = lines[queue.unwrap() + 1..]
        .iter()
        .take_while(|line| !line.contains("│delay"))
        .map(|line| line.chars().skip(1).take(58).collect())
        .collect();
    assert!(curve.len() >= 3, "{} rows", curve.len());
    // How many cells of a column are filled, in the first and in the last second shown.
    let height = |column: usize| {
        let filled = curve.iter().filter(|row| row[column] != ' ');
        filled.count()
    };
    assert!(height(0) < height(57), "{curve:?}");
    assert_eq!(height(57), curve.len(), "the last is the highest");
}

#[test]
fn what_came_of_a_key_is_said() {
    let mut board = board();
    board.said = Some(Said::Failed("the link has ended".to_owned()));
    board.chosen = board.chosen.next();
    let text = drawn(&board, 80, 24).join("\n");
    assert!(text.contains("the link has ended"), "{text}");
    assert!(text.contains("* forward"), "{text}");
    assert!(!text.contains("* backward"), "{text}");
}

#[test]
fn no_size_is_too_small() {
    for (width, height) in [(1, 1), (20, 5), (60, 24), (80, 10), (300, 100)] {
        drawn(&board(), width, height);
        drawn(&Board::default(), width, height);
    }
}
