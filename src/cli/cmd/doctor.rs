//! `wfl doctor`: what is wrong with state, project and machine, and mending what can be mended without loss.

use std::io::{BufRead, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::args::{Doctor, Format};
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::embed::doctor::{self, Confirm, Finding, Level, Mended, Report};
use crate::embed::{Error, Project, bundle};
use crate::observe::style::{Ink, counted};

pub fn run(args: &Doctor, terminal: &Terminal) -> Result<Code, Error> {
    let place = doctor::here()?;
    let mut report = doctor::examine(&place);
    let mut mended = Vec::new();
    if args.fix {
        mended = doctor::mend(&place, &report, &Asking { terminal, yes: args.yes });
        // What it is like now.
        report = doctor::examine(&place);
    }
    match args.format {
        Format::Json => terminal.json(&as_json(&report, &mended)),
        Format::Human => show(&report, &mended, args.fix, terminal),
    }
    if let Some(out) = &args.bundle {
        write_bundle(out, &report, &mended, terminal)?;
    }
    Ok(if report.worst() == Level::Fail { Code::Findings } else { Code::Ok })
}

/// Says what will be in it before it is written. A state that cannot be read is told in the archive itself.
fn write_bundle(out: &Path, report: &Report, mended: &[Mended], terminal: &Terminal) -> Result<(), Error> {
    let project = Project::open(".")?;
    let store = project.history().ok().flatten();
    let bundle = bundle::gather(&project, store.as_ref(), as_json(report, mended));
    for (name, bytes) in bundle.listing() {
        terminal.say(&format!("  {name} ({bytes} bytes)"));
    }
    let written = bundle.write(out)?;
    terminal.say(&format!(
        "wrote {} ({} bytes): look at it before you pass it on",
        out.display(),
        written.bytes
    ));
    Ok(())
}

/// Asks at the terminal, if somebody sits there.
struct Asking<'a> {
    terminal: &'a Terminal,
    yes: bool,
}

impl Confirm for Asking<'_> {
    fn ask(&self, question: &str) -> Option<bool> {
        if self.yes {
            return Some(true);
        }
        if !self.terminal.can_ask() {
            return None;
        }
        let mut err = std::io::stderr().lock();
        let _ = write!(err, "{question} [y/N] ").and_then(|()| err.flush());
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).ok()?;
        Some(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}

fn as_json(report: &Report, mended: &[Mended]) -> Value {
    let finding = |found: &Finding| {
        json!({
            "check": found.check,
            "status": found.level.word(),
            "found": found.found,
            "matters": found.matters,
            "advice": found.advice,
            "fixable": found.mend.is_some(),
        })
    };
    json!({
        "status": report.worst().word(),
        "checks": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "fixed": mended.iter().map(|step| json!({"done": step.done, "what": step.words})).collect::<Vec<_>>(),
        "took_ms": report.took.as_millis() as u64,
    })
}

fn show(report: &Report, mended: &[Mended], fix: bool, terminal: &Terminal) {
    for step in mended {
        let word = if step.done { "fixed" } else { "note" };
        terminal.data(&format!("{word:<7} {}", step.words));
    }
    if fix && mended.is_empty() {
        terminal.data("nothing to fix");
    }
    report.findings.iter().for_each(|found| terminal.data(&lines(found, terminal)));
    let count = |level| report.count(level);
    let (fail, warn) = (count(Level::Fail), count(Level::Warn));
    let total = report.findings.len();
    let fixable = report.findings.iter().filter(|found| found.mend.is_some()).count();
    let hint = if fixable > 0 && !fix { "; `wfl doctor --fix` mends what it can without loss" } else { "" };
    terminal.say(&format!(
        "{}: {fail} failed, {}, in {} ms{hint}",
        counted(total, "check"),
        counted(warn, "warning"),
        report.took.as_millis()
    ));
}

fn lines(found: &Finding, terminal: &Terminal) -> String {
    let ink = match found.level {
        Level::Ok => Ink::Good,
        Level::Skipped => Ink::Dim,
        Level::Warn => Ink::Care,
        Level::Fail => Ink::Bad,
    };
    let word = terminal.out.paint(ink, &format!("{:<7}", found.level.word()));
    let mut text = format!("{word} {:<19} {}", found.check, found.found);
    let more = [("", &found.matters), ("→ ", &found.advice)];
    for (lead, line) in more.into_iter().filter(|(_, line)| !line.is_empty()) {
        text.push_str(&format!("\n{:28}{lead}{line}", ""));
    }
    text
}
