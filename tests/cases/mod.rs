//! Acceptance cases of the issue, each a test of our own writing: waves of stages, and runs that would never end.

mod cp;
mod op;
mod px;
