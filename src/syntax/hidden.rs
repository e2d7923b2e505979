//! Finds characters that change how text is shown or cannot be seen, wherever they stand. Knows no syntax.

use crate::base::{FileId, Span};
use crate::diag::{Diagnostic, codes};

/// Every hidden character of `text`; a byte order mark at its start is none.
pub(super) fn find(file: FileId, text: &str) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        if !(' '..'\u{7f}').contains(&c) && is_hidden(c, previous, at, text) {
            found.push(report(Span::new(file, at, at + c.len_utf8()), c));
        }
        previous = c;
    }
    found
}

fn report(span: Span, c: char) -> Diagnostic {
    let name = name(c);
    Diagnostic::new(&codes::E009, span, format!("hidden character U+{:04X} ({name})", c as u32))
        .label("it cannot be seen here")
        .help("delete it, so that what a reviewer sees is what runs")
        .fix(false, span, "")
}

fn is_hidden(c: char, previous: char, at: usize, text: &str) -> bool {
    match c {
        '\t' | '\n' => false,
        '\r' => !text[at + 1..].starts_with('\n'),
        '\u{feff}' => at != 0,
        // Joins pictures into one picture; between letters it only hides.
        '\u{200d}' => !matches!(previous, '\u{2190}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..),
        _ => in_hidden_range(c),
    }
}

/// Hidden wherever it stands.
pub(super) fn in_hidden_range(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0d}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn name(c: char) -> &'static str {
    match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => {
            "turns the direction of text"
        }
        '\u{200b}' => "zero-width space",
        '\u{200c}' | '\u{200d}' => "zero-width joiner",
        '\u{feff}' => "byte order mark inside the text",
        '\u{ad}' => "soft hyphen",
        '\r' => "carriage return inside a line",
        '\u{1b}' => "escape, which drives terminals",
        '\u{2028}' | '\u{2029}' => "line separator that is no line end here",
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => "control character",
        _ => "invisible",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_found_and_pictures_are_not() {
        let file = FileId(0);
        assert!(
            find(file, "\u{feff}a = \"\u{1f468}\u{200d}\u{1f4bb} \u{26a0}\u{fe0f} é\"\r\n\tb").is_empty()
        );
        for c in ['\u{202e}', '\u{200b}', '\u{feff}', '\u{1b}', '\u{e0041}', '\u{2066}', '\u{ad}'] {
            let found = find(file, &format!("# x{c}y"));
            assert_eq!(found.len(), 1, "{c:?}");
            assert_eq!(found[0].span.start, 3);
        }
        assert_eq!(find(file, "a\rb").len(), 1);
    }
}
