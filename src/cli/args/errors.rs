//! The arguments of `wfl errors`.

use clap::{Args as ClapArgs, Subcommand};

use super::Format;

#[derive(Debug, ClapArgs)]
pub struct Errors {
    #[command(subcommand)]
    pub action: Option<ErrorsAction>,
    /// Only failures seen since then: `7d` ago, `2026-11-21 08:00`, `08:00` today, or a full timestamp.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only failures that runs of this lane had.
    #[arg(long)]
    pub lane: Option<String>,
    /// At most so many.
    #[arg(short = 'n', long, value_name = "N")]
    pub limit: Option<usize>,
    #[arg(long, value_enum, default_value_t = Format::Human, global = true)]
    pub format: Format,
}

#[derive(Debug, Subcommand)]
pub enum ErrorsAction {
    /// All that is known of one failure, and the runs that had it.
    Show {
        /// The failure's signature, or its beginning.
        signature: String,
    },
    /// Write down what you know of a failure, and whether it is ever worth another try.
    Note(Note),
    /// Forget a failure and what was learned of it.
    Forget {
        /// The failure's signature, or its beginning.
        #[arg(required_unless_present = "all")]
        signature: Option<String>,
        /// Forget them all.
        #[arg(long, conflicts_with = "signature")]
        all: bool,
    },
}

#[derive(Debug, ClapArgs)]
pub struct Note {
    /// The failure's signature, or its beginning.
    pub signature: String,
    /// What you know of it.
    #[arg(required_unless_present_any = ["permanent", "transient", "clear"])]
    pub text: Option<String>,
    /// Never try again after this failure.
    #[arg(long, conflicts_with_all = ["transient", "clear"])]
    pub permanent: bool,
    /// Always try again, as often as the policy allows.
    #[arg(long, conflicts_with = "clear")]
    pub transient: bool,
    /// Take away what was written on it.
    #[arg(long, conflicts_with = "text")]
    pub clear: bool,
}
