//! Text → tree and errors. Knows the one statement form and expressions; knows no keyword, type or name.
//!
//! `lexical` cuts the text into tokens, `pairing` gives every bracket its partner, `outline` cuts statements,
//! `read` hands each head line to the grammar and builds its tree. One broken statement costs one statement.

pub mod ast;
mod build;
pub mod dump;
mod fold;
mod grammar;
mod head;
mod hidden;
mod lexical;
mod literal;
pub mod module;
mod names;
mod outline;
mod pairing;
pub mod pieces;
mod quoted;
mod read;
mod refusal;
pub mod spacing;
mod tally;
mod token;

pub use literal::string_breaks;

use crate::base::{FileId, Span};
use crate::diag::{self, Diagnostic};

/// The tree of a file and everything wrong with its form. Never fails: a statement that cannot be read is in the
/// tree as `broken`, with its name if that is visible, and its block is read as usual.
pub fn parse(file: FileId, text: &str) -> (ast::File, Vec<Diagnostic>) {
    tree(file, text, lexical::lex(file, text))
}

/// A file's tree together with the pieces of its text, white space alone left out.
pub struct Scan<'a> {
    pub file: ast::File,
    pub diagnostics: Vec<Diagnostic>,
    pub pieces: Vec<pieces::Piece<'a>>,
}

/// Like [`parse`], with the text's pieces; they fit the tree when there are no errors.
pub fn scan(file: FileId, text: &str) -> Scan<'_> {
    let lexed = lexical::lex(file, text);
    let pieces = pieces::pieces(text, &lexed);
    let (file, diagnostics) = tree(file, text, lexed);
    Scan { file, diagnostics, pieces }
}

fn tree(file: FileId, text: &str, mut lexed: token::Lexed) -> (ast::File, Vec<Diagnostic>) {
    let tokens = pairing::pair(file, text, &mut lexed);
    let raws = outline::outline(file, text, &tokens, &mut lexed);
    // A tree takes room of its own; what led to the outline is not needed beside it.
    drop(tokens);
    lexed.lines = Vec::new();
    let read::Read { statements, mut diagnostics, parsed, refused } = read::read(file, text, &lexed, &raws);
    diagnostics.append(&mut lexed.diagnostics);
    diag::sort(&mut diagnostics);
    let mut comments = lexed.comments;
    comments.sort_by_key(|comment| comment.span.start);
    (ast::File { id: file, statements, comments, parsed, refused }, diagnostics)
}

/// What the lexical pass hands on: each token's place, and its bracket if it is one, every bracket with its partner.
/// For those who test the pass itself.
pub fn tokens(file: FileId, text: &str) -> (Vec<(Span, Option<char>)>, Vec<Diagnostic>) {
    let mut lexed = lexical::lex(file, text);
    let tokens = pairing::pair(file, text, &mut lexed);
    let bracket = |kind| match kind {
        token::Kind::Open(byte) | token::Kind::Close(byte) => Some(char::from(byte)),
        _ => None,
    };
    let places = tokens
        .iter()
        .map(|token| (Span { file, start: token.start, end: token.end }, bracket(token.kind)))
        .collect();
    (places, lexed.diagnostics)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree without its places, and how many findings there were.
    fn shape(text: &str) -> (String, usize) {
        let (tree, found) = parse(FileId(0), text);
        let shown = format!("{:?}", tree.statements);
        let places = regex::Regex::new(r"Span \{[^}]*\}|line_offsets: \[[^]]*\]").expect("a pattern");
        (places.replace_all(&shown, "").into_owned(), found.len())
    }

    /// Canonical spacing goes through the rule `simple`, two spaces through `full`: both must mean the same.
    #[test]
    fn how_a_head_is_read_does_not_change_what_it_is() {
        let heads = [
            "needs a, b-c, d_1",
            "timeout 30s",
            "about \"a \\\" b\", \"\"",
            "x true, false, 1.5, -3, 70%, 1.4.0, 10min",
            "run \"\"\"\n  a\n  b\n  \"\"\"",
            "run sh \"\"\"\n  a\n  \"\"\"",
            "run \"sh\" \"\"\"\n  a\n  \"\"\"",
            "run sh, f\"\"\"\n  a\n  \"\"\"",
            "x f\"a{b}\"",
            "needs if, and",
            "needs then",
            "notify if a",
            "x not",
            "x not a",
            "x Upper, lower",
            "x a.b, c(d), e?, [f], ...g",
            "x a, ",
            "x ,a",
            "let a = b",
            "let a: int",
            "x = 1",
            "x \"\u{1}\", b",
            "x a b",
            "x 1 2",
            "x a \"b\"",
        ];
        for head in heads {
            let wide = head.replacen(' ', "  ", 1);
            assert_eq!(shape(head), shape(&wide), "{head}");
            let among = |head: &str| shape(&format!("before {{\n{head}\nafter 1\n}}\nlast\n"));
            assert_eq!(among(head), among(&wide), "{head}");
        }
        for head in ["and", "not a", "for", "if", "from", "needs"] {
            assert_eq!(shape(head), shape(&format!("{head} ;")), "{head}");
        }
    }

    /// Each shape once invites a scan from every line to the end; twice the text may cost about twice the steps.
    #[test]
    fn the_work_grows_with_the_text_and_no_faster() {
        let shapes = [
            "stage s {\n  exec \"x\", f\"{y}\"\n}\n",
            "x \"\n",
            "x \"\"\n",
            "x \"\"\n  y\n",
            "x {\n",
            "x { ",
            "x {\n  }\n",
            "}\n",
            "  x\n}\n",
            "run \"\"\"\n",
            "run \"\"\"\n  a\n",
            "run \"\"\"a\n",
            "run \"\"\"\n  \"\"\n",
            "\"\"\"\n",
            "x,\n## d\n",
            "## d\n",
            "@a\n## d\n",
            "(\n",
            "x(\n",
            "f\"{ \"; ",
            "x { f\"{ \";",
            "'",
            "a = ",
        ];
        for shape in shapes {
            let steps = |times: usize| {
                tally::take();
                parse(FileId(0), &format!("a {{\n{}", shape.repeat(times)));
                tally::take()
            };
            let (once, twice) = (steps(300), steps(600));
            assert!(once > 0 && twice <= once * 5 / 2, "{shape:?}: {once} steps, then {twice}");
        }
    }
}
