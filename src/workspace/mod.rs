//! The project tree: root discovery, input hashes, paths that may not leave it.

mod paths;
mod root;
pub mod tree;

pub use paths::{Escape, normal, resolve_inside};
pub use root::project_root;
