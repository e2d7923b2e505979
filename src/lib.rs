//! `wfl`: the executable change runbook. The front door draws the whole pipeline:
//!
//! ```text
//! text ─syntax─▶ tree ─load─▶ units ─model─▶ checked model ─plan─▶ plan ─engine─▶ events ─store─▶ history ─insight─▶ advice
//! ```

extern crate alloc;

pub mod base;
pub mod capture;
pub mod cli;
pub mod coord;
pub mod diag;
pub mod embed;
pub mod engine;
pub mod event;
pub mod eventlog;
pub mod exec;
pub mod expr;
pub mod facts;
pub mod failure;
pub mod format;
pub mod history;
pub mod insight;
pub mod learn;
pub mod load;
pub mod model;
pub mod observe;
pub mod plan;
pub mod port;
pub mod review;
pub mod store;
pub mod syntax;
pub mod trial;
pub mod workspace;
