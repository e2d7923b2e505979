//! Which of the activities that some cases have and some have not a case will contain, known when it starts: from its traits
//! and its first event. What a case becomes is no part of what is known of it: columns that tell its end are left out.
//!
//! An activity is **optional** when at least one case learned from has it and at least one has not. Those that all have are
//! certain as far as anybody knows, and no part of any score.

mod features;
mod model;

pub use features::Features;
pub use model::Model;
