//! What failures have in common, what is learned from them over runs, and what people are told of it.

mod corpus;
mod counting;
mod deciding;
mod learning;
mod signatures;
