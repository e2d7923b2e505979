//! The `project` block: settings that are constants.

use crate::base::suggest::{did_you_mean, nearest};
use crate::base::{Type, Value};
use crate::diag::{Diagnostic, codes};
use crate::model::infer::{Definitions, Names, Symbol};
use crate::model::{Group, Level, ModuleId, RepairSet};
use crate::syntax::ast::{ExprKind, Literal, Statement};

use super::{Frame, Lowering, all, find, literal, operand};

impl Lowering<'_, '_> {
    pub(super) fn projects(&mut self) {
        let defs = self.defs;
        for (module, statement) in &defs.projects {
            if let Some(first) = self.model.project.span.filter(|first| first.file != statement.span.file) {
                self.report.push(
                    Diagnostic::new(&codes::E103, statement.head.span, "the project is described twice")
                        .related(first, "first described here")
                        .help("keep one `project` block, in `.wfl/project.wfl`"),
                );
                continue;
            }
            self.model.project.span = Some(statement.head.span);
            self.project(*module, statement);
        }
    }

    fn project(&mut self, module: ModuleId, statement: &Statement) {
        let body = statement.body();
        let text = |this: &mut Self, keyword: &str| {
            find(body, keyword).and_then(operand).and_then(|expr| this.known_text(module, expr))
        };
        self.model.project.about = text(self, "about");
        self.model.project.base_branch = text(self, "base-branch");
        self.model.project.version = self.version(module, body);
        if let Some(tags) = find(body, "tags") {
            self.model.project.tags =
                tags.operands().iter().filter_map(|expr| self.known_text(module, expr)).collect();
        }
        for group in all(body, "group") {
            self.group(module, group);
        }
        if let Some(environment) = find(body, "environment") {
            self.environment(module, environment);
        }
        if let Some(keep) = find(body, "keep") {
            self.model.project.keep_runs = self.kept(module, keep, "runs");
            self.model.project.keep_logs = self.kept(module, keep, "logs");
            self.model.project.log_size = self.log_size(module, keep);
        }
        self.model.project.verify_reuse = self.verified(module, body);
        for (keyword, level) in [("allow", Level::Allow), ("warn", Level::Warn), ("deny", Level::Deny)] {
            for statement in all(body, keyword).filter(|statement| !statement.broken) {
                self.levels(statement, level);
            }
        }
        for repairs in all(body, "repairs").filter(|repairs| !repairs.broken) {
            self.repair_sets(module, repairs);
        }
    }

    fn version(&mut self, module: ModuleId, body: &[Statement]) -> Option<String> {
        let expr = find(body, "version").and_then(operand)?;
        if let ExprKind::Literal(Literal::Int(_) | Literal::Float(_)) = expr.kind {
            let written = self.defs.sources.text(expr.span).to_string();
            self.report.push(
                Diagnostic::new(&codes::E109, expr.span, "a version is a string, never a number")
                    .help(format!("write `version \"{written}\"`: as a number, 1.10 would be 1.1"))
                    .fix(true, expr.span, format!("\"{written}\"")),
            );
            return None;
        }
        self.known_text(module, expr)
    }

    fn group(&mut self, module: ModuleId, statement: &Statement) {
        let Some(name) = operand(statement).and_then(literal) else { return };
        let mut members = Vec::new();
        for member in all(statement.body(), "member") {
            members.extend(operand(member).and_then(|expr| self.known_text(module, expr)));
            let keys = member.clause("with").map_or(&[][..], |clause| &clause.operands);
            keys.iter().for_each(|key| {
                self.known_text(module, key);
            });
        }
        if self.model.project.groups.iter().any(|group| group.name == name) {
            let span = statement.operands()[0].span;
            self.error(
                &codes::E103,
                span,
                format!("group {name:?} is defined twice"),
                "put its members in one place",
            );
            return;
        }
        self.model.project.groups.push(Group { name: name.to_string(), members });
    }

    fn environment(&mut self, module: ModuleId, statement: &Statement) {
        let clean = operand(statement).and_then(|expr| expr.word()) == Some("clean");
        if let (false, Some(block)) = (clean, &statement.block) {
            let help = "write `environment clean { pass … }`, or leave out the block";
            self.error(&codes::E122, block.span.at_start(), "`inherit` passes everything already", help);
        }
        let mut names = Vec::new();
        for pass in all(statement.body(), "pass") {
            names.extend(pass.operands().iter().filter_map(|expr| self.known_text(module, expr)));
        }
        self.model.project.clean_environment = clean.then_some(names);
    }

    fn kept(&mut self, module: ModuleId, keep: &Statement, keyword: &str) -> Option<i64> {
        let frame = Frame::file(module);
        let expr = self.setting(&frame.start(), keep.body(), keyword, &Type::Duration)?;
        match self.constant(&expr) {
            Some(Value::Duration(ms)) => Some(*ms),
            _ => None,
        }
    }

    fn log_size(&mut self, module: ModuleId, keep: &Statement) -> Option<u64> {
        let frame = Frame::file(module);
        let expr = self.setting(&frame.start(), keep.body(), "log-size", &Type::Size)?;
        match self.constant(&expr) {
            Some(Value::Size(bytes)) => u64::try_from(*bytes).ok(),
            _ => None,
        }
    }

    /// `verify-reuse 2%`, rounded up: little is not nothing.
    fn verified(&mut self, module: ModuleId, body: &[Statement]) -> Option<u32> {
        let statement = find(body, "verify-reuse")?;
        let expr = self.setting(&Frame::file(module).start(), body, "verify-reuse", &Type::Percent)?;
        match self.constant(&expr) {
            Some(Value::Percent(percent)) if (0.0..=100.0).contains(percent) => Some(percent.ceil() as u32),
            Some(_) => {
                let message = "a share lies between 0 % and 100 %";
                self.error(
                    &codes::E122,
                    statement.span,
                    message,
                    "write `verify-reuse 2%`, or `0%` for never",
                );
                None
            }
            None => None,
        }
    }

    /// `allow naming, W404 because "…"`.
    fn levels(&mut self, statement: &Statement, level: Level) {
        for operand in statement.operands() {
            let Some(word) = operand.word() else {
                self.error(
                    &codes::E122,
                    operand.span,
                    "a check's name should stand here",
                    "write `allow unused-let`",
                );
                continue;
            };
            match codes::find(word) {
                Some(code) if code.allowable => self.model.project.levels.push((code, level)),
                Some(_) => {
                    let message = format!("`{word}` is always an error");
                    self.error(
                        &codes::E122,
                        operand.span,
                        message,
                        "what could not run is mended, not allowed",
                    );
                }
                None => {
                    let near = nearest(word, codes::ALL.iter().map(|code| code.name));
                    let found =
                        Diagnostic::new(&codes::E102, operand.span, format!("there is no check `{word}`"));
                    self.report.push(found.help_if(did_you_mean(&near)));
                }
            }
        }
        if level == Level::Allow && statement.clause("because").is_none() {
            let found =
                Diagnostic::new(&codes::W907, statement.head.span, "a check is silenced and nobody says why");
            self.report.push(found.help("add the reason: `allow NAME because \"…\"`"));
        }
    }

    /// `repairs std.repair, shared`: files of repair rules, or single ones; `repairs none`.
    fn repair_sets(&mut self, module: ModuleId, statement: &Statement) {
        let mut found: Vec<RepairSet> = Vec::new();
        let operands = statement.operands();
        for operand in operands {
            let Some(path) = self.path_of(operand) else { continue };
            let parts: Vec<&str> = path.iter().map(|part| part.text.as_str()).collect();
            match self.repair_set(module, &parts) {
                _ if parts == ["none"] && operands.len() == 1 => {}
                _ if parts == ["none"] => {
                    let help = "write `repairs none` alone, or leave `none` out";
                    self.error(&codes::E122, operand.span, "`none` stands beside sets of rules", help);
                }
                Some(set) if found.contains(&set) => {}
                Some(set) => found.push(set),
                None => {
                    let message = format!("`{}` holds no repair rules", parts.join("."));
                    let help = "name a file of rules: `std.repair`, or an import; `none` switches them off";
                    self.error(&codes::E102, operand.span, message, help);
                }
            }
        }
        self.model.project.repairs.get_or_insert_default().extend(found);
    }

    fn repair_set(&self, module: ModuleId, parts: &[&str]) -> Option<RepairSet> {
        let names = self.defs.names(module);
        let rule = |names: &Names, name: &str| match names.repairs.get(name)?.0 {
            Symbol::Repair(index) => Some(RepairSet::Rule(index)),
            _ => None,
        };
        match parts {
            ["std", file] => {
                let rules = |id: &ModuleId| !self.defs.names(*id).repairs.is_empty();
                self.defs.std_module(file).filter(rules).map(|_| RepairSet::Std((*file).to_string()))
            }
            [name] => match names.imports.get(*name) {
                Some((module, _)) => Some(RepairSet::Module(*module)),
                None => rule(names, name),
            },
            [alias, name] => rule(self.defs.names(names.imports.get(*alias)?.0), name),
            _ => None,
        }
    }
}
