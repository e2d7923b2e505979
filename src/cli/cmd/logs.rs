//! `wfl logs`: what the attempts of a run's stages wrote; whole, or line by line where something is sought. Made safe on
//! a terminal, as it was elsewhere.

use std::time::Duration;

use crate::base::Timestamp;
use crate::capture::Stream;
use crate::capture::level::Level;
use crate::capture::merge::Merge;
use crate::capture::records::each_piece;
use crate::capture::scan::{Filter, Grep};
use crate::cli::args::{Format, LogLevel, LogStream, Logs};
use crate::cli::exit::Code;
use crate::cli::log_lines::LogLines;
use crate::cli::output::Terminal;
use crate::cli::since;
use crate::embed::{Error, LogFile, StoredRun};
use crate::event::NodeIndex;
use crate::observe::style::Ink;

/// Between two looks at logs that are still written.
const PERIOD: Duration = Duration::from_millis(200);

pub fn run(args: &Logs, terminal: &Terminal) -> Result<Code, Error> {
    let stored = StoredRun::find(&args.run)?;
    let filter = filter(args)?;
    let files = files(&stored, args)?;
    let lines = args.format == Format::Json || args.timestamps || args.tail.is_some() || args.follow;
    if files.is_empty() && args.format == Format::Human && !args.follow {
        return nothing(args);
    }
    if lines || !filter.is_open() {
        return merged(stored, files, &filter, args, terminal);
    }
    whole(&files, args, terminal)
}

fn filter(args: &Logs) -> Result<Filter, Error> {
    let grep = args.grep.as_deref().map(Grep::new).transpose().map_err(|e| {
        Error::refused(
            format!("--grep is no regular expression: {e}"),
            "`\\` before a character takes it as it is",
        )
    })?;
    let now = jiff::Zoned::now();
    let since = args.since.as_deref().map(|text| {
        since::parse(text, &now).map(Timestamp).ok_or_else(|| {
            let help = "write `5m` for the last five minutes, `2026-11-21 08:00`, or `08:00` for today";
            Error::refused(format!("--since is no time: `{text}`"), help)
        })
    });
    Ok(Filter {
        grep,
        since: since.transpose()?,
        level: args.level.map(|level| match level {
            LogLevel::Error => Level::Error,
            LogLevel::Warn => Level::Warn,
            LogLevel::Info => Level::Info,
            LogLevel::Debug => Level::Debug,
        }),
        stream: args.stream.map(|stream| match stream {
            LogStream::Out => Stream::Stdout,
            LogStream::Err => Stream::Stderr,
        }),
    })
}

fn files(stored: &StoredRun, args: &Logs) -> Result<Vec<LogFile>, Error> {
    let words: Vec<&String> = args.stage.iter().chain(&args.stages).collect();
    let mut nodes: Vec<NodeIndex> = Vec::new();
    for word in &words {
        nodes.extend(stored.nodes(word)?);
    }
    if words.is_empty() {
        nodes = (0..stored.plan.nodes.len() as NodeIndex).collect();
    }
    let mut files = stored.logs(&nodes, args.attempt)?;
    if words.is_empty() && args.attempt.is_none() {
        files.extend(stored.lane_log());
    }
    Ok(files)
}

fn nothing(args: &Logs) -> Result<Code, Error> {
    let what = match (args.stage.as_ref().or(args.stages.first()), args.attempt) {
        (Some(stage), Some(attempt)) => format!("`{stage}` has no attempt {attempt} in this run"),
        (Some(stage), None) => format!("`{stage}` was not started in this run"),
        _ => "no stage was started in this run".into(),
    };
    Err(Error::refused(what, format!("`wfl show {}` lists its stages and attempts", args.run)))
}

/// One log after the other. Headings go to standard error, so that a pipe gets the output alone.
fn whole(files: &[LogFile], args: &Logs, terminal: &Terminal) -> Result<Code, Error> {
    let mut out = LogLines::new(args, false, terminal);
    for file in files {
        if files.len() > 1 {
            let part = match (file.attempt, file.repair) {
                (Some(attempt), _) => format!("attempt {attempt}"),
                (None, Some(number)) => format!("repair {number}"),
                (None, None) => "finally".to_string(),
            };
            out.flush();
            terminal.say(&terminal.err.paint(Ink::Bold, &format!("{} {part}", file.stage)));
        }
        if terminal.out_is_terminal {
            let mut merge = Merge::default();
            merge.add(file.path.clone());
            merge.read(&Filter::default(), true, &mut |_, line| out.write(file, line)).map_err(unreadable)?;
        } else {
            let each = &mut |piece: crate::capture::records::Piece<'_>| match piece.stream {
                Stream::Note => terminal.say(&String::from_utf8_lossy(piece.bytes)),
                _ => out.raw(piece.bytes),
            };
            each_piece(&file.path, each).map_err(unreadable)?;
        }
        if out.closed {
            break;
        }
    }
    out.flush();
    Ok(Code::Ok)
}

/// Line by line, by time; with `--follow` until the run stops.
fn merged(
    mut stored: StoredRun,
    mut files: Vec<LogFile>,
    filter: &Filter,
    args: &Logs,
    terminal: &Terminal,
) -> Result<Code, Error> {
    let one = args.stage.is_some() && files.windows(2).all(|two| two[0].stage == two[1].stage);
    let mut out = LogLines::new(args, !one, terminal);
    let mut merge = Merge::default();
    loop {
        // Asked before reading: what is written until it stops is then read.
        let goes_on = args.follow && stored.store.is_live(&stored.id);
        files[merge.len()..].iter().for_each(|file| merge.add(file.path.clone()));
        let each = &mut |index: usize, line: crate::capture::scan::Line<'_>| {
            if let Some(file) = files.get(index) {
                out.write(file, line);
            }
        };
        merge.read(filter, !goes_on, each).map_err(unreadable)?;
        out.flush();
        if !goes_on || out.closed {
            break;
        }
        std::thread::sleep(PERIOD);
        stored = StoredRun::in_store(stored.store, &stored.id.0)?;
        add_new(&mut files, crate::cli::cmd::logs::files(&stored, args)?);
    }
    if out.count == 0 && args.format == Format::Human && terminal.err_is_terminal {
        terminal.say("no line was found");
    }
    Ok(Code::Ok)
}

/// Those known keep their places.
fn add_new(known: &mut Vec<LogFile>, now: Vec<LogFile>) {
    for file in now {
        if !known.contains(&file) {
            known.push(file);
        }
    }
}

fn unreadable(e: std::io::Error) -> Error {
    Error::refused(format!("a log cannot be read: {e}"), "`wfl show` still has the run and its stages")
}
