//! Writes down what the workers of a live link see, on a thread of its own.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use weaknet_core::Time;
use weaknet_harness::live::{About, Row, What, Writer};
use weaknet_live::{Bundle, Note, Relay, Relays};

use crate::exit::{Exit, Failure};

/// How long the thread waits for notes before it looks for changes.
const LOOK: Duration = Duration::from_millis(100);

/// A recording in progress.
pub(super) struct Recorder {
    path: PathBuf,
    left_out: Arc<AtomicU64>,
    changes: Sender<Row>,
    thread: JoinHandle<io::Result<()>>,
}

/// What became of it.
pub(super) struct Recorded {
    pub(super) path: PathBuf,
    /// Notes that could not be written down in time.
    pub(super) left_out: u64,
}

impl Recorder {
    /// Begins a recording; what the workers have to tell goes through the relays.
    pub(super) fn begin(path: &Path, about: &About) -> Result<(Self, [Relay; 2]), Failure> {
        let cannot = |error: io::Error| cannot(path, &error);
        let file = File::create(path).map_err(cannot)?;
        let writer = Writer::new(BufWriter::with_capacity(1 << 20, file), about).map_err(cannot)?;
        let Relays {
            relays,
            bundles,
            left_out,
        } = Relay::pair(0);
        let (changes, changed) = channel();
        let thread = thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || write_all(writer, &bundles, &changed))
            .map_err(cannot)?;
        let recorder = Self {
            path: path.to_owned(),
            left_out,
            changes,
            thread,
        };
        Ok((recorder, relays))
    }

    /// Notes that these changes are in force on a link from `at` on.
    pub(super) fn set(&self, at: Time, link: u16, sets: &[String]) {
        let what = What::Set(sets.to_vec());
        // It may have failed; that is told at its end.
        let _ = self.changes.send(Row { at, link, what });
    }

    /// Writes the rest, when both workers have ended.
    pub(super) fn finish(self) -> Result<Recorded, Failure> {
        drop(self.changes);
        let written = self.thread.join();
        let written = written.unwrap_or_else(|_| Err(io::Error::other("its thread is gone")));
        written.map_err(|error| cannot(&self.path, &error))?;
        Ok(Recorded {
            path: self.path,
            left_out: self.left_out.load(Ordering::Relaxed),
        })
    }
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    let message = format!("failed to record to `{}`: {error}", path.display());
    Failure::new(Exit::Internal, message)
}

/// Writes until the workers and who changes the link are done. After a failure it only
/// takes in, so that nobody waits for it.
fn write_all(
    mut writer: Writer<BufWriter<File>>,
    bundles: &Receiver<Bundle>,
    changes: &Receiver<Row>,
) -> io::Result<()> {
    let mut failed = Ok(());
    let mut write = |row: &Row| {
        if failed.is_ok() {
            failed = writer.row(row);
        }
    };
    loop {
        let bundle = bundles.recv_timeout(LOOK);
        changes.try_iter().for_each(|row| write(&row));
        match bundle {
            Ok(bundle) => {
                let rows = bundle.notes.iter().filter_map(|note| row(&bundle, note));
                rows.for_each(|row| write(&row));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    changes.iter().for_each(|row| write(&row));
    failed?;
    writer.finish()?.flush()
}

fn row(bundle: &Bundle, note: &Note) -> Option<Row> {
    let link = u16::from(bundle.direction == 1);
    let (at, what) = match *note {
        Note::Arrival {
            at,
            packet,
            size,
            flow,
            protocol,
            ecn,
            ..
        } => (
            at,
            What::In {
                packet,
                size,
                flow,
                protocol,
                ecn,
            },
        ),
        Note::End(at) => (at, What::End),
        Note::Event(at, ref event) => return Row::of_event(at, event),
        Note::Departure {
            ideal,
            actual,
            packet,
            ..
        } => (actual, What::Left { packet, ideal }),
    };
    Some(Row { at, link, what })
}
