//! `wfl clean`: removes runs and logs older than the project keeps them; closes breakers.

use serde_json::json;

use crate::base::Timestamp;
use crate::base::value::format_size;
use crate::cli::args::{Clean, Format};
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::embed::{self, Error, Keep, Project, Removed};
use crate::observe::style::counted;

pub fn run(args: &Clean, terminal: &Terminal) -> Result<Code, Error> {
    if args.breakers {
        return breakers(args, terminal);
    }
    let keep = Keep::of(Project::load(&[])?.model());
    let removed = embed::clean(&keep, Timestamp::now(), args.dry_run)?;
    match args.format {
        Format::Json => {
            let (runs, logs) = (&removed.runs, &removed.logs);
            let copies = json!({ "count": removed.copies.copies, "bytes": removed.copies.bytes });
            let snapshots = json!({ "runs": removed.snapshots.runs, "bytes_left": removed.snapshots.bytes });
            terminal.json(&json!({
                "runs": runs, "logs": logs, "copies": copies, "snapshots": snapshots,
                "checkouts": removed.checkouts, "dry_run": args.dry_run,
            }));
        }
        Format::Human => {
            removed.runs.iter().for_each(|run| terminal.data(&format!("run {run}")));
            removed.logs.iter().for_each(|run| terminal.data(&format!("logs of {run}")));
            let word = if args.dry_run { "would remove" } else { "removed" };
            let logs = format!("the logs of {}", counted(removed.logs.len(), "more run"));
            let files = match removed.copies.copies {
                0 => String::new(),
                count => format!(" and {} kept {}", count, if count == 1 { "copy" } else { "copies" }),
            };
            terminal.say(&format!("{word} {} and {logs}{files}", counted(removed.runs.len(), "run")));
            say_files(&removed, word, terminal);
        }
    }
    Ok(Code::Ok)
}

/// Snapshots and checkouts, where there are any.
fn say_files(removed: &Removed, word: &str, terminal: &Terminal) {
    removed.checkouts.iter().for_each(|place| terminal.say(&format!("{word} the checkout {place}")));
    if removed.snapshots.runs > 0 {
        terminal.say(&format!("{word} the snapshots of {}", counted(removed.snapshots.runs, "run")));
    }
    if removed.snapshots.bytes > 0 {
        // To the kilobyte: nobody frees less.
        let size = format_size((removed.snapshots.bytes.div_ceil(1000) * 1000) as i64);
        terminal.say(&format!("the snapshots that stay take {size}"));
    }
}

fn breakers(args: &Clean, terminal: &Terminal) -> Result<Code, Error> {
    let closed = embed::reset_breakers()?;
    match args.format {
        Format::Json => terminal.json(&json!({ "breakers": closed })),
        Format::Human => terminal.say(&format!("closed {}", counted(closed, "breaker"))),
    }
    Ok(Code::Ok)
}
