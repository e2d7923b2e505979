//! `wfl check`: find what is wrong, all of it at once, and mend what can be mended safely.

use crate::base::SourceMap;
use crate::cli::args::{Check, CheckFormat};
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::diag::{self, Diagnostic};
use crate::embed::{Error, Project};

pub fn run(args: &Check, terminal: &Terminal) -> Result<Code, Error> {
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
    // The process is about to end: giving a large model back piece by piece takes longer than it is worth.
    std::mem::forget(project);
    Ok(if failed { Code::Findings } else { Code::Ok })
}

fn show(format: CheckFormat, sources: &SourceMap, diagnostics: &[Diagnostic], terminal: &Terminal) {
    let render = |format| diag::render(format, sources, diagnostics, terminal.out.color, terminal.width);
    match format {
        CheckFormat::Json => terminal.data(&render(diag::Format::Json)),
        CheckFormat::Short => terminal.data(&render(diag::Format::Short)),
        CheckFormat::Human => {
            terminal.data(&render(diag::Format::Human));
            if diagnostics.is_empty() {
                terminal.say("no errors");
            }
        }
    }
}
