//! `wfl rollback`: shows what would be taken back, asks, and has it done.

use serde_json::{Value, json};

use crate::cli::args::{self, Format, Rollback};
use crate::cli::exit::Code;
use crate::cli::going;
use crate::cli::output::Terminal;
use crate::cli::people::agrees;
use crate::embed::{Error, Preview, Session, Step, StoredRun, preview};
use crate::observe::sanitise::sanitise;
use crate::observe::style::counted;
use crate::port::{Restored, Restoring};

pub fn run(args: &Rollback, terminal: &Terminal) -> Result<Code, Error> {
    let preview = preview(&StoredRun::find(&args.run)?, args.to.as_deref())?;
    if args.dry_run {
        match args.format {
            Format::Json => terminal.json(&preview_json(&preview)),
            Format::Human => terminal.data(&text(&preview)),
        }
        return Ok(Code::Ok);
    }
    if args.format == Format::Human {
        terminal.say(text(&preview).trim_end());
    }
    if !args.yes && !agreed(&preview, terminal)? {
        terminal.say("nothing was changed");
        return Ok(Code::Findings);
    }
    let session = Session::roll_back(&preview.run.0, args.to.as_deref())?;
    going::drive(session, &args::Going::plain(args.format), terminal)
}

fn agreed(preview: &Preview, terminal: &Terminal) -> Result<bool, Error> {
    let nobody = || {
        Error::refused(
            format!("nobody is at a terminal to agree that run {} is rolled back", preview.run),
            "`--dry-run` shows what would be done, `--yes` does it",
        )
    };
    if !terminal.can_ask() {
        return Err(nobody());
    }
    agrees(&format!("Roll back run {}? It is final then. [y/N] ", preview.run)).ok_or_else(nobody)
}

fn text(preview: &Preview) -> String {
    let mut lines = vec![match &preview.to {
        Some(to) => format!("run {} of lane {} back to the end of `{to}`", preview.run, preview.lane),
        None => format!("run {} of lane {} back to its start", preview.run, preview.lane),
    }];
    match preview.steps.len() {
        0 => lines.push("no stage to undo".into()),
        count => lines.push(format!("{} to undo, in this order:", counted(count, "stage"))),
    }
    for (number, step) in (1..).zip(&preview.steps) {
        lines.push(format!("  {number}. {} ({}, {})", step.stage, step.status.word(), step.place));
        lines.extend(step.commands.iter().map(|command| format!("       {}", sanitise(command))));
    }
    if !preview.without.is_empty() {
        lines.push(format!("started without an undo of its own: {}", preview.without.join(", ")));
    }
    match &preview.files {
        Err(why) => lines.push(format!("files stay as they are: {why}")),
        Ok(files) if files.is_empty() => lines.push("no file to bring back".into()),
        Ok(files) => {
            lines.push(format!("{} to bring back:", counted(files.len(), "file")));
            lines.extend(files.iter().map(|file| format!("  {}", sanitise(&file_line(file)))));
            lines.extend(preview.diff.lines().map(sanitise));
        }
    }
    format!("{}\n", lines.join("\n"))
}

fn file_line(file: &Restored) -> String {
    let (mark, more) = match &file.what {
        Restoring::Added => ("+", String::new()),
        Restoring::Removed => ("-", String::new()),
        Restoring::Changed => ("~", String::new()),
        Restoring::ModeChanged => ("~", " (its mode)".into()),
        Restoring::Left => ("=", " (changed by somebody else since: left as it is)".into()),
        Restoring::Beside(theirs) => {
            ("~", format!(" (changed by somebody else too: that is kept as {theirs})"))
        }
        Restoring::Failed(why) => ("!", format!(" (cannot be brought back: {why})")),
    };
    format!("{mark} {}{more}", file.path)
}

fn preview_json(preview: &Preview) -> Value {
    let files = preview.files.as_ref().map(|files| files.iter().map(file_json).collect::<Vec<_>>());
    json!({
        "run": preview.run,
        "lane": preview.lane,
        "to": preview.to,
        "undo": preview.steps.iter().map(step_json).collect::<Vec<_>>(),
        "without_undo": preview.without,
        "files": files.as_ref().ok(),
        "files_error": files.as_ref().err(),
        "diff": preview.diff,
    })
}

fn step_json(step: &Step) -> Value {
    json!({ "stage": step.stage, "status": step.status, "place": step.place, "commands": step.commands })
}

fn file_json(file: &Restored) -> Value {
    let (what, more) = match &file.what {
        Restoring::Added => ("added", None),
        Restoring::Removed => ("removed", None),
        Restoring::Changed => ("changed", None),
        Restoring::ModeChanged => ("mode-changed", None),
        Restoring::Left => ("left", None),
        Restoring::Beside(theirs) => ("beside", Some(theirs)),
        Restoring::Failed(why) => ("failed", Some(why)),
    };
    let said = |of: &str| more.filter(|_| what == of);
    json!({ "path": file.path, "what": what, "beside": said("beside"), "error": said("failed") })
}
