//! One level of a lane after the other: what comes in, what is replaced or changed, what goes out.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::base::{IdMap, Shared, Span};
use crate::diag::{Diagnostic, codes};
use crate::expr::Kind;
use crate::model::visit::expressions;
use crate::model::{Action, Lane, Model, Stage, StageId, StageKind, call_of};

use super::body::{ApprovalRule, Exclude, Held, LaneBody, Override, Replace, Selector, Skip};
use super::{Settings, patch, word};

/// What the lane holds so far.
pub(super) struct State<'m> {
    pub model: &'m Model,
    /// By id, so that the order is that of the definitions.
    pub stages: BTreeMap<StageId, Shared<Stage>>,
    pub replaced: IdMap<StageId, StageId>,
    pub approvals: Vec<(StageId, &'m ApprovalRule)>,
    pub waived: Vec<(StageId, String)>,
    pub settings: Settings,
    /// What the lanes below held: dropping a judgement of theirs needs a reason.
    inherited: HashSet<StageId>,
}

/// The level being applied.
struct Level<'l> {
    lane: &'l str,
    extends: bool,
    std: bool,
    found: Vec<Diagnostic>,
}

impl<'m> State<'m> {
    pub fn new(model: &'m Model) -> Self {
        State {
            model,
            stages: BTreeMap::new(),
            replaced: IdMap::default(),
            approvals: Vec::new(),
            waived: Vec::new(),
            settings: Settings::default(),
            inherited: HashSet::new(),
        }
    }

    /// Applies one lane's own statements; `body` lives in the model or only for a whole file, without approvals.
    pub fn apply(&mut self, body: &'m LaneBody, lane: &str, head: Option<&Lane>) -> Vec<Diagnostic> {
        self.inherited = self.stages.keys().copied().collect();
        let extends = head.is_some_and(|head| head.extends.is_some());
        let std = head.is_some_and(|head| self.model.modules[head.module as usize].std);
        let mut level = Level { lane, extends, std, found: Vec::new() };
        let included = body.includes.iter().flat_map(|include| include.stages.iter().copied());
        self.pull(included.collect());
        duplicates(body, &mut level);
        for replace in &body.replaces {
            self.replace(replace, &mut level);
        }
        for change in &body.overrides {
            self.change(change, &mut level);
        }
        self.exclude(&body.excludes, &mut level);
        for skip in &body.skips {
            self.skip(skip, &mut level);
        }
        for rule in &body.approvals {
            self.approve(rule, &mut level);
            if !level.std {
                self.enough_people(rule, &mut level);
            }
        }
        if let Some(strict) = body.strict.as_ref().filter(|strict| !strict.on && !strict.because)
            && self.settings.strict
            && extends
        {
            level.found.push(weakened(strict.span, "the lane it extends says `gates strict`"));
        }
        self.settings.replace(body);
        level.found
    }

    /// Takes stages in with all that they need.
    fn pull(&mut self, mut left: Vec<StageId>) {
        while let Some(id) = left.pop() {
            let id = *self.replaced.get(&id).unwrap_or(&id);
            if self.stages.contains_key(&id) {
                continue;
            }
            let Some(stage) = self.model.stages.get(id as usize) else { continue };
            left.extend(stage.needs.iter().filter(|need| !need.optional).map(|need| need.stage));
            self.stages.insert(id, stage.clone());
        }
    }

    fn pull_needs_of(&mut self, id: StageId) {
        let Some(stage) = self.stages.get(&id) else { return };
        let needs = stage.needs.iter().filter(|need| !need.optional).map(|need| need.stage).collect();
        self.pull(needs);
    }

    /// The member a name means; reports when the lane holds none of them.
    fn held(&self, held: &Held, verb: &str, level: &mut Level<'_>) -> Option<StageId> {
        let member = held.candidates.iter().copied().find(|id| self.stages.contains_key(id));
        if member.is_none() && !held.candidates.is_empty() {
            let message = format!("lane `{}` does not hold `{}`, which it {verb}", level.lane, held.text);
            let mut found = Diagnostic::new(&codes::E216, held.span, message);
            let new = held.candidates.iter().find_map(|id| self.replaced.get(id));
            match new.and_then(|new| self.stages.get(new)) {
                Some(new) => found = found.help(format!("it was replaced with `{}`", new.name)),
                None => {
                    if let Some(stage) = self.model.stages.get(held.candidates[0] as usize) {
                        found = found.related(stage.span, format!("`{}` is defined here", held.text));
                    }
                    found = found.help("include it, or remove this line");
                }
            }
            level.found.push(found);
        }
        member
    }

    fn replace(&mut self, replace: &Replace, level: &mut Level<'_>) {
        let Some(old) = self.held(&replace.old, "replaces", level) else { return };
        if old == replace.new {
            let message = format!("`{}` is replaced with itself", replace.old.text);
            level.found.push(Diagnostic::new(&codes::E604, replace.span, message));
            return;
        }
        let Some(gone) = self.stages.remove(&old) else { return };
        let Some(definition) = self.model.stages.get(replace.new as usize) else { return };
        let mut new = self.stages.remove(&replace.new).unwrap_or_else(|| definition.clone());
        if gone.kind == StageKind::Gate && self.inherited.contains(&old) && !replace.because && level.extends
        {
            level.found.push(weakened(replace.span, "a gate of the lane it extends is replaced"));
        }
        if new.needs.iter().chain(&new.follows).any(|dependency| dependency.stage == old) {
            let message = format!("`{}` waits for `{}`, whose place it takes", new.name, gone.name);
            level
                .found
                .push(Diagnostic::new(&codes::E203, replace.span, message).related(new.span, "defined here"));
        }
        take_edges(&mut new, &gone);
        new.number = gone.number.or(new.number);
        self.produces_the_same(&gone, &new, replace, level);
        self.replaced.values_mut().filter(|target| **target == old).for_each(|target| *target = replace.new);
        self.replaced.remove(&replace.new);
        self.replaced.insert(old, replace.new);
        self.approvals
            .iter_mut()
            .filter(|(stage, _)| *stage == old)
            .for_each(|(stage, _)| *stage = replace.new);
        self.stages.insert(replace.new, new);
        self.pull_needs_of(replace.new);
    }

    /// Who reads an output of the old stage must find it at the new one, with the same type.
    fn produces_the_same(&self, old: &Stage, new: &Stage, replace: &Replace, level: &mut Level<'_>) {
        let mut told = HashSet::new();
        for reader in self.stages.values() {
            for expr in expressions(reader) {
                expr.walk(&mut |part| {
                    let Kind::Output { stage, name } = &part.kind else { return };
                    if *self.replaced.get(stage).unwrap_or(stage) != old.id || !told.insert(name.clone()) {
                        return;
                    }
                    let find = |stage: &Stage| {
                        stage
                            .outputs
                            .iter()
                            .find(|output| output.name == *name)
                            .map(|output| output.ty.clone())
                    };
                    let found = match (find(old), find(new)) {
                        (_, None) => Diagnostic::new(
                            &codes::E401,
                            replace.span,
                            format!(
                                "`{}` reads `{}.{name}`, which `{}` lacks",
                                reader.name, old.name, new.name
                            ),
                        )
                        .related(part.span, "read here")
                        .help(format!("give `{}` an `out {name}`", new.name)),
                        (Some(was), Some(is)) if was != is => Diagnostic::new(
                            &codes::E104,
                            replace.span,
                            format!("`{}.{name}` is a {was}, but `{}.{name}` is a {is}", old.name, new.name),
                        )
                        .related(part.span, "read here"),
                        _ => return,
                    };
                    level.found.push(found);
                });
            }
        }
    }

    fn change(&mut self, change: &Override, level: &mut Level<'_>) {
        let Some(id) = self.held(&change.target, "overrides", level) else { return };
        let Some((_, given)) = change.patches.iter().find(|(stage, _)| *stage == id) else { return };
        let states = self.model.stated_effects.get(id as usize).copied().unwrap_or(false);
        let Some(stage) = self.stages.get_mut(&id) else { return };
        let weaker = self.inherited.contains(&id) && level.extends && patch::weakens(stage, given);
        patch::apply(stage, given, states);
        let renamed = given.keywords.iter().find(|(keyword, _)| keyword == "needs").map(|(_, span)| *span);
        if weaker && !change.because {
            level
                .found
                .push(weakened(change.span, "the override may let the gate pass where it failed before"));
        }
        self.reads_what_it_calls(id, change.span, level);
        if let Some(span) = renamed {
            self.reads_what_it_needs(id, span, level);
            self.pull_needs_of(id);
        }
    }

    /// Other actions may leave the stage without the call that its outputs read.
    fn reads_what_it_calls(&self, id: StageId, span: Span, level: &mut Level<'_>) {
        let Some(stage) = self.stages.get(&id) else { return };
        for expr in expressions(stage) {
            expr.walk(&mut |part| {
                let Kind::Output { stage: from, name } = &part.kind else { return };
                let Some(place) = call_of(*from) else { return };
                if matches!(stage.actions.get(place), Some(Action::Call { .. })) {
                    return;
                }
                let message = format!("`{}` reads `{name}` of a call that this override removes", stage.name);
                level.found.push(
                    Diagnostic::new(&codes::E401, span, message)
                        .related(part.span, "read here")
                        .help("override what reads it as well"),
                );
            });
        }
    }

    fn reads_what_it_needs(&self, id: StageId, span: Span, level: &mut Level<'_>) {
        let Some(stage) = self.stages.get(&id) else { return };
        let needed: HashSet<StageId> = stage.needs.iter().map(|need| need.stage).collect();
        let mut told = HashSet::new();
        for expr in expressions(stage) {
            expr.walk(&mut |part| {
                let Kind::Output { stage: from, name } = &part.kind else { return };
                let own = *from == id || call_of(*from).is_some();
                if own || needed.contains(from) || !told.insert(*from) {
                    return;
                }
                let other = self.model.stages.get(*from as usize).map_or("", |other| other.name.as_str());
                level.found.push(
                    Diagnostic::new(
                        &codes::E401,
                        span,
                        format!(
                            "`{}` reads `{other}.{name}`, but these `needs` leave out `{other}`",
                            stage.name
                        ),
                    )
                    .related(part.span, "read here"),
                );
            });
        }
    }

    fn exclude(&mut self, excludes: &[Exclude], level: &mut Level<'_>) {
        let mut gone: HashMap<StageId, Span> = HashMap::new();
        for exclude in excludes {
            let (members, span) = match &exclude.what {
                Selector::Name(held) => {
                    (self.held(held, "excludes", level).into_iter().collect::<Vec<_>>(), held.span)
                }
                Selector::Numbers { from, to, span } => (self.numbered(*from, *to, *span, level), *span),
            };
            for id in members {
                self.dropped(id, span, exclude.because, level);
                gone.insert(id, span);
            }
        }
        for id in gone.keys() {
            self.stages.remove(id);
            self.approvals.retain(|(stage, _)| stage != id);
        }
        self.still_needed(&gone, level);
    }

    fn numbered(&self, from: u32, to: u32, span: Span, level: &mut Level<'_>) -> Vec<StageId> {
        let inside =
            |stage: &&Shared<Stage>| stage.number.is_some_and(|number| (from..=to).contains(&number));
        let members: Vec<StageId> = self.stages.values().filter(inside).map(|stage| stage.id).collect();
        if members.is_empty() {
            let what =
                if from == to { format!("number {from}") } else { format!("number from {from} to {to}") };
            let message = format!("lane `{}` holds no stage with a {what}", level.lane);
            level.found.push(Diagnostic::new(&codes::E216, span, message).help("remove this line"));
        }
        members
    }

    fn dropped(&self, id: StageId, span: Span, because: bool, level: &mut Level<'_>) {
        if because || !level.extends || !self.inherited.contains(&id) {
            return;
        }
        let Some(stage) = self.stages.get(&id) else { return };
        if stage.kind == StageKind::Gate {
            level
                .found
                .push(weakened(span, &format!("gate `{}` of the lane it extends is dropped", stage.name)));
        } else if self.approvals.iter().any(|(before, _)| *before == id) {
            let what = format!("the approval before `{}` is dropped with it", stage.name);
            level.found.push(weakened(span, &what));
        }
    }

    fn still_needed(&self, gone: &HashMap<StageId, Span>, level: &mut Level<'_>) {
        if gone.is_empty() {
            return;
        }
        let mut told: HashSet<StageId> = HashSet::new();
        for stage in self.stages.values() {
            for need in stage.needs.iter().filter(|need| !need.optional) {
                let target = *self.replaced.get(&need.stage).unwrap_or(&need.stage);
                let Some(span) = gone.get(&target).filter(|_| told.insert(target)) else { continue };
                let name = self.model.stages.get(target as usize).map_or("", |stage| stage.name.as_str());
                let message =
                    format!("{} `{}` still needs `{name}`, which the lane excludes", word(stage), stage.name);
                level.found.push(
                    Diagnostic::new(&codes::E208, *span, message)
                        .related(need.span, "needed here")
                        .help(format!("exclude `{}` too, or write `needs {name}?` there", stage.name)),
                );
            }
        }
    }

    fn skip(&mut self, skip: &Skip, level: &mut Level<'_>) {
        let Some(id) = self.held(&skip.gate, "skips", level) else { return };
        if self.stages.get(&id).is_some_and(|stage| stage.kind == StageKind::Stage) {
            let message = format!("`{}` is a stage: only gates can be skipped", skip.gate.text);
            let help = "`exclude` it instead";
            level.found.push(Diagnostic::new(&codes::E122, skip.gate.span, message).help(help));
            return;
        }
        match &skip.reason {
            Some(reason) => {
                self.waived.retain(|(gate, _)| *gate != id);
                self.waived.push((id, reason.clone()));
            }
            None => {
                let what = format!("gate `{}` is skipped without a reason", skip.gate.text);
                level.found.push(weakened(skip.gate.span, &what));
            }
        }
    }

    fn approve(&mut self, rule: &'m ApprovalRule, level: &mut Level<'_>) {
        for held in &rule.before {
            if let Some(stage) = self.held(held, "asks an approval for", level) {
                self.approvals.push((stage, rule));
            }
        }
    }

    /// The project's group must be able to give as many approvals; a built-in lane knows no project.
    fn enough_people(&self, rule: &ApprovalRule, level: &mut Level<'_>) {
        let project = &self.model.project;
        let group = project.groups.iter().find(|group| group.name == rule.group);
        let message = match group {
            Some(group) if (group.members.len() as u64) < u64::from(rule.count) => format!(
                "{} people are asked for, but group {:?} has {}",
                rule.count,
                rule.group,
                group.members.len()
            ),
            None if !project.groups.is_empty() => format!("the project has no group {:?}", rule.group),
            _ => return,
        };
        let mut found = Diagnostic::new(&codes::E608, rule.span, message);
        if let Some(span) = project.span {
            found = found.related(span, "the project's groups are here");
        }
        level.found.push(found);
    }
}

/// The new stage keeps what it waits for itself and gets the old one's edges.
fn take_edges(new: &mut Stage, old: &Stage) {
    let own = new.id;
    let known: HashSet<StageId> = new.needs.iter().map(|need| need.stage).collect();
    let taken = old.needs.iter().filter(|need| need.stage != own && !known.contains(&need.stage));
    new.needs.extend(taken.cloned());
    let known: HashSet<StageId> = new.follows.iter().map(|follow| follow.stage).collect();
    let taken = old.follows.iter().filter(|follow| follow.stage != own && !known.contains(&follow.stage));
    new.follows.extend(taken.cloned());
}

fn weakened(span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(&codes::E610, span, what.to_string()).help("say why: `because \"…\"`")
}

/// Two statements of one lane about the same thing.
fn duplicates(body: &LaneBody, level: &mut Level<'_>) {
    let mut replaced: HashMap<&str, Span> = HashMap::new();
    for replace in &body.replaces {
        if let Some(first) = replaced.insert(&replace.old.text, replace.old.span) {
            level.found.push(conflict(
                replace.old.span,
                &format!("`{}` is replaced twice", replace.old.text),
                first,
            ));
        }
    }
    let mut changed: HashMap<(&str, &str), Span> = HashMap::new();
    for change in &body.overrides {
        let Some((_, patch)) = change.patches.first() else { continue };
        let mut own: HashSet<&str> = HashSet::new();
        for (keyword, span) in &patch.keywords {
            if !own.insert(keyword) {
                continue;
            }
            if let Some(first) = changed.insert((&change.target.text, keyword), *span) {
                let message = format!("`{keyword}` of `{}` is overridden twice", change.target.text);
                level.found.push(conflict(*span, &message, first));
            }
        }
    }
    let mut included: HashMap<StageId, Span> = HashMap::new();
    for include in &body.includes {
        if let [only] = include.stages[..] {
            included.insert(only, include.span);
        }
    }
    for exclude in &body.excludes {
        let Selector::Name(held) = &exclude.what else { continue };
        if let Some(first) = held.candidates.iter().find_map(|id| included.get(id)) {
            let message = format!("`{}` is included and excluded", held.text);
            level.found.push(conflict(held.span, &message, *first));
        }
    }
}

fn conflict(span: Span, message: &str, first: Span) -> Diagnostic {
    Diagnostic::new(&codes::E604, span, message).related(first, "first said here").help("keep one of them")
}
