//! Speaks to a running link over its control socket.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::Value;

use super::snapshot::{Command, Snapshot};
use crate::exit::{Exit, Failure};

/// How long a link may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connects to a link.
pub(super) struct Client<'a>(pub(super) &'a dyn Fn() -> Result<UnixStream, Failure>);

impl Client<'_> {
    /// A snapshot a second until the link ends.
    pub(super) fn watch(
        &self,
    ) -> Result<impl Iterator<Item = Result<Snapshot, Failure>> + Send + use<>, Failure> {
        let stream = self.send(&Command::Watch {})?;
        Ok(BufReader::new(stream).lines().map(|line| {
            let line = line.map_err(lost)?;
            serde_json::from_str(&line).map_err(|_| refused(&line))
        }))
    }

    /// Has the link do something; returns when it has.
    pub(super) fn tell(&self, command: &Command) -> Result<(), Failure> {
        let stream = self.send(command)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(lost)?;
        let mut answer = String::new();
        BufReader::new(stream)
            .read_line(&mut answer)
            .map_err(lost)?;
        let said: Value = serde_json::from_str(&answer).map_err(|_| refused(&answer))?;
        match said.get("error") {
            Some(_) => Err(refused(&answer)),
            None => Ok(()),
        }
    }

    fn send(&self, command: &Command) -> Result<UnixStream, Failure> {
        let mut stream = (self.0)()?;
        let mut line = serde_json::to_vec(command).map_err(|error| lost(error.into()))?;
        line.push(b'\n');
        stream.write_all(&line).map_err(lost)?;
        Ok(stream)
    }
}

fn lost(error: io::Error) -> Failure {
    let message = format!("failed to speak to the link: {error}");
    Failure::new(Exit::Internal, message)
}

/// What a link answers when it does not do something.
fn refused(answer: &str) -> Failure {
    let said: Value = serde_json::from_str(answer).unwrap_or_default();
    let why = match &said["error"] {
        Value::String(why) => why.clone(),
        _ if answer.is_empty() => "the link has ended".to_owned(),
        _ => format!("cannot be understood: {}", answer.trim_end()),
    };
    Failure::new(Exit::Usage, why)
}
