//! The arguments that say how much a recommendation may risk. Reads nothing but the command line.

use clap::Args as ClapArgs;

use crate::embed::Wish;
use crate::embed::recommend::CONTROL;
use crate::event::Effort;

/// What belongs to `--recommended`.
#[derive(Debug, ClapArgs)]
pub struct Recommendation {
    /// Leave out only what practically never found anything.
    #[arg(long, requires = "recommended", conflicts_with = "fast")]
    pub safe: bool,
    /// Leave out what is unlikely to find anything.
    #[arg(long, requires = "recommended")]
    pub fast: bool,
    /// Of a hundred runs that would leave something out, how many run all of it, so that it is known what is missed.
    #[arg(long, value_name = "PERCENT", requires = "recommended", default_value_t = CONTROL,
          value_parser = clap::value_parser!(u32).range(0..=100))]
    pub control: u32,
}

impl Recommendation {
    pub fn wish(&self) -> Wish {
        Wish { effort: effort(self.safe, self.fast), control: self.control }
    }
}

/// What the two flags say.
pub fn effort(safe: bool, fast: bool) -> Effort {
    match (safe, fast) {
        (true, _) => Effort::Safe,
        (false, true) => Effort::Fast,
        (false, false) => Effort::Usual,
    }
}
