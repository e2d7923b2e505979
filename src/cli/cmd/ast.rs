//! `wfl ast`: the syntax tree of one file. Errors of form go to standard error; the tree is shown all the same.

use std::path::Path;

use crate::cli::args::{Ast, Format};
use crate::cli::cmd::fmt::standard_input;
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::diag::Diagnostic;
use crate::embed::{Error, read_tree};
use crate::syntax::dump;

pub fn run(args: &Ast, terminal: &Terminal) -> Result<Code, Error> {
    let given = if args.file == Path::new("-") { Some(standard_input()?) } else { None };
    let (sources, tree, diagnostics) = read_tree(&args.file, given)?;
    let source = sources.get(tree.id);
    match args.format {
        Format::Json => terminal.json(&dump::json(&tree, source)),
        Format::Human => terminal.data(&dump::outline(&tree, source)),
    }
    if !diagnostics.is_empty() {
        terminal.diagnostics(&sources, &diagnostics);
    }
    Ok(if diagnostics.iter().any(Diagnostic::is_error) { Code::Findings } else { Code::Ok })
}
