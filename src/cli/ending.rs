//! The end of a run in words for a person: what the summary needs besides the events, kept from the run's start on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::embed::errors::Earlier;
use crate::embed::help::{Adviser, Watched};
use crate::embed::{self, Place, Session};
use crate::event::{NodeIndex, RunId};
use crate::observe::Style;
use crate::observe::board::Board;
use crate::observe::failures;
use crate::observe::plain::Output;
use crate::observe::said::said;
use crate::observe::summary::Ended;
use crate::plan::Plan;
use crate::port::Observer;

pub struct Ending {
    run: RunId,
    plan: Arc<Plan>,
    output: Output,
    logs: PathBuf,
    failed: Watched,
}

impl Ending {
    /// Of a run that is about to be driven.
    pub fn watch(session: &Session) -> Self {
        let failed = Watched::default();
        session.past.iter().for_each(|record| failed.clone().event(record));
        let (run, plan) = (session.run.clone(), session.plan.clone());
        Ending { run, plan, output: session.output(), logs: session.log_dir(), failed }
    }

    /// Must be told every event.
    pub fn observer(&self) -> Box<dyn Observer> {
        Box::new(self.failed.clone())
    }

    pub fn text(&self, board: &Board, earlier: &[Earlier], style: Style) -> String {
        let (program, culprit) = (from_here(&self.plan.root), board.culprit());
        let adviser = Adviser::new(&self.plan, self.logs.clone());
        let advice = culprit.map(|node| adviser.advice(&self.failed.failures(), node));
        let said = culprit.map(|node| said(&self.plan, board, node, &self.output));
        let known: Vec<(NodeIndex, String)> = earlier.iter().map(known).collect();
        let summary = Ended {
            program: &program,
            run: &self.run.0,
            plan: &self.plan,
            board,
            known: &known,
            style,
            advice: &advice.unwrap_or_default(),
            said: &said.unwrap_or_default(),
        };
        summary.text()
    }
}

/// What earlier runs taught of a failure of this one.
fn known(earlier: &Earlier) -> (NodeIndex, String) {
    let last = earlier.last.as_ref().map(|seen| (seen.run.as_str(), seen.started.local()));
    (earlier.node, failures::earlier(&earlier.tally, earlier.before, last, &earlier.remedies))
}

/// From another project's folder a run is only found with `-C`; of an isolated run that is the project it came from.
fn from_here(root: &Path) -> String {
    let home = embed::home(root);
    let root = home.as_deref().unwrap_or(root);
    match Place::here() {
        Ok(place) if place.root != root => {
            let shown = root.strip_prefix(&place.cwd).unwrap_or(root);
            format!("wfl -C {}", shown.display())
        }
        _ => "wfl".into(),
    }
}
