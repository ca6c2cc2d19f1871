//! The control socket of a running link, from outside.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::super::snapshot::{Command, Snapshot};

/// How long a link may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
pub(super) struct Socket(PathBuf);

impl Socket {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// A snapshot a second until the link ends.
    pub(super) fn watch(&self) -> io::Result<impl Iterator<Item = io::Result<Snapshot>> + use<>> {
        let stream = self.send(&Command::Watch {})?;
        Ok(BufReader::new(stream).lines().map(|line| {
            let line = line?;
            serde_json::from_str(&line).map_err(|_| refused(&line))
        }))
    }

    /// Has the link do something; returns when it has.
    pub(super) fn tell(&self, command: &Command) -> io::Result<()> {
        let stream = self.send(command)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer)?;
        let said: Value = serde_json::from_str(&answer).map_err(|_| refused(&answer))?;
        match said.get("error") {
            Some(_) => Err(refused(&answer)),
            None => Ok(()),
        }
    }

    fn send(&self, command: &Command) -> io::Result<UnixStream> {
        let mut stream = UnixStream::connect(&self.0)?;
        let mut line = serde_json::to_vec(command)?;
        line.push(b'\n');
        stream.write_all(&line)?;
        Ok(stream)
    }
}

/// What a link answers when it does not do something.
fn refused(answer: &str) -> io::Error {
    let said: Value = serde_json::from_str(answer).unwrap_or_default();
    let why = match &said["error"] {
        Value::String(why) => why.clone(),
        _ if answer.is_empty() => "the link has ended".to_owned(),
        _ => format!("cannot be understood: {}", answer.trim_end()),
    };
    io::Error::other(why)
}
