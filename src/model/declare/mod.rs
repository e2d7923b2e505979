//! First pass: every name of every file gets its place and its number, whatever order things are written in.
//! Does not look into bodies, but for what other bodies need to know: outputs and measures with their types.

mod definitions;
mod file;
mod lanes;
mod outputs;

use std::collections::HashMap;

use crate::base::{IdMap, Name, SourceMap, Span, Type};
use crate::diag::{Diagnostic, codes};
use crate::model::infer::{Names, Symbol};
use crate::model::report::Report;
use crate::model::{LaneId, ModuleId, StageId};
use crate::syntax::ast::{ExprKind, Ident, Literal, Statement, Tail};
use crate::syntax::module::Unit;

pub use definitions::{Facts, Found};
use lanes::LaneFacts;

/// A definition: where it is and what it is called.
pub struct Item<'a> {
    pub module: ModuleId,
    pub name: Name,
    /// Of the name.
    pub span: Span,
    pub statement: &'a Statement,
}

/// All definitions of all files, by the numbers the model uses.
pub struct Declared<'a> {
    pub units: &'a [Unit],
    pub sources: &'a SourceMap,
    names: Vec<Names>,
    std: HashMap<String, ModuleId>,
    /// Stages by their number, a map for each module.
    pub numbers: Vec<HashMap<u32, StageId>>,
    pub globals: Vec<Item<'a>>,
    pub functions: Vec<Item<'a>>,
    pub stages: Vec<Item<'a>>,
    pub tools: Vec<Item<'a>>,
    pub lanes: Vec<Item<'a>>,
    pub retries: Vec<Item<'a>>,
    pub repairs: Vec<Item<'a>>,
    pub pools: Vec<Item<'a>>,
    pub breakers: Vec<Item<'a>>,
    pub tests: Vec<Item<'a>>,
    pub principles: Vec<Item<'a>>,
    pub helps: Vec<Item<'a>>,
    pub projects: Vec<(ModuleId, &'a Statement)>,
    pub defaults: IdMap<ModuleId, &'a Statement>,
    stage_facts: Vec<Facts>,
    tool_facts: Vec<Facts>,
    lane_facts: Vec<LaneFacts>,
    /// Globals that are params of a lane.
    lane_of: HashMap<u32, LaneId>,
    found: Found,
}

/// Words that cannot name a value: they begin facts, or mean something in every file.
pub const RESERVED: &[&str] =
    &["git", "change", "project", "file", "process", "program", "env", "out", "lane", "stage", "std"];

/// Declares everything in all units.
pub fn declare<'a>(sources: &'a SourceMap, units: &'a [Unit], report: &mut Report) -> Declared<'a> {
    let mut declared = Declared {
        units,
        sources,
        names: units.iter().map(|_| Names::default()).collect(),
        std: HashMap::new(),
        numbers: vec![HashMap::new(); units.len()],
        globals: Vec::new(),
        functions: Vec::new(),
        stages: Vec::new(),
        tools: Vec::new(),
        lanes: Vec::new(),
        retries: Vec::new(),
        repairs: Vec::new(),
        pools: Vec::new(),
        breakers: Vec::new(),
        tests: Vec::new(),
        principles: Vec::new(),
        helps: Vec::new(),
        projects: Vec::new(),
        defaults: IdMap::default(),
        stage_facts: Vec::new(),
        tool_facts: Vec::new(),
        lane_facts: Vec::new(),
        lane_of: HashMap::new(),
        found: Found::default(),
    };
    for (module, unit) in units.iter().enumerate() {
        let module = module as ModuleId;
        if let Some(name) = unit.name.strip_prefix("std.").filter(|_| unit.std) {
            declared.std.insert(name.to_string(), module);
        }
        file::edition(sources, unit, report);
        for statement in &unit.tree.statements {
            declared.statement(module, statement, report);
        }
        declared.imports(module, unit, report);
    }
    file::lane_names(&declared, report);
    let globals = declared.globals.iter().map(|item| outputs::global_type(item.statement, report)).collect();
    declared.found = Found::new(globals, declared.functions.len());
    declared.tool_facts = declared.tools.iter().map(|item| outputs::facts(item.statement, report)).collect();
    declared.stage_facts = outputs::all(&declared, report);
    declared.finish_lanes();
    declared
}

/// The name that a statement declares: a bare word, a bound name, or a title.
pub fn declared_name(statement: &Statement) -> Option<Ident> {
    match &statement.tail {
        Tail::Bind(binding) => Some(binding.name.clone()),
        Tail::Plain(operands) => {
            let first = operands.first()?;
            match &first.kind {
                ExprKind::Word(text) => Some(Ident { text: text.clone(), span: first.span }),
                ExprKind::Literal(Literal::String(text)) => {
                    Some(Ident { text: text.as_str().into(), span: first.span })
                }
                _ => None,
            }
        }
        Tail::Assign(_) => None,
    }
}

/// Names of a function's parameters.
pub fn parameters(statement: &Statement) -> impl Iterator<Item = &Ident> {
    statement
        .binding()
        .and_then(|binding| binding.parameters.as_ref())
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
}

/// Where a kind of name lives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Space {
    Values,
    Lanes,
    Tools,
    Retries,
    Repairs,
    Pools,
}

impl<'a> Declared<'a> {
    fn statement(&mut self, module: ModuleId, statement: &'a Statement, report: &mut Report) {
        match statement.head.text.as_str() {
            "project" => return self.projects.push((module, statement)),
            "defaults" => {
                self.defaults.entry(module).or_insert(statement);
                return;
            }
            _ => {}
        }
        let Some(name) = declared_name(statement) else { return };
        let count = |items: &Vec<Item>| items.len() as u32;
        let (space, symbol) = match statement.head.text.as_str() {
            "param" | "let" | "secret" => (Space::Values, Symbol::Global(count(&self.globals))),
            "fn" => (Space::Values, Symbol::Function(count(&self.functions))),
            "stage" | "gate" => (Space::Values, Symbol::Stage(count(&self.stages))),
            "lane" => (Space::Lanes, Symbol::Lane(count(&self.lanes))),
            "tool" => (Space::Tools, Symbol::Tool(count(&self.tools))),
            "retry" => (Space::Retries, Symbol::Retry(count(&self.retries))),
            "repair" => (Space::Repairs, Symbol::Repair(count(&self.repairs))),
            "pool" => (Space::Pools, Symbol::Pool(count(&self.pools))),
            other => return self.unnamed(module, other, name, statement),
        };
        self.name(module, space, &name, symbol, statement.head.text == "param", report);
        if let Symbol::Stage(id) = symbol
            && let Some(number) = outputs::number(statement)
        {
            self.numbers[module as usize].entry(number).or_insert(id);
        }
        self.items(symbol).push(Item { module, name: name.text, span: name.span, statement });
        if let Symbol::Lane(lane) = symbol {
            self.lane_params(module, lane, statement, report);
        }
    }

    fn unnamed(&mut self, module: ModuleId, keyword: &str, name: Ident, statement: &'a Statement) {
        let item = Item { module, name: name.text, span: name.span, statement };
        match keyword {
            "breaker" => self.breakers.push(item),
            "test" => self.tests.push(item),
            "principle" => self.principles.push(item),
            "help" => self.helps.push(item),
            _ => {}
        }
    }

    fn items(&mut self, symbol: Symbol) -> &mut Vec<Item<'a>> {
        match symbol {
            Symbol::Function(_) => &mut self.functions,
            Symbol::Stage(_) => &mut self.stages,
            Symbol::Tool(_) => &mut self.tools,
            Symbol::Lane(_) => &mut self.lanes,
            Symbol::Retry(_) => &mut self.retries,
            Symbol::Repair(_) => &mut self.repairs,
            Symbol::Pool(_) => &mut self.pools,
            Symbol::Global(_) | Symbol::Module(_) => &mut self.globals,
        }
    }

    fn name(
        &mut self,
        module: ModuleId,
        space: Space,
        name: &Ident,
        symbol: Symbol,
        param: bool,
        report: &mut Report,
    ) {
        // A stage is named for people, so `stage git` is fine; only its outputs could not be read as `git.x`.
        let value = !matches!(symbol, Symbol::Stage(_));
        if space == Space::Values && value && RESERVED.contains(&name.text.as_str()) {
            report.push(
                Diagnostic::new(&codes::E119, name.span, format!("`{}` cannot name a value", name.text))
                    .help(format!(
                        "it means something of its own in every file; call it `{}_` or so",
                        name.text
                    )),
            );
        }
        let names = &mut self.names[module as usize];
        let map = match space {
            Space::Values => &mut names.values,
            Space::Lanes => &mut names.lanes,
            Space::Tools => &mut names.tools,
            Space::Retries => &mut names.retries,
            Space::Repairs => &mut names.repairs,
            Space::Pools => &mut names.pools,
        };
        match map.get(&name.text) {
            // The file's own param has the name that a lane's stood for until here.
            Some((Symbol::Global(first), _)) if self.lane_of.contains_key(first) && param => {
                map.insert(name.text.clone(), (symbol, name.span));
            }
            Some((_, first)) => report.push(twice(name, *first)),
            None => {
                map.insert(name.text.clone(), (symbol, name.span));
            }
        }
    }

    fn imports(&mut self, module: ModuleId, unit: &Unit, report: &mut Report) {
        let names = &mut self.names[module as usize];
        for import in &unit.imports {
            let alias = Ident { text: import.alias.as_str().into(), span: import.alias_span };
            if RESERVED.contains(&alias.text.as_str()) {
                let message = format!("`{}` cannot name an import", alias.text);
                report.push(Diagnostic::new(&codes::E119, alias.span, message));
            }
            let first = names.imports.get(&alias.text).map(|(_, first)| *first);
            let first = first.or(names.values.get(&alias.text).map(|(_, first)| *first));
            match (first, import.unit) {
                (Some(first), _) if first.start > alias.span.start => {
                    report.push(twice(&Ident { text: alias.text.clone(), span: first }, alias.span));
                }
                (Some(first), _) => report.push(twice(&alias, first)),
                (None, Some(unit)) => {
                    names.imports.insert(alias.text, (unit as ModuleId, alias.span));
                }
                (None, None) => {}
            }
        }
    }
}

fn twice(name: &Ident, first: Span) -> Diagnostic {
    Diagnostic::new(&codes::E103, name.span, format!("`{}` is defined twice", name.text))
        .label("defined again here")
        .related(first, "first defined here")
        .help("rename one of them; there is no silent override")
}

/// The type of an output or measure, from its declaration alone.
pub fn declared_type(statement: &Statement, report: &mut Report) -> Type {
    outputs::bound_type(statement, report)
}
