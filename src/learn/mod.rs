//! Learning from sequences and outcomes: what comes next, how long is left, which stages a case needs, what will fail, and
//! in which order to look. The mathematics only, on plain tables of numbers; knows no lane, no store, no file and no clock.

pub mod chance;
pub mod compare;
pub mod evaluate;
pub mod features;
pub mod labels;
pub mod log;
pub mod measure;
pub mod next;
pub mod rank;
pub mod set;
pub mod split;
pub mod time;

pub use log::{Case, Column, Log, Values};
