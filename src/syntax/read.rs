//! Outline → statements: hands each head to the grammar once, saves what it can of those it refuses, and counts both.

use std::borrow::Cow;
use std::collections::HashMap;

use pest::Parser;
use pest::error::Error;
use pest::iterators::Pairs;

use crate::base::{FileId, Span};
use crate::diag::{Diagnostic, codes};

use super::ast::{Block, Ident, Statement, Tail, TypeExpr};
use super::build::{Builder, Parts};
use super::grammar::{Grammar, Rule};
use super::head::Head;
use super::outline::{Raw, RawBlock};
use super::refusal;
use super::token::Lexed;

/// A head this long is not written by a person; the grammar is not asked.
const MAX_HEAD: usize = 256 * 1024;
/// Heads as short as these come again (`timeout 30s`, `run """`): what the grammar made of so many is kept.
const SHORT_HEAD: usize = 48;
const KEPT_HEADS: usize = 512;

pub(super) struct Reader<'a> {
    file: FileId,
    source: &'a str,
    lexed: &'a Lexed,
    /// Where something was reported before the grammar was asked, in order.
    reported: Vec<u32>,
    broken: Vec<u32>,
    known: HashMap<&'a str, Pairs<'a, Rule>>,
    pub diagnostics: Vec<Diagnostic>,
    pub parsed: usize,
    pub refused: usize,
}

impl<'a> Reader<'a> {
    pub fn new(file: FileId, source: &'a str, lexed: &'a Lexed) -> Self {
        let mut reported: Vec<u32> =
            lexed.diagnostics.iter().map(|diagnostic| diagnostic.span.start).collect();
        let mut broken = lexed.broken.clone();
        reported.sort_unstable();
        broken.sort_unstable();
        let known = HashMap::new();
        Reader {
            file,
            source,
            lexed,
            reported,
            broken,
            known,
            diagnostics: Vec::new(),
            parsed: 0,
            refused: 0,
        }
    }

    pub fn statements(&mut self, raws: Vec<Raw>) -> Vec<Statement> {
        raws.into_iter().map(|raw| self.statement(raw)).collect()
    }

    fn statement(&mut self, raw: Raw) -> Statement {
        let head = Head::new(self.file, self.source, raw.head.clone(), &self.lexed.rewrites);
        let broken = raw.broken || any_in(&self.broken, &raw.head);
        let parts = if broken { None } else { self.parse(&head, &raw) };
        match parts {
            Some(_) => self.parsed += 1,
            None => self.refused += 1,
        }
        let broken = parts.is_none();
        let parts = parts.or_else(|| self.salvage(&head)).unwrap_or_else(|| self.nameless(&raw));
        let block = raw.block.map(|block| self.block(block));
        let end = block.as_ref().map_or(raw.head.end as u32, |block| block.span.end);
        let Parts { head, attributes, tail, clauses } = parts;
        let span = Span { end: end.max(head.span.end), ..head.span };
        Statement { span, head, docs: docs(self.source, &raw.docs), attributes, tail, clauses, block, broken }
    }

    fn block(&mut self, block: RawBlock) -> Block {
        let span = Span::new(self.file, block.span.start, block.span.end);
        Block { span, statements: self.statements(block.statements) }
    }

    fn parse(&mut self, head: &Head<'a>, raw: &Raw) -> Option<Parts> {
        if head.text.len() > MAX_HEAD {
            let span = Span::new(self.file, raw.head.start, raw.head.start);
            let message = format!("the statement is longer than {} KiB", MAX_HEAD / 1024);
            self.diagnostics.push(Diagnostic::new(&codes::E011, span, message).help("split it"));
            return None;
        }
        match self.nodes(head) {
            Ok(mut nodes) => self.build(head, nodes.next()?),
            Err(error) => {
                // One mistake, one report: what the lexical pass said of this statement is enough.
                if !raw.quiet && !any_in(&self.reported, &raw.head) {
                    self.diagnostics.push(refusal::explain(head, &error));
                }
                None
            }
        }
    }

    /// What the grammar makes of a head; offsets in it are the head's own.
    fn nodes<'h>(&mut self, head: &'h Head<'a>) -> Result<Pairs<'h, Rule>, Box<Error<Rule>>>
    where
        'a: 'h,
    {
        let Cow::Borrowed(text) = head.text else {
            return Ok(Grammar::parse(Rule::statement, &head.text)?);
        };
        if let Some(nodes) = self.known.get(text) {
            return Ok(nodes.clone());
        }
        let nodes = Grammar::parse(Rule::statement, text)?;
        if text.len() <= SHORT_HEAD && self.known.len() < KEPT_HEADS {
            self.known.insert(text, nodes.clone());
        }
        Ok(nodes)
    }

    fn build(&mut self, head: &Head<'_>, node: pest::iterators::Pair<'_, Rule>) -> Option<Parts> {
        let mut diagnostics = std::mem::take(&mut self.diagnostics);
        let mut builder =
            Builder { source: self.source, head, lexed: self.lexed, diagnostics: &mut diagnostics };
        let parts = builder.statement(node);
        self.diagnostics = diagnostics;
        parts
    }

    /// The keyword and, if visible, the name and its type; silent about the rest.
    fn salvage(&mut self, head: &Head<'_>) -> Option<Parts> {
        let mut nodes = Grammar::parse(Rule::salvage, &head.text).ok()?;
        let said = self.diagnostics.len();
        let mut parts = self.build(head, nodes.next()?);
        self.diagnostics.truncate(said);
        if let Some(Parts { tail: Tail::Bind(binding), .. }) = &mut parts {
            // Of `string[]` the `string` is not the type that was meant.
            let whole = |ty: &TypeExpr| {
                let after = self.source[ty.span.end as usize..].chars().next();
                after.is_none_or(|next| next.is_whitespace() || "={;#".contains(next))
            };
            binding.ty = binding.ty.take().filter(whole);
        }
        parts
    }

    fn nameless(&self, raw: &Raw) -> Parts {
        let span = Span::new(self.file, raw.head.start, raw.head.start);
        let head = Ident { text: String::new(), span };
        Parts { head, attributes: Vec::new(), tail: Tail::Plain(Vec::new()), clauses: Vec::new() }
    }
}

/// Whether one of the sorted `places` lies in the range.
fn any_in(places: &[u32], range: &std::ops::Range<usize>) -> bool {
    let first = places.partition_point(|&place| (place as usize) < range.start);
    places.get(first).is_some_and(|&place| (place as usize) < range.end.max(range.start + 1))
}

/// The text of `##` lines, markers removed.
fn docs(source: &str, lines: &[std::ops::Range<usize>]) -> Option<String> {
    if lines.is_empty() {
        return None;
    }
    let texts = lines.iter().map(|line| {
        let text = source[line.clone()].trim_start_matches('#').trim_end();
        text.strip_prefix(' ').unwrap_or(text)
    });
    Some(texts.collect::<Vec<_>>().join("\n"))
}
