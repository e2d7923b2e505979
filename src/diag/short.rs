//! One line a finding, for editors and grep. Does not show source text.

use crate::base::SourceMap;

use super::Diagnostic;

/// `path:line:column: error[E101] message (help)`.
pub(super) fn render(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| line(sources, diagnostic)).collect()
}

fn line(sources: &SourceMap, diagnostic: &Diagnostic) -> String {
    let place = sources.place(diagnostic.span);
    let Diagnostic { severity, code, message, help, .. } = diagnostic;
    let help = help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{place}: {severity}[{}] {message}{help}\n", code.id).replace("\r", "")
}
