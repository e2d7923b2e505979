//! Text → tree and errors. Knows the one statement form and expressions; knows no keyword, type or name.

pub mod ast;
pub mod module;
