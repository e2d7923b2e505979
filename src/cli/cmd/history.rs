//! `wfl history`: what is remembered of runs, in short; imports and exports of it. Reads no file itself.

use std::path::Path;

use jiff::Zoned;
use serde_json::{Value, json};

use crate::base::Timestamp;
use crate::cli::args::{ExportHistory, Format, History, HistoryAction, HistoryForm, ImportHistory};
use crate::cli::exit::Code;
use crate::cli::output::{Terminal, table};
use crate::cli::since;
use crate::embed::Error;
use crate::embed::history::{self, Form, Import, Imported, OfFile, Summary};
use crate::eventlog::{self, Names, Source};
use crate::history::Filter;
use crate::observe::sanitise::last_state;
use crate::observe::style::counted;

pub fn run(args: &History, terminal: &Terminal) -> Result<Code, Error> {
    match &args.action {
        None => show(args, terminal),
        Some(HistoryAction::Import(args)) => import(args, terminal),
        Some(HistoryAction::Export(args)) => export(args, terminal),
    }
}

fn filter(lane: &Option<String>, since: &Option<String>, until: &Option<String>) -> Result<Filter, Error> {
    Ok(Filter {
        lane: lane.clone(),
        since: since.as_deref().map(time).transpose()?,
        until: until.as_deref().map(time).transpose()?,
        ..Filter::default()
    })
}

fn time(text: &str) -> Result<Timestamp, Error> {
    since::parse(text, &Zoned::now()).map(Timestamp).ok_or_else(|| {
        Error::refused(
            format!("`{text}` is no time"),
            "write `7d` for so long ago, a date such as `2026-11-21`, or a time of day such as `08:00`",
        )
    })
}

fn show(args: &History, terminal: &Terminal) -> Result<Code, Error> {
    let summary = history::summary(&filter(&args.lane, &args.since, &args.until)?)?;
    if args.format == Format::Json {
        terminal.json(&summary_json(&summary));
        return Ok(Code::Ok);
    }
    if summary.lanes.is_empty() {
        terminal.say(
            "no finished run is remembered yet: `wfl run` makes one, `wfl history import` takes others in",
        );
        return Ok(Code::Ok);
    }
    let head = ["lane", "runs", "failed", "imported", "first", "last"].map(str::to_owned).to_vec();
    let rows = summary.lanes.iter().map(|lane| {
        let counts = [lane.runs, lane.failed, lane.imported].map(|count| count.to_string());
        let mut row = vec![plain(&lane.lane)];
        row.extend(counts);
        row.extend([lane.first.local(), lane.last.local()]);
        row
    });
    terminal.data(&table(&std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    let runs: usize = summary.lanes.iter().map(|lane| lane.runs).sum();
    let imported: usize = summary.lanes.iter().map(|lane| lane.imported).sum();
    let others: usize = summary.others.values().sum();
    let more =
        if others == 0 { String::new() } else { format!(", {} of other projects", counted(others, "run")) };
    terminal.say(&format!("{} remembered, {imported} of them imported{more}", counted(runs, "run")));
    Ok(Code::Ok)
}

fn summary_json(summary: &Summary) -> Value {
    let lanes: Vec<Value> = summary
        .lanes
        .iter()
        .map(|lane| {
            json!({
                "lane": lane.lane, "runs": lane.runs, "failed": lane.failed, "imported": lane.imported,
                "first": lane.first.rfc3339(), "last": lane.last.rfc3339(),
            })
        })
        .collect();
    let sum = |of: fn(&history::OfLane) -> usize| summary.lanes.iter().map(of).sum::<usize>();
    json!({
        "runs": sum(|lane| lane.runs), "imported": sum(|lane| lane.imported),
        "since": summary.lanes.iter().map(|lane| lane.first).min().map(Timestamp::rfc3339),
        "lanes": lanes, "other_projects": summary.others,
    })
}

fn import(args: &ImportHistory, terminal: &Terminal) -> Result<Code, Error> {
    let (column, lane) = lane(args);
    let asked = Import {
        files: args.files.clone(),
        names: Names {
            case: args.case.clone(),
            activity: args.activity.clone(),
            timestamp: args.timestamp.clone(),
            start: args.start.clone(),
            duration: args.duration.clone(),
            outcome: args.outcome.clone(),
            failed_when: args.failed_when.clone(),
            lane: column,
            all_columns: false,
        },
        lane,
        from_other_project: args.from_other_project,
        dry_run: args.dry_run,
    };
    let imported = history::import(&asked)?;
    match args.format {
        Format::Json => terminal.json(&import_json(&imported, args.dry_run)),
        Format::Human => told(&imported, args.dry_run, terminal),
    }
    Ok(Code::Ok)
}

/// The word of `--lane` is a column where a file has one of that name.
fn lane(args: &ImportHistory) -> (Option<String>, Option<String>) {
    let Some(word) = &args.lane else { return (None, None) };
    let has = |path: &std::path::PathBuf| {
        path != Path::new("-")
            && eventlog::head(&Source::Path(path))
                .is_ok_and(|head| eventlog::header(&head).iter().any(|column| column == word))
    };
    if args.files.iter().any(has) { (Some(word.clone()), None) } else { (None, Some(word.clone())) }
}

fn import_json(imported: &Imported, dry_run: bool) -> Value {
    let file = |file: &OfFile| {
        json!({
            "file": file.file, "kind": file.kind, "entries": file.rows, "runs": file.runs,
            "left_out": file.complaints.left_out(), "complaints": file.complaints.all().collect::<Vec<_>>(),
            "notes": file.notes,
        })
    };
    let merged = &imported.merged;
    json!({
        "dry_run": dry_run,
        "files": imported.files.iter().map(file).collect::<Vec<_>>(),
        "new": merged.new, "same": merged.same + imported.known,
        "contradicting": merged.contradicting, "forgotten": merged.forgotten,
    })
}

fn told(imported: &Imported, dry_run: bool, terminal: &Terminal) {
    for file in &imported.files {
        let left = file.complaints.left_out();
        let rest =
            if left == 0 { String::new() } else { format!(", {left} of {} entries left out", file.rows) };
        terminal.data(&format!("{}: {}, {}{rest}", plain(&file.file), file.kind, counted(file.runs, "run")));
        file.complaints.lines().iter().for_each(|line| terminal.data(&format!("  {}", plain(line))));
        file.notes.iter().for_each(|note| terminal.data(&format!("  {}", plain(note))));
    }
    let merged = &imported.merged;
    if merged.contradicting > 0 {
        let named: Vec<String> = merged.named.iter().map(|id| plain(id)).collect();
        terminal.say(&format!(
            "{} known with other content ({}): of each the record that knows more is kept",
            counted(merged.contradicting, "run"),
            named.join(", ")
        ));
    }
    if merged.forgotten > 0 {
        terminal.say(&format!(
            "{} forgotten: the newest 100000 are kept",
            counted(merged.forgotten, "older run")
        ));
    }
    let word = if dry_run { "would take in" } else { "took in" };
    let same = merged.same + imported.known;
    let known = if same == 0 { String::new() } else { format!("; {same} known already") };
    terminal.say(&format!("{word} {}{known}", counted(merged.new, "new run")));
}

fn export(args: &ExportHistory, terminal: &Terminal) -> Result<Code, Error> {
    let form = match args.format {
        HistoryForm::Jsonl => Form::Jsonl,
        HistoryForm::Sources => Form::Sources,
        HistoryForm::Csv => Form::Csv,
        HistoryForm::Xes => Form::Xes,
    };
    let filter = filter(&args.lane, &args.since, &args.until)?;
    let runs = history::export(&filter, form, args.output.as_deref(), &mut std::io::stdout().lock())?;
    if let Some(file) = &args.output {
        terminal.say(&format!("wrote {} to {}", counted(runs, "run"), file.display()));
    } else if runs == 0 {
        terminal.say("no finished run is remembered yet");
    }
    Ok(Code::Ok)
}

/// One line that neither turns nor colours a terminal, whatever a file holds.
fn plain(text: &str) -> String {
    last_state(text.replace(['\n', '\r'], " ").as_bytes(), false)
}
