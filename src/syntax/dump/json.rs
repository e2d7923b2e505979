//! The tree as JSON; docs/ast.md describes its shape. Spans become byte ranges with line and column.

use serde_json::{Map, Value, json};

use crate::base::{SourceFile, Span};
use crate::syntax::ast::{
    Argument, Attribute, Binding, Clause, Comment, Expr, ExprKind, File, Ident, Literal, Segment, Statement,
    Step, Tail, TypeExpr,
};

/// The tree of a file as one JSON value.
pub fn json(file: &File, source: &SourceFile) -> Value {
    let to = Dump { source };
    json!({
        "file": source.path,
        "statements": to.all(&file.statements, Dump::statement),
        "comments": to.all(&file.comments, Dump::comment),
        "parsed": file.parsed,
        "refused": file.refused,
    })
}

struct Dump<'a> {
    source: &'a SourceFile,
}

impl Dump<'_> {
    fn all<T>(&self, nodes: &[T], one: fn(&Self, &T) -> Value) -> Value {
        nodes.iter().map(|node| one(self, node)).collect()
    }

    fn maybe<T>(&self, node: Option<&T>, one: fn(&Self, &T) -> Value) -> Value {
        node.map_or(Value::Null, |node| one(self, node))
    }

    fn range(&self, span: Span) -> Value {
        let (start, end) = (self.source.position(span.start), self.source.position(span.end));
        json!({
            "start": span.start,
            "end": span.end,
            "line": start.line,
            "column": start.column,
            "end_line": end.line,
            "end_column": end.column,
        })
    }

    fn comment(&self, comment: &Comment) -> Value {
        json!({ "text": comment.text, "own_line": comment.own_line, "range": self.range(comment.span) })
    }

    fn ident(&self, ident: &Ident) -> Value {
        json!({ "text": ident.text.as_str(), "range": self.range(ident.span) })
    }

    fn statement(&self, statement: &Statement) -> Value {
        let mut node = Map::new();
        node.insert("keyword".into(), self.ident(&statement.head));
        node.insert("docs".into(), statement.docs.clone().into());
        node.insert("attributes".into(), self.all(&statement.attributes, Self::attribute));
        match &statement.tail {
            Tail::Plain(operands) => node.insert("operands".into(), self.all(operands, Self::value)),
            Tail::Bind(binding) => node.insert("binding".into(), self.binding(binding)),
            Tail::Assign(value) => node.insert("assigned".into(), self.value(value)),
        };
        node.insert("clauses".into(), self.all(&statement.clauses, Self::clause));
        let block = statement.block.as_ref().map_or(Value::Null, |block| {
            json!({
                "statements": self.all(&block.statements, Self::statement),
                "range": self.range(block.span),
            })
        });
        node.insert("block".into(), block);
        node.insert("broken".into(), statement.broken.into());
        node.insert("range".into(), self.range(statement.span));
        Value::Object(node)
    }

    fn attribute(&self, attribute: &Attribute) -> Value {
        json!({
            "name": self.ident(&attribute.name),
            "arguments": self.all(&attribute.arguments, Self::argument),
            "range": self.range(attribute.span),
        })
    }

    fn clause(&self, clause: &Clause) -> Value {
        json!({
            "word": clause.word.text.as_str(),
            "operands": self.all(&clause.operands, Self::value),
            "range": self.range(clause.span),
        })
    }

    fn binding(&self, binding: &Binding) -> Value {
        let parameters = binding.parameters.as_ref().map_or(Value::Null, |parameters| {
            let one =
                |(name, ty): &(Ident, TypeExpr)| json!({ "name": self.ident(name), "type": self.ty(ty) });
            parameters.iter().map(one).collect()
        });
        json!({
            "name": self.ident(&binding.name),
            "parameters": parameters,
            "type": self.maybe(binding.ty.as_ref(), Self::ty),
            "value": self.maybe(binding.value.as_ref(), Self::value),
        })
    }

    fn ty(&self, ty: &TypeExpr) -> Value {
        json!({
            "name": self.ident(&ty.name),
            "arguments": self.all(&ty.arguments, Self::ty),
            "words": self.all(&ty.words, Self::value),
            "optional": ty.optional,
            "range": self.range(ty.span),
        })
    }

    fn argument(&self, argument: &Argument) -> Value {
        json!({
            "name": self.maybe(argument.name.as_ref(), Self::ident),
            "value": self.value(&argument.value),
        })
    }

    fn value(&self, expr: &Expr) -> Value {
        let mut node = match self.kind(&expr.kind) {
            Value::Object(node) => node,
            _ => Map::new(),
        };
        node.insert("range".into(), self.range(expr.span));
        Value::Object(node)
    }

    fn kind(&self, kind: &ExprKind) -> Value {
        let many = |kind: &str, all: &[Expr]| json!({ "kind": kind, "values": self.all(all, Self::value) });
        let one = |kind: &str, inner: &Expr| json!({ "kind": kind, "value": self.value(inner) });
        match kind {
            ExprKind::Word(word) => json!({ "kind": "word", "text": word.as_str() }),
            ExprKind::Literal(literal) => literal_of(literal),
            ExprKind::Format(segments) => {
                json!({ "kind": "format", "segments": self.all(segments, Self::segment) })
            }
            ExprKind::Script(script) => json!({
                "kind": "script",
                "interpreter": self.maybe(script.interpreter.as_ref(), Self::ident),
                "text": script.text,
                "line_offsets": script.line_offsets,
                "interpolated": script.interpolated,
            }),
            ExprKind::List(items) => many("list", items),
            ExprKind::And(all) => many("and", all),
            ExprKind::Or(all) => many("or", all),
            ExprKind::Coalesce(all) => many("coalesce", all),
            ExprKind::Optional(inner) => one("optional", inner),
            ExprKind::Spread(inner) => one("spread", inner),
            ExprKind::Not(inner) => one("not", inner),
            ExprKind::Error => json!({ "kind": "error" }),
            other => self.compound(other),
        }
    }

    fn compound(&self, kind: &ExprKind) -> Value {
        match kind {
            ExprKind::Comprehension(it) => json!({
                "kind": "comprehension",
                "body": self.value(&it.body),
                "variable": self.ident(&it.variable),
                "source": self.value(&it.source),
                "condition": self.maybe(it.condition.as_ref(), Self::value),
            }),
            ExprKind::Access(access) => json!({
                "kind": "access",
                "base": self.value(&access.base),
                "steps": self.all(&access.steps, Self::step),
            }),
            ExprKind::Compare(it) => json!({
                "kind": "compare",
                "operator": it.op.text(),
                "left": self.value(&it.left),
                "right": self.value(&it.right),
            }),
            ExprKind::Range(ends) => {
                json!({ "kind": "range", "from": self.value(&ends.0), "to": self.value(&ends.1) })
            }
            ExprKind::Arithmetic(sum) => {
                let rest = sum.rest.iter().map(
                    |(operator, _, value)| json!({ "operator": operator.text(), "value": self.value(value) }),
                );
                json!({
                    "kind": "arithmetic",
                    "first": self.value(&sum.first),
                    "rest": rest.collect::<Vec<_>>(),
                })
            }
            ExprKind::If(parts) => json!({
                "kind": "if",
                "condition": self.value(&parts.0),
                "then": self.value(&parts.1),
                "else": self.value(&parts.2),
            }),
            _ => json!({ "kind": "error" }),
        }
    }

    fn segment(&self, segment: &Segment) -> Value {
        match segment {
            Segment::Text(text) => json!({ "text": text }),
            Segment::Expr(inner) => json!({ "value": self.value(inner) }),
        }
    }

    fn step(&self, step: &Step) -> Value {
        match step {
            Step::Member(name) => {
                json!({ "kind": "member", "name": name.text.as_str(), "range": self.range(name.span) })
            }
            Step::Call { arguments, span } => json!({
                "kind": "call",
                "arguments": self.all(arguments, Self::argument),
                "range": self.range(*span),
            }),
            Step::Index { index, span } => {
                json!({ "kind": "index", "index": self.value(index), "range": self.range(*span) })
            }
        }
    }
}

fn literal_of(literal: &Literal) -> Value {
    match literal {
        Literal::String(text) => json!({ "kind": "string", "value": text }),
        Literal::Int(value) => json!({ "kind": "int", "value": value }),
        Literal::Float(value) => json!({ "kind": "float", "value": value }),
        Literal::Bool(value) => json!({ "kind": "bool", "value": value }),
        Literal::Duration(ms) => json!({ "kind": "duration", "milliseconds": ms }),
        Literal::Percent(value) => json!({ "kind": "percent", "value": value }),
        Literal::Size(bytes) => json!({ "kind": "size", "bytes": bytes }),
    }
}
