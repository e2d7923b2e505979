//! Outline → statements: hands each head to the grammar, saves what it can of those it refuses, and counts both.

use std::collections::VecDeque;
use std::thread::available_parallelism;

use pest::Parser;

use crate::base::{Few, FileId, Name, Span};
use crate::diag::{Diagnostic, codes};

use super::ast::{Block, Ident, Statement, Tail, TypeExpr};
use super::build::{Builder, Parts};
use super::grammar::{Grammar, Rule};
use super::head::Head;
use super::names::Names;
use super::outline::Raw;
use super::refusal;
use super::token::{Lexed, MAX_DEPTH};

/// A head this long is not written by a person; the grammar is not asked.
const MAX_HEAD: usize = 256 * 1024;
/// So much is given to the grammar at once, heads and bytes.
const BATCH_HEADS: usize = 128;
const BATCH_BYTES: usize = 8 * 1024;
/// Ends a head among others.
const END: char = '\u{1}';

/// A file with more statements is read by two threads, half each.
const MANY: usize = 4_000;

/// What became of the outline.
#[derive(Default)]
pub(super) struct Read {
    pub statements: Vec<Statement>,
    pub diagnostics: Vec<Diagnostic>,
    pub parsed: usize,
    pub refused: usize,
}

/// Reads every statement of the outline.
pub(super) fn read(file: FileId, source: &str, lexed: &Lexed, raws: &[Raw]) -> Read {
    let part = |first: usize, end: usize| {
        let mut reader = Reader::new(file, source, lexed, &raws[..end]);
        let statements = reader.statements(first, end);
        let Reader { diagnostics, parsed, refused, .. } = reader;
        Read { statements, diagnostics, parsed, refused }
    };
    let middle = middle(raws);
    if raws.len() < MANY
        || middle == raws.len()
        || available_parallelism().is_ok_and(|threads| threads.get() < 2)
    {
        return part(0, raws.len());
    }
    std::thread::scope(|scope| {
        let second = scope.spawn(|| part(middle, raws.len()));
        let mut all = part(0, middle);
        // A thread ends without a result only by a bug, which then goes on here.
        let second = second.join().unwrap_or_else(|bug| std::panic::resume_unwind(bug));
        all.statements.extend(second.statements);
        all.diagnostics.extend(second.diagnostics);
        all.parsed += second.parsed;
        all.refused += second.refused;
        all
    })
}

/// Index of a statement that stands in no block and has about half of all before it.
fn middle(raws: &[Raw]) -> usize {
    let mut at = 0;
    while at < raws.len() / 2 {
        at = raws[at].next(at);
    }
    at
}

struct Reader<'a> {
    file: FileId,
    source: &'a str,
    lexed: &'a Lexed,
    raws: &'a [Raw],
    /// Where something was reported before the grammar was asked, in order.
    reported: Vec<u32>,
    broken: Vec<u32>,
    /// What the grammar made of the next heads; none where it has to be asked again, for one head alone.
    read: VecDeque<Option<Parts>>,
    names: Names,
    diagnostics: Vec<Diagnostic>,
    parsed: usize,
    refused: usize,
}

impl<'a> Reader<'a> {
    fn new(file: FileId, source: &'a str, lexed: &'a Lexed, raws: &'a [Raw]) -> Self {
        let mut reported: Vec<u32> =
            lexed.diagnostics.iter().map(|diagnostic| diagnostic.span.start).collect();
        let mut broken = lexed.broken.clone();
        reported.sort_unstable();
        broken.sort_unstable();
        Reader {
            file,
            source,
            lexed,
            raws,
            reported,
            broken,
            read: VecDeque::new(),
            names: Names::default(),
            diagnostics: Vec::new(),
            parsed: 0,
            refused: 0,
        }
    }

    /// The statements from `first` to `end`, with what is in their blocks.
    fn statements(&mut self, first: usize, end: usize) -> Vec<Statement> {
        let (mut at, mut count) = (first, 0);
        while at < end {
            at = self.raws[at].next(at);
            count += 1;
        }
        let mut statements = Vec::with_capacity(count);
        at = first;
        while at < end {
            statements.push(self.statement(at));
            at = self.raws[at].next(at);
        }
        statements
    }

    /// Statements are read in the order of `raws`.
    fn statement(&mut self, at: usize) -> Statement {
        let raws = self.raws;
        let raw = &raws[at];
        if self.read.is_empty() {
            self.read_on(at);
        }
        let read = self.read.pop_front().flatten();
        let parts = read.or_else(|| {
            let head = self.head(raw);
            if self.is_broken(raw) { None } else { self.parse(&head, raw) }
        });
        match parts {
            Some(_) => self.parsed += 1,
            None => self.refused += 1,
        }
        let broken = parts.is_none();
        let parts = parts.or_else(|| self.salvage(&self.head(raw))).unwrap_or_else(|| self.nameless(raw));
        let block = raw.block.map(|block| {
            let span = Span::new(self.file, block.start as usize, block.end as usize);
            Box::new(Block { span, statements: self.statements(at + 1, block.after as usize) })
        });
        let end = block.as_ref().map_or(raw.head.end as u32, |block| block.span.end);
        let Parts { head, attributes, tail, clauses } = parts;
        let span = Span { end: end.max(head.span.end), ..head.span };
        Statement { span, head, docs: docs(self.source, &raw.docs), attributes, tail, clauses, block, broken }
    }

    fn head(&self, raw: &Raw) -> Head<'a> {
        Head::new(self.file, self.source, raw.head.clone(), &self.lexed.rewrites)
    }

    fn is_broken(&self, raw: &Raw) -> bool {
        raw.broken || any_in(&self.broken, &raw.head)
    }

    /// Gives the grammar the next heads in one text. What it skips is none of them.
    fn read_on(&mut self, first: usize) {
        let mut text = String::with_capacity(BATCH_BYTES + 256);
        let mut heads = Vec::with_capacity(BATCH_HEADS);
        for raw in self.raws[first..].iter().take(BATCH_HEADS) {
            let head = self.head(raw);
            let small = head.text.len() <= BATCH_BYTES && !head.text.contains(END);
            if !small || self.is_broken(raw) {
                heads.push(None);
                continue;
            }
            let start = text.len();
            text.push_str(&head.text);
            text.push(END);
            heads.push(Some(head.among(start)));
            if text.len() > BATCH_BYTES {
                break;
            }
        }
        let lines = Grammar::parse(Rule::batch, &text).ok().and_then(|mut nodes| nodes.next());
        let mut lines = lines.into_iter().flat_map(pest::iterators::Pair::into_inner);
        for head in heads {
            let line = head.and_then(|head| Some((lines.next()?, head)));
            let parts = line.and_then(|(line, head)| match line.as_rule() {
                Rule::simple | Rule::full if line.as_span().start() == head.origin() => {
                    self.build(&head, line)
                }
                _ => None,
            });
            self.read.push_back(parts);
        }
    }

    fn parse(&mut self, head: &Head<'a>, raw: &Raw) -> Option<Parts> {
        if head.text.len() > MAX_HEAD {
            let span = Span::new(self.file, raw.head.start, raw.head.start);
            let message = format!("the statement is longer than {} KiB", MAX_HEAD / 1024);
            self.diagnostics.push(Diagnostic::new(&codes::E011, span, message).help("split it"));
            return None;
        }
        match Grammar::parse(Rule::statement, &head.text) {
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

    fn build(&mut self, head: &Head<'_>, node: pest::iterators::Pair<'_, Rule>) -> Option<Parts> {
        let mut diagnostics = std::mem::take(&mut self.diagnostics);
        let mut builder = Builder {
            source: self.source,
            head,
            lexed: self.lexed,
            names: &mut self.names,
            diagnostics: &mut diagnostics,
        };
        let parts = builder.statement(node);
        self.diagnostics = diagnostics;
        parts
    }

    /// The keyword and, if visible, the name and its type; silent about the rest.
    fn salvage(&mut self, head: &Head<'_>) -> Option<Parts> {
        let mut nodes = Grammar::parse(Rule::salvage, shallow(&head.text)).ok()?;
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
        let head = Ident { text: Name::default(), span };
        Parts { head, attributes: Few::new(), tail: Tail::Plain(Vec::new()), clauses: Few::new() }
    }
}

/// As much of a text that was refused as cannot lead the grammar deeper than the cap: brackets were not counted there.
fn shallow(text: &str) -> &str {
    let opens = |(at, byte): &(usize, u8)| match byte {
        b'(' | b'[' | b'{' | b'<' => true,
        b'i' => text[*at..].starts_with("if"),
        _ => false,
    };
    let deep = text.bytes().enumerate().filter(opens).nth(MAX_DEPTH);
    deep.map_or(text, |(at, _)| &text[..at])
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
