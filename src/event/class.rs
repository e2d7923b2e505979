//! Why an attempt failed, as one word, and whether trying again could help. Does not know who finds out, nor what a
//! retry policy says.

use serde::{Deserialize, Serialize};

/// The class of a failed attempt; a successful one has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// A process ended with an exit code that means failure.
    Exit,
    /// A process was ended by a signal that wfl did not send.
    Signal,
    Timeout,
    /// The kernel killed a process for lack of memory.
    OutOfMemory,
    /// A program, interpreter or folder is not there or not fit to be started.
    NotStarted,
    /// The machine had no room for another process or file, or the program was being written, for longer than the
    /// attempt could wait.
    Busy,
    /// The commands ended well, but an output is absent or does not parse.
    OutputMissing,
    /// The commands ended well, but what `after` requires does not hold.
    Condition,
    /// A template or its data.
    Render,
    /// Nobody saw its end: the engine died, or lost sight of it.
    Lost,
    Cancelled,
    /// What another stage had left for it is gone or changed: it was not started.
    NeedLost,
}

/// Whether the same attempt could end otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lasting {
    /// It came from the machine's state at that moment.
    Transient,
    /// It would fail the same way again.
    Permanent,
    /// The class alone does not tell.
    Unknown,
}

impl FailureClass {
    pub const ALL: [FailureClass; 12] = [
        FailureClass::Exit,
        FailureClass::Signal,
        FailureClass::Timeout,
        FailureClass::OutOfMemory,
        FailureClass::NotStarted,
        FailureClass::Busy,
        FailureClass::OutputMissing,
        FailureClass::Condition,
        FailureClass::Render,
        FailureClass::Lost,
        FailureClass::Cancelled,
        FailureClass::NeedLost,
    ];

    pub fn word(self) -> &'static str {
        match self {
            FailureClass::Exit => "exit",
            FailureClass::Signal => "signal",
            FailureClass::Timeout => "timeout",
            FailureClass::OutOfMemory => "out-of-memory",
            FailureClass::NotStarted => "not-started",
            FailureClass::Busy => "busy",
            FailureClass::OutputMissing => "output-missing",
            FailureClass::Condition => "condition",
            FailureClass::Render => "render",
            FailureClass::Lost => "lost",
            FailureClass::Cancelled => "cancelled",
            FailureClass::NeedLost => "need-lost",
        }
    }

    /// What the class alone says about another try. An exit code says nothing: only a policy's `when` can judge it.
    pub fn lasting(self) -> Lasting {
        match self {
            FailureClass::Timeout
            | FailureClass::OutOfMemory
            | FailureClass::Busy
            | FailureClass::Lost
            | FailureClass::Cancelled => Lasting::Transient,
            FailureClass::NotStarted | FailureClass::NeedLost => Lasting::Permanent,
            FailureClass::Exit
            | FailureClass::Signal
            | FailureClass::OutputMissing
            | FailureClass::Condition
            | FailureClass::Render => Lasting::Unknown,
        }
    }
}

impl Lasting {
    pub fn word(self) -> &'static str {
        match self {
            Lasting::Transient => "transient",
            Lasting::Permanent => "permanent",
            Lasting::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_are_stored() {
        for class in FailureClass::ALL {
            assert_eq!(serde_json::to_value(class).unwrap(), class.word());
            assert_eq!(serde_json::to_value(class.lasting()).unwrap(), class.lasting().word());
        }
    }

    #[test]
    fn only_what_never_started_is_sure_to_fail_again() {
        let sure = |class: &FailureClass| class.lasting() == Lasting::Permanent;
        let permanent: Vec<FailureClass> = FailureClass::ALL.into_iter().filter(sure).collect();
        assert_eq!(permanent, [FailureClass::NotStarted, FailureClass::NeedLost]);
    }
}
