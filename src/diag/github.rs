//! Findings as workflow commands of GitHub Actions, which shows them beside the changed lines.

use crate::base::SourceMap;
use crate::base::workflow_command::{data, property};

use super::{Diagnostic, Severity};

/// What one step shows of each kind; more are dropped without a word.
const SHOWN: usize = 10;

/// `::error file=…,line=…::message`, one a line; a notice at the end says when some will not be shown.
pub(super) fn render(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    let mut text: String = diagnostics.iter().map(|finding| line(sources, finding)).collect();
    let hidden: usize = [Severity::Error, Severity::Warning, Severity::Info]
        .into_iter()
        .map(|severity| diagnostics.iter().filter(|finding| finding.severity == severity).count())
        .map(|count| count.saturating_sub(SHOWN))
        .sum();
    if hidden > 0 {
        text.push_str(&format!(
            "::notice title=wfl::{hidden} more findings are in the log of this step: only {SHOWN} of a kind are shown beside the code\n"
        ));
    }
    text
}

fn line(sources: &SourceMap, finding: &Diagnostic) -> String {
    let (start, end) = (sources.position(finding.span), sources.position(finding.span.at_end()));
    let command = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let help = finding.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    // Columns are only understood on one line.
    let columns = match start.line == end.line {
        true => format!(",col={},endColumn={}", start.column, end.column),
        false => String::new(),
    };
    format!(
        "::{command} file={},line={},endLine={}{columns},title={}::{}\n",
        property(&sources.get(finding.span.file).path),
        start.line,
        end.line,
        property(&format!("{} {}", finding.code.id, finding.code.name)),
        data(&format!("{}{help}", finding.message)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{SourceFile, Span};
    use crate::diag::codes;

    #[test]
    fn commands_are_escaped_and_what_will_not_be_shown_is_counted() {
        let mut sources = SourceMap::default();
        let file = sources.add(SourceFile::new("a,b.wfl", "x\n"));
        let found = Diagnostic::new(&codes::E102, Span::new(file, 0, 1), "50% of `a:b`\n::error::x");
        let text = render(&sources, &vec![found; 12]);
        let first = "::error file=a%2Cb.wfl,line=1,endLine=1,col=1,endColumn=2,title=E102 unknown-name::50%25 of `a:b`%0A::error::x\n";
        assert!(text.starts_with(first), "{text}");
        assert_eq!(text.lines().count(), 13);
        assert!(text.ends_with(
            "2 more findings are in the log of this step: only 10 of a kind are shown beside the code\n"
        ));
    }
}
