//! Findings for a person: the line, a caret, the related places, what to do. The only place that names miette.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};

use crate::base::{FileId, SourceFile, SourceMap, Span};

use super::{Diagnostic, Severity};

/// A related place this many lines above the finding is still in the same picture.
const NEAR: u32 = 3;
/// A longer line is not drawn.
const LONGEST_LINE: usize = 2_000;

/// All findings, each with its source, and a line that counts them.
pub(super) fn render(sources: &SourceMap, diagnostics: &[Diagnostic], color: bool, width: usize) -> String {
    let mut texts: HashMap<FileId, Cow<'_, str>> = HashMap::new();
    let mut out = String::new();
    for diagnostic in diagnostics {
        let file = sources.get(diagnostic.span.file);
        let text = texts.entry(diagnostic.span.file).or_insert_with(|| tame(&file.text));
        out.push_str(&one(sources, diagnostic, Source { file, text }, color, width.clamp(40, 160)));
        out.push('\n');
    }
    if !diagnostics.is_empty() {
        out.push_str(&super::summary(diagnostics));
        out.push('\n');
    }
    out
}

fn one(
    sources: &SourceMap,
    diagnostic: &Diagnostic,
    source: Source<'_>,
    color: bool,
    width: usize,
) -> String {
    let mut theme = theme(color);
    let icon = format!("{}[{}]:", diagnostic.severity, diagnostic.code.id);
    let characters = &mut theme.characters;
    (characters.error, characters.warning, characters.advice) = (icon.clone(), icon.clone(), icon);
    let handler =
        GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false).with_context_lines(1);
    let shows_itself = source.can_show(diagnostic.span);
    let mut elsewhere = String::new();
    let drawn = |span: Span| shows_itself && source.draws(diagnostic.span, span);
    for related in diagnostic.related.iter().filter(|related| !drawn(related.span)) {
        elsewhere.push_str(&format!("  see {}: {}\n", sources.place(related.span), related.message));
        elsewhere.push_str(&quoted_line(sources, related.span));
    }
    let mut text = String::new();
    let report = Report { diagnostic, place: sources.place(diagnostic.span), source, shows_itself };
    if handler.render_report(&mut text, &report).is_err() {
        return super::short::render(sources, std::slice::from_ref(diagnostic));
    }
    outdent(&text) + &elsewhere
}

/// The line of a place that is not drawn, so that nobody has to open the file for it.
fn quoted_line(sources: &SourceMap, span: Span) -> String {
    let file = sources.get(span.file);
    let at = file.position(span.start);
    let range = file.line_range(at.line).filter(|range| (1..=LONGEST_LINE).contains(&range.len()));
    let text = range.map(|range| tame(&file.text[range]).trim_end().to_string()).unwrap_or_default();
    if text.is_empty() { text } else { format!("   {:>4} │ {text}\n", at.line) }
}

/// miette indents the message by two; the first line reads better at the margin.
fn outdent(text: &str) -> String {
    let text = text.trim_start_matches('\n');
    let lines = text.lines().map(|line| line.trim_end());
    let mut out = String::new();
    for (index, line) in lines.enumerate() {
        out.push_str(if index == 0 { line.strip_prefix("  ").unwrap_or(line) } else { line });
        out.push('\n');
    }
    out
}

fn theme(color: bool) -> GraphicalTheme {
    let styles = if color { ThemeStyles::ansi() } else { ThemeStyles::none() };
    GraphicalTheme { characters: ThemeCharacters::unicode(), styles }
}

/// A diagnostic as miette wants it.
struct Report<'a> {
    diagnostic: &'a Diagnostic,
    source: Source<'a>,
    place: String,
    shows_itself: bool,
}

impl Report<'_> {
    fn labels(&self) -> Vec<LabeledSpan> {
        let Diagnostic { span, label, related, .. } = self.diagnostic;
        let own = LabeledSpan::new_primary_with_span(label.clone(), self.source.visible(*span));
        let others = related.iter().filter(|related| self.source.draws(*span, related.span)).map(|related| {
            LabeledSpan::new_with_span(Some(related.message.clone()), self.source.visible(related.span))
        });
        std::iter::once(own).chain(others).collect()
    }
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)?;
        if self.shows_itself { Ok(()) } else { write!(f, "\nat {}", self.place) }
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Info => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.shows_itself.then_some(&self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(Report::labels(self).into_iter()))
    }
}

/// One file's text by lines, found through its line index: a report of a large file costs only the lines it shows.
struct Source<'a> {
    file: &'a SourceFile,
    /// The same text, byte for byte as long, with nothing in it that a terminal would obey or hide.
    text: &'a str,
}

impl Source<'_> {
    /// The span's first line, so that a long construct shows where it begins; never past the end.
    fn visible(&self, span: Span) -> SourceSpan {
        let start = span.start.min(self.text.len() as u32);
        let line = self.file.position(start).line;
        let line_end = self.file.line_range(line).map_or(self.text.len(), |range| range.end);
        let end = (span.end as usize).min(line_end).max(start as usize);
        (start as usize, end - start as usize).into()
    }

    /// Whether a related place is drawn with the finding itself. One far above would be drawn first, and read as if
    /// the problem were there.
    fn draws(&self, own: Span, related: Span) -> bool {
        let line = |span: Span| self.file.position(span.start).line;
        related.file == own.file && line(related) + NEAR >= line(own) && self.can_show(related)
    }

    /// Without text, or in a line too long for any terminal, a picture helps nobody.
    fn can_show(&self, span: Span) -> bool {
        let line = self.file.position(span.start).line;
        !self.text.is_empty() && self.file.line_range(line).is_some_and(|range| range.len() <= LONGEST_LINE)
    }
}

impl SourceCode for Source<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (start, end) = (span.offset(), span.offset() + span.len());
        let at = self.file.position(start as u32);
        let first = at.line.saturating_sub(before as u32).max(1);
        let mut last = self.file.position(end as u32).line + after as u32;
        let range = |line: u32| self.file.line_range(line);
        while last > first
            && range(last).is_none_or(|range| range.is_empty() && range.start == self.text.len())
        {
            last -= 1;
        }
        let from = range(first).ok_or(MietteError::OutOfBounds)?.start;
        let to = range(last).ok_or(MietteError::OutOfBounds)?.end.max(end);
        let (from, column) = if before == 0 { (start, at.column as usize - 1) } else { (from, 0) };
        let data = self.text.get(from..to).ok_or(MietteError::OutOfBounds)?;
        let line = first as usize - 1;
        let lines = (last - first + 1) as usize;
        let span = (from, to - from).into();
        let name = self.file.path.clone();
        Ok(Box::new(MietteSpanContents::new_named(name, data.as_bytes(), span, line, column, lines)))
    }
}

/// Replaces what a terminal would obey, or not show, by something visible of the same length in bytes.
fn tame(text: &str) -> Cow<'_, str> {
    if !text.contains(is_wild) {
        return Cow::Borrowed(text);
    }
    let visible = |c: char| match (is_wild(c), c.len_utf8()) {
        (false, _) => c,
        (true, 1) => '?',
        (true, 2) => '·',
        (true, 3) => '\u{fffd}',
        (true, _) => '\u{1f6ab}',
    };
    Cow::Owned(text.chars().map(visible).collect())
}

fn is_wild(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t' | '\r'))
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;
    use crate::diag::codes;

    #[test]
    fn a_report_shows_line_caret_and_help() {
        let mut sources = SourceMap::default();
        let file = sources.add(SourceFile::new("a.wfl", "wfl 1\nstage a {\n  run \"x\n}\n"));
        let diagnostic =
            Diagnostic::new(&codes::E002, Span::new(file, 22, 23), "this string is never closed")
                .label("opened here")
                .related(Span::new(file, 12, 13), "in this")
                .help("close it");
        let text = render(&sources, &[diagnostic], false, 80);
        for part in [
            "error[E002]: this string",
            "a.wfl:3:7",
            "opened here",
            "help: close it",
            "1 error in 1 file",
            "in this",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn nothing_wild_reaches_the_terminal() {
        let mut sources = SourceMap::default();
        let text = "a \u{202e}\u{1b}[31m\u{ad}\u{e0041} b\n";
        let file = sources.add(SourceFile::new("a.wfl", text));
        assert_eq!(tame(text).len(), text.len());
        let diagnostic = Diagnostic::new(&codes::E009, Span::new(file, 2, 5), "hidden");
        assert!(!render(&sources, &[diagnostic], false, 80).contains(is_wild));
    }

    #[test]
    fn an_empty_file_or_a_place_elsewhere_is_named_in_words() {
        let mut sources = SourceMap::default();
        let file = sources.add(SourceFile::new("gone.wfl", ""));
        let other = sources.add(SourceFile::new("b.wfl", "import\n"));
        assert_eq!((file, other), (FileId(0), FileId(1)));
        let diagnostic = Diagnostic::new(&codes::E123, Span::new(file, 0, 0), "no such file")
            .related(Span::new(other, 0, 6), "named here");
        let text = render(&sources, &[diagnostic], false, 80);
        assert!(text.contains("gone.wfl:1:1") && text.contains("b.wfl:1:1: named here"), "{text}");
    }
}
