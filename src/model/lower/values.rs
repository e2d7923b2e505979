//! Params, lets, functions and secrets, in whatever order they are written: what one reads is lowered before it.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use regex::Regex;

use crate::base::{Span, Type, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::{Expr, Function, Kind};
use crate::model::declare::{Item, declared_name, parameters};
use crate::model::infer::{self, Definitions, Place, Signature, Symbol};
use crate::model::mentions;
use crate::model::{Global, GlobalKind, Module, ModuleId};
use crate::syntax::ast::{self, Binding, Statement};

use super::{Frame, Lowering, find, literal, operand};

impl Lowering<'_, '_> {
    pub(super) fn modules(&mut self) {
        for unit in self.defs.units {
            self.model.modules.push(Module {
                name: unit.name.clone(),
                std: unit.std,
                file: unit.tree.id,
                lanes: Vec::new(),
                stages: Vec::new(),
            });
        }
        let defs = self.defs;
        for (id, item) in defs.stages.iter().enumerate() {
            self.model.modules[item.module as usize].stages.push(id as u32);
        }
        for (id, item) in defs.lanes.iter().enumerate() {
            self.model.modules[item.module as usize].lanes.push(id as u32);
        }
    }

    pub(super) fn values(&mut self) {
        let defs = self.defs;
        for (index, item) in (0u32..).zip(&defs.globals) {
            self.model.globals.push(Global { lane: defs.lane_of(index), ..unknown_global(item) });
        }
        for item in &defs.functions {
            let body = Expr::value(Value::Absent, item.span);
            let parameters = parameters(item.statement).count() as u32;
            self.model.functions.push(Function { name: item.name.to_string(), parameters, body });
        }
        for group in self.order() {
            match group[..] {
                [one] if !self.reads_itself(one) => self.one_value(one),
                _ => self.circle(group),
            }
        }
    }

    /// Globals, then functions, as one row of nodes; what a node reads comes before it, circles stay together.
    fn order(&self) -> Vec<Vec<usize>> {
        let mut graph: DiGraph<(), ()> = DiGraph::new();
        let count = self.defs.globals.len() + self.defs.functions.len();
        let nodes: Vec<NodeIndex> = (0..count).map(|_| graph.add_node(())).collect();
        for node in 0..count {
            for read in self.read_by(node) {
                graph.add_edge(nodes[node], nodes[read], ());
            }
        }
        let groups = kosaraju_scc(&graph);
        groups.into_iter().map(|group| group.into_iter().map(NodeIndex::index).collect()).collect()
    }

    fn reads_itself(&self, node: usize) -> bool {
        self.read_by(node).contains(&node)
    }

    fn item(&self, node: usize) -> &Item<'_> {
        let globals = self.defs.globals.len();
        if node < globals { &self.defs.globals[node] } else { &self.defs.functions[node - globals] }
    }

    fn read_by(&self, node: usize) -> Vec<usize> {
        let item = self.item(node);
        let mut read = Vec::new();
        let Some(value) = item.statement.binding().and_then(|binding| binding.value.as_ref()) else {
            return read;
        };
        let mut bound: Vec<&str> = parameters(item.statement).map(|name| name.text.as_str()).collect();
        mentions::in_expr(value, &mut bound, &mut |path| read.extend(self.node_of(item.module, path)));
        read
    }

    fn node_of(&self, module: ModuleId, path: &[&str]) -> Option<usize> {
        let names = self.defs.names(module);
        let symbol = match path {
            [first, ..] if names.values.contains_key(*first) => names.values[*first].0,
            ["std", file, name, ..] => {
                self.defs.names(self.defs.std_module(file)?).values.get(*name).map(|(symbol, _)| *symbol)?
            }
            [alias, name, ..] => {
                let (module, _) = names.imports.get(*alias)?;
                self.defs.names(*module).values.get(*name).map(|(symbol, _)| *symbol)?
            }
            _ => return None,
        };
        match symbol {
            Symbol::Global(index) => Some(index as usize),
            Symbol::Function(index) => Some(self.defs.globals.len() + index as usize),
            _ => None,
        }
    }

    fn circle(&mut self, mut group: Vec<usize>) {
        group.sort_by_key(|node| {
            let span = self.item(*node).span;
            (span.file, span.start)
        });
        let places: Vec<(String, Span)> =
            group.iter().map(|node| (self.item(*node).name.to_string(), self.item(*node).span)).collect();
        let Some(((name, span), others)) = places.split_first() else { return };
        let message = match others.is_empty() {
            true => format!("`{name}` refers to itself"),
            false => format!("`{name}` refers to itself through {}", list(others)),
        };
        let mut found = Diagnostic::new(&codes::E114, *span, message)
            .help("everything in the language ends: break the circle at one of the places shown");
        for (name, span) in others {
            found = found.related(*span, format!("`{name}` is part of the circle"));
        }
        self.report.push(found);
    }

    fn one_value(&mut self, node: usize) {
        let globals = self.defs.globals.len();
        if node >= globals {
            return self.function((node - globals) as u32);
        }
        let defs = self.defs;
        let item = &defs.globals[node];
        let (ty, secret, kind) = match item.statement.head.text.as_str() {
            "param" => self.param(node as u32, item.module, item.statement),
            "secret" => self.secret(item.module, item.statement),
            _ => self.binding(item.module, item.statement),
        };
        defs.set_global(node as u32, ty.clone(), secret);
        let global = &mut self.model.globals[node];
        (global.ty, global.secret, global.kind) = (ty, secret, kind);
    }

    fn binding(&mut self, module: ModuleId, statement: &Statement) -> (Type, bool, GlobalKind) {
        let frame = Frame::file(module);
        let place = Place { secrets: infer::Secrets::Allowed, ..frame.start() };
        let Some(Binding { value: Some(value), ty, .. }) = statement.binding() else {
            return (Type::Unknown, false, GlobalKind::Let(Expr::value(Value::Absent, statement.span)));
        };
        let want = ty.as_ref().map(|ty| infer::type_expr(ty, &mut crate::model::report::Report::default()));
        let typed = self.infer(&place, value, want.as_ref());
        (want.unwrap_or(typed.ty), typed.secret, GlobalKind::Let(typed.expr))
    }

    fn secret(&mut self, module: ModuleId, statement: &Statement) -> (Type, bool, GlobalKind) {
        let frame = Frame::file(module);
        let place = Place { secrets: infer::Secrets::Allowed, ..frame.start() };
        let value = statement.binding().and_then(|binding| binding.value.as_ref());
        let expr = match value {
            Some(value) => {
                if literal(value).is_some_and(|text| !text.is_empty()) {
                    let help =
                        "read it from the environment: `env(\"NAME\")`; a secret in a file is no secret";
                    self.error(&codes::E506, value.span, "a secret is written out in the file", help);
                }
                let typed = self.infer(&place, value, None);
                if !matches!(typed.ty.required(), Type::String | Type::Unknown) {
                    let message = format!("a secret is a string, not a {}", typed.ty);
                    self.error(&codes::E104, value.span, message, "read it with `env(\"NAME\")`");
                }
                typed.expr
            }
            None => Expr::value(Value::Absent, statement.span),
        };
        (Type::String, true, GlobalKind::Secret(expr))
    }

    fn param(&mut self, index: u32, module: ModuleId, statement: &Statement) -> (Type, bool, GlobalKind) {
        let declared = self.defs.global(index).0;
        let binding = statement.binding();
        let default = binding.and_then(|binding| binding.value.as_ref());
        let pattern = find(statement.body(), "pattern").and_then(|inner| self.pattern(inner, &declared));
        let mut ty = declared;
        let mut value = None;
        if let Some(default) = default {
            let frame = Frame::file(module);
            if !self.fits_words(default, &ty) {
                let expr = Expr::value(Value::Absent, default.span);
                return (
                    ty,
                    false,
                    GlobalKind::Param { default: Some(expr), pattern: pattern.map(|(text, _)| text) },
                );
            }
            let typed = self.infer(&frame.start(), default, Some(&ty).filter(|ty| **ty != Type::Unknown));
            if ty == Type::Unknown && binding.is_some_and(|binding| binding.ty.is_none()) {
                ty = typed.ty;
            }
            self.fits_pattern(&typed.expr, pattern.as_ref());
            value = Some(typed.expr);
        }
        (ty, false, GlobalKind::Param { default: value, pattern: pattern.map(|(text, _)| text) })
    }

    fn pattern(&mut self, statement: &Statement, ty: &Type) -> Option<(String, Regex)> {
        let operand = operand(statement)?;
        if !matches!(ty.required(), Type::String | Type::Path | Type::Unknown) {
            let message = format!("a {ty} has no text that a pattern could match");
            self.error(&codes::E104, operand.span, message, "`pattern` is for params of type string");
            return None;
        }
        let Some(text) = literal(operand) else {
            self.error(&codes::E122, operand.span, "a pattern is a plain string", "write it out in quotes");
            return None;
        };
        match Regex::new(&format!("^(?:{text})$")) {
            Ok(regex) => Some((text.to_string(), regex)),
            Err(problem) => {
                let message = format!("the pattern cannot be read: {}", last_line(&problem.to_string()));
                let help = "regular expressions here have no look-around and no back-references";
                self.error(&codes::E117, operand.span, message, help);
                None
            }
        }
    }

    fn fits_words(&mut self, default: &ast::Expr, ty: &Type) -> bool {
        let (Type::Enum(words), Some(text)) = (ty.required(), literal(default)) else { return true };
        if words.iter().any(|word| word == text) {
            return true;
        }
        let message = format!("the default {text:?} is not one of the words of the enum");
        let help = format!("choose one of {}, or add {text:?} to the enum", words.join(", "));
        self.error(&codes::E118, default.span, message, &help);
        false
    }

    fn fits_pattern(&mut self, default: &Expr, pattern: Option<&(String, Regex)>) {
        let (Kind::Value(Value::String(text) | Value::Path(text)), Some((written, regex))) =
            (&default.kind, pattern)
        else {
            return;
        };
        if !regex.is_match(text) {
            let message = format!("the default {text:?} does not match the param's own pattern {written:?}");
            let help = "the whole value must match; change the default or the pattern";
            self.error(&codes::E118, default.span, message, help);
        }
    }

    fn function(&mut self, index: u32) {
        let defs = self.defs;
        let item = &defs.functions[index as usize];
        let Some(binding) = item.statement.binding() else { return };
        let mut locals: Vec<(String, Type)> = Vec::new();
        for (name, ty) in binding.parameters.iter().flatten() {
            if locals.iter().any(|(known, _)| *known == name.text) {
                let message = format!("parameter `{}` is named twice", name.text);
                self.error(&codes::E103, name.span, message, "rename one of them");
            }
            if let Some((_, span)) = defs.names(item.module).values.get(&name.text) {
                self.report.push(
                    Diagnostic::new(
                        &codes::W113,
                        name.span,
                        format!("`{}` hides a name of the file", name.text),
                    )
                    .related(*span, "the name it hides"),
                );
            }
            locals.push((name.text.to_string(), infer::type_expr(ty, &mut self.report)));
        }
        let want = binding.ty.as_ref().map(|ty| infer::type_expr(ty, &mut self.report));
        let Some(body) = &binding.value else { return };
        let frame = Frame::file(item.module);
        let place = Place { locals: &locals, secrets: infer::Secrets::Allowed, ..frame.start() };
        let typed = self.infer(&place, body, want.as_ref());
        let result = want.unwrap_or(typed.ty);
        self.model.functions[index as usize].body = typed.expr;
        defs.set_signature(
            index,
            Signature { name: item.name.to_string(), parameters: locals, result, secret: typed.secret },
        );
    }
}

fn unknown_global(item: &Item<'_>) -> Global {
    Global {
        module: item.module,
        name: declared_name(item.statement).map_or_else(|| item.name.to_string(), |name| name.text.into()),
        span: item.span,
        docs: item.statement.docs.clone(),
        ty: Type::Unknown,
        kind: GlobalKind::Let(Expr::value(Value::Absent, item.span)),
        secret: false,
        lane: None,
    }
}

fn list(places: &[(String, Span)]) -> String {
    let names: Vec<String> = places.iter().map(|(name, _)| format!("`{name}`")).collect();
    names.join(", ")
}

/// The regex crate draws a picture first; the last line says what is wrong.
pub(super) fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or(text).trim().trim_start_matches("error: ")
}
