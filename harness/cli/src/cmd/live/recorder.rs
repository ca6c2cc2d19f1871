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
use weaknet_core::packet::LinkId;
use weaknet_harness::live::{About, PacketCapture, Row, What, Writer};
use weaknet_live::{Bundle, Note, Relay, Relays};

use crate::exit::{Exit, Failure};

/// Bytes that are written to a file at once.
const BUFFER: usize = 1 << 20;

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
    /// Begins a recording; what the workers have to tell goes through the relays. With a
    /// number of bytes the first ones of each packet are captured as well, in files
    /// beside it.
    pub(super) fn begin(
        path: &Path,
        about: &About,
        ways: &[Vec<LinkId>; 2],
        snaplen: Option<usize>,
    ) -> Result<(Self, [Relay; 2]), Failure> {
        let cannot = |error: io::Error| cannot(path, &error);
        let create = |path: &Path| -> io::Result<Output> {
            Ok(BufWriter::with_capacity(BUFFER, File::create(path)?))
        };
        let rows = create(path).and_then(|file| Writer::new(file, about));
        let capture = |name: &str| -> io::Result<PacketCapture<Output>> {
            PacketCapture::new(create(&path.with_file_name(name))?, &about.version)
        };
        let captures = snaplen.map(|_| -> io::Result<[PacketCapture<Output>; 2]> {
            Ok([capture("forward.pcapng")?, capture("backward.pcapng")?])
        });
        let end = |link: Option<&LinkId>| link.map_or(0, |link| link.0);
        let firsts = [0, 1].map(|way: usize| end(ways[way].first()));
        let lasts = [0, 1].map(|way: usize| end(ways[way].last()));
        let files = Files {
            firsts,
            lasts,
            rows: rows.map_err(cannot)?,
            captures: captures.transpose().map_err(cannot)?,
        };
        let Relays {
            relays,
            bundles,
            left_out,
        } = Relay::pair(firsts.map(LinkId), snaplen.unwrap_or(0));
        let (changes, changed) = channel();
        let thread = thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || write_all(files, &bundles, &changed))
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

type Output = BufWriter<File>;

/// Where everything goes.
struct Files {
    /// The links where packets come, from left to right and back, and where they leave.
    firsts: [u16; 2],
    lasts: [u16; 2],
    rows: Writer<Output>,
    captures: Option<[PacketCapture<Output>; 2]>,
}

impl Files {
    /// A row of a way, or of who changes the links.
    fn write(&mut self, way: Option<usize>, row: &Row, head: &[u8]) -> io::Result<()> {
        self.rows.row(row)?;
        let Some((captures, way)) = self.captures.as_mut().zip(way) else {
            return Ok(());
        };
        // A capture is of what comes and leaves; what is between links is neither.
        let is_within = match row.what {
            What::Via { .. } => true,
            What::Out { .. } => row.link != self.lasts[way],
            _ => false,
        };
        if is_within {
            return Ok(());
        }
        captures[way].row(row, head)
    }

    /// What a note says, with the first bytes of the packet that it is about.
    fn row<'n>(&self, way: usize, note: &'n Note) -> Option<(Row, &'n [u8])> {
        row(note, self.firsts[way], self.lasts[way])
    }

    fn finish(self) -> io::Result<()> {
        self.rows.finish()?.flush()?;
        let captures = self.captures.into_iter().flatten();
        captures
            .map(PacketCapture::into_inner)
            .try_for_each(|mut file| file.flush())
    }
}

/// Writes until the workers and who changes the link are done. After a failure it only
/// takes in, so that nobody waits for it.
fn write_all(
    mut files: Files,
    bundles: &Receiver<Bundle>,
    changes: &Receiver<Row>,
) -> io::Result<()> {
    let mut failed = Ok(());
    let mut write = |files: &mut Files, way: Option<usize>, row: &Row, head: &[u8]| {
        if failed.is_ok() {
            failed = files.write(way, row, head);
        }
    };
    loop {
        let bundle = bundles.recv_timeout(LOOK);
        changes
            .try_iter()
            .for_each(|row| write(&mut files, None, &row, &[]));
        match bundle {
            Ok(bundle) => {
                let way = bundle.direction.min(1);
                for note in &bundle.notes {
                    if let Some((row, head)) = files.row(way, note) {
                        write(&mut files, Some(way), &row, head);
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    changes
        .iter()
        .for_each(|row| write(&mut files, None, &row, &[]));
    failed?;
    files.finish()
}

/// The row of a note on a way between these links.
fn row(note: &Note, first: u16, last: u16) -> Option<(Row, &[u8])> {
    let (at, link, what, head): (_, _, _, &[u8]) = match *note {
        Note::Arrival {
            at,
            packet,
            size,
            flow,
            protocol,
            ecn,
            ref head,
        } => (
            at,
            first,
            What::In {
                packet,
                size,
                flow,
                protocol,
                ecn,
            },
            head,
        ),
        Note::End(at) => (at, first, What::End, &[]),
        Note::Event(at, ref event) => return Some((Row::of_event(at, event)?, &[])),
        Note::Departure {
            ideal,
            actual,
            packet,
            ref head,
            ..
        } => (actual, last, What::Left { packet, ideal }, head),
    };
    Some((Row { at, link, what }, head))
}
