//! Tools and gates: what they run, what they measure, and the conditions that judge it.

use crate::base::{Type, Value};
use crate::diag::codes;
use crate::expr::{Expr, Kind};
use crate::model::infer::{self, Namespace, Symbol};
use crate::model::schema::Context;
use crate::model::schema::check::{head_span, is_readable};
use crate::model::{Check, Gate, Measure, TOOL, Tool, ToolId};
use crate::syntax::ast::Statement;

use super::{Frame, Lowering, all, find, operand};

impl Lowering<'_, '_> {
    pub(super) fn tools(&mut self) {
        let defs = self.defs;
        for (id, item) in defs.tools.iter().enumerate() {
            let body = item.statement.body();
            let frame = Frame { stage: Some(TOOL + id as u32), ..Frame::file(item.module) };
            let facts = defs.tool_facts(id as u32);
            let actions = self.actions(&frame, body);
            let runs = find(body, "exec").is_some() || find(body, "run").is_some();
            if !runs && is_readable(item.statement, Context::Tool) {
                let message = format!("tool `{}` runs nothing", item.name);
                self.error(&codes::E120, head_span(item.statement), message, "give it `exec` or `run`");
            }
            self.inputs(&frame, body);
            let tool = Tool {
                id: id as ToolId,
                module: item.module,
                name: item.name.to_string(),
                span: item.span,
                docs: self.docs(item.module, item.statement),
                actions,
                env: self
                    .own_or_default(item.module, body, "env")
                    .map(|env| self.env(&frame, env).0)
                    .unwrap_or_default(),
                cwd: self.cwd(&frame, body),
                outputs: self.outputs(&frame, body, &facts.outputs),
                measures: self.measures(&frame, body, &facts.measures),
                exit_ok: self.exit_ok(&frame, body),
                timeout: self
                    .own_or_default(item.module, body, "timeout")
                    .and_then(|timeout| self.duration(&frame.start(), timeout)),
            };
            self.model.tools.push(tool);
        }
    }

    /// The gate's part of a stage; `whole` when it is a definition and not an override.
    pub(super) fn gate(&mut self, frame: &Frame, statement: &Statement, whole: bool) -> Gate {
        let body = statement.body();
        let tool = find(body, "tool").and_then(|tool| self.tool_ref(frame, tool));
        if whole && !statement.broken {
            self.gate_is_complete(statement);
        }
        let types = frame.measures.clone();
        let measures = self.measures(frame, body, &types);
        // Without its tool the gate's measures are unknown, which was reported.
        let outer =
            (tool.is_none() && find(body, "tool").is_some()).then(|| std::mem::take(&mut self.report));
        let require = self.judgements(frame, body, "require");
        let strict = self.judgements(frame, body, "strict");
        if whole && !statement.broken && !runs(body) {
            self.gate_looks(frame, statement, &measures, &require);
        }
        if let Some(outer) = outer {
            self.report = outer;
        }
        Gate { tool, measures, require, strict, exit_ok: self.exit_ok(frame, body) }
    }

    fn tool_ref(&mut self, frame: &Frame, statement: &Statement) -> Option<ToolId> {
        let path = self.path_of(operand(statement)?)?;
        match infer::path_symbol(self.defs, frame.module, &path, Namespace::Tools, &mut self.report)? {
            Symbol::Tool(tool) => Some(tool),
            _ => None,
        }
    }

    fn gate_is_complete(&mut self, statement: &Statement) {
        let body = statement.body();
        let own = body.iter().find(|inner| matches!(inner.head.text.as_str(), "exec" | "run"));
        if let (Some(_), Some(own)) = (find(body, "tool"), own) {
            let help = "a gate takes a tool, or runs something of its own; remove one of them";
            self.error(&codes::E122, own.head.span, "the gate has a tool already", help);
        }
        if find(body, "require").is_none() {
            let help = "say what must hold: `require lines >= 70%`";
            self.error(&codes::E611, head_span(statement), "the gate judges nothing", help);
        }
    }

    /// A gate that runs nothing judges files as they are, or what stages before it left.
    fn gate_looks(&mut self, frame: &Frame, statement: &Statement, measures: &[Measure], require: &[Check]) {
        let readable = is_readable(statement, Context::Gate);
        let looks = |expr: &Expr| {
            let mut looks = matches!(expr.kind, Kind::Value(_));
            expr.walk(&mut |part| {
                looks |= matches!(part.kind, Kind::Fact { .. } | Kind::Output { .. } | Kind::Call { .. })
            });
            looks
        };
        if readable
            && measures.is_empty()
            && !require.is_empty()
            && !require.iter().any(|check| looks(&check.expr))
        {
            let help = "name a tool, `tool NAME`, give the gate its own `exec` and `measure`, or require \
                        something of files: `require file.exists(\"LICENSE\")`";
            self.error(&codes::E120, head_span(statement), "the gate looks at nothing", help);
        }
        for measure in measures {
            let mut span = None;
            measure.value.walk(&mut |part| {
                if let Kind::Fact { arguments, .. } = &part.kind {
                    let left = |argument: &&Expr| !matches!(&argument.kind, Kind::Output { stage, .. } if Some(*stage) != frame.stage);
                    span = arguments.first().filter(left).map(|argument| argument.span).or(span);
                }
            });
            if let Some(span) = span {
                let message = "the file may be left over from before: the gate runs nothing that writes it";
                let help = "read the output of a stage that the gate needs, or let the gate run what writes the file";
                self.error(&codes::E122, span, message, help);
            }
        }
    }

    fn judgements(&mut self, frame: &Frame, body: &[Statement], keyword: &str) -> Vec<Check> {
        let mut checks = Vec::new();
        for statement in all(body, keyword) {
            let Some(expr) = operand(statement) else { continue };
            let because = self.reason(frame.module, statement);
            let check = Check { because, ..self.check(&frame.judging(), expr) };
            checks.push(check);
        }
        checks
    }

    fn exit_ok(&mut self, frame: &Frame, body: &[Statement]) -> Vec<i32> {
        let Some(statement) = find(body, "exit-ok").filter(|statement| !statement.broken) else {
            return Vec::new();
        };
        let mut exits = Vec::new();
        for operand in statement.operands() {
            let expr = self.value(&frame.start(), operand, &Type::Int);
            match self.constant(&expr) {
                Some(Value::Int(code @ 0..=255)) => exits.push(*code as i32),
                Some(Value::Int(_)) => {
                    self.error(&codes::E122, operand.span, "exit codes lie between 0 and 255", "");
                }
                _ => {}
            }
        }
        exits
    }
}

/// Whether the gate runs something, itself or by its tool.
fn runs(body: &[Statement]) -> bool {
    ["tool", "exec", "run"].iter().any(|word| find(body, word).is_some())
}
