//! A file in its place among others: what it is called and what it imports. Links trees; reads nothing.

use crate::base::Span;

use super::ast::File;

/// One loaded file.
#[derive(Clone, Debug)]
pub struct Unit {
    /// `std.lanes` for the built-in library, else the path as shown.
    pub name: String,
    pub std: bool,
    /// Named on the command line or found in the project, as opposed to imported or `std`.
    pub given: bool,
    pub tree: File,
    pub imports: Vec<Import>,
}

/// `import "path" as alias`.
#[derive(Clone, Debug)]
pub struct Import {
    pub alias: String,
    pub alias_span: Span,
    /// Of the whole statement.
    pub span: Span,
    /// Index among the loaded units; none when the file could not be read (already reported).
    pub unit: Option<usize>,
}
