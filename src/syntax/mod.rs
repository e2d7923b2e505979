//! Text → tree and errors. Knows the one statement form and expressions; knows no keyword, type or name.
//!
//! `lexical` cuts the text into tokens, `pairing` gives every bracket its partner, `outline` cuts statements,
//! `read` hands each head line to the grammar and builds its tree. One broken statement costs one statement.

pub mod ast;
mod build;
mod fold;
mod grammar;
mod head;
mod hidden;
mod lexical;
mod literal;
pub mod module;
mod outline;
mod pairing;
mod quoted;
mod read;
mod refusal;
mod token;

use crate::base::FileId;
use crate::diag::{self, Diagnostic};

/// The tree of a file and everything wrong with its form. Never fails: a statement that cannot be read is in the
/// tree as `broken`, with its name if that is visible, and its block is read as usual.
pub fn parse(file: FileId, text: &str) -> (ast::File, Vec<Diagnostic>) {
    let mut lexed = lexical::lex(file, text);
    let tokens = pairing::pair(file, text, &mut lexed);
    let raws = outline::outline(file, text, &tokens, &mut lexed);
    let mut reader = read::Reader::new(file, text, &lexed);
    let statements = reader.statements(raws);
    let (parsed, refused) = (reader.parsed, reader.refused);
    let mut diagnostics = std::mem::take(&mut reader.diagnostics);
    diagnostics.append(&mut lexed.diagnostics);
    diag::sort(&mut diagnostics);
    let mut comments = lexed.comments;
    comments.sort_by_key(|comment| comment.span.start);
    (ast::File { id: file, statements, comments, parsed, refused }, diagnostics)
}
