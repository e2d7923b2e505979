//! Checked expressions: names resolved, types known, ready to evaluate. Pure: what lies outside (files, git, exit
//! codes) enters only as facts through a [`eval::Scope`]. Knows no syntax and no diagnostics.

pub mod builtin;
pub mod eval;
pub mod facts;
pub mod fold;
pub mod needs;
pub mod operator;
pub mod parse;
pub mod pattern;

use serde::{Deserialize, Serialize};

use crate::base::{Span, Type, Value};

pub use eval::{Scope, Stop, eval, eval_argv};
pub use fold::fold;
pub use needs::{explain, needs};

/// A resolved expression with the place it was written at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expr {
    pub kind: Kind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Value(Value),
    /// The pieces of an f-string, joined as text.
    Format(Vec<Expr>),
    List(Vec<Expr>),
    /// Inside `List` and argv only: the items of a list.
    Spread(Box<Expr>),
    Comprehension(Box<Comprehension>),
    /// A function parameter or comprehension variable, by slot; slots are unique within one expression or function.
    Local(u32),
    /// A param, let or secret: index into the model's (later the plan's) globals.
    Global(u32),
    /// A value of this stage instance's matrix, by its name.
    Matrix(String),
    /// A gate's or tool's measure, by its name.
    Measure(String),
    /// An output of a stage: `stage` is an index into the model's stages; in a plan, into `Plan::stages`.
    Output {
        stage: u32,
        name: String,
    },
    /// Anything read from outside, by a row of [`facts::TABLE`]: `git.branch`, `file.exists("x")`, `exit`,
    /// `json(path, pointer)`. `ty` is what the text read is parsed to.
    Fact {
        name: String,
        arguments: Vec<Expr>,
        ty: Type,
    },
    /// A user's function: index into the model's (later the plan's) functions.
    Call {
        function: u32,
        arguments: Vec<Expr>,
    },
    /// A pure built-in function: `ratio`, `len`, …
    Builtin {
        name: String,
        arguments: Vec<Expr>,
    },
    /// `list[0]`; absent when out of range.
    Index(Box<(Expr, Expr)>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Compare {
        op: Compare,
        sides: Box<(Expr, Expr)>,
    },
    /// One precedence level, left to right; flat, so that a long sum is not a deep tree.
    Arithmetic {
        first: Box<Expr>,
        rest: Vec<(Arithmetic, Expr)>,
    },
    /// The first that is not absent.
    Coalesce(Vec<Expr>),
    If(Box<(Expr, Expr, Expr)>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comprehension {
    pub body: Expr,
    pub slot: u32,
    pub source: Expr,
    pub condition: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    /// Searches a regular expression.
    Matches,
    /// Matches a whole glob.
    Like,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// A user's function; parameters fill slots `0..parameters`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    pub name: String,
    pub parameters: u32,
    pub body: Expr,
}

impl Expr {
    pub fn value(value: Value, span: Span) -> Self {
        Expr { kind: Kind::Value(value), span }
    }

    pub fn as_value(&self) -> Option<&Value> {
        match &self.kind {
            Kind::Value(value) => Some(value),
            _ => None,
        }
    }

    /// Calls `visit` for this expression and every one inside it, outermost first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        self.children(&mut |child| child.walk(visit));
    }

    /// Calls `each` for the expressions directly inside this one.
    pub fn children<'a>(&'a self, each: &mut dyn FnMut(&'a Expr)) {
        match &self.kind {
            Kind::Value(_) | Kind::Local(_) | Kind::Global(_) | Kind::Matrix(_) | Kind::Measure(_) => {}
            Kind::Output { .. } => {}
            Kind::Format(items)
            | Kind::List(items)
            | Kind::And(items)
            | Kind::Or(items)
            | Kind::Coalesce(items) => items.iter().for_each(each),
            Kind::Fact { arguments, .. } | Kind::Call { arguments, .. } | Kind::Builtin { arguments, .. } => {
                arguments.iter().for_each(each)
            }
            Kind::Spread(inner) | Kind::Not(inner) => each(inner),
            Kind::Comprehension(inner) => {
                each(&inner.source);
                inner.condition.iter().for_each(&mut *each);
                each(&inner.body);
            }
            Kind::Index(sides) => [&sides.0, &sides.1].into_iter().for_each(each),
            Kind::Compare { sides, .. } => [&sides.0, &sides.1].into_iter().for_each(each),
            Kind::Arithmetic { first, rest } => {
                each(first);
                rest.iter().for_each(|(_, term)| each(term));
            }
            Kind::If(parts) => [&parts.0, &parts.1, &parts.2].into_iter().for_each(each),
        }
    }
}
