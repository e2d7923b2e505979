//! Tests of `wfl test`: scenarios played through the real kernel, what they say when they fail, what they cover.

mod command;
mod coverage;
mod endings;
mod given;
mod own;
mod people;
mod refused;
mod theatre;
