//! The syntax tree: generic statements and expressions with byte spans. Knows no keywords and resolves nothing.
//!
//! Depth is bounded (64 brackets or blocks) by the lexical pass, and chains of operators and postfixes are flat
//! lists, so walking or dropping a tree recurses at most a few hundred frames whatever the input.

use crate::base::{Few, FileId, Name, Span};

/// One parsed file. Every statement of the text is here, also those that did not parse (`broken`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    pub id: FileId,
    pub statements: Vec<Statement>,
    pub comments: Vec<Comment>,
    /// How many statements (at every level) pest accepted, and how many it refused.
    pub parsed: usize,
    pub refused: usize,
}

/// `# …`, with its marker; `own_line` when nothing but space stands before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    pub span: Span,
    pub text: String,
    pub own_line: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ident {
    pub text: Name,
    pub span: Span,
}

/// `keyword  values, ...  clause...  { block }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// From the keyword to the end of the block.
    pub span: Span,
    /// The keyword, possibly dotted (`git.branch` in an assignment block).
    pub head: Ident,
    /// `##` lines before the statement, markers removed, joined by newlines.
    pub docs: Option<String>,
    pub attributes: Few<Attribute>,
    pub tail: Tail,
    pub clauses: Few<Clause>,
    pub block: Option<Box<Block>>,
    /// The head line did not parse: `tail` holds what could be saved (a name), and nothing more is reported about it.
    pub broken: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Tail {
    /// `needs build, unit`; no operands for `repeatable`.
    Plain(Vec<Expr>),
    /// `let tag = …`, `param ticket: string`, `fn f(b: string) = …`, `out app = …`.
    Bind(Box<Binding>),
    /// `OUT = out.app`: the head itself is bound.
    Assign(Box<Expr>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    pub name: Ident,
    pub parameters: Option<Vec<(Ident, TypeExpr)>>,
    pub ty: Option<TypeExpr>,
    pub value: Option<Expr>,
}

/// `string`, `enum("eu", "us")`, `list<int>`, `string?`.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeExpr {
    pub span: Span,
    pub name: Ident,
    pub arguments: Vec<TypeExpr>,
    /// The words of `enum(…)`.
    pub words: Vec<Expr>,
    pub optional: bool,
}

/// `if …`, `from …`, `by …`, `on a, b`, `with …`, `as s`, `before x`, `because "…"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    pub span: Span,
    pub word: Ident,
    pub operands: Vec<Expr>,
}

/// `@deprecated(since = "1.4")`.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    pub span: Span,
    pub name: Ident,
    pub arguments: Vec<Argument>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// From `{` to `}`; a missing `}` ends where the statement was judged to end.
    pub span: Span,
    pub statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub span: Span,
    pub kind: ExprKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A bare word: a name, an enum word, or a keyword-like operand.
    Word(Name),
    Literal(Literal),
    /// `f"…"`.
    Format(Vec<Segment>),
    /// `"""…"""`, dedented, with the word before it (`run sh """`).
    Script(Box<Script>),
    List(Vec<Expr>),
    /// `[e for x in xs if c]`.
    Comprehension(Box<Comprehension>),
    /// `a.b(c)[0].d`: a base and its postfixes, flat.
    Access(Box<Access>),
    /// `x?` after `needs`.
    Optional(Box<Expr>),
    /// `...xs`.
    Spread(Box<Expr>),
    /// `a and b and c`; spans are of the operators.
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Compare(Box<Comparison>),
    /// `a..b`.
    Range(Box<(Expr, Expr)>),
    /// `a ?? b ?? c`.
    Coalesce(Vec<Expr>),
    /// One precedence level of arithmetic, left to right.
    Arithmetic(Box<Arithmetic>),
    If(Box<(Expr, Expr, Expr)>),
    /// Stands where an expression was already reported as broken.
    Error,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    String(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// Milliseconds.
    Duration(i64),
    Percent(f64),
    /// Bytes.
    Size(i64),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Segment {
    Text(String),
    Expr(Expr),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// `sh` in `run sh """`; none means bash.
    pub interpreter: Option<Ident>,
    pub text: String,
    /// Byte offset in the file where each line of `text` begins, to map a place in the script back.
    pub line_offsets: Vec<u32>,
    /// Written with an `f` prefix, which is an error for scripts.
    pub interpolated: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Comprehension {
    pub body: Expr,
    pub variable: Ident,
    pub source: Expr,
    pub condition: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    pub base: Expr,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Member(Ident),
    Call { arguments: Vec<Argument>, span: Span },
    Index { index: Expr, span: Span },
}

/// `value` or `name = value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    pub name: Option<Ident>,
    pub value: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    Matches,
    Like,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub op: CompareOp,
    pub op_span: Span,
    pub left: Expr,
    pub right: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArithmeticOp {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Arithmetic {
    pub first: Expr,
    pub rest: Vec<(ArithmeticOp, Span, Expr)>,
}

impl Statement {
    /// The statement's operands; empty for bindings and assignments.
    pub fn operands(&self) -> &[Expr] {
        match &self.tail {
            Tail::Plain(operands) => operands,
            _ => &[],
        }
    }

    pub fn binding(&self) -> Option<&Binding> {
        match &self.tail {
            Tail::Bind(binding) => Some(binding),
            _ => None,
        }
    }

    pub fn clause(&self, word: &str) -> Option<&Clause> {
        self.clauses.iter().find(|clause| clause.word.text == word)
    }

    /// The statements of the block; empty without one.
    pub fn body(&self) -> &[Statement] {
        self.block.as_ref().map_or(&[], |block| &block.statements)
    }
}

impl Expr {
    /// The text of a bare word.
    pub fn word(&self) -> Option<&str> {
        match &self.kind {
            ExprKind::Word(word) => Some(word),
            _ => None,
        }
    }

    /// `a.b.c` as its parts, when it is nothing but words and dots.
    pub fn path(&self) -> Option<Vec<Ident>> {
        match &self.kind {
            ExprKind::Word(word) => Some(vec![Ident { text: word.clone(), span: self.span }]),
            ExprKind::Access(access) => {
                let mut parts = access.base.path()?;
                for step in &access.steps {
                    match step {
                        Step::Member(ident) => parts.push(ident.clone()),
                        _ => return None,
                    }
                }
                Some(parts)
            }
            _ => None,
        }
    }
}

impl CompareOp {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            CompareOp::Eq => "==",
            CompareOp::Ne => "!=",
            CompareOp::Lt => "<",
            CompareOp::Le => "<=",
            CompareOp::Gt => ">",
            CompareOp::Ge => ">=",
            CompareOp::In => "in",
            CompareOp::Matches => "matches",
            CompareOp::Like => "like",
        }
    }
}

impl ArithmeticOp {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            ArithmeticOp::Add => "+",
            ArithmeticOp::Subtract => "-",
            ArithmeticOp::Multiply => "*",
            ArithmeticOp::Divide => "/",
        }
    }
}
