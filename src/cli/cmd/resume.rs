//! `wfl resume`: goes on with a run that stopped or was killed.

use crate::cli::args::Resume;
use crate::cli::exit::Code;
use crate::cli::going;
use crate::cli::output::Terminal;
use crate::embed::{Error, Resolve, Session};

pub fn run(args: &Resume, terminal: &Terminal) -> Result<Code, Error> {
    let resolve = Resolve { rerun: args.rerun.clone(), done: args.mark_done.clone(), adopt: args.adopt };
    let session = Session::resume(&args.run, &resolve)?;
    going::drive(session, &args.going, terminal)
}
