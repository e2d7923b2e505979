//! Second pass: statements become the typed definitions of the model, every expression checked where it stands.
//! Does not put lanes together; `resolve` does.

mod actions;
mod approve;
mod calls;
mod extras;
mod gate;
mod help;
mod lane;
mod outputs;
mod paths;
mod project;
mod retry;
mod script;
mod stage;
mod stages;
mod test;
mod values;

pub use extras::property_type;

use crate::base::{Span, Type, Value};
use crate::diag::{Code, Diagnostic, codes};
use crate::expr::{Expr, Kind};
use crate::model::declare::Declared;
use crate::model::infer::{self, Called, Place, Secrets, Typed};
use crate::model::report::Report;
use crate::model::{Check, Concerns, GlobalKind, Model, ModuleId, NotYet, StageId};
use crate::syntax::ast::{self, Statement};
use crate::syntax::spacing;

/// The model while it is made.
pub struct Lowering<'a, 'b> {
    pub defs: &'b Declared<'a>,
    pub model: Model,
    pub report: Report,
    /// The deadline of each named retry policy, which becomes the stage's.
    retry_deadlines: Vec<Option<Expr>>,
    /// Of each stage: its matrix with the types of its values, for overrides.
    matrices: Vec<Vec<(String, Type)>>,
    breakers: Vec<super::Breaker>,
}

/// What the expressions of one body can see.
#[derive(Clone, Default)]
struct Frame {
    module: ModuleId,
    stage: Option<StageId>,
    /// Stages whose outputs may be read, and whether they may be absent.
    reads: Vec<(StageId, bool)>,
    matrix: Vec<(String, Type)>,
    measures: Vec<(String, Type)>,
    /// Calls of the stage that have ended where the expression is read.
    calls: Vec<(usize, Called)>,
}

impl Frame {
    fn file(module: ModuleId) -> Frame {
        Frame { module, ..Frame::default() }
    }

    /// Known when the run starts; nothing that stages produce.
    fn start(&self) -> Place<'_> {
        Place {
            module: self.module,
            judge: false,
            reader: false,
            stage: None,
            reads: None,
            matrix: &self.matrix,
            measures: &[],
            locals: &[],
            secrets: Secrets::Forbidden(&codes::E506),
            start: true,
            extra: None,
            calls: &self.calls,
        }
    }

    /// Known when the stage is about to start: outputs of what it needs as well.
    fn ready(&self) -> Place<'_> {
        Place { reads: Some(&self.reads), ..self.start() }
    }

    /// As `ready`, with the stage's own outputs.
    fn running(&self) -> Place<'_> {
        Place { stage: self.stage, ..self.ready() }
    }

    fn judging(&self) -> Place<'_> {
        Place { judge: true, measures: &self.measures, ..self.running() }
    }

    fn reading(&self) -> Place<'_> {
        Place { reader: true, ..self.running() }
    }

    fn secrets<'p>(place: Place<'p>, secrets: Secrets) -> Place<'p> {
        Place { secrets, ..place }
    }
}

/// Where a condition of a file may stand that belongs to no stage.
pub fn judging(module: ModuleId) -> Place<'static> {
    Place {
        module,
        judge: true,
        reader: false,
        stage: None,
        reads: None,
        matrix: &[],
        measures: &[],
        locals: &[],
        secrets: Secrets::Forbidden(&codes::E506),
        start: true,
        extra: None,
        calls: &[],
    }
}

/// The first statement of a keyword.
fn find<'s>(statements: &'s [Statement], keyword: &str) -> Option<&'s Statement> {
    statements.iter().find(|statement| statement.head.text == keyword)
}

/// All statements of a keyword, in order.
fn all<'s>(statements: &'s [Statement], keyword: &'s str) -> impl Iterator<Item = &'s Statement> {
    statements.iter().filter(move |statement| statement.head.text == keyword)
}

/// The first operand; none of a broken statement.
fn operand(statement: &Statement) -> Option<&ast::Expr> {
    statement.operands().first().filter(|_| !statement.broken)
}

/// The text of a plain string.
fn literal(expr: &ast::Expr) -> Option<&str> {
    match &expr.kind {
        ast::ExprKind::Literal(ast::Literal::String(text)) => Some(text),
        _ => None,
    }
}

/// Lowers everything that was declared.
pub fn lower<'a, 'b>(defs: &'b Declared<'a>, report: Report) -> Lowering<'a, 'b> {
    let mut lowering = Lowering {
        defs,
        model: Model::default(),
        report,
        retry_deadlines: Vec::new(),
        matrices: vec![Vec::new(); defs.stages.len()],
        breakers: Vec::new(),
    };
    lowering.modules();
    lowering.values();
    lowering.policies();
    lowering.tools();
    lowering.stages();
    lowering.lanes();
    lowering.projects();
    lowering.principles();
    lowering.helps();
    lowering
}

impl Lowering<'_, '_> {
    fn error(&mut self, code: &'static Code, span: Span, message: impl Into<String>, help: &str) {
        let found = Diagnostic::new(code, span, message);
        self.report.push(if help.is_empty() { found } else { found.help(help) });
    }

    fn infer(&mut self, place: &Place<'_>, expr: &ast::Expr, want: Option<&Type>) -> Typed {
        infer::infer(self.defs, place, expr, want, &mut self.report)
    }

    fn value(&mut self, place: &Place<'_>, expr: &ast::Expr, want: &Type) -> Expr {
        self.infer(place, expr, Some(want)).expr
    }

    /// A value that is turned into text: any scalar, but no list and nothing that may be absent.
    fn scalar(&mut self, place: &Place<'_>, expr: &ast::Expr) -> Typed {
        infer::operand(self.defs, place, expr, false, &mut self.report)
    }

    fn check(&mut self, place: &Place<'_>, expr: &ast::Expr) -> Check {
        let typed = infer::condition(self.defs, place, expr, &mut self.report);
        Check { expr: typed.expr, text: self.text(expr.span), because: None }
    }

    /// The source text on one line, the same however it was spaced.
    fn text(&self, span: Span) -> String {
        spacing::one_line(self.defs.sources.text(span))
    }

    /// The only operand of a statement, typed.
    fn single(&mut self, place: &Place<'_>, statement: &Statement, want: &Type) -> Option<Expr> {
        operand(statement).map(|expr| self.value(place, expr, want))
    }

    fn setting(&mut self, place: &Place<'_>, body: &[Statement], keyword: &str, want: &Type) -> Option<Expr> {
        find(body, keyword).and_then(|statement| self.single(place, statement, want))
    }

    /// A duration that is more than nothing.
    fn duration(&mut self, place: &Place<'_>, statement: &Statement) -> Option<Expr> {
        let expr = self.single(place, statement, &Type::Duration)?;
        if matches!(self.constant(&expr), Some(Value::Duration(ms)) if *ms <= 0) {
            let message = format!("`{}` must be longer than nothing", statement.head.text);
            self.error(&codes::E122, expr.span, message, "leave it out if there is no bound");
        }
        Some(expr)
    }

    /// A whole number of at least one.
    fn count(&mut self, place: &Place<'_>, statement: &Statement) -> Option<Expr> {
        let expr = self.single(place, statement, &Type::Int)?;
        if matches!(self.constant(&expr), Some(Value::Int(count)) if *count < 1) {
            let message = format!("`{}` must be at least 1", statement.head.text);
            let help = if statement.head.text == "attempts" {
                "`attempts 1` means no retry"
            } else {
                "give a number of 1 or more"
            };
            self.error(&codes::E308, expr.span, message, help);
        }
        Some(expr)
    }

    /// What an expression is, when nothing of a run is needed to know it.
    fn constant<'e>(&'e self, expr: &'e Expr) -> Option<&'e Value> {
        super::constant(&self.model, expr)
    }

    /// A plain string that must be known without running.
    fn known_text(&mut self, module: ModuleId, expr: &ast::Expr) -> Option<String> {
        let frame = Frame::file(module);
        let typed = self.infer(&frame.start(), expr, Some(&Type::String));
        match self.constant(&typed.expr) {
            Some(Value::String(text) | Value::Path(text)) => Some(text.clone()),
            Some(_) => None,
            None if typed.ty == Type::Unknown || typed.secret => None,
            None => {
                self.error(&codes::E122, expr.span, "this must be a plain string", "write it out in quotes");
                None
            }
        }
    }

    fn not_yet(&mut self, span: Span, what: &str, concerns: Concerns) {
        self.model.not_yet.push(NotYet { span, what: what.to_string(), concerns });
    }
}

/// Follows lets to the value behind them; bounded, because a circle of lets was reported and left unknown.
pub(crate) fn constant<'m>(model: &'m Model, expr: &'m Expr) -> Option<&'m Value> {
    let mut at = expr;
    for _ in 0..64 {
        match &at.kind {
            Kind::Value(value) => return Some(value),
            Kind::Global(index) => match &model.globals.get(*index as usize)?.kind {
                GlobalKind::Let(inner) => at = inner,
                GlobalKind::Param { .. } | GlobalKind::Secret(_) => return None,
            },
            _ => return None,
        }
    }
    None
}
