//! `wfl init`: a first lane for this repository, written, checked, and what to type next.

use serde_json::json;

use crate::cli::args::{Format, Init};
use crate::cli::exit::Code;
use crate::cli::output::{Terminal, table};
use crate::embed::draft::{self, Draft};
use crate::embed::init::{Written, drafted, init};
use crate::embed::survey::Installed;
use crate::embed::{Error, Place};
use crate::observe::style::counted;

pub fn run(args: &Init, terminal: &Terminal) -> Result<Code, Error> {
    if args.list {
        list(args.format, terminal);
        return Ok(Code::Ok);
    }
    let place = Place::here()?;
    if args.dry_run || args.output.as_deref() == Some("-") {
        let draft = drafted(&place, &args.lane, &Installed)?;
        match args.format {
            Format::Json => terminal.json(&json_of(&draft, false)),
            Format::Human => terminal.data(&draft.text),
        }
        return Ok(Code::Ok);
    }
    let written = init(&place, &args.lane, &Installed)?;
    match args.format {
        Format::Json => terminal.json(&json_of(&written.draft, true)),
        Format::Human => terminal.data(&said(&written)),
    }
    if written.findings.is_empty() {
        return Ok(Code::Ok);
    }
    terminal.diagnostics(written.project.sources(), &written.findings);
    Ok(if written.findings.iter().any(crate::diag::Diagnostic::is_error) { Code::Findings } else { Code::Ok })
}

fn list(format: Format, terminal: &Terminal) {
    let kinds = draft::kinds();
    match format {
        Format::Json => {
            let one = |kind: &draft::Kind| json!({ "name": kind.name, "about": kind.about });
            terminal.json(&json!(kinds.iter().map(one).collect::<Vec<_>>()));
        }
        Format::Human => {
            let row = |kind: &draft::Kind| vec![kind.name.to_string(), kind.about.to_string()];
            terminal.data(&table(&kinds.iter().map(row).collect::<Vec<_>>()));
        }
    }
}

fn json_of(draft: &Draft, written: bool) -> serde_json::Value {
    json!({
        "lane": draft.lane,
        "file": draft.file,
        "written": written,
        "found": draft.found,
        "text": draft.text,
        "next": draft.next,
    })
}

fn said(written: &Written) -> String {
    let Written { draft, project, .. } = written;
    let lane = project.lanes().into_iter().find(|lane| !lane.std && lane.name == draft.lane);
    let stages = lane.map(|lane| lane.stages).unwrap_or_default();
    let mut text = String::new();
    for found in &draft.found {
        text += &format!("found   {found}\n");
    }
    text += &format!("wrote   {}: {}, {}\n", draft.file, counted(stages.len(), "stage"), stages.join(", "));
    if written.findings.is_empty() {
        text += "check   no errors\n";
    }
    for next in &draft.next {
        text += &format!("next    {next}\n");
    }
    text
}
