//! The project tree: root discovery, input hashes, marks and kept copies of files, paths that may not leave it.

pub mod contents;
pub mod git;
pub mod kind;
pub mod mark;
mod paths;
mod root;
pub mod snapshot;
pub mod tree;

pub use paths::{Escape, normal, resolve_inside};
pub use root::project_root;
