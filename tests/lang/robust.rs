//! Nothing a file may hold breaks the parser, slows it beyond its length, or yields a place inside a character.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_oneof, proptest};
use wfl::base::{FileId, Span};
use wfl::diag::Diagnostic;
use wfl::syntax::ast::File;
use wfl::syntax::parse;

use super::support::statements;

fn all_spans(tree: &File, diagnostics: &[Diagnostic]) -> Vec<Span> {
    let mut spans: Vec<Span> = tree.comments.iter().map(|comment| comment.span).collect();
    for statement in statements(tree) {
        spans.extend([statement.span, statement.head.span]);
        spans.extend(statement.block.as_ref().map(|block| block.span));
        spans.extend(statement.operands().iter().map(|operand| operand.span));
        spans.extend(statement.clauses.iter().map(|clause| clause.span));
        spans.extend(statement.binding().map(|binding| binding.name.span));
    }
    for diagnostic in diagnostics {
        spans.push(diagnostic.span);
        spans.extend(diagnostic.related.iter().map(|related| related.span));
        spans.extend(diagnostic.fix.iter().flat_map(|fix| fix.edits.iter().map(|edit| edit.span)));
    }
    spans
}

fn well_placed(text: &str, span: Span) -> bool {
    span.start <= span.end
        && text.is_char_boundary(span.start as usize)
        && text.is_char_boundary(span.end as usize)
}

fn holds_up(text: &str) -> bool {
    let (tree, diagnostics) = parse(FileId(0), text);
    let counted = tree.parsed + tree.refused == statements(&tree).len();
    let said = tree.refused == 0 || !diagnostics.is_empty();
    counted && said && all_spans(&tree, &diagnostics).into_iter().all(|span| well_placed(text, span))
}

fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("stage a {\n"),
        Just("}\n"),
        Just("\n"),
        Just("  "),
        Just("\t"),
        Just("\r\n"),
        Just("\""),
        Just("\"\"\""),
        Just("\"\"\"\n"),
        Just("f\""),
        Just("{"),
        Just("}"),
        Just("("),
        Just(")"),
        Just("["),
        Just("]"),
        Just(","),
        Just("="),
        Just("=="),
        Just("let x = "),
        Just(" and "),
        Just(" not "),
        Just("if a then b else c"),
        Just("1h30m"),
        Just("10%"),
        Just(".."),
        Just("..."),
        Just("??"),
        Just("?"),
        Just("&&"),
        Just("!"),
        Just("'"),
        Just("# c\n"),
        Just("## d\n"),
        Just(";"),
        Just("@"),
        Just("@old(x = 1)\n"),
        Just("é"),
        Just("\u{202e}"),
        Just("\u{feff}"),
        Just("\\"),
        Just("\\u{"),
        Just("run sh "),
        Just("a.b(c)[0]"),
        Just("[x for x in y if z]"),
        Just("list<"),
        Just(">"),
        Just(" because "),
        Just("//"),
        Just("\u{a0}"),
        Just("-"),
        Just("- 1"),
        Just("0"),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        prop_assert!(holds_up(&text));
    }

    #[test]
    fn any_soup_of_tokens_is_survived(text in soup()) {
        prop_assert!(holds_up(&text));
    }

    #[test]
    fn a_sample_with_a_hole_is_survived(start in 0usize..2000, length in 0usize..40) {
        let sample = include_str!("recovery.wfl");
        let start = start.min(sample.len());
        let end = (start + length).min(sample.len());
        let text = format!("{}{}", &sample[..start], &sample[end..]);
        prop_assert!(holds_up(&text));
    }
}

fn codes(text: &str) -> Vec<&'static str> {
    assert!(holds_up(text));
    parse(FileId(0), text).1.iter().map(|diagnostic| diagnostic.code.id).collect()
}

#[test]
fn nesting_of_any_depth_is_one_finding() {
    let n = 10_000;
    for (open, close) in [("(", ")"), ("[", "]"), ("f(", ")"), ("x[", "]")] {
        let closed = format!("let a = {}1{}\nlet b = 2\n", open.repeat(n), close.repeat(n));
        assert_eq!(codes(&closed), ["E010"], "{open}");
        assert_eq!(codes(&format!("let a = {}1\nlet b = 2\n", open.repeat(n))), ["E010"], "{open}");
    }
    assert_eq!(codes(&format!("{}{}\n", "a { ".repeat(n), "}".repeat(n))), ["E010"]);
    assert_eq!(codes(&"a { ".repeat(n)), ["E010"]);
    for chain in ["not ", "!", "if a then b else ", "if ", "list<", "f\"{", "... "] {
        let found = codes(&format!("let a = {}x\nlet b = 2\n", chain.repeat(n)));
        assert!(
            !found.is_empty() && found.iter().all(|code| matches!(*code, "E010" | "E004" | "E011" | "E001")),
            "{chain}"
        );
    }
    assert_eq!(codes(&format!("param a: {}int{}\n", "list<".repeat(n), ">".repeat(n))), ["E010"]);
}

#[test]
fn what_is_at_the_cap_is_accepted_and_can_be_walked() {
    let text = format!("let a = {}1{}\n", "(".repeat(64), ")".repeat(64));
    assert_eq!(codes(&text), Vec::<&str>::new());
    let text = format!("let a = {}true\nlet b = {}2\n", "not ".repeat(60), "if a then b else ".repeat(60));
    assert_eq!(codes(&text), Vec::<&str>::new());
    let (tree, _) = parse(FileId(0), &text);
    assert_eq!(tree.clone(), tree);
    let long = format!("let a = 1{}\nlet b = a{}\n", " + 1".repeat(20_000), ".b".repeat(20_000));
    assert_eq!(codes(&long), Vec::<&str>::new());
}

#[test]
fn a_statement_of_any_length_is_bounded() {
    let text = format!("let a = [{}]\nlet b = 2\n", "1, ".repeat(200_000));
    assert_eq!(codes(&text), ["E011"]);
}

#[test]
fn files_without_statements_are_fine() {
    for text in ["", "\n\n", "\u{feff}", "# only\n# comments", "## a doc of nothing\n", " \t\r\n"] {
        assert_eq!(codes(text), Vec::<&str>::new(), "{text:?}");
    }
    let (tree, _) = parse(FileId(0), "# one\n## two\n");
    assert_eq!(tree.comments.len(), 2);
}

#[test]
fn comments_docs_and_attributes_find_their_places() {
    let text = "## First.\n## Second.\n@deprecated(since = \"1.4\", use = \"x\")\nstage a { # trailing\n  # own\n  exec \"x\"\n}\n";
    let (tree, diagnostics) = parse(FileId(0), text);
    assert_eq!(diagnostics, []);
    let stage = &tree.statements[0];
    assert_eq!(stage.docs.as_deref(), Some("First.\nSecond."));
    assert_eq!((stage.attributes.len(), stage.attributes[0].arguments.len()), (1, 2));
    assert!(text[stage.span.range()].starts_with("stage a"));
    let own: Vec<bool> = tree.comments.iter().map(|comment| comment.own_line).collect();
    assert_eq!(own, [false, true]);
}

#[test]
fn large_files_of_every_shape_are_read_to_the_end() {
    let n = 4_000;
    let shapes: [(&str, usize); 8] = [
        ("stage s {\n  exec \"x\"\n}\n", 2 * n),
        ("a ;", n),
        ("x \"\n", n),
        ("x \"\"\n", n),
        ("x {\n", 0),
        ("}\n", 0),
        ("run \"\"\"\n", 0),
        ("## d\n", 0),
    ];
    for (shape, statements_wanted) in shapes {
        let (tree, diagnostics) = parse(FileId(0), &shape.repeat(n));
        let found = statements(&tree).len();
        assert_eq!(found, tree.parsed + tree.refused);
        if statements_wanted > 0 {
            assert_eq!(found, statements_wanted, "{shape:?}");
        }
        assert!(diagnostics.len() <= 2 * n, "{shape:?}");
    }
}

#[test]
fn thousands_of_stages_make_thousands_of_trees() {
    let stage = |i: usize| {
        format!(
            "stage s{i} {{\n  timeout 8m\n  inputs \"src/**\", \"Cargo.*\"\n  exec \"cargo\", \"test\", f\"{{a}}/3\"\n}}\n\n"
        )
    };
    let text: String = (0..3_000).map(stage).collect();
    let (tree, diagnostics) = parse(FileId(0), &text);
    assert_eq!((tree.parsed, tree.refused, diagnostics.len()), (12_000, 0, 0));
    let last = &tree.statements[2_999];
    assert_eq!(last.operands()[0].word(), Some("s2999"));
}
