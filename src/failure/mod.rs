//! What failures have in common: the signature of one, how lasting it is by its words, and the odds that another try helps.
//! Pure; does not know who counts failures, nor what is done about them.

mod lasting;
mod normal;
pub mod odds;
mod pick;
mod signature;
mod tally;

pub use lasting::by_words;
pub use normal::normalised;
pub use signature::{Failed, Signature, program_of, signature};
pub use tally::{Advice, Known, Remedy, Tally, Verdict, advise};
