//! `wfl import status`: status and checkpoint files of the original systems as records, what was wrong with them, and
//! whether what they describe can be resumed.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use crate::base::Timestamp;
use crate::cli::args::{Format, ImportStatus};
use crate::cli::exit::Code;
use crate::cli::output::{Terminal, table};
use crate::embed::Error;
use crate::embed::status::{self, Checkpoint, Imported, Plan, Record, Written};
use crate::observe::sanitise::last_state;
use crate::observe::style::counted;

/// What is read from standard input at most.
const LARGEST: u64 = 64 << 20;

pub fn run(args: &ImportStatus, terminal: &Terminal) -> Result<Code, Error> {
    let imported = read(&args.paths)?;
    if let Some(id) = &args.checkpoint {
        return checkpoint(&imported, id, args.format, terminal);
    }
    let written: Vec<Option<Written>> = imported.iter().map(|each| write(each, args)).collect();
    let now = Timestamp::now();
    match args.format {
        Format::Json => terminal.json(&json_of(&imported, &written, now)),
        Format::Human => {
            let shown =
                imported.iter().zip(&written).map(|(each, written)| shown(each, written.as_ref(), now));
            terminal.data(&shown.collect::<Vec<_>>().join("\n"));
            terminal.say(&ended(&imported, &written, args));
        }
    }
    let refused = written.iter().flatten().any(|written| matches!(written, Written::Refused(_)));
    let wrong = |each: &Imported| !each.is_valid() || (args.check && !each.is_clean());
    Ok(if refused || imported.iter().any(wrong) { Code::Findings } else { Code::Ok })
}

fn read(paths: &[PathBuf]) -> Result<Vec<Imported>, Error> {
    let mut found = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            found.push(from_stdin()?);
            continue;
        }
        let inside = if path.is_dir() { status::search(path) } else { Vec::new() };
        match inside.is_empty() {
            true => found.push(status::read(path)),
            false => found.extend(inside.iter().map(|path| status::read(path))),
        }
    }
    Ok(found)
}

fn from_stdin() -> Result<Imported, Error> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes);
    match read {
        Ok(length) if length as u64 > LARGEST => {
            Err(Error::refused("standard input is larger than 64 MiB", "no status file is"))
        }
        Ok(_) => Ok(status::of_bytes("-", None, &bytes)),
        Err(error) => Err(Error::refused(format!("standard input cannot be read: {error}"), "name a file")),
    }
}

fn write(imported: &Imported, args: &ImportStatus) -> Option<Written> {
    match (&args.output, args.write) {
        (Some(folder), _) => Some(status::beside(imported, folder)),
        (None, true) if imported.path == "-" => {
            Some(Written::Refused("standard input has no place: use --output".into()))
        }
        (None, true) => Some(status::in_place(imported)),
        (None, false) => None,
    }
}

/// How the plan that a record names stands, where it says when the plan was written.
fn plan(record: &Record) -> Plan {
    let Some((path, recorded)) = record.plan_path.as_ref().zip(record.plan_modified) else {
        return Plan::NotRecorded;
    };
    let changed = std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let seconds = changed.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map(|since| since.as_secs());
    match seconds {
        Some(seconds) if i64::try_from(seconds).is_ok_and(|seconds| seconds == recorded) => Plan::Unmodified,
        Some(_) => Plan::Modified,
        None => Plan::NotRecorded,
    }
}

fn records(imported: &Imported) -> &[Record] {
    imported.document.as_ref().map_or(&[], |document| document.records.as_slice())
}

fn json_of(imported: &[Imported], written: &[Option<Written>], now: Timestamp) -> Value {
    let file = |(each, written): (&Imported, &Option<Written>)| {
        let verdicts: Vec<Value> = records(each)
            .iter()
            .map(|record| match status::resumable(record, now, plan(record)) {
                Ok(stage) => json!({"resumable": true, "stage": stage, "reason": null}),
                Err(reason) => json!({"resumable": false, "stage": null, "reason": reason}),
            })
            .collect();
        json!({
            "path": each.path,
            "shape": each.shape,
            "valid": each.is_valid(),
            "clean": each.is_clean(),
            "repairs": each.repairs(),
            "findings": each.findings,
            "resume": verdicts,
            "written": written.as_ref().map(written_json),
            "document": each.document,
        })
    };
    let files: Vec<Value> = imported.iter().zip(written).map(file).collect();
    json!({ "files": files })
}

fn written_json(written: &Written) -> Value {
    match written {
        Written::Unchanged(path) => json!({"path": path, "changed": false}),
        Written::Changed(path, copy) => json!({"path": path, "changed": true, "backup": copy}),
        Written::Refused(why) => json!({"refused": why, "changed": false}),
    }
}

fn shown(imported: &Imported, written: Option<&Written>, now: Timestamp) -> String {
    let mut text = format!("{}: {}\n", plain(&imported.path), imported.shape.word());
    for record in records(imported) {
        text.push_str(&indented(&table(&rows(record, now))));
    }
    let metrics = imported.document.as_ref().map_or(0, |document| document.metrics.len());
    if metrics > 0 {
        text.push_str(&format!("  metrics  {metrics}\n"));
    }
    let found: Vec<Vec<String>> = imported
        .findings
        .iter()
        .map(|finding| {
            let done = finding.did.as_ref().map(|did| format!(" → {did}")).unwrap_or_default();
            let place = if finding.place.is_empty() { String::new() } else { format!("{}: ", finding.place) };
            let words = format!("{place}{}{done}", finding.what);
            vec![finding.severity.word().into(), finding.class.word().into(), plain(&words)]
        })
        .collect();
    text.push_str(&indented(&table(&found)));
    match written {
        Some(Written::Refused(why)) => text.push_str(&format!("  not written: {why}\n")),
        Some(Written::Unchanged(path)) => text.push_str(&format!("  unchanged: {}\n", path.display())),
        Some(Written::Changed(path, None)) => text.push_str(&format!("  written: {}\n", path.display())),
        Some(Written::Changed(path, Some(copy))) => {
            text.push_str(&format!("  written: {}, before: {}\n", path.display(), copy.display()));
        }
        None => {}
    }
    text
}

fn rows(record: &Record, now: Timestamp) -> Vec<Vec<String>> {
    let from = |field: &str| {
        let source = record.derived.get(field).and_then(Value::as_str);
        source.map(|source| format!(" (from {source})")).unwrap_or_default()
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |name: &str, text: String| rows.push(vec![name.to_owned(), plain(&text)]);
    let id = record.change_id.clone().unwrap_or_else(|| "not named".into());
    row("change", format!("{id}{}", from("change_id")));
    if let Some(lane) = &record.lane {
        row("lane", lane.clone());
    }
    let word = record.status_word.as_ref().map(|word| format!(" (`{word}`)")).unwrap_or_default();
    row("status", format!("{}{word}", record.status.word()));
    let lists = [("completed", &record.completed), ("failed", &record.failed), ("skipped", &record.skipped)];
    for (name, numbers) in lists.into_iter().filter(|(_, numbers)| !numbers.is_empty()) {
        row(name, numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(", "));
    }
    let kept = &record.checkpoints;
    if kept.total > 0 {
        row("checkpoints", format!("{}, {} differ, {} kept", kept.total, kept.distinct, kept.kept.len()));
    }
    if !record.errors.is_empty() {
        row("errors", record.errors.len().to_string());
    }
    if !record.other.is_empty() {
        row("carried", record.other.keys().cloned().collect::<Vec<_>>().join(", "));
    }
    match status::resumable(record, now, plan(record)) {
        Ok(stage) => {
            let name = record.next_stage_name.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
            row("resume", format!("at stage {stage}{name}{}", from("next_stage")));
        }
        Err(reason) => row("resume", format!("not by itself: {reason}")),
    }
    rows
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// One line that neither turns nor colours a terminal, whatever a file holds.
fn plain(text: &str) -> String {
    last_state(text.replace(['\n', '\r'], " ").as_bytes(), false)
}

fn ended(imported: &[Imported], written: &[Option<Written>], args: &ImportStatus) -> String {
    let repairs: usize = imported.iter().map(Imported::repairs).sum();
    let valid = imported.iter().filter(|each| each.is_valid()).count();
    let changed = written.iter().flatten().filter(|written| matches!(written, Written::Changed(..))).count();
    let files = counted(imported.len(), "file");
    let head = format!("{files}: {valid} read, {}", counted(repairs, "repair"));
    match args.write || args.output.is_some() {
        true => format!("{head}, {changed} written"),
        false => format!("{head}; nothing was written: --write or --output DIR does"),
    }
}

/// One checkpoint of the only record there is.
fn checkpoint(imported: &[Imported], id: &str, format: Format, terminal: &Terminal) -> Result<Code, Error> {
    let all: Vec<&Record> = imported.iter().flat_map(records).collect();
    let [record] = all.as_slice() else {
        let message = format!("there are {} records, not one", all.len());
        return Err(Error::refused(message, "name one file with one record"));
    };
    let found = record.checkpoints.find(id).map_err(|(message, help)| Error::refused(message, help))?;
    match format {
        Format::Json => terminal.json(&json!(found)),
        Format::Human => terminal.data(&table(&checkpoint_rows(found))),
    }
    Ok(Code::Ok)
}

fn checkpoint_rows(found: &Checkpoint) -> Vec<Vec<String>> {
    let number = found.stage.map(|number| number.to_string());
    let stage = [number, found.stage_name.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let known = |text: &Option<String>| text.clone().unwrap_or_default();
    let rows = [
        ("checkpoint", known(&found.id)),
        ("stage", stage),
        ("at", known(&found.at)),
        ("commit", known(&found.commit)),
        ("files", found.files.len().to_string()),
        ("notes", known(&found.notes)),
    ];
    rows.into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| vec![name.to_owned(), plain(&text)])
        .collect()
}
