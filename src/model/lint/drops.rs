//! What a lane lost against the lane it extends, beyond the gates and approvals that need a reason by rule. Compares
//! the two lanes as they were put together.

use std::collections::HashMap;

use crate::base::Span;
use crate::diag::{Diagnostic, codes};
use crate::model::resolve::body::{Exclude, LaneBody, Override, Replace, Selector};
use crate::model::resolve::implied;
use crate::model::{Check, EdgeKind, Effect, Lane, OnFailure, ResolvedLane, Stage, StageId, StageKind};

use super::Context;
use super::reach::Reach;

/// Names listed in one message.
const LISTED: usize = 5;

/// A lane, and the one it extends.
struct Pair<'a> {
    context: &'a Context<'a>,
    head: &'a Lane,
    body: &'a LaneBody,
    base: &'a ResolvedLane,
    child: &'a ResolvedLane,
    held: HashMap<StageId, u32>,
}

/// I218 and W219.
pub(super) fn dropped(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for head in context.model.lanes.iter().filter(|lane| context.asked(lane.module)) {
        let Some((base, _)) = head.extends else { continue };
        let (Some(base), Some(child)) = (context.resolved.get(&base), context.resolved.get(&head.id)) else {
            continue;
        };
        let held = child.stages.iter().enumerate().map(|(index, stage)| (stage.id, index as u32)).collect();
        let body = &context.model.bodies[head.id as usize];
        let pair = Pair { context, head, body, base, child, held };
        found.extend(body.excludes.iter().filter_map(|exclude| pair.excluded(exclude)));
        body.replaces
            .iter()
            .filter(|replace| !replace.because)
            .for_each(|replace| pair.replaced(replace, found));
        body.overrides.iter().filter(|change| !change.because).for_each(|change| pair.changed(change, found));
        found.extend(pair.finally());
        found.extend(pair.rollback());
    }
}

impl<'a> Pair<'a> {
    fn lost(&self, span: Span, what: String) -> Diagnostic {
        let message = format!("lane `{}` loses what `{}` had: {what}", self.head.name, self.base.name);
        Diagnostic::new(&codes::W219, span, message)
    }

    /// I218: stages that go, and nobody says why. Of gates and approvals that is an error already.
    fn excluded(&self, exclude: &Exclude) -> Option<Diagnostic> {
        if exclude.because {
            return None;
        }
        let means = |stage: &&Stage| match &exclude.what {
            Selector::Name(held) => held.candidates.contains(&stage.id),
            Selector::Numbers { from, to, .. } => {
                stage.number.is_some_and(|number| (*from..=*to).contains(&number))
            }
        };
        let span = match &exclude.what {
            Selector::Name(held) => held.span,
            Selector::Numbers { span, .. } => *span,
        };
        let gone = |stage: &&Stage| !self.held.contains_key(&stage.id) && stage.kind == StageKind::Stage;
        let gone: Vec<&Stage> =
            self.base.stages.iter().map(|stage| &**stage).filter(gone).filter(means).collect();
        if gone.is_empty() {
            return None;
        }
        let mut names: Vec<String> =
            gone.iter().take(LISTED).map(|stage| format!("`{}`", stage.name)).collect();
        if gone.len() > LISTED {
            names.push(format!("{} more", gone.len() - LISTED));
        }
        let message = format!(
            "lane `{}` drops {} of `{}` and does not say why",
            self.head.name,
            names.join(", "),
            self.base.name
        );
        let help = "add the reason: `because \"…\"`; who reads the lane next will ask";
        Some(Diagnostic::new(&codes::I218, span, message).help(help))
    }

    fn replaced(&self, replace: &Replace, found: &mut Vec<Diagnostic>) {
        let Some(old) = self.base.stages.iter().find(|stage| replace.old.candidates.contains(&stage.id))
        else {
            return;
        };
        let Some(new) = self.held.get(&replace.new).map(|index| &self.child.stages[*index as usize]) else {
            return;
        };
        let mut lost = Vec::new();
        let mut note = |gone: bool, what: &str| lost.extend(gone.then(|| what.to_owned()));
        note(old.lock.is_some() && new.lock.is_none(), "its lock");
        note(!old.undo.is_empty() && new.undo.is_empty(), "its undo");
        note(old.confirm.is_some() && new.confirm.is_none(), "its question (`confirm`)");
        note(!old.finally.is_empty() && new.finally.is_empty(), "its `finally`");
        note(old.kind == StageKind::Stage && weaker(old, new), "its `once`");
        let conditions = lost_checks(&old.before, &new.before).chain(lost_checks(&old.after, &new.after));
        lost.extend(conditions.map(|check| format!("`require {}`", check.text)));
        if lost.is_empty() {
            return;
        }
        let what = format!("`{}` takes the place of `{}` without {}", new.name, old.name, lost.join(", "));
        found.push(
            self.lost(replace.span, what)
                .related(old.span, format!("`{}` is defined here", old.name))
                .help(format!("give `{}` the same, or say why it can do without: `because \"…\"`", new.name)),
        );
    }

    fn changed(&self, change: &Override, found: &mut Vec<Diagnostic>) {
        let Some((_, patch)) = change.patches.iter().find(|(stage, _)| self.held.contains_key(stage)) else {
            return;
        };
        let id = patch.stage.id;
        let Some(old) = self.base.stages.iter().position(|stage| stage.id == id) else { return };
        let Some(new) = self.held.get(&id) else { return };
        for (keyword, span) in &patch.keywords {
            let what = self.lost_by(keyword, old, *new as usize);
            found.extend(what.map(|(what, place)| {
                self.lost(*span, what)
                    .related(place, "what it had")
                    .help("keep it, or say why the lane can do without: `override … because \"…\" { … }`")
            }));
        }
    }

    /// What one keyword of an override takes away, and where it stood.
    fn lost_by(&self, keyword: &str, old: usize, new: usize) -> Option<(String, Span)> {
        let (was, is) = (&self.base.stages[old], &self.child.stages[new]);
        let name = &was.name;
        let require = |check: &Check| (format!("`require {}` of `{name}`", check.text), check.expr.span);
        match keyword {
            "before" => lost_checks(&was.before, &is.before).next().map(require),
            "after" => lost_checks(&was.after, &is.after).next().map(require),
            "repeatable" | "idempotent" if weaker(was, is) => {
                Some((format!("after a crash, `{name}` would run again without a question"), was.span))
            }
            "allow-failure" if was.allow_failure.is_none() && is.allow_failure.as_deref() == Some("") => {
                Some((format!("a failure of `{name}` stops nothing any more"), was.span))
            }
            "needs" => self.gate_not_awaited(old, new),
            _ => None,
        }
    }

    /// A gate that the lane still holds, and that the stage needed, no longer comes first.
    fn gate_not_awaited(&self, old: usize, new: usize) -> Option<(String, Span)> {
        let gates = self.base.edges[old].iter().filter(|edge| edge.kind != EdgeKind::Follows);
        let gates = gates.map(|edge| &self.base.stages[edge.to as usize]);
        let held = gates.filter(|gate| gate.kind == StageKind::Gate);
        let mut reach = Reach::new(&self.child.edges)?;
        for gate in held {
            let Some(index) = self.held.get(&gate.id) else { continue };
            if !reach.waits(new as u32, *index) {
                let stage = &self.base.stages[old];
                let place = stage.needs.iter().find(|need| need.stage == gate.id).map(|need| need.span);
                let what = format!("`{}` starts without waiting for gate `{}`", stage.name, gate.name);
                return Some((what, place.unwrap_or(stage.span)));
            }
        }
        None
    }

    /// A lane's own `finally` replaces the one it would have had.
    fn finally(&self) -> Option<Diagnostic> {
        if self.base.finally.is_empty() || self.body.finally.is_none() {
            return None;
        }
        let span = self.statement("finally")?;
        let base = self.context.model.lanes[self.base.id as usize].span;
        let found = self.lost(span, "its `finally` is replaced, not added to".to_owned());
        Some(
            found
                .related(base, "the lane it extends")
                .help("repeat here what must still happen, or allow this with the reason"),
        )
    }

    fn rollback(&self) -> Option<Diagnostic> {
        let (now, span) = self.body.on_failure?;
        if self.base.on_failure != OnFailure::Rollback || now == OnFailure::Rollback {
            return None;
        }
        let base = self.context.model.lanes[self.base.id as usize].span;
        let found = self.lost(span, "a failure rolls nothing back".to_owned());
        Some(
            found
                .related(base, "the lane it extends says `on-failure rollback`")
                .help("remove this line, or allow it with the reason: `# wfl: allow(lost-safeguard) …`"),
        )
    }

    fn statement(&self, keyword: &str) -> Option<Span> {
        let body = self.context.declared.lanes[self.head.id as usize].statement.body();
        body.iter().find(|statement| statement.head.text == keyword).map(|statement| statement.head.span)
    }
}

/// Conditions of the old list that nothing in the new one implies.
fn lost_checks<'c>(old: &'c [Check], new: &'c [Check]) -> impl Iterator<Item = &'c Check> {
    old.iter().filter(|check| !implied(std::slice::from_ref(*check), new))
}

/// Asked about after a crash before, and not any more.
fn weaker(old: &Stage, new: &Stage) -> bool {
    matches!(old.effect, Effect::Once) && matches!(new.effect, Effect::Repeatable)
}
