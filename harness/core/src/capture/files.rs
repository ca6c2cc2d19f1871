//! Files that are written while a run goes on, and what can go wrong.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Why a capture could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to {action} `{}`: {message}", path.display())]
pub struct CaptureError {
    /// What was tried.
    pub action: &'static str,
    /// On which path.
    pub path: PathBuf,
    /// What the system said.
    pub message: String,
}

/// Names the action and the path of a failure.
pub(super) fn error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CaptureError {
    let path = path.to_owned();
    move |source| CaptureError {
        action,
        path,
        message: source.to_string(),
    }
}

/// A file being written in small pieces. The first failure is kept until the
/// end; nothing is written after it.
#[derive(Debug)]
pub(super) struct Stream {
    path: PathBuf,
    file: BufWriter<File>,
    failed: Option<io::Error>,
}

impl Stream {
    pub(super) fn create(path: &Path) -> Result<Self, CaptureError> {
        let file = File::create(path).map_err(error("create", path))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 16, file),
            failed: None,
        })
    }

    /// Writes the rest out.
    pub(super) fn finish(mut self) -> Result<(), CaptureError> {
        let written = match self.failed.take() {
            None => self.file.flush(),
            Some(error) => Err(error),
        };
        written.map_err(error("write", &self.path))
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed.is_none()
            && let Err(error) = self.file.write_all(bytes)
        {
            self.failed = Some(error);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
