//! `wfl check`: find what is wrong, all of it at once, and mend what can be mended.

use similar::TextDiff;

use crate::base::SourceMap;
use crate::base::suggest::{did_you_mean, nearest};
use crate::cli::args::{Check, CheckFormat};
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::diag::{self, Diagnostic, Severity, codes};
use crate::embed::{Error, Fixed, Project};

/// A fix may uncover another; more rounds than this and two of them undo each other.
const ROUNDS: usize = 8;

pub fn run(args: &Check, terminal: &Terminal) -> Result<Code, Error> {
    let denied = denied(&args.deny)?;
    let mut project = Project::load(&args.paths)?;
    if args.diff {
        let fixed = project.fixed(&found(&project, args), args.unsafe_fixes);
        terminal.data(&difference(&fixed));
        return Ok(if fixed.is_empty() { Code::Ok } else { Code::Findings });
    }
    if args.fix || args.unsafe_fixes {
        project = mended(project, args, terminal)?;
    }
    let mut found = found(&project, args);
    for finding in &mut found {
        if denied.iter().any(|denied| denied.covers(finding)) {
            finding.severity = Severity::Error;
        }
    }
    show(args.format, project.sources(), &found, terminal);
    // The process is about to end: giving a large model back piece by piece takes longer than it is worth.
    std::mem::forget(project);
    Ok(if found.iter().any(Diagnostic::is_error) { Code::Findings } else { Code::Ok })
}

fn found(project: &Project, args: &Check) -> Vec<Diagnostic> {
    match args.pedantic || args.deny.iter().any(|what| what == "remarks") {
        true => project.pedantic(),
        false => project.diagnostics().to_vec(),
    }
}

/// Fixes, round after round, until nothing is left to fix.
fn mended(mut project: Project, args: &Check, terminal: &Terminal) -> Result<Project, Error> {
    let mut names: Vec<String> = Vec::new();
    for _ in 0..ROUNDS {
        let fixed = project.fixed(&found(&project, args), args.unsafe_fixes);
        if fixed.is_empty() {
            break;
        }
        project.write_fixed(&fixed)?;
        names.extend(fixed.into_iter().map(|file| file.path));
        project = Project::load(&args.paths)?;
    }
    names.sort();
    names.dedup();
    if !names.is_empty() {
        terminal.say(&format!("fixed {}", names.join(", ")));
    }
    Ok(project)
}

fn difference(fixed: &[Fixed]) -> String {
    let one = |file: &Fixed| {
        let (before, after) = (format!("a/{}", file.path), format!("b/{}", file.path));
        let diff = TextDiff::from_lines(file.before.as_str(), file.after.as_str());
        diff.unified_diff().context_radius(3).header(&before, &after).to_string()
    };
    fixed.iter().map(one).collect()
}

/// What `--deny` names.
enum Denied {
    Severity(Severity),
    Code(&'static codes::Code),
}

impl Denied {
    fn covers(&self, finding: &Diagnostic) -> bool {
        match self {
            Denied::Severity(severity) => finding.severity <= *severity,
            Denied::Code(code) => finding.code == *code,
        }
    }
}

fn denied(words: &[String]) -> Result<Vec<Denied>, Error> {
    let one = |word: &String| match word.as_str() {
        "warnings" => Ok(Denied::Severity(Severity::Warning)),
        "remarks" => Ok(Denied::Severity(Severity::Info)),
        word => codes::find(word).map(Denied::Code).ok_or_else(|| {
            let known = codes::ALL.iter().map(|code| code.name).chain(["warnings", "remarks"]);
            let help = did_you_mean(&nearest(word, known))
                .unwrap_or_else(|| "name `warnings`, `remarks`, or a check such as W404".into());
            Error::refused(format!("--deny knows no `{word}`"), help)
        }),
    };
    words.iter().map(one).collect()
}

fn show(format: CheckFormat, sources: &SourceMap, diagnostics: &[Diagnostic], terminal: &Terminal) {
    let render = |format| diag::render(format, sources, diagnostics, terminal.out.color, terminal.width);
    match format {
        CheckFormat::Json => terminal.data(&render(diag::Format::Json)),
        CheckFormat::Short => terminal.data(&render(diag::Format::Short)),
        CheckFormat::Sarif => terminal.data(&render(diag::Format::Sarif)),
        CheckFormat::Github => {
            terminal.data(&render(diag::Format::Github));
            if !diagnostics.is_empty() {
                terminal.diagnostics(sources, diagnostics);
            }
        }
        CheckFormat::Human => {
            terminal.data(&render(diag::Format::Human));
            if diagnostics.is_empty() {
                terminal.say("no errors");
            }
        }
    }
}
