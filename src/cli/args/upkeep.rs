//! The arguments of the commands that look after state and machine. Reads nothing but the command line.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::Format;

#[derive(Debug, ClapArgs)]
pub struct Doctor {
    /// Mend what can be mended without loss, and say what was done.
    #[arg(long)]
    pub fix: bool,
    /// End leftover processes of dead runs without asking.
    #[arg(long, requires = "fix")]
    pub yes: bool,
    /// Write what whoever helps will ask for into a new archive (`.tar.gz`), without secrets, names and mail addresses.
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}
