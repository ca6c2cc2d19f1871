//! Exit codes, and how a command fails.

use std::process::ExitCode;

/// Exit codes: a contract with scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Something in here broke.
    Internal,
    /// The command line makes no sense: an argument, an output that cannot be
    /// written, a `--set` that fits no scenario, a name that nothing has.
    Usage,
    /// There is nothing to run: no file matches, or no case has that id.
    NothingSelected,
    /// A scenario, trace or result file is bad or missing.
    BadData,
    /// The system does not permit it.
    #[cfg(target_os = "linux")]
    NotPermitted,
    /// An expectation failed.
    ExpectationFailed,
    /// A comparison found what `--fail-if` names.
    Regression,
    /// The user stopped it.
    Interrupted,
    /// A command that weaknet ran ended with this code.
    #[cfg(target_os = "linux")]
    OfCommand(u8),
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Usage => 2,
            Self::NothingSelected => 4,
            Self::BadData => 65,
            #[cfg(target_os = "linux")]
            Self::NotPermitted => 77,
            Self::ExpectationFailed => 100,
            Self::Regression => 101,
            Self::Interrupted => 130,
            #[cfg(target_os = "linux")]
            Self::OfCommand(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A command that failed: what to say and how to end.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// For standard error, one per thing that is wrong.
    pub(crate) messages: Vec<String>,
}

/// A failure that has been told already.
impl From<Exit> for Failure {
    fn from(exit: Exit) -> Self {
        Self {
            exit,
            messages: Vec::new(),
        }
    }
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            messages: vec![message.into()],
        }
    }
}
