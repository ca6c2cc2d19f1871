//! Exit codes, and how a command fails.

use std::process::ExitCode;

/// Exit codes: a contract with scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Something in here broke.
    Internal = 1,
    /// The command line makes no sense: an argument, an output that cannot be
    /// written, a `--set` that fits no scenario, a name that nothing has.
    Usage = 2,
    /// There is nothing to run: no file matches, or no case has that id.
    NothingSelected = 4,
    /// A scenario, trace or result file is bad or missing.
    BadData = 65,
    /// An expectation failed.
    ExpectationFailed = 100,
    /// A comparison found what `--fail-if` names.
    Regression = 101,
    /// The user stopped it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command that failed: what to say and how to end.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// For standard error, one per thing that is wrong.
    pub(crate) messages: Vec<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            messages: vec![message.into()],
        }
    }
}
