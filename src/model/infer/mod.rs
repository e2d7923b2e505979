//! Stub of type inference: replaced at merge.
use super::report::Report;
use super::{LaneId, ModuleId, RetryId, StageId, ToolId};
use crate::base::{Span, Type, Value};
use crate::diag::Code;
use crate::expr;
use crate::syntax::ast::{self, Ident};
use std::collections::HashMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbol {
    Global(u32),
    Function(u32),
    Stage(StageId),
    Tool(ToolId),
    Lane(LaneId),
    Retry(RetryId),
    Repair(u32),
    Pool(u32),
    Module(ModuleId),
}
#[derive(Default)]
pub struct Names {
    pub values: HashMap<String, (Symbol, Span)>,
    pub lanes: HashMap<String, (Symbol, Span)>,
    pub tools: HashMap<String, (Symbol, Span)>,
    pub retries: HashMap<String, (Symbol, Span)>,
    pub repairs: HashMap<String, (Symbol, Span)>,
    pub pools: HashMap<String, (Symbol, Span)>,
    pub imports: HashMap<String, (ModuleId, Span)>,
}
pub struct Signature {
    pub name: String,
    pub parameters: Vec<(String, Type)>,
    pub result: Type,
    pub secret: bool,
}
pub struct StageFacts<'a> {
    pub name: &'a str,
    pub span: Span,
    pub matrix: bool,
    pub allow_failure: bool,
    pub outputs: Vec<(&'a str, Type, Span)>,
}
pub trait Definitions {
    fn names(&self, m: ModuleId) -> &Names;
    fn std_module(&self, name: &str) -> Option<ModuleId>;
    fn global(&self, i: u32) -> (Type, bool);
    fn function(&self, i: u32) -> &Signature;
    fn stage(&self, id: StageId) -> StageFacts<'_>;
    fn mark_used(&self, s: Symbol);
}
pub enum Secrets {
    Allowed,
    Forbidden(&'static Code),
}
pub struct Place<'a> {
    pub module: ModuleId,
    pub judge: bool,
    pub reader: bool,
    pub stage: Option<StageId>,
    pub reads: Option<&'a [(StageId, bool)]>,
    pub matrix: &'a [(String, Type)],
    pub measures: &'a [(String, Type)],
    pub locals: &'a [(String, Type)],
    pub secrets: Secrets,
    pub start: bool,
    pub extra: Option<&'a dyn Fn(&[Ident]) -> Option<Type>>,
}
pub struct Typed {
    pub expr: expr::Expr,
    pub ty: Type,
    pub secret: bool,
}
pub enum Namespace {
    Values,
    Lanes,
    Tools,
    Retries,
    Repairs,
    Pools,
}
pub fn infer(
    _: &dyn Definitions,
    _: &Place<'_>,
    e: &ast::Expr,
    want: Option<&Type>,
    _: &mut Report,
) -> Typed {
    Typed {
        expr: expr::Expr::value(Value::Absent, e.span),
        ty: want.cloned().unwrap_or(Type::Unknown),
        secret: false,
    }
}
pub fn condition(d: &dyn Definitions, p: &Place<'_>, e: &ast::Expr, r: &mut Report) -> Typed {
    infer(d, p, e, Some(&Type::Bool), r)
}
pub fn type_expr(_: &ast::TypeExpr, _: &mut Report) -> Type {
    Type::Unknown
}
pub fn path_symbol(
    d: &dyn Definitions,
    m: ModuleId,
    parts: &[Ident],
    n: Namespace,
    _: &mut Report,
) -> Option<Symbol> {
    let names = d.names(m);
    let map = match n {
        Namespace::Values => &names.values,
        Namespace::Lanes => &names.lanes,
        Namespace::Tools => &names.tools,
        Namespace::Retries => &names.retries,
        Namespace::Repairs => &names.repairs,
        Namespace::Pools => &names.pools,
    };
    map.get(&parts[0].text).map(|(s, _)| *s)
}
