//! `wfl cancel`: asks the run's engine to stop; a run without one is ended here.

use crate::cli::args::Cancel;
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::embed::{Error, Session, StoredRun, identity};
use crate::event::RunStatus;
use crate::port::Message;

pub fn run(args: &Cancel, terminal: &Terminal) -> Result<Code, Error> {
    let stored = StoredRun::find_for_writing(&args.run)?;
    let id = stored.id.clone();
    let live = stored.store.is_live(&id);
    let open =
        matches!(stored.summary.status, RunStatus::Running | RunStatus::Waiting | RunStatus::Interrupted);
    if !live && !open {
        let status = stored.summary.status.word();
        return Err(Error::refused(format!("run {id} has already ended: {status}"), "`wfl show` tells how"));
    }
    let by = identity(&stored.plan.root);
    stored.store.post_message(&id, &Message::Cancel { by })?;
    if live {
        terminal.say(&format!("run {id} is asked to stop"));
    } else {
        drop(stored);
        Session::end(&id.0)?;
        terminal.say(&format!("run {id} is cancelled"));
    }
    Ok(Code::Ok)
}
