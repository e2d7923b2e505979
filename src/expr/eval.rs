//! Evaluation of checked expressions. Pure: everything from outside comes through [`Scope`].

use crate::base::{Span, Value};

use super::facts::{Fact, FactKey};
use super::{Expr, Function};

/// What an expression can see. `None` means "not known here".
pub trait Scope {
    fn global(&self, index: u32) -> Option<Value>;
    fn function(&self, index: u32) -> Option<&Function>;
    fn matrix(&self, name: &str) -> Option<Value>;
    fn measure(&self, name: &str) -> Option<Value>;
    /// An output that a stage produced; `Some(Value::Absent)` when it ended without.
    fn output(&self, stage: u32, name: &str) -> Option<Value>;
    /// A fact that was read, by [`FactKey::id`].
    fn fact(&self, key: &FactKey) -> Option<Fact>;
}

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// These facts must be read first; then evaluate again.
    Needs(Vec<FactKey>),
    /// It cannot be worked out: a fact failed, a division by zero, an unknown name.
    Failed { span: Span, message: String },
}
