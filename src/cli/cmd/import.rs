//! `wfl import lanes`: an original lane file as a `.wfl` file, and what became of each of its keys.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::{Format, Import, ImportLanes, ImportWhat};
use crate::cli::exit::Code;
use crate::cli::output::{Terminal, table};
use crate::embed::Error;
use crate::embed::import::{self, Choices, Entry, Fate, Imported, PLACES};
use crate::observe::style::counted;

pub fn run(args: &Import, terminal: &Terminal) -> Result<Code, Error> {
    match &args.what {
        ImportWhat::Lanes(args) => lanes(args, terminal),
        ImportWhat::Status(args) => super::import_status::run(args, terminal),
    }
}

fn lanes(args: &ImportLanes, terminal: &Terminal) -> Result<Code, Error> {
    let usual = || PLACES.iter().map(PathBuf::from).find(|place| place.exists());
    let Some(file) = args.file.clone().or_else(usual) else {
        terminal.say(&format!("nothing to import: there is no {}", PLACES.join(" and no ")));
        return Ok(Code::Ok);
    };
    let imported = import::lanes(&file, Choices { replace_built_in: args.replace_built_in })?;
    if let (Some(text), Some(output)) = (&imported.text, &args.output) {
        import::write(text, output, args.force)?;
    }
    match args.format {
        Format::Json => terminal.json(&json_of(&imported, args.output.as_deref())),
        Format::Human => show(&imported, &file, args.output.as_deref(), terminal),
    }
    Ok(if imported.refused() { Code::Findings } else { Code::Ok })
}

fn json_of(imported: &Imported, output: Option<&Path>) -> serde_json::Value {
    json!({
        "lanes": imported.lanes,
        "output": output.filter(|_| imported.text.is_some()),
        "text": imported.text,
        "account": imported.account,
    })
}

fn show(imported: &Imported, file: &Path, output: Option<&Path>, terminal: &Terminal) {
    let rows: Vec<Vec<String>> = imported.account.iter().map(|entry| row(file, entry)).collect();
    match output {
        Some(_) => terminal.data(&table(&rows)),
        None => {
            terminal.say(&table(&rows));
            terminal.data(imported.text.as_deref().unwrap_or_default());
        }
    }
    terminal.say(&ended(imported, output));
}

fn row(file: &Path, entry: &Entry) -> Vec<String> {
    let fate = match entry.fate {
        Fate::Imported => "imported",
        Fate::Comment => "comment",
        Fate::Refused => "REFUSED",
    };
    let place = format!("{}:{}:{}", file.display(), entry.line, entry.column);
    vec![place, fate.into(), entry.key.clone(), entry.what.clone()]
}

fn ended(imported: &Imported, output: Option<&Path>) -> String {
    let of = |fate: Fate| imported.account.iter().filter(|entry| entry.fate == fate).count();
    let account = format!(
        "{}: {} imported, {} kept as comments, {} refused",
        counted(imported.lanes.len(), "lane"),
        of(Fate::Imported),
        of(Fate::Comment),
        of(Fate::Refused)
    );
    match (output, imported.lanes.first()) {
        (_, None) => format!("{account}; there was nothing to write"),
        (Some(output), Some(lane)) => {
            format!(
                "{account}\nwritten to {0}; next: wfl check {0}, wfl run {0} --lane {lane}",
                output.display()
            )
        }
        (None, Some(_)) => account,
    }
}
