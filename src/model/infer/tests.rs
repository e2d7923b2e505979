//! Tests of inference over small trees built by hand.

use std::cell::RefCell;

use super::*;
use crate::base::{FileId, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::{Expr as Checked, Kind};
use crate::syntax::ast::{
    Access, Argument, Arithmetic, ArithmeticOp, CompareOp, Comparison, Comprehension, Expr, ExprKind,
    Literal, Segment, Step, TypeExpr,
};

/// One module: `region: enum(eu, us)`, `ticket: string`, `wait: duration`, secret `token`, fn `old(p: path)`, stages
/// `build` (path `app`), `unit` (matrix, int `count`), `vendor` (allow-failure, string `word`), lane `hotfix`;
/// module 1 is imported as `smoke` and has lane `quick` and value `host`; module 2 is `std.retry`.
struct World {
    modules: Vec<Names>,
    function: Signature,
    used: RefCell<Vec<Symbol>>,
}

fn span(at: usize) -> Span {
    Span::new(FileId(0), at, at + 1)
}

fn words() -> Type {
    Type::Enum(vec!["eu".into(), "us".into()])
}

impl World {
    fn new() -> Self {
        let mut own = Names::default();
        let values = [
            ("region", Symbol::Global(0)),
            ("ticket", Symbol::Global(1)),
            ("wait", Symbol::Global(2)),
            ("token", Symbol::Global(3)),
            ("flag", Symbol::Global(4)),
            ("old", Symbol::Function(0)),
            ("build", Symbol::Stage(0)),
            ("unit", Symbol::Stage(1)),
            ("vendor", Symbol::Stage(2)),
        ];
        for (index, (name, symbol)) in values.into_iter().enumerate() {
            own.values.insert(name.into(), (symbol, span(100 + index)));
        }
        own.lanes.insert("hotfix".into(), (Symbol::Lane(0), span(120)));
        own.imports.insert("smoke".into(), (1, span(130)));
        let mut smoke = Names::default();
        smoke.lanes.insert("quick".into(), (Symbol::Lane(1), span(140)));
        smoke.values.insert("host".into(), (Symbol::Global(1), span(141)));
        let mut retry = Names::default();
        retry.retries.insert("network".into(), (Symbol::Retry(0), span(150)));
        let function = Signature {
            name: "old".into(),
            parameters: vec![("p".into(), Type::Path)],
            result: Type::Bool,
            secret: false,
        };
        World { modules: vec![own, smoke, retry], function, used: RefCell::default() }
    }
}

impl Definitions for World {
    fn names(&self, module: ModuleId) -> &Names {
        &self.modules[module as usize]
    }
    fn std_module(&self, name: &str) -> Option<ModuleId> {
        (name == "retry").then_some(2)
    }
    fn global(&self, index: u32) -> (Type, bool) {
        match index {
            0 => (words(), false),
            1 => (Type::String, false),
            2 => (Type::Duration, false),
            3 => (Type::String, true),
            _ => (Type::Bool.optional(), false),
        }
    }
    fn function(&self, _: u32) -> &Signature {
        &self.function
    }
    fn stage(&self, id: StageId) -> StageFacts<'_> {
        let (name, output) = match id {
            0 => ("build", ("app", Type::Path, span(200))),
            1 => ("unit", ("count", Type::Int, span(201))),
            _ => ("vendor", ("word", Type::String, span(202))),
        };
        let at = span(106 + id as usize);
        StageFacts { name, span: at, matrix: id == 1, allow_failure: id == 2, outputs: vec![output] }
    }
    fn mark_used(&self, symbol: Symbol) {
        self.used.borrow_mut().push(symbol);
    }
}

fn place() -> Place<'static> {
    Place {
        module: 0,
        judge: false,
        reader: false,
        stage: None,
        reads: None,
        matrix: &[],
        measures: &[],
        locals: &[],
        secrets: Secrets::Allowed,
        start: true,
        extra: None,
        calls: &[],
    }
}

fn judge() -> Place<'static> {
    Place { judge: true, stage: Some(0), reads: Some(&[(1, false), (2, false)]), ..place() }
}

fn e(kind: ExprKind) -> Expr {
    Expr { span: span(10), kind }
}
fn ident(text: &str) -> Ident {
    Ident { text: text.into(), span: span(11) }
}
fn word(text: &str) -> Expr {
    e(ExprKind::Word(text.into()))
}
fn text(text: &str) -> Expr {
    e(ExprKind::Literal(Literal::String(text.into())))
}
fn int(n: i64) -> Expr {
    e(ExprKind::Literal(Literal::Int(n)))
}
fn percent(n: f64) -> Expr {
    e(ExprKind::Literal(Literal::Percent(n)))
}
fn duration(ms: i64) -> Expr {
    e(ExprKind::Literal(Literal::Duration(ms)))
}
fn size(bytes: i64) -> Expr {
    e(ExprKind::Literal(Literal::Size(bytes)))
}
fn list(items: Vec<Expr>) -> Expr {
    e(ExprKind::List(items))
}
fn compare(left: Expr, op: CompareOp, right: Expr) -> Expr {
    e(ExprKind::Compare(Box::new(Comparison { op, op_span: span(12), left, right })))
}
fn sum(first: Expr, op: ArithmeticOp, term: Expr) -> Expr {
    e(ExprKind::Arithmetic(Box::new(Arithmetic { first, rest: vec![(op, span(12), term)] })))
}
fn access(base: &str, steps: Vec<Step>) -> Expr {
    e(ExprKind::Access(Box::new(Access { base: word(base), steps })))
}
fn member(name: &str) -> Step {
    Step::Member(ident(name))
}
fn call(arguments: Vec<Expr>) -> Step {
    let arguments = arguments.into_iter().map(|value| Argument { name: None, value }).collect();
    Step::Call { arguments, span: span(13) }
}
/// `a.b.c`.
fn path(dotted: &str) -> Expr {
    let mut parts = dotted.split('.');
    let base = parts.next().unwrap();
    access(base, parts.map(member).collect())
}

fn check_at(place: &Place<'_>, e: &Expr, want: Option<&Type>) -> (Checked, Type, Vec<Diagnostic>) {
    let world = World::new();
    let mut report = Report::default();
    let typed = infer(&world, place, e, want, &mut report);
    (typed.expr, typed.ty, report.finish())
}

fn ty(place: &Place<'_>, e: &Expr, want: Option<&Type>) -> Type {
    let (_, ty, found) = check_at(place, e, want);
    assert!(found.is_empty(), "{found:#?}");
    ty
}

/// The one finding: its code, and its help.
fn finding(place: &Place<'_>, e: &Expr, want: Option<&Type>) -> (&'static str, String) {
    let (_, _, found) = check_at(place, e, want);
    assert_eq!(found.len(), 1, "{found:#?}");
    (found[0].code.id, found[0].help.clone().unwrap_or_default())
}

#[track_caller]
fn refused(place: &Place<'_>, e: &Expr, want: Option<&Type>, code: &str, help: &str) {
    let (id, said) = finding(place, e, want);
    assert_eq!(id, code, "{said}");
    assert!(said.contains(help), "{said}");
}

#[test]
fn literals_adapt_to_paths_and_enums_and_nothing_else() {
    let (expr, ty, _) = check_at(&place(), &text("dist/a"), Some(&Type::Path));
    assert_eq!((expr.as_value(), ty), (Some(&Value::Path("dist/a".into())), Type::Path));
    let format = e(ExprKind::Format(vec![Segment::Text("a".into()), Segment::Expr(word("ticket"))]));
    let (expr, ty, _) = check_at(&place(), &format, Some(&Type::Path));
    assert!(matches!(expr.kind, Kind::Builtin { ref name, .. } if name == "path"));
    assert_eq!(ty, Type::Path);
    for literal in [text("eu"), word("eu")] {
        assert_eq!(
            check_at(&place(), &literal, Some(&words())).0.as_value(),
            Some(&Value::String("eu".into()))
        );
    }
    refused(&place(), &word("eux"), Some(&words()), "E122", "did you mean `eu`?");
    refused(&place(), &word("ticket"), Some(&Type::Path), "E104", "path(ticket)");
    refused(&place(), &text("10m"), Some(&Type::Duration), "E104", "without quotes: `10m`");
}

#[test]
fn bare_numbers_need_their_unit() {
    refused(&place(), &int(10), Some(&Type::Duration), "E105", "`10s`");
    refused(&place(), &int(70), Some(&Type::Percent), "E105", "`70%`");
    refused(&place(), &int(9), Some(&Type::Float), "E104", "`9.0`");
    refused(&place(), &size(1), Some(&Type::Duration), "E106", "another duration");
    let lines = [("lines".to_owned(), Type::Percent)];
    let gate = Place { measures: &lines, ..judge() };
    assert_eq!(ty(&gate, &compare(word("lines"), CompareOp::Ge, percent(70.0)), None), Type::Bool);
    refused(&gate, &compare(word("lines"), CompareOp::Ge, int(70)), None, "E105", "`70%`");
    refused(&gate, &compare(int(70), CompareOp::Le, word("lines")), None, "E105", "`70%`");
}

#[test]
fn only_equal_types_are_compared() {
    assert_eq!(ty(&place(), &compare(word("region"), CompareOp::Eq, word("eu")), None), Type::Bool);
    assert_eq!(ty(&place(), &compare(text("eu"), CompareOp::Eq, word("region")), None), Type::Bool);
    refused(&place(), &compare(word("region"), CompareOp::Eq, text("asia")), None, "E122", "`eu`");
    refused(&place(), &compare(word("wait"), CompareOp::Eq, word("ticket")), None, "E104", "");
    refused(&place(), &compare(word("wait"), CompareOp::Lt, size(3)), None, "E106", "");
    refused(&place(), &compare(word("ticket"), CompareOp::Lt, text("b")), None, "E104", "larger or smaller");
    let tag = compare(path("git.tag"), CompareOp::Eq, text("v1"));
    assert_eq!(ty(&place(), &tag, None), Type::Bool, "an optional may be compared with its type");
}

#[test]
fn what_may_be_absent_needs_a_default() {
    refused(&place(), &path("git.tag"), Some(&Type::String), "E104", "git.tag ?? \"none\"");
    let default = e(ExprKind::Coalesce(vec![path("git.tag"), text("none")]));
    assert_eq!(ty(&place(), &default, Some(&Type::String)), Type::String);
    assert_eq!(ty(&place(), &default, None), Type::String);
    let format = e(ExprKind::Format(vec![Segment::Expr(path("git.tag"))]));
    refused(&place(), &format, None, "E104", "??");
}

#[test]
fn arithmetic_keeps_units_apart() {
    use ArithmeticOp::{Add, Divide, Multiply};
    assert_eq!(ty(&place(), &sum(word("wait"), Add, duration(1)), None), Type::Duration);
    assert_eq!(ty(&place(), &sum(int(2), Multiply, word("wait")), None), Type::Duration);
    assert_eq!(ty(&place(), &sum(word("wait"), Divide, duration(1)), None), Type::Float);
    refused(&place(), &sum(word("wait"), Add, int(5)), None, "E105", "`5s`");
    refused(&place(), &sum(int(5), Add, word("wait")), None, "E105", "`5s`");
    refused(&place(), &sum(word("wait"), Add, size(5)), None, "E106", "");
    refused(&place(), &sum(text("v"), Add, word("ticket")), None, "E104", "f\"v{ticket}\"");
}

#[test]
fn patterns_are_compiled_when_checked() {
    let op = CompareOp::Matches;
    assert_eq!(ty(&place(), &compare(word("ticket"), op, text("^HOT-[0-9]{2}$")), None), Type::Bool);
    refused(&place(), &compare(word("ticket"), op, text("(?=x)")), None, "E117", "linear");
    refused(&place(), &compare(word("ticket"), CompareOp::Like, text("a[")), None, "E117", "glob");
    refused(&place(), &compare(path("change.files"), CompareOp::Like, text("*")), None, "E104", "like");
}

#[test]
fn members_of_lists_take_the_lists_type() {
    let codes = list(vec![int(6), int(7)]);
    assert_eq!(ty(&judge(), &compare(word("exit"), CompareOp::In, codes), None), Type::Bool);
    let regions = list(vec![word("eu"), text("us")]);
    assert_eq!(ty(&place(), &compare(word("region"), CompareOp::In, regions), None), Type::Bool);
    let files = compare(text("a.rs"), CompareOp::In, path("change.files"));
    assert_eq!(ty(&place(), &files, None), Type::Bool);
    refused(&place(), &compare(text("a"), CompareOp::In, word("ticket")), None, "E104", "matches");
    refused(&place(), &list(vec![int(1), text("a")]), None, "E104", "");
}

#[test]
fn facts_stand_only_where_they_can_be_known() {
    let exists = access("file", vec![member("exists"), call(vec![text("Cargo.lock")])]);
    assert_eq!(ty(&judge(), &exists, None), Type::Bool);
    refused(&place(), &exists, None, "E215", "`before`");
    refused(&place(), &word("exit"), None, "E215", "retry");
    assert_eq!(ty(&place(), &word("os"), None), Type::String);
    refused(&place(), &path("git.brnch"), None, "E102", "did you mean `git.branch`?");
    refused(&place(), &path("env.HOME"), None, "E102", "env(\"HOME\")");
    let branch = access("git", vec![member("branch"), call(vec![])]);
    refused(&place(), &branch, None, "E107", "write `git.branch`");
    assert_eq!(ty(&place(), &access("env", vec![call(vec![text("X")])]), None), Type::String.optional());
}

#[test]
fn readers_parse_to_the_declared_type() {
    let reader = Place { reader: true, stage: Some(0), ..place() };
    let json = access("json", vec![call(vec![path("out.app"), text("/a")])]);
    let (expr, ty, found) = check_at(&reader, &json, Some(&Type::Percent));
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(ty, Type::Percent);
    assert!(matches!(expr.kind, Kind::Fact { ty: Type::Percent, .. }));
    let junit = |field: &str| access("junit", vec![call(vec![text("t/*.xml")]), member(field)]);
    assert_eq!(self::ty(&reader, &junit("failed"), None), Type::Int);
    refused(&reader, &junit("fialed"), None, "E102", "did you mean `failed`?");
    refused(&place(), &junit("failed"), None, "E215", "measure");
    assert_eq!(self::ty(&reader, &word("exit"), Some(&Type::Int)), Type::Int);
}

#[test]
fn outputs_need_the_stage_among_the_needs() {
    assert_eq!(ty(&judge(), &path("out.app.size"), None), Type::Size);
    assert_eq!(ty(&judge(), &path("unit.count"), None), Type::Int.list().optional());
    assert_eq!(ty(&judge(), &path("vendor.word"), None), Type::String.optional());
    refused(&judge(), &path("build.app"), None, "E401", "`out.app`");
    let other = Place { stage: Some(2), reads: Some(&[]), ..place() };
    let (_, _, found) = check_at(&other, &path("build.app"), None);
    assert_eq!((found[0].code.id, found[0].help.as_deref()), ("E401", Some("add `needs build`")));
    assert_eq!(found[0].related[0].span, span(106));
    let optional = Place { stage: Some(2), reads: Some(&[(0, true)]), ..place() };
    assert_eq!(ty(&optional, &path("build.app"), None), Type::Path.optional());
    refused(&optional, &path("build.apq"), None, "E401", "did you mean `app`?");
    refused(&place(), &path("build.app"), None, "E215", "need");
    refused(&optional, &word("build"), None, "E104", "build.app");
    let unjudged = Place { stage: Some(0), ..place() };
    refused(&unjudged, &path("out.app.size"), None, "E215", "`before`");
}

#[test]
fn lost_names_are_said_with_what_was_meant() {
    refused(&place(), &word("tickte"), None, "E102", "did you mean `ticket`?");
    refused(&place(), &word("wait-5"), None, "E102", "`wait - 5`");
    refused(&place(), &word("ticket-region"), None, "E102", "`ticket - region`");
    refused(&place(), &word("null"), None, "E102", "??");
    refused(&judge(), &word("app"), None, "E102", "`out.app`");
    refused(&place(), &word("git"), None, "E102", "git.branch");
    refused(&place(), &word("hotfix"), None, "E102", "is a lane");
    refused(&place(), &path("ticket.length"), None, "E102", "len(ticket)");
    refused(&place(), &access("length", vec![call(vec![word("ticket")])]), None, "E102", "len(…)");
    let (_, _, found) = check_at(&place(), &word("tickte"), None);
    assert_eq!(found[0].related[0].span, span(101), "the definition that was meant");
}

#[test]
fn calls_check_their_arguments() {
    let old = |arguments| access("old", vec![call(arguments)]);
    assert_eq!(ty(&place(), &old(vec![text("a")]), None), Type::Bool);
    refused(&place(), &old(vec![]), None, "E107", "old(p: path)");
    refused(&place(), &old(vec![int(1)]), None, "E104", "");
    refused(&place(), &word("old"), None, "E107", "old(…)");
    let builtin = |name: &str, arguments| access(name, vec![call(arguments)]);
    assert_eq!(ty(&place(), &builtin("len", vec![path("change.files")]), None), Type::Int);
    assert_eq!(ty(&place(), &builtin("max", vec![int(1), int(2)]), None), Type::Int);
    assert_eq!(ty(&place(), &builtin("max", vec![duration(1), word("wait")]), None), Type::Duration);
    refused(&place(), &builtin("min", vec![word("ticket"), text("a")]), None, "E104", "");
    refused(&place(), &builtin("lower", vec![path("git.tag")]), None, "E104", "??");
}

#[test]
fn conditions_are_true_or_false() {
    let world = World::new();
    let judged = |e: &Expr| {
        let mut report = Report::default();
        condition(&world, &place(), e, &mut report);
        report.finish().first().map(|found| (found.code.id, found.help.clone().unwrap_or_default()))
    };
    assert_eq!(judged(&path("git.dirty")), None);
    assert_eq!(judged(&word("ticket")), Some(("E108", "compare it: `ticket == \"…\"`".into())));
    assert_eq!(judged(&word("flag")), Some(("E108", "give a default: `flag ?? false`".into())));
    let and = e(ExprKind::And(vec![path("git.dirty"), int(1)]));
    assert_eq!(judged(&and).map(|(code, _)| code), Some("E108"));
    assert_eq!(judged(&word("nonsense")).map(|(code, _)| code), Some("E102"), "reported once");
}

#[test]
fn secrets_taint_what_they_are_part_of() {
    let world = World::new();
    let auth = e(ExprKind::Format(vec![Segment::Text("Bearer ".into()), Segment::Expr(word("token"))]));
    let typed = infer(&world, &place(), &auth, None, &mut Report::default());
    assert!(typed.secret);
    let argv = Place { secrets: Secrets::Forbidden(&codes::E501), ..place() };
    refused(&argv, &auth, None, "E501", "env");
    assert!(!infer(&world, &argv, &word("ticket"), None, &mut Report::default()).secret);
}

#[test]
fn comprehensions_bind_their_variable_in_a_slot_of_its_own() {
    let names = |body, variable: &str, source| {
        let inner = Comprehension { body, variable: ident(variable), source, condition: None };
        e(ExprKind::Comprehension(Box::new(inner)))
    };
    let locals = [("p".to_owned(), Type::Path)];
    let function = Place { locals: &locals, ..place() };
    let base = access("basename", vec![call(vec![word("f")])]);
    let (expr, ty, found) = check_at(&function, &names(base, "f", path("change.files")), None);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(ty, Type::String.list());
    assert!(matches!(expr.kind, Kind::Comprehension(inner) if inner.slot == 1));
    let hiding = names(int(1), "ticket", path("change.files"));
    assert_eq!(finding(&place(), &hiding, None).0, "W113");
    assert_eq!(finding(&place(), &names(int(1), "x", word("ticket")), None).0, "E104");
}

#[test]
fn a_forgotten_prefix_is_noticed() {
    let (expr, _, found) = check_at(&place(), &text("v-{ticket}"), None);
    assert_eq!(found[0].code.id, "W115");
    assert_eq!(found[0].fix.as_ref().map(|fix| fix.edits[0].text.as_str()), Some("f"));
    assert!(expr.as_value().is_some());
    assert!(check_at(&place(), &text("v-{other}"), None).2.is_empty());
    let regex = compare(word("ticket"), CompareOp::Matches, text("a{ticket}"));
    assert!(check_at(&place(), &regex, None).2.iter().all(|found| found.code.id != "W115"));
}

#[test]
fn operands_are_single_values_or_spliced_lists() {
    let world = World::new();
    let check = |e: &Expr, spread| {
        let mut report = Report::default();
        operand(&world, &place(), e, spread, &mut report);
        report.finish().first().map(|found| found.code.id)
    };
    let spread = e(ExprKind::Spread(Box::new(path("change.files"))));
    assert_eq!(check(&spread, true), None);
    assert_eq!(check(&spread, false), Some("E104"));
    assert_eq!(check(&path("change.files"), true), Some("E104"));
    assert_eq!(check(&word("wait"), false), None);
}

#[test]
fn a_place_may_give_its_own_paths() {
    let extra = |parts: &[Ident]| {
        let words: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
        (words == ["s", "lock"]).then(|| Type::String.optional())
    };
    let principle = Place { extra: Some(&extra), ..place() };
    assert_eq!(ty(&principle, &compare(path("s.lock"), CompareOp::Eq, text("production")), None), Type::Bool);
    refused(&principle, &path("s.nothing"), None, "E102", "");
}

#[test]
fn branches_and_lists_agree() {
    let choice = |yes, no| e(ExprKind::If(Box::new((path("git.dirty"), yes, no))));
    assert_eq!(ty(&place(), &choice(text("eu"), word("region")), None), words());
    assert_eq!(ty(&place(), &choice(word("ticket"), path("git.tag")), None), Type::String.optional());
    refused(&place(), &choice(word("wait"), word("ticket")), None, "E104", "");
    assert_eq!(ty(&place(), &choice(text("a"), text("b")), Some(&Type::Path)), Type::Path);
    let indexed = access("change", vec![member("files"), Step::Index { index: int(0), span: span(14) }]);
    assert_eq!(ty(&place(), &indexed, None), Type::Path.optional());
}

#[test]
fn symbols_are_found_through_imports_and_std() {
    let world = World::new();
    let mut report = Report::default();
    let mut find = |dotted: &str, namespace| {
        let parts: Vec<Ident> = dotted.split('.').map(ident).collect();
        path_symbol(&world, 0, &parts, namespace, &mut report)
    };
    assert_eq!(find("build", Namespace::Stages), Some(Symbol::Stage(0)));
    assert_eq!(find("smoke.quick", Namespace::Lanes), Some(Symbol::Lane(1)));
    assert_eq!(find("std.retry.network", Namespace::Retries), Some(Symbol::Retry(0)));
    assert_eq!(find("smoke.quik", Namespace::Lanes), None);
    assert_eq!(find("biuld", Namespace::Stages), None);
    assert_eq!(find("ticket", Namespace::Stages), None);
    assert_eq!(find("nowhere.x", Namespace::Values), None);
    assert_eq!(find("std.nothing.x", Namespace::Values), None);
    let mut codes: Vec<&str> = report.finish().iter().map(|found| found.code.id).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["E102", "E102", "E126", "E202", "E202"]);
    assert_eq!(ty(&place(), &path("smoke.host"), None), Type::String);
    assert!(world.used.borrow().contains(&Symbol::Module(1)));
}

#[test]
fn types_are_read_and_foreign_ones_explained() {
    let written = |name: &str, arguments, words: Vec<Expr>, optional| TypeExpr {
        span: span(10),
        name: ident(name),
        arguments,
        words,
        optional,
    };
    let mut report = Report::default();
    let list = written("list", vec![written("int", vec![], vec![], false)], vec![], true);
    assert_eq!(type_expr(&list, &mut report), Type::Int.list().optional());
    let choice = written("enum", vec![], vec![text("eu"), text("us")], false);
    assert_eq!(type_expr(&choice, &mut report), words());
    assert!(!report.has_errors());
    assert_eq!(type_expr(&written("boolean", vec![], vec![], false), &mut report), Type::Unknown);
    let found = report.finish();
    assert_eq!((found[0].code.id, found[0].help.as_deref()), ("E102", Some("did you mean `bool`?")));
}
