//! The arguments of `wfl mend`. Reads nothing but the command line.

use clap::Args as ClapArgs;
use clap::builder::{PossibleValue, PossibleValuesParser};

use super::Format;
use crate::facts::amiss::Kind;

#[derive(Debug, ClapArgs)]
pub struct Mend {
    /// What to put right.
    #[arg(value_parser = kinds())]
    pub kind: String,
    /// Show what would be put right.
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

fn kinds() -> PossibleValuesParser {
    Kind::ALL.iter().map(|(name, _, what)| PossibleValue::new(*name).help(*what)).collect::<Vec<_>>().into()
}
