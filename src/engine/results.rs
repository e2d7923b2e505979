//! Taking results of other runs, and recording one that others may take: what follows from what a worker found. Reads
//! and compares no file itself.

use std::collections::BTreeMap;

use crate::base::Value;
use crate::event::{Compared, Event, NodeIndex, RunId, Status};
use crate::port::Stored;

use super::conclude::End;
use super::input::Command;
use super::kernel::{Kernel, Step};
use super::live::Doing;
use super::look::{Effort, Found, Looked, Sealed};
use super::reuse::{drawn, outputs_differ};
use super::scope::visible;

/// Of a hundred results that could be taken, how many are checked by running again where nobody says.
const VERIFIED: u32 = 2;

impl Kernel<'_> {
    /// How an earlier result of the node is looked for; none when it could never be taken.
    pub fn look(&self, node: NodeIndex) -> Option<Command> {
        let settings = self.state.live.settings.reuse?;
        self.plan.reusable(node).ok()?;
        let effort = if settings.fresh { Effort::KeyOnly } else { Effort::Mend };
        Some(Command::Look { node, outputs: visible(self.plan, self.state, node), effort })
    }

    pub fn looked(&mut self, node: NodeIndex, looked: Result<&Looked, &String>) -> Step {
        if self.is_doing(node) != Some(&Doing::Hashing) {
            return Ok(());
        }
        let looked = match looked {
            Ok(looked) => looked,
            Err(why) => return self.inputs_hashed(node, &Err(why.clone())),
        };
        self.state.live.doing.remove(&node);
        self.state.live.hashes.insert(node, Some(looked.inputs.clone()));
        match &looked.found {
            Found::Holds { stored, .. } if self.is_drawn(&looked.keyed.key) => {
                let reason = format!(
                    "the result of run {} holds; it runs again to see whether it comes out the same",
                    stored.run
                );
                self.compared(node, looked, Compared::Checked, Some(&stored.run), reason)?;
                self.state.live.looked.insert(node, (Box::new(looked.clone()), true));
                self.start(node)
            }
            Found::Holds { stored, brought_back } => self.take(node, looked, stored, brought_back),
            Found::None(why) => {
                self.compared(node, looked, Compared::Ran, None, why.clone())?;
                self.state.live.looked.insert(node, (Box::new(looked.clone()), false));
                self.start(node)
            }
        }
    }

    /// A small part of what could be reused runs, so that an input nobody declared is found out.
    fn is_drawn(&self, key: &str) -> bool {
        let told = self.state.live.settings.reuse.and_then(|reuse| reuse.verify);
        drawn(self.plan.seed, key, told.or(self.plan.verify_reuse).unwrap_or(VERIFIED))
    }

    fn compared(
        &mut self,
        node: NodeIndex,
        looked: &Looked,
        outcome: Compared,
        from: Option<&RunId>,
        reason: String,
    ) -> Step {
        let key = looked.keyed.key.clone();
        self.emit(Event::StageCompared { node, key, outcome, from: from.cloned(), reason })
    }

    fn take(&mut self, node: NodeIndex, looked: &Looked, stored: &Stored, brought_back: &[String]) -> Step {
        // The run may have ended, or the limit over its call passed, while it was looked for.
        if self.state.live.is_over() || self.expired(node).is_some() {
            return self.start(node);
        }
        let made_by = stored.keyed.made_by.clone().unwrap_or_else(|| stored.run.clone());
        let back = match brought_back {
            [] => String::new(),
            files => format!("; brought back from a kept copy: {}", files.join(", ")),
        };
        let reason = format!("the result of run {made_by} still holds{back}");
        self.compared(node, looked, Compared::Reused, Some(&made_by), reason.clone())?;
        let outputs = stored.keyed.outputs.clone();
        let mut keyed = looked.keyed.clone();
        keyed.outputs.clone_from(&outputs);
        keyed.made_by = Some(made_by);
        let files = stored.files.clone();
        self.emit(Event::StageRecorded { node, files, result: Some(Box::new(keyed)) })?;
        self.finish(node, End { outputs, ..End::new(Status::Reused) }.because(reason))
    }

    /// The stage ended well: what it left is marked before that is recorded.
    pub fn seal(&mut self, node: NodeIndex, own: BTreeMap<String, Value>) -> Step {
        let shared = self.state.live.settings.reuse.is_some();
        let looked = self.state.live.looked.get(&node).map(|(looked, _)| looked.inputs.clone());
        if !shared || looked.is_none() && !self.plan.leaves_files(node) {
            return self.finish(node, End { outputs: own, ..End::new(Status::Succeeded) });
        }
        self.state.live.doing.insert(node, Doing::Hashing);
        let outputs = visible(self.plan, self.state, node);
        self.command(Command::Seal { node, outputs, own, inputs: looked });
        Ok(())
    }

    pub fn sealed(
        &mut self,
        node: NodeIndex,
        outputs: &BTreeMap<String, Value>,
        sealed: Result<&Sealed, &String>,
    ) -> Step {
        let open = self.state.node(node).is_open_ended() && self.state.node(node).attempt_succeeded();
        if self.is_doing(node) != Some(&Doing::Hashing) || !open {
            return Ok(());
        }
        self.state.live.doing.remove(&node);
        match sealed {
            Err(why) => {
                let text = format!("what `{}` left could not be recorded: {why}", self.key(node));
                self.note(Some(node), text)?;
            }
            Ok(sealed) => self.record(node, outputs, sealed)?,
        }
        self.finish(node, End { outputs: outputs.clone(), ..End::new(Status::Succeeded) })
    }

    fn record(&mut self, node: NodeIndex, outputs: &BTreeMap<String, Value>, sealed: &Sealed) -> Step {
        for note in &sealed.notes {
            self.note(Some(node), note.clone())?;
        }
        let looked = self.state.live.looked.remove(&node);
        let mut result = None;
        if let Some((looked, checks)) = looked {
            let mut keyed = looked.keyed.clone();
            keyed.outputs.clone_from(outputs);
            let differs = match (&looked.found, checks) {
                (Found::Holds { stored, .. }, true) => {
                    let then = (stored.keyed.clone(), stored.files.clone());
                    let now = (keyed.clone(), sealed.files.clone());
                    outputs_differ(&then, &now).map(|output| (stored.run.clone(), output))
                }
                _ => None,
            };
            match (differs, &sealed.spoilt) {
                (Some((from, output)), _) => self.revoke(node, keyed.key, from, &output)?,
                (None, Some(why)) => {
                    let text = format!("no other run takes the result of `{}`: {why}", self.key(node));
                    self.note(Some(node), text)?;
                }
                (None, None) => result = Some(Box::new(keyed)),
            }
        }
        self.emit(Event::StageRecorded { node, files: sealed.files.clone(), result })
    }

    /// The same parts led to another result: neither of the two is given to anybody.
    fn revoke(&mut self, node: NodeIndex, key: String, from: RunId, output: &str) -> Step {
        let reason =
            format!("its output {output} came out different though nothing that it declares changed");
        self.emit(Event::ResultRevoked { node, key, from: Some(from), reason: reason.clone() })?;
        let text = format!(
            "`{}` ran to check an earlier result: {reason}; it has an undeclared input or is not deterministic",
            self.key(node)
        );
        self.note(Some(node), text)
    }
}
