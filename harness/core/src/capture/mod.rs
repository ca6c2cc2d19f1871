//! Captures of a run: packets per link as pcapng, events per flow as qlog.
//!
//! A case's captures are written as it runs, into a folder of their own with a
//! temporary name; that gets its name when the case has finished and all is on
//! disk. They hold nothing but what follows from scenario, seed and version, and
//! a run is the same with and without them.

mod files;
mod formats;
mod pcapng;
mod qlog;
mod tap;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use weaknet_core::packet::LinkId;
use weaknet_core::{Event, EventSink, Time};
use weaknet_sim::World;

pub use files::CaptureError;
pub use formats::flow_format;
pub use pcapng::{Interface, PacketBlock, PcapngWriter};
pub use qlog::QlogWriter;
pub use tap::{DROPPED, IN, LinkCapture, OUT, reason_name};
pub(crate) use tap::{INTERFACES, Milliseconds};

use crate::metrics::RunFacts;
use crate::plan::Case;
use files::error;

/// What to capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureOptions {
    /// Packets per link.
    pub pcapng: bool,
    /// Events per flow.
    pub qlog: bool,
    /// Most bytes kept of a packet, from the IP header on; `None`: all.
    pub snaplen: Option<u32>,
    /// The version of weaknet, for the files' headers.
    pub version: String,
}

/// Where the captures of a run go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captures {
    root: PathBuf,
    options: CaptureOptions,
}

/// The name of the folder of a case's captures.
#[must_use]
pub fn folder_name(case: &str, seed: &str) -> String {
    format!("{case}-{seed}")
}

impl Captures {
    /// Captures below a folder that exists.
    #[must_use]
    pub const fn new(root: PathBuf, options: CaptureOptions) -> Self {
        Self { root, options }
    }

    fn folder(&self, case: &Case) -> PathBuf {
        self.root
            .join(folder_name(&case.id, &case.seed.to_string()))
    }

    /// Whether everything that is asked for is there for a case.
    #[must_use]
    pub fn has(&self, case: &Case) -> bool {
        let folder = self.folder(case);
        let links = case.scenario.network.links.iter();
        let flows = case.scenario.flows.iter();
        let links = links
            .filter(|_| self.options.pcapng)
            .map(|l| (&l.name, "pcapng"));
        let flows = flows
            .filter(|_| self.options.qlog)
            .map(|f| (&f.name, "sqlog"));
        links
            .chain(flows)
            .all(|(name, kind)| folder.join(format!("{name}.{kind}")).is_file())
    }

    /// Opens the captures of a case and taps its links.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn begin(
        &self,
        case: &Case,
        facts: &RunFacts,
        world: &mut World,
    ) -> Result<CaseCapture, CaptureError> {
        let folder = self.folder(case);
        let work = folder.with_added_extension("tmp");
        if work.exists() {
            fs::remove_dir_all(&work).map_err(error("remove", &work))?;
        }
        fs::create_dir_all(&work).map_err(error("create", &work))?;
        let Self { options, .. } = self;
        let encoder = Arc::new(Mutex::new(formats::encoder(case)));
        let mut links = Vec::new();
        for (id, link) in (0..).map(LinkId).zip(&facts.links) {
            if options.pcapng {
                let path = work.join(format!("{}.pcapng", link.name));
                let capture = LinkCapture::create(&path, options, Arc::clone(&encoder))?;
                world.set_tap(id, capture.tap());
                links.push(capture);
            }
        }
        let qlog = options
            .qlog
            .then(|| qlog::CaseQlog::create(&work, case, facts, &options.version))
            .transpose()?;
        Ok(CaseCapture {
            folder,
            work,
            links,
            qlog,
        })
    }
}

/// The captures of a case that runs.
pub struct CaseCapture {
    folder: PathBuf,
    work: PathBuf,
    links: Vec<LinkCapture>,
    qlog: Option<qlog::CaseQlog>,
}

impl EventSink for CaseCapture {
    fn event(&mut self, at: Time, event: &Event) {
        if let Some(qlog) = &mut self.qlog {
            qlog.event(at, event);
        }
    }
}

impl CaseCapture {
    /// Puts everything on disk and in its place.
    ///
    /// # Errors
    /// When any of it could not be written, also earlier in the run.
    pub fn finish(self) -> Result<(), CaptureError> {
        for link in self.links {
            link.finish()?;
        }
        if let Some(qlog) = self.qlog {
            qlog.finish()?;
        }
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(error("remove", &self.folder))?;
        }
        fs::rename(&self.work, &self.folder).map_err(error("write", &self.folder))
    }
}

/// Gives a finished case's captures to another run: the same files under another
/// name where the system can do that, else copies.
///
/// # Errors
/// When something cannot be read or written.
pub fn take_over(from: &Path, to: &Path) -> Result<(), CaptureError> {
    let work = to.with_added_extension("tmp");
    if work.exists() {
        fs::remove_dir_all(&work).map_err(error("remove", &work))?;
    }
    fs::create_dir_all(&work).map_err(error("create", &work))?;
    for entry in fs::read_dir(from).map_err(error("read", from))? {
        let entry = entry.map_err(error("read", from))?;
        let (old, new) = (entry.path(), work.join(entry.file_name()));
        if fs::hard_link(&old, &new).is_err() {
            fs::copy(&old, &new).map_err(error("copy", &old))?;
        }
    }
    fs::rename(&work, to).map_err(error("write", to))
}
