//! What the grammar accepted → tree. Knows the grammar's rules, and no keyword.

use pest::iterators::{Pair, Pairs};

use crate::base::{Few, Span};
use crate::diag::{Diagnostic, codes};

use super::ast::{
    Access, Argument, Attribute, Binding, Clause, Comprehension, Expr, ExprKind, Ident, Literal, Segment,
    Step, Tail, TypeExpr,
};
use super::fold::{Item, Operator, fold};
use super::grammar::Rule;
use super::head::Head;
use super::literal;
use super::names::Names;
use super::refusal::{is_operator, is_reserved};
use super::token::Lexed;

type Node<'p> = Pair<'p, Rule>;

/// A head line as a tree.
pub(super) struct Parts {
    pub head: Ident,
    pub attributes: Few<Attribute>,
    pub tail: Tail,
    pub clauses: Few<Clause>,
}

pub(super) struct Builder<'a> {
    pub source: &'a str,
    pub head: &'a Head<'a>,
    pub lexed: &'a Lexed,
    pub names: &'a mut Names,
    pub diagnostics: &'a mut Vec<Diagnostic>,
}

impl Builder<'_> {
    /// From a `simple`, `full` or `statement`, or from a `salvage` of one: then the tail is at most a name and its
    /// type. None of a `simple` one that turns out not to be.
    pub fn statement(&mut self, node: Node<'_>) -> Option<Parts> {
        let rule = node.as_rule();
        let mut inner = node.into_inner();
        if rule == Rule::simple {
            return self.simple(inner);
        }
        let attributes = self.all(&mut inner, Rule::attribute, Self::attribute);
        let head = inner.next()?;
        let head = self.ident(&head);
        let tail = match inner.peek().map(|next| next.as_rule()) {
            Some(Rule::assign) => Tail::Assign(Box::new(self.first(inner.next()?))),
            Some(Rule::bind) => Tail::Bind(Box::new(self.binding(&mut inner.next()?.into_inner())?)),
            Some(Rule::name) if rule == Rule::salvage => Tail::Bind(Box::new(self.binding(&mut inner)?)),
            _ => Tail::Plain(self.operands(&mut inner)),
        };
        let clauses = self.all(&mut inner, Rule::clause, Self::clause);
        Some(Parts { head, attributes, tail, clauses })
    }

    fn simple(&mut self, mut nodes: Pairs<'_, Rule>) -> Option<Parts> {
        let head = nodes.next().filter(|head| !is_operator(head.as_str()))?;
        let head = self.ident(&head);
        let mut count = 0;
        for node in nodes.clone() {
            if node.as_rule() == Rule::word && is_reserved(node.as_str()) {
                return None;
            }
            count += usize::from(node.as_rule() != Rule::tagged);
        }
        let mut operands = Vec::with_capacity(count);
        while let Some(node) = nodes.next() {
            let script = nodes.peek().filter(|next| next.as_rule() == Rule::tagged);
            operands.push(match script {
                Some(script) => {
                    nodes.next();
                    self.script(script, Some(&node))
                }
                None => self.primary(node),
            });
        }
        Some(Parts { head, attributes: Few::new(), tail: Tail::Plain(operands), clauses: Few::new() })
    }

    fn ident(&mut self, node: &Node<'_>) -> Ident {
        Ident { text: self.names.get(node.as_str()), span: self.span(node) }
    }

    fn all<T>(
        &mut self,
        nodes: &mut Pairs<'_, Rule>,
        rule: Rule,
        read: fn(&mut Self, Node<'_>) -> Option<T>,
    ) -> Few<T> {
        let mut found = Few::new();
        while nodes.peek().is_some_and(|node| node.as_rule() == rule) {
            found.extend(nodes.next().and_then(|node| read(self, node)));
        }
        found
    }

    fn span(&self, node: &Node<'_>) -> Span {
        let span = node.as_span();
        self.head.span(span.start()..span.end())
    }

    /// A node's span without the white space the grammar lets it end with.
    fn tight(&self, node: &Node<'_>) -> Span {
        let span = node.as_span();
        self.head.span(span.start()..span.start() + span.as_str().trim_end().len())
    }

    fn name(&mut self, node: &Node<'_>) -> Ident {
        let (text, span) = (node.as_str(), self.span(node));
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            let lower = text.to_ascii_lowercase();
            self.diagnostics.push(
                Diagnostic::new(&codes::E011, span, format!("`{text}`: names are written in lower case"))
                    .help(format!(
                        "write `{lower}`; only names bound at the start of a line, as in `env`, have capitals"
                    ))
                    .fix(false, span, lower),
            );
        }
        Ident { text: self.names.get(text), span }
    }

    fn attribute(&mut self, node: Node<'_>) -> Option<Attribute> {
        let span = self.tight(&node);
        let mut inner = node.into_inner();
        let name = self.name(&inner.next()?);
        let arguments = inner.next().map(|call| self.arguments(call)).unwrap_or_default();
        Some(Attribute { span, name, arguments })
    }

    fn binding(&mut self, inner: &mut Pairs<'_, Rule>) -> Option<Binding> {
        let mut binding =
            Binding { name: self.name(&inner.next()?), parameters: None, ty: None, value: None };
        for node in inner {
            match node.as_rule() {
                Rule::signature => {
                    binding.parameters =
                        Some(node.into_inner().filter_map(|node| self.parameter(node)).collect());
                }
                Rule::kind => binding.ty = self.kind(node),
                _ => binding.value = Some(self.expression(node)),
            }
        }
        Some(binding)
    }

    fn parameter(&mut self, node: Node<'_>) -> Option<(Ident, TypeExpr)> {
        let mut inner = node.into_inner();
        let name = self.name(&inner.next()?);
        Some((name, self.kind(inner.next()?)?))
    }

    fn kind(&mut self, node: Node<'_>) -> Option<TypeExpr> {
        let span = self.tight(&node);
        let mut inner = node.into_inner();
        let name = self.name(&inner.next()?);
        let mut kind = TypeExpr { span, name, arguments: Vec::new(), words: Vec::new(), optional: false };
        for node in inner {
            match node.as_rule() {
                Rule::kind => kind.arguments.extend(self.kind(node)),
                Rule::optional => kind.optional = true,
                _ => kind.words.push(self.expression(node)),
            }
        }
        Some(kind)
    }

    fn clause(&mut self, node: Node<'_>) -> Option<Clause> {
        let span = self.tight(&node);
        let mut inner = node.into_inner();
        let word = inner.next()?;
        let word = self.ident(&word);
        Some(Clause { span, word, operands: self.operands(&mut inner) })
    }

    fn operands(&mut self, nodes: &mut Pairs<'_, Rule>) -> Vec<Expr> {
        let is_operand = |node: &Node<'_>| matches!(node.as_rule(), Rule::spread | Rule::expression);
        let mut operands = Vec::with_capacity(nodes.clone().take_while(is_operand).count());
        while nodes.peek().is_some_and(|node| is_operand(&node)) {
            operands.extend(nodes.next().map(|node| self.operand(node)));
        }
        operands
    }

    fn operand(&mut self, node: Node<'_>) -> Expr {
        match node.as_rule() {
            Rule::spread => {
                let span = self.span(&node);
                let inner = node.into_inner().next().map(|node| self.postfix(node));
                Expr { span, kind: inner.map_or(ExprKind::Error, |inner| ExprKind::Spread(Box::new(inner))) }
            }
            _ => self.expression(node),
        }
    }

    /// The expression inside a node that holds one.
    fn first(&mut self, node: Node<'_>) -> Expr {
        let span = self.tight(&node);
        match node.into_inner().next() {
            Some(inner) => self.expression(inner),
            None => Expr { span, kind: ExprKind::Error },
        }
    }

    fn expression(&mut self, node: Node<'_>) -> Expr {
        let span = self.tight(&node);
        let mut items = Vec::new();
        for node in node.into_inner() {
            items.extend(match node.as_rule() {
                Rule::operator => Operator::of(node.as_str()).map(|op| Item::Operator(op, self.span(&node))),
                Rule::negation => Some(Item::Not(self.span(&node))),
                Rule::conditional => Some(Item::Expr(self.conditional(node))),
                _ => Some(Item::Expr(self.postfix(node))),
            });
        }
        fold(items, span, self.diagnostics)
    }

    fn conditional(&mut self, node: Node<'_>) -> Expr {
        let span = self.tight(&node);
        let mut parts = node
            .into_inner()
            .filter(|node| node.as_rule() == Rule::expression)
            .map(|node| self.expression(node));
        let kind = match (parts.next(), parts.next(), parts.next()) {
            (Some(condition), Some(yes), Some(no)) => ExprKind::If(Box::new((condition, yes, no))),
            _ => ExprKind::Error,
        };
        Expr { span, kind }
    }

    fn postfix(&mut self, node: Node<'_>) -> Expr {
        let whole = self.span(&node);
        let mut inner = node.into_inner().peekable();
        let Some(first) = inner.next() else { return Expr { span: whole, kind: ExprKind::Error } };
        let script = inner.next_if(|next| next.as_rule() == Rule::script);
        let base = match script {
            Some(script) => self.script(script, Some(&first)),
            None => self.primary(first),
        };
        let (start, mut end) = (base.span, base.span);
        let mut steps = Vec::new();
        let mut optional = false;
        for node in inner {
            if node.as_rule() == Rule::optional {
                optional = true;
                continue;
            }
            end = self.span(&node);
            steps.extend(self.step(node));
        }
        let expr = if steps.is_empty() {
            base
        } else {
            Expr { span: start.to(end), kind: ExprKind::Access(Box::new(Access { base, steps })) }
        };
        if optional { Expr { span: whole, kind: ExprKind::Optional(Box::new(expr)) } } else { expr }
    }

    fn step(&mut self, node: Node<'_>) -> Option<Step> {
        let span = self.span(&node);
        match node.as_rule() {
            Rule::member => node.into_inner().next().map(|name| Step::Member(self.name(&name))),
            Rule::call => Some(Step::Call { arguments: self.arguments(node), span }),
            _ => Some(Step::Index { index: self.first(node), span }),
        }
    }

    fn arguments(&mut self, call: Node<'_>) -> Vec<Argument> {
        call.into_inner().filter_map(|node| self.argument(node)).collect()
    }

    fn argument(&mut self, node: Node<'_>) -> Option<Argument> {
        let mut inner = node.into_inner();
        let first = inner.next()?;
        if first.as_rule() == Rule::any_name {
            let name = Some(self.name(&first));
            return Some(Argument { name, value: self.operand(inner.next()?) });
        }
        Some(Argument { name: None, value: self.operand(first) })
    }

    fn primary(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(&node);
        let kind = match node.as_rule() {
            Rule::name | Rule::word => match node.as_str() {
                "true" => ExprKind::Literal(Literal::Bool(true)),
                "false" => ExprKind::Literal(Literal::Bool(false)),
                _ => ExprKind::Word(self.name(&node).text),
            },
            Rule::number => self.number(&node, span),
            Rule::string => {
                let text = node.as_str();
                let at = node.as_span().start() + 1;
                ExprKind::Literal(Literal::String(self.unescape(&text[1..text.len() - 1], at)))
            }
            Rule::format => self.format(node),
            Rule::script => return self.script(node, None),
            Rule::list => self.list(node),
            Rule::group => return Expr { span, ..self.first(node) },
            _ => ExprKind::Error,
        };
        Expr { span, kind }
    }

    fn number(&mut self, node: &Node<'_>, span: Span) -> ExprKind {
        match literal::number(node.as_str()) {
            Ok(literal) => ExprKind::Literal(literal),
            Err((code, message, help)) => {
                let mut diagnostic = Diagnostic::new(code, span, message).help(help);
                if code.id == codes::E109.id {
                    diagnostic = diagnostic.fix(true, span, format!("\"{}\"", node.as_str()));
                }
                self.diagnostics.push(diagnostic);
                ExprKind::Error
            }
        }
    }

    fn unescape(&mut self, inner: &str, at: usize) -> String {
        let (head, diagnostics) = (self.head, &mut *self.diagnostics);
        literal::unescape(inner, |range, message| {
            let span = head.span(at + range.start..at + range.end);
            let help = "escapes are \\n \\t \\\" \\\\ \\{ \\} \\u{…}; write a backslash as \\\\";
            diagnostics.push(Diagnostic::new(&codes::E013, span, message).help(help));
        })
    }

    fn format(&mut self, node: Node<'_>) -> ExprKind {
        let segments = node.into_inner().map(|node| match node.as_rule() {
            Rule::chunk => Segment::Text(self.unescape(node.as_str(), node.as_span().start())),
            _ => Segment::Expr(self.first(node)),
        });
        ExprKind::Format(segments.collect())
    }

    fn script(&mut self, node: Node<'_>, tag: Option<&Node<'_>>) -> Expr {
        let own = self.span(&node);
        let interpreter = tag.map(|tag| self.name(tag));
        let span = interpreter.as_ref().map_or(own, |tag| tag.span.to(own));
        let kind = match self.lexed.script_at(own.start) {
            Some(range) => {
                let script = literal::script(own.file, self.source, range, interpreter, self.diagnostics);
                ExprKind::Script(Box::new(script))
            }
            None => ExprKind::Error,
        };
        Expr { span, kind }
    }

    fn list(&mut self, node: Node<'_>) -> ExprKind {
        let mut items = Vec::new();
        for node in node.into_inner() {
            if node.as_rule() == Rule::generator {
                let body = items.pop().unwrap_or(Expr { span: self.span(&node), kind: ExprKind::Error });
                return self.comprehension(body, node);
            }
            items.push(self.operand(node));
        }
        ExprKind::List(items)
    }

    fn comprehension(&mut self, body: Expr, node: Node<'_>) -> ExprKind {
        let mut variable = None;
        let mut parts = Vec::new();
        for node in node.into_inner() {
            match node.as_rule() {
                Rule::name => variable = Some(self.name(&node)),
                Rule::expression => parts.push(self.expression(node)),
                _ => {}
            }
        }
        let mut parts = parts.into_iter();
        match (variable, parts.next()) {
            (Some(variable), Some(source)) => {
                let condition = parts.next();
                ExprKind::Comprehension(Box::new(Comprehension { body, variable, source, condition }))
            }
            _ => ExprKind::Error,
        }
    }
}
