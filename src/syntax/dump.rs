//! The tree as data for other programs, and as an outline for people. Reads nothing and decides nothing.

mod human;
mod json;

pub use human::outline;
pub use json::json;
