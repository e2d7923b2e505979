//! One expression, worked out here and now: names of the project's files, facts read as a run would. Starts nothing.

use std::collections::BTreeMap;
use std::path::Path;

use crate::base::{SourceFile, Type, Value};
use crate::diag::Diagnostic;
use crate::expr::facts::{Fact, FactKey, FactValues};
use crate::expr::{self, Function, Scope, Stop};
use crate::model::infer::Typed;
use crate::model::{self, GlobalKind, Model, ModuleId};
use crate::syntax;
use crate::syntax::ast::{Expr, Tail};

use super::start::Readings;
use super::{Change, Error, Project};

/// What an expression came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    pub value: Value,
    pub ty: Type,
    /// The facts it read, by name, with their values; lists are shortened for people by whoever shows them.
    pub facts: Vec<(String, Value)>,
}

impl Project {
    /// Works out `text` with the names of `file`, else of the first file of the project that has them all.
    pub fn evaluate(
        &self,
        text: &str,
        file: Option<&Path>,
        set: &[(String, String)],
        change: &Change,
    ) -> Result<Evaluated, Error> {
        let (written, sources) = self.written(text)?;
        let modules = self.modules_of(file);
        let mut refused: Option<Vec<Diagnostic>> = None;
        for module in modules {
            match model::expression(&sources, &self.units, module, &written) {
                Ok((model, typed)) => return self.worked_out(&model, typed, module, set, change),
                Err(found) => refused = refused.or(Some(found)),
            }
        }
        let diagnostics = refused.unwrap_or_default();
        Err(Error::Definition { sources: Box::new(sources), diagnostics })
    }

    /// The expression as the value of a `let` in a file of its own.
    fn written(&self, text: &str) -> Result<(Expr, crate::base::SourceMap), Error> {
        let mut sources = self.sources.clone();
        let line = format!("let it = {}\n", text.trim());
        let file = sources.add(SourceFile::new("expression", line.as_str()));
        let (mut tree, found) = syntax::parse(file, &line);
        let single = tree.statements.len() == 1;
        let binding = tree.statements.pop().map(|statement| statement.tail);
        match binding {
            Some(Tail::Bind(binding)) if single && !found.iter().any(Diagnostic::is_error) => {
                let empty = || Error::refused("there is no expression", "give one: `wfl eval 'git.branch'`");
                Ok((binding.value.ok_or_else(empty)?, sources))
            }
            _ if found.is_empty() => {
                Err(Error::refused("this is more than one expression", "give one, without `;`"))
            }
            _ => Err(Error::Definition { sources: Box::new(sources), diagnostics: found }),
        }
    }

    fn modules_of(&self, file: Option<&Path>) -> Vec<ModuleId> {
        let own = self.own_modules();
        match file {
            Some(_) => own.into_iter().take(1).collect(),
            None if own.is_empty() => (0..self.units.len() as ModuleId).take(1).collect(),
            None => own,
        }
    }

    fn worked_out(
        &self,
        model: &Model,
        typed: Typed,
        module: ModuleId,
        set: &[(String, String)],
        change: &Change,
    ) -> Result<Evaluated, Error> {
        let mut readings = Readings::new(self, change);
        let set: BTreeMap<&str, &str> = set.iter().map(|(name, value)| (&**name, &**value)).collect();
        let mut known = FactValues::new();
        loop {
            let scope = Here { model, module, set: &set, known: &known };
            match expr::eval(&typed.expr, &scope) {
                Ok(value) => return Ok(Evaluated { value, ty: typed.ty, facts: told(&known) }),
                Err(Stop::Needs(keys)) => {
                    let before = known.len();
                    known = readings.with(&keys).clone();
                    if known.len() == before {
                        return Err(Error::refused(
                            "a fact cannot be read here",
                            "it is known only in a run",
                        ));
                    }
                }
                Err(Stop::Failed { message, .. }) => {
                    let help =
                        "give parameters with --set name=value; secrets and outputs are known only in a run";
                    return Err(Error::refused(message, help));
                }
            }
        }
    }
}

fn told(known: &FactValues) -> Vec<(String, Value)> {
    known
        .iter()
        .filter_map(|(name, fact)| match fact {
            Fact::Read(value) => Some((name.clone(), value.clone())),
            Fact::Failed(_) => None,
        })
        .collect()
}

/// The names of a file, with params as given or by default.
struct Here<'a> {
    model: &'a Model,
    module: ModuleId,
    set: &'a BTreeMap<&'a str, &'a str>,
    known: &'a FactValues,
}

impl Scope for Here<'_> {
    fn global(&self, index: u32) -> Option<Value> {
        let global = self.model.globals.get(index as usize)?;
        match &global.kind {
            GlobalKind::Let(value) => expr::eval(value, self).ok(),
            GlobalKind::Param { default, .. } => {
                let given = self.set.get(global.name.as_str()).filter(|_| global.module == self.module);
                match given {
                    Some(text) => expr::parse::value(text, &global.ty).ok(),
                    None => expr::eval(default.as_ref()?, self).ok(),
                }
            }
            GlobalKind::Secret(_) => None,
        }
    }

    fn function(&self, index: u32) -> Option<&Function> {
        self.model.functions.get(index as usize)
    }

    fn fact(&self, key: &FactKey) -> Option<Fact> {
        self.known.get(&key.id()).cloned()
    }
}
