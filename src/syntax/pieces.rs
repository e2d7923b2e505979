//! A file's text piece by piece, in order, with nothing left out but white space: what a formatter puts into lines.
//! Knows no statements.

use crate::base::FileId;

use super::lexical;
use super::token::{Kind, Lexed, ScriptRange};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    Word,
    /// `"…"` and `f"…"`.
    Text,
    /// `"""` to `"""`, a comment behind the opening quotes included.
    Script,
    Open,
    Close,
    Comma,
    Semicolon,
    At,
    Operator,
    /// `#` and `##`; `own_line` when nothing but space stands before it.
    Comment {
        own_line: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    pub kind: PieceKind,
    pub text: &'a str,
    /// Byte offset in the file.
    pub start: usize,
}

impl Piece<'_> {
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// A script as it is written: what stands behind its opening quotes, and its lines without their common margin.
pub struct ScriptText<'a> {
    /// `"""` or `f"""`.
    pub open: &'a str,
    pub comment: Option<&'a str>,
    pub lines: Vec<&'a str>,
}

/// Takes apart the text of a [`PieceKind::Script`] of a file without errors.
pub fn script(text: &str) -> ScriptText<'_> {
    let (above, last) = text.rsplit_once('\n').unwrap_or((text, ""));
    let margin = &last[..last.len() - last.trim_start_matches([' ', '\t']).len()];
    let (first, body) = match above.split_once('\n') {
        Some((first, body)) => (first, Some(body)),
        None => (above, None),
    };
    let open = &first[..first.find("\"\"\"").map_or(0, |at| at + 3)];
    let comment = first[open.len()..].trim();
    let lines = body.into_iter().flat_map(|body| body.split('\n'));
    ScriptText {
        open,
        comment: (!comment.is_empty()).then_some(comment),
        lines: lines.map(|line| without_margin(line, margin).unwrap_or("")).collect(),
    }
}

/// A line of a script without what the closing quotes' indentation takes away; none when it begins too far left.
pub(super) fn without_margin<'a>(line: &'a str, margin: &str) -> Option<&'a str> {
    let text = line.strip_suffix('\r').unwrap_or(line);
    match text.strip_prefix(margin) {
        Some(rest) => Some(rest),
        None if text.trim().is_empty() => Some(""),
        None => None,
    }
}

/// The pieces of a text, whatever else may be wrong with it.
pub fn read(text: &str) -> Vec<Piece<'_>> {
    pieces(text, &lexical::lex(FileId(0), text))
}

/// The pieces of what was read.
pub(super) fn pieces<'a>(source: &'a str, lexed: &Lexed) -> Vec<Piece<'a>> {
    let mut pieces = Vec::with_capacity(lexed.tokens.len() + lexed.comments.len());
    let mut comments = lexed.comments.iter().peekable();
    let mut end = 0;
    for token in &lexed.tokens {
        let (start, until) = (token.start as usize, token.end as usize);
        while let Some(comment) = comments.next_if(|comment| comment.span.range().start < start) {
            // A comment within a script's piece is part of it.
            if comment.span.range().start >= end {
                let kind = PieceKind::Comment { own_line: comment.own_line };
                pieces.push(piece(source, kind, comment.span.range()));
            }
        }
        end = until;
        if let Some(kind) = kind(token.kind) {
            pieces.push(piece(source, kind, start..until));
        }
    }
    for comment in comments.filter(|comment| comment.span.range().start >= end) {
        let kind = PieceKind::Comment { own_line: comment.own_line };
        pieces.push(piece(source, kind, comment.span.range()));
    }
    pieces
}

fn piece(source: &str, kind: PieceKind, range: std::ops::Range<usize>) -> Piece<'_> {
    Piece { kind, start: range.start, text: source.get(range).unwrap_or("").trim_end() }
}

fn kind(kind: Kind) -> Option<PieceKind> {
    Some(match kind {
        Kind::Word => PieceKind::Word,
        Kind::Text => PieceKind::Text,
        Kind::Script => PieceKind::Script,
        Kind::Open(_) => PieceKind::Open,
        Kind::Close(_) => PieceKind::Close,
        Kind::Comma => PieceKind::Comma,
        Kind::Semicolon => PieceKind::Semicolon,
        Kind::Doc => PieceKind::Comment { own_line: true },
        Kind::At => PieceKind::At,
        Kind::Operator | Kind::Broken => PieceKind::Operator,
        Kind::Newline => return None,
    })
}

/// The comment behind a script's opening quotes: where it stands in the text.
pub(super) fn opening_comment(source: &str, script: &ScriptRange, quotes: usize) -> Option<(usize, usize)> {
    let line = source.get(quotes + 3..script.body.start)?.lines().next()?;
    let comment = line.trim();
    let start = quotes + 3 + line.find('#')?;
    comment.starts_with('#').then_some((start, start + comment.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;

    #[test]
    fn nothing_but_white_space_lies_between_the_pieces() {
        let text = "wfl 1 # one\n## doc\n@old(x = 1)\nstage a {\n  run sh \"\"\" # two\n    b\n    \"\"\"; x [1, # three\n 2]\n}\n# four";
        let scan = super::super::scan(FileId(0), text);
        assert_eq!(scan.diagnostics, []);
        let mut at = 0;
        for piece in &scan.pieces {
            assert_eq!(text[at..piece.start].trim(), "", "before {piece:?}");
            assert_eq!(&text[piece.start..piece.end()], piece.text);
            at = piece.end();
        }
        assert_eq!(text[at..].trim(), "");
        let comments: Vec<&str> = scan.file.comments.iter().map(|comment| comment.text.as_str()).collect();
        assert_eq!(comments, ["# one", "# two", "# three", "# four"]);
    }

    #[test]
    fn a_script_gives_up_its_margin_and_keeps_the_rest() {
        let taken = script("f\"\"\"  # why \r\n\t\ta\r\n\r\n\t\t  b \n\t\t\"\"\"");
        assert_eq!((taken.open, taken.comment), ("f\"\"\"", Some("# why")));
        assert_eq!(taken.lines, ["a", "", "  b "]);
        assert!(script("\"\"\"\n  \"\"\"").lines.is_empty());
    }
}
