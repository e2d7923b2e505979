//! Text → the same statements in the one style. Knows the form of the language, no keyword and no meaning.
//!
//! `tree` gathers pieces into statements with their comments, `layout` breaks a long head, `block` decides what stays on
//! one line and which operands share a column. The space between pieces is `syntax::spacing`'s.

mod block;
mod layout;
mod tree;
mod writer;

use crate::base::{FileId, Span};
use crate::diag::{Diagnostic, codes};
use crate::syntax;

/// The text in the language's one style; what is wrong with it when it has errors of form, for then it is left alone.
/// Statements, values, scripts and comments stay what they are, in their order.
pub fn text(file: FileId, text: &str) -> Result<String, Vec<Diagnostic>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let scan = syntax::scan(file, text);
    if scan.file.refused > 0 || scan.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(scan.diagnostics);
    }
    let mut items = tree::items(text, &scan);
    let mut out = writer::Writer::default();
    block::file(&mut items, &mut out);
    Ok(out.finish())
}

/// A note when the text is not in the one style, with the whole text in it as a safe fix. Silent about a text with
/// errors.
pub fn check(file: FileId, source: &str) -> Option<Diagnostic> {
    let formatted = text(file, source).ok()?;
    if formatted == source {
        return None;
    }
    let same = source.bytes().zip(formatted.bytes()).take_while(|(a, b)| a == b).count();
    let start = source.as_bytes()[..same].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let end = source[start..].find('\n').map_or(source.len(), |length| start + length);
    Some(
        Diagnostic::new(&codes::I905, Span::new(file, start, end), "the file is not formatted")
            .label("the first line that `wfl fmt` would change")
            .help("run `wfl fmt`")
            .fix(true, Span::new(file, 0, source.len()), formatted),
    )
}
