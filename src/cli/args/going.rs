//! The arguments that say how a run is driven and shown. Reads nothing but the command line.

use clap::Args as ClapArgs;

use super::{Durability, Format, Output};

/// How a run is driven and shown; the same for `run` and `resume`.
#[derive(Debug, ClapArgs)]
pub struct Going {
    /// Answer `confirm` questions with yes. Approves nothing.
    #[arg(long)]
    pub yes: bool,
    #[arg(long, value_enum, default_value_t = Durability::Barrier)]
    pub durability: Durability,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Which output of stages to show.
    #[arg(long, value_enum, default_value_t = Output::Failed)]
    pub output: Output,
    /// Run every stage; take no result of an earlier run.
    #[arg(long)]
    pub fresh: bool,
    /// Of a hundred stages that could be reused, how many run all the same, to find undeclared inputs; 0 for none.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub verify_reuse: Option<u32>,
    /// Let no repair rule act.
    #[arg(long)]
    pub no_repair: bool,
    /// Agree beforehand to repairs that destroy something; --yes does not.
    #[arg(long)]
    pub yes_destructive: bool,
    /// Do not record the project's files: `wfl rollback` can then not bring them back.
    #[arg(long)]
    pub no_snapshot: bool,
}
