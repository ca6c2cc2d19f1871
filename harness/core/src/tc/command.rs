//! `tc qdisc add dev eth0 root handle 1: netem ..`: what is put where.

use std::sync::Arc;

use super::netem::Netem;
use super::others::Other;
use super::words::{self, Word, Words};
use crate::scenario::error::{Diagnostic, Source};

const KINDS: [&str; 8] = [
    "netem", "tbf", "fq_codel", "codel", "pie", "red", "pfifo", "bfifo",
];

/// A queue discipline with its options.
#[derive(Debug, Clone, PartialEq)]
pub enum Discipline {
    /// The network emulator.
    Netem(Box<Netem>),
    /// A shaper or a queue.
    Other(Other),
}

/// One command.
#[derive(Debug, Clone, PartialEq)]
pub struct Qdisc {
    /// The device.
    pub device: String,
    /// The handle of the one that it is put into; none at the root.
    pub parent: Option<String>,
    /// Its own handle.
    pub handle: Option<String>,
    /// What it is.
    pub discipline: Discipline,
    /// The command as written.
    pub text: String,
}

/// All commands of a file that put a discipline in place. `change` and
/// `replace` take the place of what was there.
pub(super) fn parse(source: &Arc<Source>) -> Result<Vec<Qdisc>, Diagnostic> {
    let mut found: Vec<Qdisc> = Vec::new();
    for command in words::commands(source) {
        let Some(qdisc) = one(source, &command)? else {
            continue;
        };
        let same = |other: &Qdisc| other.device == qdisc.device && other.parent == qdisc.parent;
        match found.iter_mut().find(|other| same(other)) {
            Some(there) => *there = qdisc,
            None => found.push(qdisc),
        }
    }
    if found.is_empty() {
        return Err(Diagnostic::bare(
            "there is no command: expected lines such as `tc qdisc add dev eth0 root netem delay 50ms`",
        ));
    }
    Ok(found)
}

fn one(source: &Arc<Source>, command: &[Word]) -> Result<Option<Qdisc>, Diagnostic> {
    let mut words = Words::new(source, command);
    words.take("sudo");
    let Some(tc) = words.next() else {
        return Ok(None);
    };
    if tc.text != "tc" && !tc.text.ends_with("/tc") {
        return Err(words.at(tc, format!("expected `tc qdisc ..`, found `{}`", tc.text)));
    }
    let object = words.value("tc", "an object: `qdisc`")?;
    if object.text != "qdisc" {
        let message = format!("`tc {}` is not supported: expected `tc qdisc`", object.text);
        return Err(words.at(object, message));
    }
    let action = words.value("tc qdisc", "`add`, `change` or `replace`")?;
    match action.text.as_str() {
        "add" | "change" | "replace" => {}
        "del" | "delete" | "show" | "list" | "ls" => return Ok(None),
        _ => return Err(words.unknown(action, "action", &["add", "change", "replace", "del"])),
    }
    let (mut device, mut parent, mut at_root, mut handle) = (None, None, false, None);
    let kind = loop {
        let word = words.value("tc qdisc", "a queue discipline such as `netem`")?;
        match word.text.as_str() {
            "dev" => device = Some(words.value("dev", "a device")?.text.clone()),
            "root" => at_root = true,
            "parent" => {
                let id = words.value("parent", "a handle such as `1:`")?;
                parent = Some(handle_of(&id.text));
            }
            "handle" => {
                let id = words.value("handle", "a handle such as `1:`")?;
                handle = Some(handle_of(&id.text));
            }
            _ => break word,
        }
    };
    let Some(device) = device else {
        return Err(words.at(kind, "`dev` is missing: expected `dev DEVICE` before this"));
    };
    if at_root == parent.is_some() {
        let message = "expected either `root` or `parent HANDLE` before this";
        return Err(words.at(kind, message));
    }
    let discipline = match kind.text.as_str() {
        "netem" => Discipline::Netem(Box::new(Netem::parse(&mut words)?)),
        name if KINDS.contains(&name) => Discipline::Other(Other::parse(name, &mut words)?),
        _ => return Err(words.unknown(kind, "queue discipline", &KINDS)),
    };
    let texts: Vec<&str> = command.iter().map(|word| word.text.as_str()).collect();
    Ok(Some(Qdisc {
        device,
        parent,
        handle,
        discipline,
        text: texts.join(" "),
    }))
}

/// The major part: a discipline's only place is within its handle.
fn handle_of(text: &str) -> String {
    text.split(':').next().unwrap_or(text).to_owned()
}
