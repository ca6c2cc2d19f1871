use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use ratatui::crossterm::event::KeyEvent;
use tempfile::TempDir;

use super::super::snapshot::Direction;
use super::board::Chosen;
use super::*;

/// A link that says what it is to and passes on what it is told.
fn link(answers: Vec<Vec<String>>) -> (TempDir, PathBuf, Receiver<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let (sender, told) = mpsc::channel();
    thread::spawn(move || {
        for answers in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut line = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            reader.read_line(&mut line).unwrap();
            sender.send(line).unwrap();
            for answer in answers {
                writeln!(stream, "{answer}").unwrap();
            }
        }
    });
    (folder, path, told)
}

fn connect(path: &Path) -> Result<UnixStream, Failure> {
    Ok(UnixStream::connect(path).unwrap())
}

fn snapshot(time_s: f64) -> Snapshot {
    Snapshot {
        time_s,
        forward: Direction {
            capacity_bps: Some(1_000_000),
            ..Direction::default()
        },
        ..Snapshot::default()
    }
}

#[test]
fn snapshots_come_until_the_link_ends() {
    let lines = [1.0, 2.0].map(|time| serde_json::to_string(&snapshot(time)).unwrap());
    let (_folder, path, told) = link(vec![lines.to_vec()]);
    let coming: Vec<_> = Client(&|| connect(&path)).watch().unwrap().collect();
    assert_eq!(told.recv().unwrap(), "{\"watch\":{}}\n");
    let times: Vec<f64> = coming.into_iter().map(|one| one.unwrap().time_s).collect();
    assert_eq!(times, [1.0, 2.0]);
}

#[test]
fn keys_tell_the_link_and_answers_are_shown() {
    let error = r#"{"error": "expected a rate"}"#.to_owned();
    let (_folder, path, told) = link(vec![vec!["{}".to_owned()], vec![error], vec![]]);
    let connect = || connect(&path);
    let client = Client(&connect);
    let mut board = Board {
        chosen: Chosen::Forward,
        ..Board::default()
    };
    board.push(snapshot(1.0));
    let mut press = |key| {
        let event = Event::Key(KeyEvent::from(KeyCode::Char(key)));
        assert!(!press(&event, &mut board, &client));
        board.said.clone().unwrap()
    };
    let done = Said::Done("network.forward.rate=1500kbps".to_owned());
    assert_eq!(press('r'), done);
    let expected = "{\"set\":[\"network.forward.rate=1500kbps\"]}\n";
    assert_eq!(told.recv().unwrap(), expected);
    assert_eq!(press('o'), Said::Failed("expected a rate".to_owned()));
    assert_eq!(told.recv().unwrap(), "{\"outage\":{\"seconds\":2.0}}\n");
    assert_eq!(press('h'), Said::Failed("the link has ended".to_owned()));
}

#[test]
fn garbage_is_refused() {
    let (_folder, path, _told) = link(vec![vec!["{\"time".to_owned()]]);
    let coming: Vec<_> = Client(&|| connect(&path)).watch().unwrap().collect();
    let error = coming[0].as_ref().unwrap_err().messages.concat();
    assert!(error.contains("cannot be understood: {\"time"), "{error}");
}

#[test]
fn lines_say_the_same() {
    assert_eq!(
        lines::line(&snapshot(61.0)),
        "1:01 forward 0 bit/s of 1.00 Mbit/s, queue 0.0 ms, loss 0 % \
         | backward 0 bit/s, queue 0.0 ms, loss 0 %\n"
    );
}
