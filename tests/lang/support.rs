//! The one door through which the language tests check a text. Knows nothing of single cases.

use std::path::{Path, PathBuf};

use wfl::base::SourceMap;
use wfl::diag::Diagnostic;
use wfl::load::{Loaded, Memory, Request, load};
use wfl::syntax::ast::{File, Statement};

pub struct Checked {
    pub sources: SourceMap,
    pub diagnostics: Vec<Diagnostic>,
}

/// What lane files of the fixtures import.
const SMOKE: &str = include_str!("shared/smoke.wfl");

/// Checks a text, all the way, as the file `case.wfl` of a project that holds only `shared/smoke.wfl` besides.
pub fn check_text(text: &str) -> Checked {
    check_files(text, &[("shared/smoke.wfl", SMOKE)], false)
}

/// Checks `case.wfl` with these files beside it; `pedantic` keeps the remarks as well.
pub fn check_files(text: &str, beside: &[(&str, &str)], pedantic: bool) -> Checked {
    let files =
        beside.iter().fold(Memory::default().with("/project/case.wfl", text), |files, (path, text)| {
            files.with(format!("/project/{path}"), *text)
        });
    let request = Request { root: "/project".into(), cwd: "/project".into(), paths: vec!["case.wfl".into()] };
    let Loaded { sources, units, mut diagnostics, .. } = load(&request, &files);
    let checked = wfl::model::check(&sources, &units);
    diagnostics.extend(checked.diagnostics);
    let levels = &checked.model.project.levels;
    let mut diagnostics = wfl::model::settle(&sources, &units, levels, diagnostics);
    if !pedantic {
        diagnostics.retain(|found| found.severity != wfl::diag::Severity::Info);
    }
    Checked { sources, diagnostics }
}

/// `line:column code message`, one a line.
pub fn listing(checked: &Checked) -> String {
    let line = |diagnostic: &Diagnostic| {
        let at = checked.sources.position(diagnostic.span);
        format!("{}:{} {} {}\n", at.line, at.column, diagnostic.code.id, diagnostic.message)
    };
    checked.diagnostics.iter().map(line).collect()
}

/// The fixtures of a folder below `tests/lang`, sorted.
pub fn fixtures(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lang").join(folder);
    let mut found: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wfl"))
        .collect();
    found.sort();
    found
}

/// Every statement of the tree, blocks included, in the order of the text.
pub fn statements(tree: &File) -> Vec<&Statement> {
    let mut found = Vec::new();
    let mut waiting: Vec<&Statement> = tree.statements.iter().rev().collect();
    while let Some(statement) = waiting.pop() {
        found.push(statement);
        waiting.extend(statement.body().iter().rev());
    }
    found
}
