//! The project tree: root discovery, input hashes, paths that may not leave it.

mod globs;
mod paths;
mod root;

pub use globs::{BadGlob, matching};
pub use paths::{Escape, normal, resolve_inside};
pub use root::project_root;
