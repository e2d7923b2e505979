//! One stage of the lane to its nodes: the matrix spread out, limits and policies worked out. Knows nothing of edges.

use crate::base::{SourceMap, Span, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::Expr;
use crate::model::{self, Check, Stage};

use super::lower::{At, Lowering};
use super::tool::Shared;
use super::{Effect, Gate, Measure, Node, Output, Undo};

/// Most instances of one stage.
const INSTANCES: usize = 1000;

/// One instance's matrix values by name.
pub(super) type Combination = Vec<(String, Value)>;

impl Lowering<'_> {
    /// The matrix values of each instance, in order: the first name changes slowest. One, empty, without a matrix.
    pub(super) fn combinations(&mut self, stage: &Stage) -> Vec<Combination> {
        let what = format!("the matrix of `{}` makes more than {INSTANCES} instances", stage.name);
        self.product(&stage.matrix, At::LANE, &|name| format!("the matrix `{name}`"), &what)
    }

    /// Every combination of the lists' values; `of` names a list, `too_many` is said of more than the limit.
    pub(super) fn product(
        &mut self,
        lists: &[(String, Expr)],
        at: At<'_>,
        of: &dyn Fn(&str) -> String,
        too_many: &str,
    ) -> Vec<Combination> {
        let mut all: Vec<Combination> = vec![Vec::new()];
        for (name, expr) in lists {
            let values = self.distinct(&of(name), expr, at);
            if all.len().saturating_mul(values.len()) > INSTANCES {
                let found = Diagnostic::new(&codes::E217, expr.span, too_many);
                self.found.push(found.help("split the stage, or take fewer values"));
                return Vec::new();
            }
            let with = |combination: &Combination, value: &Value| {
                let mut longer = combination.clone();
                longer.push((name.clone(), value.clone()));
                longer
            };
            all = all
                .iter()
                .flat_map(|combination| values.iter().map(move |value| with(combination, value)))
                .collect();
        }
        all
    }

    fn distinct(&mut self, list: &str, expr: &Expr, at: At<'_>) -> Vec<Value> {
        let values = match self.value(expr, at) {
            Some(Value::List(values)) => values,
            Some(other) => return self.wrong(expr, "a list", &other).unwrap_or_default(),
            None => return Vec::new(),
        };
        let repeated = values.iter().enumerate().find(|(index, value)| values[..*index].contains(value));
        let why = match (values.is_empty(), repeated) {
            (true, _) => format!("{list} has no values, so nothing would ever run"),
            (_, Some((_, twice))) => format!("{list} has `{twice}` twice"),
            _ => return values,
        };
        self.found.push(Diagnostic::new(&codes::E122, expr.span, why));
        Vec::new()
    }

    /// One instance; `index` is the stage's in the plan.
    pub(super) fn node(
        &mut self,
        index: u32,
        stage: &Stage,
        combination: Combination,
        around: &Around<'_>,
    ) -> Node {
        let at = At { matrix: &combination, own: None };
        let mut node = Node {
            key: key(&format!("{}{}", around.prefix, stage.name), &combination),
            stage: index,
            number: stage.number,
            kind: stage.kind,
            docs: stage.docs.clone(),
            place: line(around.sources, stage.span),
            edges: Vec::new(),
            matrix: Vec::new(),
            waived: around.waived.clone(),
            when: stage.when.as_ref().map(|when| Check {
                expr: self.expr(when, at),
                text: around.sources.text(when.span).to_owned(),
                because: None,
            }),
            before: self.checks(&stage.before, at),
            after: self.checks(&stage.after, at),
            actions: self.actions(&stage.actions, at),
            env: self.named(&stage.env, at),
            cwd: stage.cwd.as_ref().map(|cwd| self.expr(cwd, at)),
            inputs: self.inputs(&stage.inputs, at),
            outputs: self.outputs(&stage.outputs, at),
            timeout: self.limit(stage.timeout.as_ref(), at),
            deadline: self.limit(stage.deadline.as_deref(), at),
            retry: stage.retry.as_ref().map(|retry| super::Retry {
                breaker: self.breaker(stage, around.sources, at),
                ..self.retry(retry, at)
            }),
            effect: self.effect(&stage.effect, at),
            finally: self.actions(&stage.finally, at),
            lock: self.text(stage.lock.as_deref(), at),
            pool: around.pool.clone(),
            allow_failure: stage.allow_failure.clone(),
            confirm: self.text(stage.confirm.as_deref(), at),
            approvals: Vec::new(),
            gate: stage.gate.as_ref().map(|gate| self.gate(gate, around.strict, at)),
            call: None,
            closes: None,
            preset: None,
            priority: 0,
            expected: None,
            undo: self.undo(stage, at),
            suspect: None,
        };
        if let Some(shared) = &around.tool {
            self.share(&mut node, shared, At { matrix: &combination, own: Some(index) });
        }
        node.matrix = combination;
        node
    }

    fn undo(&mut self, stage: &Stage, at: At<'_>) -> Option<Undo> {
        if stage.undo.is_empty() {
            return None;
        }
        Some(Undo {
            actions: self.actions(&stage.undo, at),
            timeout: self.limit(stage.undo_timeout.as_deref(), at),
            retry: stage.undo_retry.as_ref().map(|retry| self.retry(retry, at)),
        })
    }

    fn inputs(&mut self, inputs: &[Expr], at: At<'_>) -> Vec<String> {
        let mut globs = Vec::new();
        for expr in inputs {
            match self.value(expr, at) {
                Some(Value::List(items)) => globs.extend(items.iter().map(Value::to_string)),
                Some(Value::Absent) | None => {}
                Some(value) => globs.push(value.to_string()),
            }
        }
        globs
    }

    pub(super) fn outputs(&mut self, outputs: &[model::Output], at: At<'_>) -> Vec<Output> {
        let mut lowered = Vec::with_capacity(outputs.len());
        for output in outputs {
            lowered.push(Output {
                name: output.name.clone(),
                ty: output.ty.clone(),
                value: self.expr(&output.value, at),
                given: false,
                keep: output.keep.as_ref().and_then(|keep| self.millis(keep, at)),
            });
        }
        lowered
    }

    pub(super) fn measures(&self, measures: &[model::Measure], at: At<'_>) -> Vec<Measure> {
        let lowered = |measure: &model::Measure| Measure {
            name: measure.name.clone(),
            ty: measure.ty.clone(),
            value: self.expr(&measure.value, at),
        };
        measures.iter().map(lowered).collect()
    }

    fn effect(&self, effect: &model::Effect, at: At<'_>) -> Effect {
        match effect {
            model::Effect::Repeatable => Effect::Repeatable,
            model::Effect::Idempotent(key) => Effect::Idempotent(self.expr(key, at)),
            model::Effect::Once => Effect::Once,
        }
    }

    fn gate(&self, gate: &model::Gate, strict: bool, at: At<'_>) -> Gate {
        let mut require = self.checks(&gate.require, at);
        if strict {
            require.extend(self.checks(&gate.strict, at));
        }
        Gate {
            tool: None,
            measures: self.measures(&gate.measures, at),
            require,
            exit_ok: gate.exit_ok.clone(),
        }
    }
}

/// What a node takes from the lane and from definitions beside its stage.
pub(super) struct Around<'a> {
    pub(super) sources: &'a SourceMap,
    /// Before the stage's name in its key: the calls it stands in.
    pub(super) prefix: &'a str,
    pub(super) strict: bool,
    pub(super) waived: Option<String>,
    pub(super) pool: Option<String>,
    pub(super) tool: Option<Shared<'a>>,
}

/// `unit[shard=2]`.
pub(super) fn key(name: &str, combination: &Combination) -> String {
    if combination.is_empty() {
        return name.to_owned();
    }
    let parts: Vec<String> = combination.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{name}[{}]", parts.join(","))
}

/// `file:line`.
pub(super) fn line(sources: &SourceMap, span: Span) -> String {
    format!("{}:{}", sources.get(span.file).path, sources.position(span).line)
}
