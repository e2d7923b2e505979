//! Types and names of expressions: a syntax tree's expression becomes a checked one, or a report says why not. Knows
//! no keyword; what surrounds an expression comes as [`Place`], what is defined as [`Definitions`].

mod access;
mod calls;
mod facts;
mod fit;
mod foreign;
mod names;
mod operators;
mod outputs;
mod types;
mod walk;
mod written;

use std::collections::HashMap;

use crate::base::{Name, Span, Type};
use crate::diag::Code;
use crate::expr;
use crate::syntax::ast::{self, Ident};

use super::report::Report;
use super::{LaneId, ModuleId, RetryId, StageId, ToolId};

pub use fit::article;
pub use names::{Namespace, path_symbol, tell_deprecated};
pub use types::type_expr;
pub use written::written;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbol {
    Global(u32),
    Function(u32),
    /// A stage or a gate.
    Stage(StageId),
    Tool(ToolId),
    Lane(LaneId),
    Retry(RetryId),
    Repair(u32),
    Pool(u32),
    Module(ModuleId),
}

/// One module's names: `values` is the shared namespace of params, lets, fns, secrets, stages and gates.
#[derive(Debug, Default)]
pub struct Names {
    pub values: HashMap<Name, (Symbol, Span)>,
    pub lanes: HashMap<Name, (Symbol, Span)>,
    pub tools: HashMap<Name, (Symbol, Span)>,
    pub retries: HashMap<Name, (Symbol, Span)>,
    pub repairs: HashMap<Name, (Symbol, Span)>,
    pub pools: HashMap<Name, (Symbol, Span)>,
    pub imports: HashMap<Name, (ModuleId, Span)>,
}

/// A function as its callers see it.
#[derive(Clone, Debug)]
pub struct Signature {
    pub name: String,
    pub parameters: Vec<(String, Type)>,
    pub result: Type,
    /// Its result is built from a secret.
    pub secret: bool,
}

/// A stage or gate as those who read its outputs see it.
#[derive(Clone, Debug)]
pub struct StageFacts<'a> {
    pub name: &'a str,
    pub span: Span,
    pub matrix: bool,
    pub allow_failure: bool,
    pub outputs: Vec<(&'a str, Type, Span)>,
}

/// What `@deprecated` says of a definition.
#[derive(Clone, Copy, Debug)]
pub struct Deprecated<'a> {
    /// Of its name.
    pub span: Span,
    pub since: Option<&'a str>,
    /// The name to use instead, and whether it can stand where the old one does.
    pub instead: Option<(&'a str, bool)>,
}

/// Everything that is defined.
pub trait Definitions {
    fn names(&self, module: ModuleId) -> &Names;
    /// `retry` for `std.retry`.
    fn std_module(&self, name: &str) -> Option<ModuleId>;
    /// Type, and whether it is a secret or built from one.
    fn global(&self, index: u32) -> (Type, bool);
    fn function(&self, index: u32) -> &Signature;
    fn stage(&self, id: StageId) -> StageFacts<'_>;
    fn mark_used(&self, symbol: Symbol);

    /// The text of a place as its file has it, escapes and all, where that is at hand.
    fn written(&self, _span: Span) -> Option<&str> {
        None
    }

    /// What is said of a definition that is used at this place.
    fn deprecated(&self, _symbol: Symbol, _used: Span) -> Option<Deprecated<'_>> {
        None
    }
}

/// Whether a secret may stand here, and the finding when it may not.
#[derive(Clone, Copy, Debug)]
pub enum Secrets {
    Allowed,
    Forbidden(&'static Code),
}

/// Types of dotted paths that only one place knows.
pub type Extra<'a> = &'a dyn Fn(&[Ident]) -> Option<Type>;

/// Where an expression stands, which decides what it may read.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub module: ModuleId,
    /// Facts of the `Judge` and `Attempt` phases may be read.
    pub judge: bool,
    /// Readers may be used.
    pub reader: bool,
    /// The stage whose `out.x` is its own.
    pub stage: Option<StageId>,
    /// Stages whose outputs may be read, and whether the need is optional; none where outputs are not known at all.
    pub reads: Option<&'a [(StageId, bool)]>,
    pub matrix: &'a [(String, Type)],
    pub measures: &'a [(String, Type)],
    /// Function parameters, in slots from 0.
    pub locals: &'a [(String, Type)],
    pub secrets: Secrets,
    /// Facts of the `Start` phase may be read.
    pub start: bool,
    /// Types of further dotted paths, in principles and tests: facts that only these know, by the path as their name.
    pub extra: Option<Extra<'a>>,
    /// The stage's calls that have ended by then, by their place among its actions.
    pub calls: &'a [(usize, Called)],
}

/// A call of a lane, as the stage that calls it reads what it gives.
#[derive(Clone, Debug)]
pub struct Called {
    pub name: String,
    /// Of the lane's name in its definition.
    pub span: Span,
    pub outputs: Vec<(String, Type)>,
}

/// A checked expression.
#[derive(Clone, Debug)]
pub struct Typed {
    pub expr: expr::Expr,
    /// [`Type::Unknown`] after an error.
    pub ty: Type,
    /// It is, or is built from, a secret.
    pub secret: bool,
}

/// Checks `e`; where it does not fit `want` that is reported, once.
pub fn infer(
    definitions: &dyn Definitions,
    place: &Place<'_>,
    e: &ast::Expr,
    want: Option<&Type>,
    report: &mut Report,
) -> Typed {
    let mut walk = walk::Walk::new(definitions, place, report);
    let (expr, ty) = walk.expr(e, want);
    Typed { expr, ty, secret: walk.secret }
}

/// Checks a condition, which must be true or false.
pub fn condition(
    definitions: &dyn Definitions,
    place: &Place<'_>,
    e: &ast::Expr,
    report: &mut Report,
) -> Typed {
    let mut walk = walk::Walk::new(definitions, place, report);
    let (expr, ty) = walk.condition(e);
    Typed { expr, ty, secret: walk.secret }
}

/// Checks what becomes text: a value of `env`, or (with `spread`) an argument, where `...list` stands too.
pub fn operand(
    definitions: &dyn Definitions,
    place: &Place<'_>,
    e: &ast::Expr,
    spread: bool,
    report: &mut Report,
) -> Typed {
    let mut walk = walk::Walk::new(definitions, place, report);
    let (expr, ty) = match &e.kind {
        ast::ExprKind::Spread(inner) if spread => walk.spread(e, inner),
        _ => walk.scalar(e),
    };
    Typed { expr, ty, secret: walk.secret }
}

#[cfg(test)]
mod tests;
