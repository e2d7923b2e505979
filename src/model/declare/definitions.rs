//! What inference asks of the declared names: types of globals, functions and outputs. Holds answers; finds nothing.

use std::cell::{OnceCell, RefCell};

use crate::base::{IdSet, Span, Type};
use crate::model::infer::{Definitions, Deprecated, Names, Signature, StageFacts, Symbol};
use crate::model::{ModuleId, StageId, ToolId, tool_of};

use crate::syntax::ast::{Argument, Attribute, ExprKind, Literal};

use super::{Declared, Item};

/// What can be known of a stage, gate or tool without looking into its expressions.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub matrix: bool,
    pub allow_failure: bool,
    pub outputs: Vec<(String, Type, Span)>,
    pub measures: Vec<(String, Type)>,
}

/// Types found while lowering, readable from then on.
#[derive(Default)]
pub struct Found {
    globals: RefCell<Vec<(Type, bool)>>,
    signatures: Vec<OnceCell<Signature>>,
    used: RefCell<IdSet<(u8, u32)>>,
}

impl Found {
    pub fn new(globals: Vec<(Type, bool)>, functions: usize) -> Self {
        Found {
            globals: RefCell::new(globals),
            signatures: (0..functions).map(|_| OnceCell::new()).collect(),
            used: RefCell::default(),
        }
    }
}

fn key(symbol: Symbol) -> (u8, u32) {
    match symbol {
        Symbol::Global(index) => (0, index),
        Symbol::Function(index) => (1, index),
        Symbol::Stage(index) => (2, index),
        Symbol::Tool(index) => (3, index),
        Symbol::Lane(index) => (4, index),
        Symbol::Retry(index) => (5, index),
        Symbol::Repair(index) => (6, index),
        Symbol::Pool(index) => (7, index),
        Symbol::Module(index) => (8, index),
    }
}

impl Declared<'_> {
    pub fn set_global(&self, index: u32, ty: Type, secret: bool) {
        if let Some(place) = self.found.globals.borrow_mut().get_mut(index as usize) {
            *place = (ty, secret);
        }
    }

    pub fn set_signature(&self, index: u32, signature: Signature) {
        if let Some(place) = self.found.signatures.get(index as usize) {
            // Set twice only after an error that was reported.
            let _ = place.set(signature);
        }
    }

    pub fn is_used(&self, symbol: Symbol) -> bool {
        self.found.used.borrow().contains(&key(symbol))
    }

    pub fn facts(&self, stage: StageId) -> &Facts {
        match tool_of(stage) {
            Some(tool) => &self.tool_facts[tool as usize],
            None => &self.stage_facts[stage as usize],
        }
    }

    pub fn tool_facts(&self, tool: ToolId) -> &Facts {
        &self.tool_facts[tool as usize]
    }
}

impl Definitions for Declared<'_> {
    fn written(&self, span: Span) -> Option<&str> {
        Some(self.sources.text(span))
    }

    fn names(&self, module: ModuleId) -> &Names {
        &self.names[module as usize]
    }

    fn std_module(&self, name: &str) -> Option<ModuleId> {
        self.std.get(name).copied()
    }

    fn global(&self, index: u32) -> (Type, bool) {
        self.found.globals.borrow().get(index as usize).cloned().unwrap_or((Type::Unknown, false))
    }

    fn function(&self, index: u32) -> &Signature {
        self.found.signatures[index as usize].get_or_init(|| Signature {
            name: self.functions[index as usize].name.to_string(),
            parameters: super::parameters(self.functions[index as usize].statement)
                .map(|name| (name.text.to_string(), Type::Unknown))
                .collect(),
            result: Type::Unknown,
            secret: false,
        })
    }

    fn stage(&self, id: StageId) -> StageFacts<'_> {
        let facts = self.facts(id);
        let item = match tool_of(id) {
            Some(tool) => &self.tools[tool as usize],
            None => &self.stages[id as usize],
        };
        StageFacts {
            name: &item.name,
            span: item.span,
            matrix: facts.matrix,
            allow_failure: facts.allow_failure,
            outputs: facts
                .outputs
                .iter()
                .map(|(name, ty, span)| (name.as_str(), ty.clone(), *span))
                .collect(),
        }
    }

    fn mark_used(&self, symbol: Symbol) {
        self.found.used.borrow_mut().insert(key(symbol));
    }

    fn deprecated(&self, symbol: Symbol, used: Span) -> Option<Deprecated<'_>> {
        let item = self.item(symbol).filter(|item| !item.statement.attributes.is_empty())?;
        let mark = item.statement.attributes.iter().find(|mark| mark.name.text == "deprecated")?;
        let instead = argument(mark, "use").map(|name| (name, self.replaces(item, symbol, name, used)));
        Some(Deprecated { span: item.span, since: argument(mark, "since"), instead })
    }
}

impl<'a> Declared<'a> {
    fn item(&self, symbol: Symbol) -> Option<&Item<'a>> {
        let (items, index) = match symbol {
            Symbol::Global(index) => (&self.globals, index),
            Symbol::Function(index) => (&self.functions, index),
            Symbol::Stage(index) => (&self.stages, index),
            Symbol::Tool(index) => (&self.tools, index),
            Symbol::Lane(index) => (&self.lanes, index),
            Symbol::Retry(index) => (&self.retries, index),
            Symbol::Repair(index) => (&self.repairs, index),
            Symbol::Pool(index) => (&self.pools, index),
            Symbol::Module(_) => return None,
        };
        items.get(index as usize)
    }

    /// Whether `name`, in the old item's own file, is of the same kind and so can stand in its place; not inside the
    /// new one itself, which often rests on the old.
    fn replaces(&self, old: &Item<'_>, symbol: Symbol, name: &str, used: Span) -> bool {
        let names = &self.names[old.module as usize];
        let spaces =
            [&names.values, &names.lanes, &names.tools, &names.retries, &names.repairs, &names.pools];
        let same = |other: &Symbol| key(*other).0 == key(symbol).0 && *other != symbol;
        let found = spaces.into_iter().filter_map(|space| space.get(name)).find(|(other, _)| same(other));
        let Some(new) = found.and_then(|(other, _)| self.item(*other)) else { return false };
        let whole = new.statement.span;
        if whole.file == used.file && whole.start <= used.start && used.end <= whole.end {
            return false;
        }
        let given = |item: &Item<'_>| super::parameters(item.statement).count();
        given(old) == given(new)
    }
}

/// The text that an attribute gives under a name.
fn argument<'a>(mark: &'a Attribute, name: &str) -> Option<&'a str> {
    let given = |argument: &&Argument| argument.name.as_ref().is_some_and(|given| given.text == name);
    match &mark.arguments.iter().find(given)?.value.kind {
        ExprKind::Literal(Literal::String(text)) => Some(text),
        _ => None,
    }
}
