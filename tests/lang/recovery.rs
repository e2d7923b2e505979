//! One mistake costs one statement: each bracket and quote of a sample is deleted in turn.

use std::collections::BTreeMap;

use wfl::base::FileId;
use wfl::syntax::ast::{File, Statement};
use wfl::syntax::parse;

const SAMPLE: &str = include_str!("recovery.wfl");

/// `stage > env > A`, for each statement that was read.
fn paths(tree: &File) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting: Vec<(String, &Statement)> =
        tree.statements.iter().map(|statement| (String::new(), statement)).collect();
    while let Some((outer, statement)) = waiting.pop() {
        let name = statement.binding().map(|binding| binding.name.text.to_string());
        let word = statement.operands().first().and_then(|operand| operand.word()).map(str::to_owned);
        let path = format!("{outer} > {} {}", statement.head.text, name.or(word).unwrap_or_default());
        let around = format!("{outer} > {}", statement.head.text);
        waiting.extend(statement.body().iter().map(|inner| (around.clone(), inner)));
        if !statement.broken {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// How many of `before` are not in `after`.
fn lost(before: &[String], after: &[String]) -> usize {
    let mut left: Vec<&String> = after.iter().collect();
    let mut lost = 0;
    for path in before {
        match left.iter().position(|other| *other == path) {
            Some(at) => drop(left.swap_remove(at)),
            None => lost += 1,
        }
    }
    lost
}

struct Outcome {
    lost: usize,
    reports: usize,
    line: usize,
    text: String,
}

fn without_each(mark: char) -> Vec<Outcome> {
    let whole = paths(&parse(FileId(0), SAMPLE).0);
    // What stands in a script is the shell's, and a `[` in a pattern is text.
    let is_text = |at: usize| {
        let before = SAMPLE[..at].rsplit('\n').next().unwrap_or_default();
        before.contains("echo") || (matches!(mark, '[' | ']') && before.matches('"').count() % 2 == 1)
    };
    let places = SAMPLE.match_indices(mark).map(|(at, _)| at).filter(|at| !is_text(*at));
    places
        .map(|at| {
            let text = format!("{}{}", &SAMPLE[..at], &SAMPLE[at + 1..]);
            let (tree, diagnostics) = parse(FileId(0), &text);
            let line = SAMPLE[..at].lines().count();
            let shown = SAMPLE.lines().nth(line - 1).unwrap_or_default().to_owned();
            Outcome { lost: lost(&whole, &paths(&tree)), reports: diagnostics.len(), line, text: shown }
        })
        .collect()
}

fn spread(values: impl Iterator<Item = usize>) -> BTreeMap<usize, usize> {
    let mut spread = BTreeMap::new();
    values.for_each(|value| *spread.entry(value).or_default() += 1);
    spread
}

#[test]
fn deleting_one_bracket_or_quote_costs_little_and_is_always_reported() {
    assert!(SAMPLE.lines().count() >= 60);
    let whole = parse(FileId(0), SAMPLE);
    assert_eq!((whole.0.refused, whole.1.len()), (0, 0));
    for (mark, most) in [('{', 4), ('}', 3), ('"', 3), ('(', 1), (')', 1), ('[', 1), (']', 1)] {
        let outcomes = without_each(mark);
        let losses = spread(outcomes.iter().map(|outcome| outcome.lost));
        let reports = spread(outcomes.iter().map(|outcome| outcome.reports));
        println!("without one {mark}: statements lost {losses:?}, reports {reports:?}");
        for outcome in &outcomes {
            let Outcome { lost, reports, line, text } = outcome;
            if *lost > 1 || *reports != 1 {
                println!("  line {line}: {lost} lost, {reports} reports: {text}");
            }
            assert!(
                *reports > 0 && *lost <= most,
                "without `{mark}` in line {line}: {lost} lost, {reports} reports: {text}"
            );
        }
        let once = outcomes.iter().filter(|outcome| outcome.reports == 1).count();
        let all = outcomes.len();
        assert!(once * 10 >= all * 9, "without one {mark}: only {once} of {all} say so once");
    }
}

#[test]
fn junk_in_one_statement_leaves_the_others() {
    let whole = paths(&parse(FileId(0), SAMPLE).0);
    for (index, line) in SAMPLE.lines().enumerate() {
        let inside_script = line.trim_start().starts_with("echo");
        if line.trim().is_empty() || line.trim_start().starts_with(['#', '"', '}']) || inside_script {
            continue;
        }
        let word_end = line.find(|c: char| c.is_ascii_alphanumeric()).unwrap_or(0);
        let at = line[word_end..].find(' ').map_or(line.len(), |far| word_end + far);
        let junk = format!("{} %% x{}", &line[..at], &line[at..]);
        let text: Vec<&str> = SAMPLE
            .lines()
            .enumerate()
            .map(|(at, line)| if at == index { junk.as_str() } else { line })
            .collect();
        let (tree, diagnostics) = parse(FileId(0), &text.join("\n"));
        assert_eq!((tree.refused, diagnostics.len()), (1, 1), "{junk}");
        assert_eq!(tree.parsed + 1, whole.len(), "{junk}");
    }
}

#[test]
fn a_broken_statement_still_declares_its_name_and_type() {
    let text = "param region: enum(\"eu\") = = 1\nstage build %% {\n  timeout 5m\n}\nfn f(a: int) = a +\nlet s = \"x\n";
    let (tree, _) = parse(FileId(0), text);
    let names: Vec<_> =
        tree.statements.iter().map(|s| (s.broken, s.binding().map(|b| b.name.text.as_str()))).collect();
    assert_eq!(names, [(true, Some("region")), (true, Some("build")), (true, Some("f")), (true, Some("s"))]);
    let region = tree.statements[0].binding().unwrap();
    assert_eq!(region.ty.as_ref().map(|ty| (ty.name.text.as_str(), ty.words.len())), Some(("enum", 1)));
    assert!(!tree.statements[1].body()[0].broken);
}

/// Words, numbers, strings on one line, and single signs, outside scripts.
fn tokens(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let (mut start, mut script) = (0, false);
    for line in text.split_inclusive('\n') {
        let (at, code) = (start, line.split(" #").next().unwrap_or_default());
        start += line.len();
        let opens = line.contains("\"\"\"");
        if script || opens || code.trim_start().starts_with(['#', '@']) {
            script ^= opens;
            continue;
        }
        let mut from = 0;
        while let Some(first) = code[from..].chars().next() {
            let rest = &code[from..];
            let word = |c: char| c.is_alphanumeric() || "_-.%".contains(c);
            let length = match first {
                '"' => rest[1..].find('"').map_or(rest.len(), |end| end + 2),
                _ if word(first) => rest.find(|c: char| !word(c)).unwrap_or(rest.len()),
                _ => first.len_utf8(),
            };
            if !first.is_whitespace() {
                found.push(at + from..at + from + length);
            }
            from += length;
        }
    }
    found
}

#[test]
fn deleting_any_one_token_of_a_real_file_costs_few_statements() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut deleted = 0;
    let mut worst = BTreeMap::new();
    for name in ["stdlib/lanes.wfl", "stdlib/rust.wfl", "stdlib/retry.wfl", "examples/hotfix.wfl"] {
        let text = std::fs::read_to_string(root.join(name)).unwrap();
        let whole = paths(&parse(FileId(0), &text).0);
        assert!(!whole.is_empty(), "{name}");
        for token in tokens(&text).into_iter().step_by(3) {
            let cut = format!("{}{}", &text[..token.start], &text[token.end..]);
            let (tree, _) = parse(FileId(0), &cut);
            let lost = lost(&whole, &paths(&tree));
            deleted += 1;
            *worst.entry(lost).or_insert(0) += 1;
            let line = text[..token.start].lines().count();
            // A keyword or name that is gone takes along the paths of what stands in its block.
            let inner = text[token.end..].split('\n').next().unwrap_or_default().contains('{')
                || text[token.clone()].contains(['{', '}']);
            assert!(inner || lost <= 3, "{name}:{line} without `{}`: {lost} lost", &text[token]);
            assert!(
                tree.statements.len() * 10 >= parse(FileId(0), &text).0.statements.len() * 7,
                "{name}:{line}"
            );
        }
    }
    println!("{deleted} tokens deleted, statements lost: {worst:?}");
    assert!(deleted > 300, "{deleted}");
}
