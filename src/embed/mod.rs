//! `wfl` inside another program: open a project, plan a lane, run it, resume it, read its history. The command line is
//! one user of this; it knows no terminal and no arguments.
//!
//! ```no_run
//! use wfl::embed::{Asked, Going, Project};
//!
//! # fn main() -> Result<(), wfl::embed::Error> {
//! let project = Project::open(".")?;
//! let planned = project.plan(&Asked { target: Some("hotfix".into()), ..Asked::default() })?;
//! let ended = project.run(planned, Going::default())?;
//! println!("{} {}", ended.run, ended.status.word());
//! # Ok(())
//! # }
//! ```

mod adopt;
mod advise;
pub mod analyse;
mod baseline;
pub mod bundle;
mod changed;
mod choice;
mod definition;
pub mod doctor;
pub mod draft;
mod drop;
mod earlier;
mod error;
pub mod errors;
mod evaluate;
mod expect;
pub mod forecast;
pub mod foresee;
mod formatted;
pub mod help;
pub mod history;
pub mod import;
pub mod init;
mod inject;
mod isolated;
mod keep;
pub mod model;
mod origin;
mod outdated;
pub mod outline;
mod place;
mod placeholder;
mod project;
mod promote;
pub mod recommend;
mod reuse;
mod rollback;
mod rules;
mod select;
mod session;
mod shared;
mod shelf;
mod start;
pub mod status;
mod stored;
pub mod survey;
mod trial;
mod verdicts;

pub use advise::{Adviser, advise};
pub use changed::Changed;
pub use choice::{Chosen, Which};
pub use drop::{Change as LaneChange, Difference};
pub use error::Error;
pub use evaluate::Evaluated;
pub use expect::{Order, at_once, expect};
pub use forecast::{Foretold, foretell};
pub use formatted::{Formatted, State, format_files, format_text, read_tree};
pub use isolated::{Isolated, home};
pub use keep::{Keep, Removed, clean};
pub use origin::{Member, Origin, Setting};
pub use place::{Place, identity, state_for_reading};
pub use project::{Fixed, LaneInfo, Project};
pub use promote::Promoted;
pub use recommend::{Offer, Wish};
pub use rollback::{Preview, Step, preview};
pub use select::Selection;
pub use session::{Ended, Going, Resolve, Session};
pub use shared::{Tripped, reset_breakers};
pub use start::{Asked, Change, Planned};
pub use stored::{LogFile, StoredRun};
pub use trial::Trial;
pub use verdicts::LaneVerdict;

#[cfg(test)]
mod tests {
    //! A plan for tests: stages by name, each needing others by index.
    use crate::observe::fixture;
    use crate::plan::{Edge, EdgeKind, Plan};

    pub fn plan(stages: &[(&str, &[u32])]) -> Plan {
        let mut plan = fixture::plan();
        plan.nodes.clear();
        plan.stages.clear();
        for (index, (name, needs)) in (0..).zip(stages) {
            let mut node = fixture::node(name, index);
            node.edges = needs.iter().map(|&to| Edge { to, kind: EdgeKind::Needs }).collect();
            plan.nodes.push(node);
            plan.stages.push(fixture::instances(name, index));
        }
        plan
    }
}
