//! Findings as the JSON that `wfl check --format json` promises. Places count from 1, columns in characters.

use serde_json::{Value, json};

use crate::base::{SourceMap, Span};

use super::Diagnostic;

/// `{"diagnostics": [...]}`, indented, with a newline at its end.
pub(super) fn render(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    let list: Vec<Value> = diagnostics.iter().map(|diagnostic| entry(sources, diagnostic)).collect();
    format!("{:#}\n", json!({ "diagnostics": list }))
}

fn entry(sources: &SourceMap, diagnostic: &Diagnostic) -> Value {
    let (start, end) = (sources.position(diagnostic.span), sources.position(diagnostic.span.at_end()));
    let related: Vec<Value> =
        diagnostic.related.iter().map(|related| place(sources, related.span, &related.message)).collect();
    json!({
        "code": diagnostic.code.id,
        "name": diagnostic.code.name,
        "severity": diagnostic.severity.to_string(),
        "message": diagnostic.message,
        "file": sources.get(diagnostic.span.file).path,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "help": diagnostic.help,
        "related": related,
    })
}

fn place(sources: &SourceMap, span: Span, message: &str) -> Value {
    let at = sources.position(span);
    json!({ "file": sources.get(span.file).path, "line": at.line, "column": at.column, "message": message })
}
