//! The language as its users meet it: what is accepted, what is reported and exactly where, and what survives a mistake.

mod corpus;
mod golden;
mod mutants;
mod mutation;
mod pages;
mod quiet;
mod recheck;
mod recovery;
mod robust;
mod support;
mod tree;
mod verdict;
