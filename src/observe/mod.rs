//! What a person or a program sees of a run while it goes and at its end, folded from its events. Does not decide,
//! store or read anything.

pub mod actions;
pub mod advised;
pub mod ahead;
pub mod board;
pub mod early;
pub mod failures;
#[cfg(test)]
pub mod fixture;
pub mod help;
pub mod json;
pub mod live;
pub mod picture;
pub mod plain;
pub mod said;
pub mod sanitise;
pub mod style;
pub mod summary;
pub mod undoing;
pub mod why;

pub use board::Board;
pub use style::Style;
