//! `wfl check`: find what is wrong, all of it at once, and mend what can be mended safely.

use std::path::Path;

use crate::base::SourceMap;
use crate::cli::args::{Check, CheckFormat};
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::diag::{self, Diagnostic, Severity};
use crate::embed::{Error, Project};
use crate::observe::style::counted;

pub fn run(args: &Check, terminal: &Terminal) -> Result<Code, Error> {
    if let Some(other) = args.paths.iter().find(|path| path.is_file() && !is_lane_file(path)) {
        let message = format!("{} is not a .wfl file", other.display());
        return Err(Error::refused(message, "name files that end in .wfl, or folders that hold them"));
    }
    let mut project = Project::load(&args.paths)?;
    if args.fix {
        let fixed = project.apply_safe_fixes()?;
        if !fixed.is_empty() {
            terminal.say(&format!("fixed {}", fixed.join(", ")));
            project = Project::load(&args.paths)?;
        }
    }
    show(args.format, project.sources(), project.diagnostics(), terminal);
    let failed = project.diagnostics().iter().any(Diagnostic::is_error);
    Ok(if failed { Code::Findings } else { Code::Ok })
}

fn is_lane_file(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "wfl")
}

fn show(format: CheckFormat, sources: &SourceMap, diagnostics: &[Diagnostic], terminal: &Terminal) {
    let render = |format| diag::render(format, sources, diagnostics, terminal.out.color, terminal.width);
    match format {
        CheckFormat::Json => terminal.data(&render(diag::Format::Json)),
        CheckFormat::Short => terminal.data(&render(diag::Format::Short)),
        CheckFormat::Human => {
            terminal.data(&render(diag::Format::Human));
            terminal.say(&counts(diagnostics));
        }
    }
}

fn counts(diagnostics: &[Diagnostic]) -> String {
    let of = |severity| diagnostics.iter().filter(|found| found.severity == severity).count();
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    match (errors, warnings) {
        (0, 0) => "no errors".into(),
        (0, _) => format!("no errors, {}", counted(warnings, "warning")),
        (_, 0) => counted(errors, "error"),
        _ => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
    }
}
