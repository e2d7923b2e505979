//! What holds whatever a file holds. The fuzz targets look for a text that breaks a law; the tests replay the corpus
//! through the same functions (`tests/lang/corpus.rs`). A broken law is a panic.

use wfl::base::{FileId, SourceFile, SourceMap, Span, Type, Value};
use wfl::diag::{self, Diagnostic, Format};
use wfl::expr::facts::{Fact, FactKey};
use wfl::expr::{Function, Scope, Stop};
use wfl::load::{Loaded, Memory, Request, load};
use wfl::model::{Global, GlobalKind, Model};
use wfl::syntax::ast::{File, Statement};

/// One law for each fuzz target.
pub type Law = fn(&[u8]);

/// Name of the target, which is also its corpus' folder, and its law.
pub const LAWS: &[(&str, Law)] = &[
    ("lexical", lexical),
    ("parser", parser),
    ("check", check),
    ("format", format),
    ("expression", expression),
    ("template", template),
];

const FILE: FileId = FileId(0);

/// Brackets nest at most this deep; so many more levels come from chains within one bracket.
const DEEPEST: usize = 64;

fn text_of(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[track_caller]
fn well_placed(text: &str, span: Span) {
    assert!(span.start <= span.end, "{span:?} ends before it starts");
    let range = span.range();
    assert!(range.end <= text.len(), "{span:?} ends outside the text");
    assert!(text.is_char_boundary(range.start), "{span:?} starts inside a character");
    assert!(text.is_char_boundary(range.end), "{span:?} ends inside a character");
}

/// Every place of every finding lies in its file's text, also those of related notes and fixes.
fn findings_stand_in_the_text(sources: &SourceMap, findings: &[Diagnostic]) {
    for found in findings {
        let fixed = found.fix.iter().flat_map(|fix| fix.edits.iter().map(|edit| edit.span));
        let related = found.related.iter().map(|related| related.span);
        for span in related.chain(fixed).chain([found.span]) {
            well_placed(&sources.get(span.file).text, span);
        }
        assert!(!found.message.trim().is_empty(), "{} says nothing", found.code.id);
        for word in ["Rule::", "Some(", "panicked", "SOI", "EOI"] {
            let quoted = || sources.get(found.span.file).text.contains(word);
            assert!(!found.message.contains(word) || quoted(), "{word} reached a person: {}", found.message);
        }
    }
}

fn sorted(findings: &[Diagnostic]) {
    let mut again = findings.to_vec();
    diag::sort(&mut again);
    assert_eq!(again, findings, "findings are not in order");
}

/// Tokens stand in the text one after the other, and every bracket has its partner, none too deep.
pub fn lexical(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    let (tokens, findings) = wfl::syntax::tokens(FILE, text);
    let mut open = Vec::new();
    let mut at = 0;
    for (span, bracket) in tokens {
        well_placed(text, span);
        assert!(span.start >= at, "{span:?} lies before the end of the token before it, {at}");
        at = span.end;
        match bracket {
            Some(opens @ ('{' | '(' | '[')) => open.push(opens),
            Some(closes) => {
                let partner = open.pop();
                let fits =
                    matches!((partner, closes), (Some('{'), '}') | (Some('('), ')') | (Some('['), ']'));
                assert!(fits, "{closes} at {span:?} closes {partner:?}");
            }
            None => {}
        }
        assert!(open.len() <= DEEPEST, "{} levels at {span:?}", open.len());
    }
    assert!(open.is_empty(), "{open:?} are left open");
    findings_stand_in_the_text(&sources_of(text), &findings);
}

fn sources_of(text: &str) -> SourceMap {
    let mut sources = SourceMap::default();
    sources.add(SourceFile::new("fuzz.wfl", text));
    sources
}

/// Every statement of the tree, blocks included.
fn statements(tree: &File) -> Vec<&Statement> {
    let mut found = Vec::new();
    let mut waiting: Vec<&Statement> = tree.statements.iter().collect();
    while let Some(statement) = waiting.pop() {
        found.push(statement);
        waiting.extend(statement.body());
    }
    found
}

/// What can be formatted stays itself: formatting twice is the same, and no statement and no comment is lost.
pub fn format(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    let Ok(once) = wfl::format::text(FILE, text) else { return };
    assert_eq!(wfl::format::text(FILE, &once).ok().as_ref(), Some(&once), "not idempotent");
    let shape = |text: &str| {
        let (tree, _) = wfl::syntax::parse(FILE, text);
        (tree.parsed, tree.refused, tree.comments.len())
    };
    assert_eq!(shape(text), shape(&once), "statements or comments lost");
}

/// The tree counts every statement, all its places lie in the text, it prints, copies and drops, and what it refused
/// was said.
pub fn parser(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    let (tree, findings) = wfl::syntax::parse(FILE, text);
    let all = statements(&tree);
    assert_eq!(tree.parsed + tree.refused, all.len(), "statements accepted and refused");
    assert!(tree.refused == 0 || findings.iter().any(Diagnostic::is_error), "refused and nothing said");
    assert_eq!(tree.refused, all.iter().filter(|statement| statement.broken).count());
    for statement in all {
        let mut spans = vec![statement.span, statement.head.span];
        spans.extend(statement.block.as_ref().map(|block| block.span));
        spans.extend(statement.operands().iter().map(|operand| operand.span));
        spans.extend(statement.clauses.iter().map(|clause| clause.span));
        spans.extend(statement.attributes.iter().map(|attribute| attribute.span));
        spans.extend(statement.binding().map(|binding| binding.name.span));
        for span in spans {
            well_placed(text, span);
        }
    }
    for comment in &tree.comments {
        well_placed(text, comment.span);
        let written = &text[comment.span.range()];
        assert!(written.starts_with(['#', '/']), "a comment without its mark: {written:?}");
    }
    let sources = sources_of(text);
    findings_stand_in_the_text(&sources, &findings);
    sorted(&findings);
    // Debug is the deepest walk there is; it prints two lines a level at most.
    assert!(!format!("{tree:?}").is_empty());
    assert_eq!(tree.clone(), tree);
    fixes_hold(sources, findings, |text| (sources_of(text), wfl::syntax::parse(FILE, text).1));
}

/// Applying safe fixes gives another text, in which every place is right again.
fn fixes_hold(
    mut sources: SourceMap,
    mut findings: Vec<Diagnostic>,
    again: impl Fn(&str) -> (SourceMap, Vec<Diagnostic>),
) {
    for _ in 0..4 {
        let fixed = diag::fix::apply_safe(&sources, &findings);
        let Some((_, text)) = fixed.into_iter().find(|(file, _)| *file == FILE) else { return };
        assert_ne!(*text, *sources.get(FILE).text, "a fix that changes nothing");
        (sources, findings) = again(&text);
        findings_stand_in_the_text(&sources, &findings);
    }
}

/// A project in memory that holds the text, and a file it may import.
fn checked(bytes: &[u8]) -> (SourceMap, Model, Vec<Diagnostic>) {
    let beside =
        "wfl 1\nparam url: string\nstage healthy { exec \"true\" }\nlane quick { include healthy }\n";
    let files = Memory::default()
        .with("/project/fuzz.wfl", bytes)
        .with("/project/shared/smoke.wfl", beside)
        .with("/project/.wfl/project.wfl", "wfl 1\nproject { group \"ops\" { member \"a@b.example\" } }\n");
    let request = Request { root: "/project".into(), cwd: "/project".into(), paths: vec!["fuzz.wfl".into()] };
    let Loaded { sources, units, mut diagnostics, .. } = load(&request, &files);
    sorted(&diagnostics);
    let checked = wfl::model::check(&sources, &units);
    sorted(&checked.diagnostics);
    diagnostics.extend(checked.diagnostics);
    let levels = &checked.model.project.levels;
    let settled = wfl::model::settle(&sources, &units, levels, diagnostics);
    (sources, checked.model, settled)
}

/// Any bytes go through the whole check; findings are in order, in place, and can be shown in every format.
pub fn check(bytes: &[u8]) {
    let (sources, _, findings) = checked(bytes);
    findings_stand_in_the_text(&sources, &findings);
    sorted(&findings);
    for format in [Format::Human, Format::Short, Format::Json] {
        let shown = diag::render(format, &sources, &findings, false, 80);
        assert!(format != Format::Short || shown.lines().count() == findings.len(), "one line a finding");
    }
    fixes_hold(sources, findings, |text| {
        let (sources, _, findings) = checked(text.as_bytes());
        (sources, findings)
    });
}

/// An expression that the checker accepts has a value of the type the checker gave it, or fails with words.
pub fn expression(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    let names = "param s: string = \"a-b\"\nparam n: int = 3\nparam on: bool = true\nparam d: duration = 90s\nparam p: percent = 85%\nparam z: size = 2GiB\nparam o: enum(\"eu\", \"us\") = \"eu\"\nlet xs = [\"a\", \"b\"]\nfn twice(x: int) = x + x\n";
    for written in
        [format!("wfl 1\n{names}let it = {text}\n"), format!("wfl 1\n{names}let it = f\"{text}\"\n")]
    {
        let (sources, model, findings) = checked(written.as_bytes());
        findings_stand_in_the_text(&sources, &findings);
        if findings.iter().any(Diagnostic::is_error) {
            continue;
        }
        for global in &model.globals {
            evaluates(&model, global);
        }
    }
    literal(text);
}

fn evaluates(model: &Model, global: &Global) {
    let (GlobalKind::Let(expr) | GlobalKind::Param { default: Some(expr), .. }) = &global.kind else {
        return;
    };
    match wfl::expr::eval(expr, &World(model)) {
        Ok(value) => assert!(fits(&value, &global.ty), "{value:?} is no {}", global.ty),
        Err(Stop::Failed { message, .. }) => assert!(!message.is_empty()),
        Err(Stop::Needs(keys)) => panic!("still needs {keys:?}"),
    }
}

fn fits(value: &Value, ty: &Type) -> bool {
    match (value, ty) {
        (_, Type::Unknown) | (Value::Absent, Type::Optional(_)) => true,
        (value, Type::Optional(inner)) => fits(value, inner),
        (Value::List(items), Type::List(inner)) => items.iter().all(|item| fits(item, inner)),
        (Value::String(word), Type::Enum(words)) => words.contains(word),
        (value, ty) => value.ty() == *ty,
    }
}

/// Every fact is known, with a value of its type that says little.
struct World<'a>(&'a Model);

impl Scope for World<'_> {
    fn global(&self, index: u32) -> Option<Value> {
        let global = self.0.globals.get(index as usize)?;
        match &global.kind {
            GlobalKind::Let(expr) | GlobalKind::Param { default: Some(expr), .. } => {
                wfl::expr::eval(expr, self).ok()
            }
            _ => Some(plain(&global.ty)),
        }
    }

    fn function(&self, index: u32) -> Option<&Function> {
        self.0.functions.get(index as usize)
    }

    fn fact(&self, key: &FactKey) -> Option<Fact> {
        Some(Fact::Read(plain(&key.ty)))
    }
}

fn plain(ty: &Type) -> Value {
    match ty {
        Type::String | Type::Unknown => Value::String("main".into()),
        Type::Int => Value::Int(1),
        Type::Float => Value::Float(0.5),
        Type::Bool => Value::Bool(true),
        Type::Duration => Value::Duration(1),
        Type::Percent => Value::Percent(50.0),
        Type::Size => Value::Size(1),
        Type::Path => Value::Path("src/main.rs".into()),
        Type::Enum(words) => Value::String(words.first().cloned().unwrap_or_default()),
        Type::List(inner) => Value::List(vec![plain(inner)]),
        Type::Optional(_) => Value::Absent,
    }
}

/// A value given from outside is read as its type or refused with words, and reads back as itself.
fn literal(text: &str) {
    let types = [Type::String, Type::Int, Type::Bool, Type::Duration, Type::Size, Type::Path];
    for ty in types {
        match wfl::expr::parse::value(text, &ty) {
            Ok(value) => {
                assert!(fits(&value, &ty), "{value:?} is no {ty}");
                let again = wfl::expr::parse::value(&value.to_string(), &ty);
                assert_eq!(again.as_ref(), Ok(&value), "{text:?} as {ty}");
            }
            Err(why) => assert!(!why.is_empty()),
        }
    }
    for why in
        [wfl::expr::pattern::whole(text).err(), wfl::expr::pattern::glob(text).err()].into_iter().flatten()
    {
        assert!(!why.trim().is_empty());
    }
}

/// Whether a template may ask for more memory or time than one process should have: a wide format, a power, a loop of
/// loops, a text that doubles. The program fills templates in a process of its own for these, which is tested there.
fn amplifies(text: &str) -> bool {
    let long = |digits: &str| digits.len() > 2;
    text.split(|c: char| !c.is_ascii_digit() && c != '_').any(long)
        || text.matches(['*', '~']).count() > 4
        || ["for ", "macro ", "set ", "loop", "range", "replace", "join"]
            .iter()
            .any(|word| text.matches(word).count() > 2)
}

/// A template ends, in bounded output, or says in one line why not.
pub fn template(bytes: &[u8]) {
    let Some(text) = text_of(bytes).filter(|text| !amplifies(text)) else { return };
    let context = serde_json::json!({
        "title": "<b> & \"c\"",
        "count": 3,
        "on": true,
        "files": ["a.rs", "b.rs", "c d.rs"],
        "absent": null,
    });
    for html in [false, true] {
        match wfl::exec::fill_template("fuzz.jinja", text, &context, html) {
            Ok(written) => {
                assert!(written.len() <= 16 << 20, "{} bytes", written.len());
                assert!(std::str::from_utf8(&written).is_ok(), "not text");
            }
            Err(why) => {
                assert!(why.contains("fuzz.jinja"), "no place: {why}");
                assert!(why.len() < 4096 + text.len(), "{} bytes of reason", why.len());
            }
        }
    }
}
