//! Calls of lanes: which lane, with which values for its params, and what a stage that calls may not say itself.

use crate::base::suggest::{did_you_mean, nearest};
use crate::base::{Span, Type};
use crate::diag::{Diagnostic, codes};
use crate::model::infer::{self, Called, Definitions, Namespace, Symbol};
use crate::model::resolve::body::LaneBody;
use crate::model::{Action, Argument, LaneId, LaneOutput, ModuleId, StageId};
use crate::syntax::ast::{self, Ident, Statement, Tail};

use super::{Frame, Lowering, find, operand};

/// Settings of an attempt, or of its result: the called stages have their own.
const NOT_OF_CALLERS: &[&str] = &["repeatable", "idempotent", "once", "retry", "inputs"];

impl Lowering<'_, '_> {
    /// `before` are the stage's actions so far.
    pub(super) fn call(&mut self, frame: &Frame, statement: &Statement, before: &[Action]) -> Option<Action> {
        let path = self.path_of(operand(statement)?)?;
        let symbol = infer::path_symbol(self.defs, frame.module, &path, Namespace::Lanes, &mut self.report)?;
        let Symbol::Lane(lane) = symbol else { return None };
        let alias = self.call_name(frame, statement);
        let mut arguments: Vec<Argument> = Vec::new();
        for inner in statement.body().iter().filter(|inner| !inner.broken) {
            let Tail::Assign(value) = &inner.tail else { continue };
            let Some((param, ty)) = self.param_of(lane, inner) else { continue };
            let value = self.value(&frame.ready(), value, &ty);
            arguments.push(Argument { name: inner.head.text.to_string(), param, value });
        }
        if statement.body().iter().all(|inner| !inner.broken) {
            self.lacking(lane, statement, &arguments);
        }
        let named = alias.is_some();
        let name = alias
            .map_or_else(|| self.defs.lanes[lane as usize].name.to_string(), |alias| alias.text.to_string());
        let call = Action::Call { lane, name, named, arguments, span: statement.span };
        self.called_once(&call, before);
        Some(call)
    }

    /// The `as` name; it must not hide a name of the file.
    fn call_name(&mut self, frame: &Frame, statement: &Statement) -> Option<Ident> {
        let clause = statement.clause("as")?.operands.first()?;
        let [alias] = &self.path_of(clause)?[..] else { return None };
        let names = self.defs.names(frame.module);
        let value = names.values.get(&alias.text).map(|(_, span)| *span);
        if let Some(first) = value.or(names.imports.get(&alias.text).map(|(_, span)| *span)) {
            self.report.push(
                Diagnostic::new(&codes::E103, alias.span, format!("`{}` is a name of the file", alias.text))
                    .related(first, "defined here")
                    .help("give the call another name"),
            );
        }
        Some(alias.clone())
    }

    /// Two calls of one stage need two names: by them their stages and outputs are told apart.
    fn called_once(&mut self, call: &Action, before: &[Action]) {
        let Action::Call { name, span, .. } = call else { return };
        let same = |action: &&Action| matches!(action, Action::Call { name: other, .. } if other == name);
        if let Some(Action::Call { span: first, .. }) = before.iter().find(same) {
            let message = format!("two calls of this stage are called `{name}`");
            self.report.push(
                Diagnostic::new(&codes::E103, *span, message)
                    .related(*first, "the first one")
                    .help("give one of them a name of its own: `call LANE as NAME`"),
            );
        }
    }

    /// The param an argument sets: the lane's own, else its file's.
    fn param_of(&mut self, lane: LaneId, argument: &Statement) -> Option<(u32, Type)> {
        let item = &self.defs.lanes[lane as usize];
        let own = self.defs.params_of(lane);
        let values = &self.defs.names(item.module).values;
        let of_file = values.iter().filter_map(|(name, (symbol, _))| match symbol {
            Symbol::Global(index) if self.defs.is_param(*index) && self.defs.lane_of(*index).is_none() => {
                Some((name.to_string(), *index))
            }
            _ => None,
        });
        let known: Vec<(String, u32)> = own.into_iter().chain(of_file).collect();
        let name = argument.head.text.as_str();
        if let Some((_, index)) = known.iter().find(|(known, _)| known == name) {
            self.defs.mark_used(Symbol::Global(*index));
            return Some((*index, self.defs.global(*index).0));
        }
        let near = nearest(name, known.iter().map(|(name, _)| name.as_str()));
        let message = format!("lane `{}` has no param `{name}`", item.name);
        self.report.push(
            Diagnostic::new(&codes::E102, argument.head.span, message)
                .related(item.span, "the lane called")
                .help_if(did_you_mean(&near)),
        );
        None
    }

    /// A lane's own params are set by its calls alone, so one without a default must be given.
    fn lacking(&mut self, lane: LaneId, call: &Statement, given: &[Argument]) {
        let written: Vec<&str> = call.body().iter().map(|inner| inner.head.text.as_str()).collect();
        let defs = self.defs;
        for (name, index) in defs.params_of(lane) {
            let item = &defs.globals[index as usize];
            let binding = item.statement.binding();
            let optional = defs.global(index).0.is_optional();
            let has = item.statement.broken || binding.is_none_or(|binding| binding.value.is_some());
            let set = given.iter().any(|argument| argument.param == index) || written.contains(&&*name);
            if !has && !optional && !set {
                let message = format!("lane `{}` needs a value for `{name}`", defs.lanes[lane as usize].name);
                self.report.push(
                    Diagnostic::new(&codes::E107, call.head.span, message)
                        .related(item.span, "it has no default")
                        .help(format!("give it in the block: `{name} = …`")),
                );
            }
        }
    }

    /// The call as later parts of the stage read it.
    pub(super) fn called(&self, call: &Action) -> Option<Called> {
        let Action::Call { lane, name, .. } = call else { return None };
        let outputs = self.defs.outputs_of(*lane);
        Some(Called {
            name: name.clone(),
            span: self.defs.lanes[*lane as usize].span,
            outputs: outputs.into_iter().map(|out| (out.name, out.ty)).collect(),
        })
    }

    /// The stages of a lane were typed by the param that its own stands for.
    pub(super) fn lane_param_types(&mut self) {
        let defs = self.defs;
        for lane in 0..defs.lanes.len() as LaneId {
            let modules: Vec<ModuleId> =
                defs.lane_chain(lane).into_iter().map(|id| defs.lanes[id as usize].module).collect();
            for (name, index) in defs.own_params(lane) {
                let meant = modules.iter().filter_map(|module| defs.names(*module).values.get(name.as_str()));
                for (symbol, span) in meant {
                    let Symbol::Global(other) = symbol else { continue };
                    let (own, theirs) = (defs.global(*index).0, defs.global(*other).0);
                    if own != theirs && own != Type::Unknown && theirs != Type::Unknown {
                        let item = &defs.globals[*index as usize];
                        let message = format!("`{name}` is a {own} here and a {theirs} elsewhere");
                        self.report.push(
                            Diagnostic::new(&codes::E104, item.span, message)
                                .related(*span, "the param of that name")
                                .help("give both the same type, or this one another name"),
                        );
                    }
                }
            }
        }
    }

    /// `out NAME = stage.output` of a lane.
    pub(super) fn lane_output(&mut self, lane: LaneId, statement: &Statement, body: &mut LaneBody) {
        let Some(binding) = statement.binding() else { return };
        let name = &binding.name;
        if let Some(first) = body.outputs.iter().find(|known| known.name == name.text) {
            self.report.push(
                Diagnostic::new(&codes::E103, name.span, format!("output `{}` is defined twice", name.text))
                    .related(first.span, "first defined here")
                    .help("rename one of them"),
            );
        }
        let Some(value) = &binding.value else { return };
        let Some((stage, output, ty)) = self.stage_output(lane, value) else { return body.broken = true };
        let written = binding.ty.as_ref().map(|ty| infer::type_expr(ty, &mut self.report));
        if let Some(written) = written.filter(|written| *written != ty && ty != Type::Unknown) {
            let message = format!("`{}` is a {written} here, but its stage gives a {ty}", name.text);
            self.error(&codes::E104, value.span, message, "leave the type out: it is the stage's");
        }
        body.outputs.push(LaneOutput { name: name.text.to_string(), span: value.span, stage, output });
    }

    fn stage_output(&mut self, lane: LaneId, value: &ast::Expr) -> Option<(StageId, String, Type)> {
        let Some(path) = value.path().filter(|path| path.len() > 1) else {
            let message = "a lane gives out what one of its stages gives";
            self.error(&codes::E122, value.span, message, "write `out NAME = stage.output`");
            return None;
        };
        let found = self.defs.given_out(lane, &path);
        if found.is_none() {
            let (output, stage) = path.split_last()?;
            let module = self.defs.lanes[lane as usize].module;
            let report = &mut self.report;
            if let Some(Symbol::Stage(id)) =
                infer::path_symbol(self.defs, module, stage, Namespace::Stages, report)
            {
                let item = &self.defs.stages[id as usize];
                let message = format!("`{}` has no output `{}`", item.name, output.text);
                report.push(
                    Diagnostic::new(&codes::E401, output.span, message)
                        .related(item.span, format!("`{}` is defined here", item.name))
                        .help(format!("declare it there: `out {} = \"…\"`", output.text)),
                );
            }
        }
        found
    }

    /// All calls among the actions, by their place.
    pub(super) fn calls_of(&self, actions: &[Action]) -> Vec<(usize, Called)> {
        let calls = actions.iter().enumerate();
        calls.filter_map(|(place, action)| Some((place, self.called(action)?))).collect()
    }

    /// A stage that calls has neither class nor retry: each called stage has its own.
    pub(super) fn caller_settings(&mut self, body: &[Statement], actions: &[Action]) {
        let Some(call) = actions.iter().find_map(call_span) else { return };
        for keyword in NOT_OF_CALLERS {
            let Some(statement) = find(body, keyword) else { continue };
            self.report.push(
                Diagnostic::new(
                    &codes::E131,
                    statement.head.span,
                    format!("a stage that calls a lane cannot have `{keyword}`"),
                )
                .related(call, "the call")
                .help(format!("write `{keyword}` in the stages of the lane called")),
            );
        }
    }
}

fn call_span(action: &Action) -> Option<Span> {
    match action {
        Action::Call { span, .. } => Some(*span),
        _ => None,
    }
}
