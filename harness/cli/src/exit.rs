//! Exit codes, and how a command fails.

use std::process::ExitCode;

/// Exit codes: a contract with scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Something in here broke.
    Internal = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// There is nothing to run.
    NothingSelected = 4,
    /// A scenario or data file is bad.
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
    /// For standard error; empty when all has been said.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }
}
