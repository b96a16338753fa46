//! How a command ends when it cannot do its work: a text for the reader and an exit status.

use std::process::ExitCode;

/// What a command, or a step of it, answers.
pub(crate) type Result<T = ()> = std::result::Result<T, Failure>;

/// Why a command stopped. The text is complete: it is printed as it is.
#[derive(Debug, PartialEq)]
pub(crate) enum Failure {
    /// The command line was not understood. Exit status 2.
    Usage(String),
    /// The work failed. Exit status 1.
    Work(String),
}

impl Failure {
    /// A failed piece of work, told by `text`.
    pub(crate) fn work(text: impl Into<String>) -> Self {
        Self::Work(text.into())
    }

    /// The text for the reader.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Usage(text) | Self::Work(text) => text,
        }
    }

    /// The exit status of the program.
    pub(crate) fn status(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Work(_) => ExitCode::FAILURE,
        }
    }
}
