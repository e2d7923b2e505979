//! The project tree: root discovery, input hashes, paths that may not leave it.
