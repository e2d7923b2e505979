//! From a byte of a script to its place in the file: scripts lose their margin, strings their escapes.
//! Knows no shell.

use std::ops::Range;

use crate::base::Span;
use crate::syntax::string_breaks;

/// Where the pieces of a text begin: in the text, and in the file.
#[derive(Clone, Debug)]
pub struct Places {
    /// Of the whole value; what cannot be placed within it is placed here.
    whole: Span,
    pieces: Vec<(u32, u32)>,
}

impl Places {
    /// Of a `"""` text, given the place in the file where each of its lines begins.
    pub fn of_lines(whole: Span, text: &str, lines: &[u32]) -> Places {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at as u32 + 1));
        Places { whole, pieces: starts.zip(lines.iter().copied()).collect() }
    }

    /// Of a plain string as it is written in the file, quotes included.
    pub fn of_string(whole: Span, source: &str) -> Places {
        let inner = source.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let pieces = match inner.filter(|inner| !inner.starts_with('"')) {
            Some(inner) => string_breaks(inner)
                .into_iter()
                .map(|(text, written)| (text as u32, whole.start + 1 + written as u32))
                .collect(),
            None => Vec::new(),
        };
        Places { whole, pieces }
    }

    /// The place of a part of the text.
    pub fn span(&self, at: &Range<usize>) -> Span {
        match (self.place(at.start), self.place(at.end)) {
            (Some(start), Some(end)) if start <= end => Span { start, end, ..self.whole },
            (Some(start), _) => Span { start, end: start, ..self.whole },
            _ => self.whole.at_start(),
        }
    }

    fn place(&self, at: usize) -> Option<u32> {
        let at = u32::try_from(at).ok()?;
        let piece = self.pieces.partition_point(|(text, _)| *text <= at).checked_sub(1)?;
        let (text, file) = self.pieces[piece];
        Some((file + at - text).min(self.whole.end))
    }
}
