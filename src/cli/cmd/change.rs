//! `wfl change`: what the change at hand is, or what is wrong with one side of it.

use serde_json::json;

use crate::base::templates;
use crate::cli::args::{Format, Judged, OfChange};
use crate::cli::cmd::run::change;
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::embed::{Changed, Error, Project};
use crate::review::Subject;

/// As many findings are printed for a person.
const SHOWN: usize = 200;

pub fn run(args: &OfChange, terminal: &Terminal) -> Result<Code, Error> {
    if let Some(name) = &args.template {
        return template(name, terminal);
    }
    let project = Project::load(&[])?;
    let changed = project.changed(&change(&args.change));
    match (args.check, args.format) {
        (Some(judged), format) => Ok(check(&changed, judged, format, terminal)),
        (None, Format::Json) => {
            terminal.json(&changed.details());
            Ok(Code::Ok)
        }
        (None, Format::Human) => {
            terminal.data(&changed.document(&args.document)?);
            Ok(Code::Ok)
        }
    }
}

/// A built-in template as it is, to begin an own one with.
fn template(name: &str, terminal: &Terminal) -> Result<Code, Error> {
    let bare = templates::name(name).unwrap_or(name);
    let Some(text) = templates::text(bare) else {
        let all: Vec<&str> = templates::names().collect();
        let message = format!("there is no built-in template {bare}");
        return Err(Error::refused(message, format!("there are {}", all.join(", "))));
    };
    terminal.data(text);
    Ok(Code::Ok)
}

fn check(changed: &Changed, judged: Judged, format: Format, terminal: &Terminal) -> Code {
    let found = changed.judge(subject(judged));
    match format {
        Format::Json => {
            let findings = found.iter().map(
                |finding| json!({ "path": finding.path, "line": finding.line, "message": finding.message }),
            );
            terminal.json(&json!({ "findings": findings.collect::<Vec<_>>() }));
        }
        Format::Human => {
            let mut lines: Vec<String> = found.iter().take(SHOWN).map(|finding| finding.text()).collect();
            if found.len() > SHOWN {
                lines.push(format!("and {} more", found.len() - SHOWN));
            }
            terminal.data(&lines.join("\n"));
        }
    }
    if found.is_empty() { Code::Ok } else { Code::Findings }
}

fn subject(judged: Judged) -> Subject {
    match judged {
        Judged::Commits => Subject::Commits,
        Judged::Names => Subject::Names,
        Judged::Markers => Subject::Markers,
        Judged::Tests => Subject::Tests,
        Judged::Scripts => Subject::Scripts,
        Judged::Documents => Subject::Documents,
    }
}
