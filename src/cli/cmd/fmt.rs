//! `wfl fmt`: files in the language's one style, in place or only compared.

use std::io::Read;
use std::path::Path;

use similar::TextDiff;

use crate::base::SourceMap;
use crate::cli::args::Fmt;
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::embed::{Error, Formatted, State, format_files, format_text};
use crate::observe::style::counted;

pub fn run(args: &Fmt, terminal: &Terminal) -> Result<Code, Error> {
    if args.paths.iter().any(|path| path == Path::new("-")) {
        return piped(args, terminal);
    }
    let (sources, files) = format_files(&args.paths)?;
    let mut changed = 0;
    for file in &files {
        changed += usize::from(matches!(file.state, State::Changed { .. }));
        one(args, file, &sources, terminal)?;
    }
    let only_compared = args.check || args.diff;
    let all = counted(files.len(), "file");
    terminal.say(&match (changed, only_compared) {
        (0, _) => format!("{all}, nothing to change"),
        (_, true) => format!("{changed} of {all} would change"),
        (_, false) => format!("formatted {changed} of {all}"),
    });
    let wrong = files.iter().any(|file| matches!(file.state, State::Wrong(_)));
    Ok(if wrong || (only_compared && changed > 0) { Code::Findings } else { Code::Ok })
}

fn one(args: &Fmt, file: &Formatted, sources: &SourceMap, terminal: &Terminal) -> Result<(), Error> {
    match &file.state {
        State::Wrong(diagnostics) => terminal.diagnostics(sources, diagnostics),
        State::Changed { before, after } if args.diff => {
            terminal.data(&difference(&file.shown, before, after))
        }
        State::Changed { .. } if args.check => terminal.data(&file.shown),
        State::Changed { .. } => drop(file.write()?),
        State::Same => {}
    }
    Ok(())
}

/// Standard input to standard output. A text with errors gives nothing.
fn piped(args: &Fmt, terminal: &Terminal) -> Result<Code, Error> {
    if args.paths.len() > 1 {
        return Err(Error::refused("`-` stands alone", "name files, or give one text on standard input"));
    }
    let bytes = standard_input()?;
    let (sources, formatted) = format_text("<stdin>", bytes.clone())?;
    let only_compared = args.check || args.diff;
    match &formatted.state {
        State::Same if !only_compared => terminal.raw(&bytes),
        State::Changed { after, .. } if !only_compared => terminal.raw(after.as_bytes()),
        _ => one(args, &formatted, &sources, terminal)?,
    }
    Ok(match formatted.state {
        State::Wrong(_) => Code::Findings,
        State::Changed { .. } if only_compared => Code::Findings,
        _ => Code::Ok,
    })
}

pub(super) fn standard_input() -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|e| Error::refused(format!("standard input cannot be read: {e}"), "name a file instead"))?;
    Ok(bytes)
}

fn difference(shown: &str, before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    diff.unified_diff().header(shown, &format!("{shown} (formatted)")).to_string()
}
