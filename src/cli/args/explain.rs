//! The arguments of `wfl explain`. Reads nothing but the command line.

use clap::Args as ClapArgs;

use super::{Change, Format};

#[derive(Debug, ClapArgs)]
pub struct Explain {
    /// A lane, a .wfl file, or a diagnostic code such as E401.
    #[arg(value_name = "LANE|CODE")]
    pub target: Option<String>,
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    #[command(flatten)]
    pub change: Change,
    /// Leave out checks, too, that would hardly find anything: at least 98 of 100 failures are still found.
    #[arg(long, conflicts_with = "fast")]
    pub safe: bool,
    /// The same with 90 of 100.
    #[arg(long)]
    pub fast: bool,
    /// Everything that is known of one stage.
    #[arg(long, value_name = "STAGE", conflicts_with = "what_if")]
    pub why: Option<String>,
    /// What would be advised on another change: `files=a,b[,type=fix]`.
    #[arg(long, value_name = "files=A,B[,type=T]")]
    pub what_if: Vec<String>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}
