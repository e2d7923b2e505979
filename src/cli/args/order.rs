//! The arguments that say which of the ready stages start first. Reads nothing but the command line.

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub struct Order {
    /// Start first what is likely to fail and soon done, by earlier runs, even where a failure does not end the run.
    #[arg(long, overrides_with = "no_fail_first")]
    pub fail_first: bool,
    /// Start first what the longest path waits for, whatever is likely to fail.
    #[arg(long, overrides_with = "fail_first")]
    pub no_fail_first: bool,
}

impl Order {
    /// None leaves it to the lane.
    pub fn fail_first(&self) -> Option<bool> {
        match (self.fail_first, self.no_fail_first) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }
}
