//! Everything that can keep a command from doing its work, as one type. Chooses no exit code.

use crate::base::SourceMap;
use crate::diag::Diagnostic;
use crate::history::HistoryError;
use crate::port::StateUnsafe;
use crate::store::StoreError;

#[derive(Debug)]
pub enum Error {
    /// The `.wfl` files, or what was given for them, are wrong.
    Definition { sources: Box<SourceMap>, diagnostics: Vec<Diagnostic> },
    /// What was asked for cannot be done, and what can.
    Refused { message: String, help: String },
    /// The state can no longer be trusted to hold what it is told; the run stopped.
    Unsafe { message: String, help: String },
}

impl Error {
    pub fn refused(message: impl Into<String>, help: impl Into<String>) -> Self {
        Error::Refused { message: message.into(), help: help.into() }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Definition { diagnostics, .. } => {
                let messages: Vec<&str> = diagnostics.iter().map(|found| found.message.as_str()).collect();
                f.write_str(&messages.join("; "))
            }
            Error::Refused { message, help } | Error::Unsafe { message, help } => {
                write!(f, "{message}; {help}")
            }
        }
    }
}

impl std::error::Error for Error {}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Error::Refused { message: error.message, help: error.help }
    }
}

impl From<HistoryError> for Error {
    fn from(error: HistoryError) -> Self {
        Error::Refused { message: error.0, help: String::new() }
    }
}

impl From<StateUnsafe> for Error {
    fn from(error: StateUnsafe) -> Self {
        Error::Unsafe { message: error.message, help: error.help }
    }
}
