//! Chromium's debugging pipe (`--remote-debugging-pipe`): messages of JSON, each with a
//! zero byte after it, that Chromium reads from descriptor 3 and writes to descriptor 4.
//!
//! Both are named pipes here, so that Chromium can be in a namespace without any network
//! to the outside.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Chromium on a busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is not as it should be, for people.
pub(crate) type Trouble = String;

/// The named pipes that a Chromium is started with.
pub(crate) struct Pipes {
    commands: PathBuf,
    answers: PathBuf,
}

impl Pipes {
    pub(crate) fn create(folder: &Path, name: &str) -> Self {
        let [commands, answers] =
            ["commands", "answers"].map(|what| folder.join(format!("{name}.{what}")));
        let made = Command::new("mkfifo").args([&commands, &answers]).status();
        assert!(made.expect("mkfifo").success(), "no named pipes");
        Self { commands, answers }
    }

    /// What a shell has to say for a command to have the pipes.
    pub(crate) fn redirections(&self) -> String {
        let [commands, answers] = [&self.commands, &self.answers].map(|path| path.display());
        format!("3<'{commands}' 4>'{answers}'")
    }
}

/// A page in a Chromium.
pub(crate) struct Page {
    commands: File,
    answers: Receiver<Value>,
    sent: u64,
    session: Option<String>,
}

impl Page {
    /// The near end of the pipes; the far end may come later.
    pub(crate) fn connect(pipes: &Pipes) -> Self {
        // For both, so that this does not wait for somebody who reads.
        let commands = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&pipes.commands);
        let (found, answers) = mpsc::channel();
        let path = pipes.answers.clone();
        thread::spawn(move || {
            let mut pipe = BufReader::new(File::open(path).expect("the pipe of answers"));
            let mut message = Vec::new();
            while pipe.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                let answer = serde_json::from_slice(&message).unwrap_or(Value::Null);
                if found.send(answer).is_err() {
                    return;
                }
                message.clear();
            }
        });
        Self {
            commands: commands.expect("the pipe of commands"),
            answers,
            sent: 0,
            session: None,
        }
    }

    /// Opens a page and waits until a function is there.
    pub(crate) fn open(&mut self, url: &str, function: &str) -> Result<(), Trouble> {
        let target = self.command("Target.createTarget", json!({"url": url}))?;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = self.command("Target.attachToTarget", attach)?;
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        let start = Instant::now();
        while self.evaluate(&format!("typeof {function}"))? != "function" {
            if start.elapsed() > PATIENCE {
                return Err(format!("{url} has no function {function}"));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// What an expression is, or what its promise gives.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Result<Value, Trouble> {
        let asked = json!({
            "expression": expression,
            "awaitPromise": true,
            "returnByValue": true,
        });
        let mut said = self.command("Runtime.evaluate", asked)?;
        if let Some(thrown) = said.get("exceptionDetails") {
            return Err(format!("{expression:.80}: {thrown}"));
        }
        Ok(said["result"]["value"].take())
    }

    /// Ends Chromium.
    pub(crate) fn close(mut self) {
        self.session = None;
        // It may be gone before it has answered.
        let _ = self.command("Browser.close", json!({}));
    }

    fn command(&mut self, method: &str, params: Value) -> Result<Value, Trouble> {
        self.sent += 1;
        let mut message = json!({"id": self.sent, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let written = self.commands.write_all(&bytes);
        written.map_err(|error| format!("{method}: {error}"))?;
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let answer = self.answers.recv_timeout(left);
            let mut answer = answer.map_err(|error| format!("{method}: {error}"))?;
            if answer["id"] == self.sent {
                return match answer.get("error") {
                    Some(error) => Err(format!("{method}: {error}")),
                    None => Ok(answer["result"].take()),
                };
            }
        }
    }
}
