//! What a text becomes: heads, tails, clauses, every kind of expression, and where each stands.

use wfl::base::FileId;
use wfl::syntax::ast::{Expr, ExprKind, Literal, Segment, Statement, Step, Tail};
use wfl::syntax::parse;

fn statements(text: &str) -> Vec<Statement> {
    let (tree, diagnostics) = parse(FileId(0), text);
    assert_eq!(diagnostics, [], "{text}");
    tree.statements
}

/// The expression in a few signs, so that a whole tree is one line.
fn show(expr: &Expr) -> String {
    let list = |all: &[Expr], by: &str| all.iter().map(show).collect::<Vec<_>>().join(by);
    match &expr.kind {
        ExprKind::Word(word) => word.to_string(),
        ExprKind::Literal(Literal::String(text)) => format!("{text:?}"),
        ExprKind::Literal(literal) => format!("{literal:?}"),
        ExprKind::Format(segments) => {
            let parts = segments.iter().map(|segment| match segment {
                Segment::Text(text) => format!("{text:?}"),
                Segment::Expr(inner) => show(inner),
            });
            format!("f<{}>", parts.collect::<Vec<_>>().join(" "))
        }
        ExprKind::Script(script) => format!(
            "script({:?} {:?}{})",
            script.interpreter.as_ref().map(|word| word.text.as_str()).unwrap_or(""),
            script.text,
            if script.interpolated { " f" } else { "" }
        ),
        ExprKind::List(items) => format!("[{}]", list(items, ", ")),
        ExprKind::Comprehension(c) => format!(
            "[{} for {} in {}{}]",
            show(&c.body),
            c.variable.text,
            show(&c.source),
            c.condition.as_ref().map(|condition| format!(" if {}", show(condition))).unwrap_or_default()
        ),
        ExprKind::Access(access) => {
            let steps = access.steps.iter().map(|step| match step {
                Step::Member(name) => format!(".{}", name.text),
                Step::Index { index, .. } => format!("[{}]", show(index)),
                Step::Call { arguments, .. } => {
                    let arguments = arguments.iter().map(|argument| match &argument.name {
                        Some(name) => format!("{}={}", name.text, show(&argument.value)),
                        None => show(&argument.value),
                    });
                    format!("({})", arguments.collect::<Vec<_>>().join(", "))
                }
            });
            format!("{}{}", show(&access.base), steps.collect::<String>())
        }
        ExprKind::Optional(inner) => format!("{}?", show(inner)),
        ExprKind::Spread(inner) => format!("...{}", show(inner)),
        ExprKind::And(all) => format!("({})", list(all, " and ")),
        ExprKind::Or(all) => format!("({})", list(all, " or ")),
        ExprKind::Not(inner) => format!("not {}", show(inner)),
        ExprKind::Compare(c) => format!("({} {:?} {})", show(&c.left), c.op, show(&c.right)),
        ExprKind::Range(ends) => format!("{}..{}", show(&ends.0), show(&ends.1)),
        ExprKind::Coalesce(all) => format!("({})", list(all, " ?? ")),
        ExprKind::Arithmetic(sum) => {
            let rest: String =
                sum.rest.iter().map(|(op, _, value)| format!(" {op:?} {}", show(value))).collect();
            format!("({}{rest})", show(&sum.first))
        }
        ExprKind::If(parts) => format!("if {} {} {}", show(&parts.0), show(&parts.1), show(&parts.2)),
        ExprKind::Error => "error".into(),
    }
}

fn value(text: &str) -> String {
    let all = statements(&format!("let x = {text}\n"));
    show(all[0].binding().and_then(|binding| binding.value.as_ref()).unwrap())
}

#[test]
fn every_kind_of_expression_is_read() {
    for (text, wanted) in [
        ("f\"a{b}\\{c\\}\"", "f<\"a\" b \"{c}\">"),
        ("f\"{f(\"}\")}{f\"{x}\"}\"", "f<f(\"}\") f<x>>"),
        ("a.b(1, k = 2,)[0].c", "a.b(Int(1), k=Int(2))[Int(0)].c"),
        ("[1, 2,]", "[Int(1), Int(2)]"),
        ("[]", "[]"),
        ("[f(e) for e in xs if e != \"\"]", "[f(e) for e in xs if (e Ne \"\")]"),
        ("if a and b then 1 else if c then 2 else 3", "if (a and b) Int(1) if c Int(2) Int(3)"),
        ("1..6", "Int(1)..Int(6)"),
        ("2s..30s", "Duration(2000)..Duration(30000)"),
        ("a ?? b.c ?? \"d\"", "(a ?? b.c ?? \"d\")"),
        ("a - -5 * 2", "(a Subtract (Int(-5) Multiply Int(2)))"),
        ("a-b", "a-b"),
        ("not a or b == c.d", "(not a or (b Eq c.d))"),
        ("(a or b) and true", "((a or b) and Bool(true))"),
        (
            "exit in [6, 7] or stderr matches \"a|b\"",
            "((exit In [Int(6), Int(7)]) or (stderr Matches \"a|b\"))",
        ),
        ("\"\\u{e9}\\t\\\"\"", "\"é\\t\\\"\""),
        ("99.5%", "Percent(99.5)"),
    ] {
        assert_eq!(value(text), wanted, "{text}");
    }
}

#[test]
fn heads_have_values_clauses_and_blocks() {
    let all = statements(
        "approve 1 from \"team\" before deploy, x? because \"r\" { timeout 5m }\nexec \"a\", ...b.c\nrepeatable\n",
    );
    let approve = &all[0];
    assert_eq!(show(&approve.operands()[0]), "Int(1)");
    let clauses: Vec<String> = approve
        .clauses
        .iter()
        .map(|clause| {
            format!("{} {}", clause.word.text, clause.operands.iter().map(show).collect::<Vec<_>>().join(","))
        })
        .collect();
    assert_eq!(clauses, ["from \"team\"", "before deploy,x?", "because \"r\""]);
    assert_eq!(approve.body()[0].head.text, "timeout");
    assert_eq!(show(&all[1].operands()[1]), "...b.c");
    assert!(all[2].operands().is_empty());
}

#[test]
fn bindings_have_parameters_types_and_values() {
    let all = statements(
        "fn f(a: list<string>, b: enum(\"x\", \"y\")?) = a\nout served: string = text(\"f\")\nparam p: int?\nOUT = 1\ngit.branch = \"m\"\n",
    );
    let f = all[0].binding().unwrap();
    let parameters = f.parameters.as_ref().unwrap();
    assert_eq!((parameters[0].1.name.text.as_str(), parameters[0].1.arguments.len()), ("list", 1));
    assert_eq!((parameters[1].1.words.len(), parameters[1].1.optional), (2, true));
    assert!(all[1].binding().is_some_and(|binding| binding.ty.is_some() && binding.value.is_some()));
    assert!(all[2].binding().is_some_and(|binding| binding.value.is_none()));
    let assigned: Vec<&str> =
        all.iter().filter(|s| matches!(s.tail, Tail::Assign(_))).map(|s| s.head.text.as_str()).collect();
    assert_eq!(assigned, ["OUT", "git.branch"]);
}

#[test]
fn scripts_are_dedented_and_keep_their_interpreter() {
    let text = "run sh \"\"\"\n    echo \"{a}\" # no comment\n\n      b\n    \"\"\"\nrun f\"\"\"\n  x\n  \"\"\"\nlet y =\n  \"\"\"\n  z\n  \"\"\"\n";
    let all = statements(text);
    assert_eq!(show(&all[0].operands()[0]), "script(\"sh\" \"echo \\\"{a}\\\" # no comment\\n\\n  b\")");
    assert_eq!(show(&all[1].operands()[0]), "script(\"\" \"x\" f)");
    assert_eq!(
        all[2].binding().and_then(|b| b.value.as_ref()).map(show).as_deref(),
        Some("script(\"\" \"z\")")
    );
    let ExprKind::Script(script) = &all[0].operands()[0].kind else { panic!("no script") };
    assert!(text[script.line_offsets[0] as usize..].starts_with("echo"));
    assert!(text[script.line_offsets[2] as usize..].starts_with("  b"));
}

#[test]
fn a_statement_goes_on_where_it_cannot_end() {
    let text = "needs a,\n  # why\n  b,\n  c\nwhen x and\n  not y\nlet l = [\n1,\n2\n]\nlet z =\n  3\nparam t: list<int>\nexec \"a\"; exec \"b\"\n";
    let all = statements(text);
    let heads: Vec<&str> = all.iter().map(|statement| statement.head.text.as_str()).collect();
    assert_eq!(heads, ["needs", "when", "let", "let", "param", "exec", "exec"]);
    assert_eq!(all[0].operands().len(), 3);
}

#[test]
fn spans_are_the_text_s_own() {
    let text = "stage é-x\nlet a = b.c + f(\"d\") # e\n";
    let (tree, _) = parse(FileId(0), text);
    let binding = tree.statements[1].binding().unwrap();
    let value = binding.value.as_ref().unwrap();
    assert_eq!(&text[value.span.range()], "b.c + f(\"d\")");
    assert_eq!(&text[tree.statements[1].span.range()], "let a = b.c + f(\"d\")");
    let ExprKind::Arithmetic(sum) = &value.kind else { panic!("no sum") };
    assert_eq!((&text[sum.first.span.range()], &text[sum.rest[0].1.range()]), ("b.c", "+"));
}
