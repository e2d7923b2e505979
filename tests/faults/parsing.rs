//! Faults 51 to 58 and 60 of the catalogue: what a file may hold to break the reader, the checker or the store. Each
//! test either ends the process when the defence is gone (a stack overflow, a parse that never ends) or has a twin
//! that shows what the defence must let through.

use std::path::PathBuf;

use wfl::base::FileId;
use wfl::load::{Loaded, Memory, Request, load};
use wfl::syntax::parse;

use super::subject::Subject;

/// `code@line:column` of everything found in these files of a project; `a.wfl` is the one asked about.
fn found(files: Memory) -> Vec<String> {
    let request = Request { root: "/p".into(), cwd: "/p".into(), paths: vec!["a.wfl".into()] };
    let Loaded { sources, units, mut diagnostics, .. } = load(&request, &files);
    diagnostics.extend(wfl::model::check(&sources, &units).diagnostics);
    // Remarks are for those who ask.
    diagnostics.retain(|found| found.severity != wfl::diag::Severity::Info);
    wfl::diag::sort(&mut diagnostics);
    let line = |found: &wfl::diag::Diagnostic| {
        let at = sources.position(found.span);
        format!("{}@{}:{}", found.code.id, at.line, at.column)
    };
    diagnostics.iter().map(line).collect()
}

fn found_in(text: impl Into<Vec<u8>>) -> Vec<String> {
    found(Memory::default().with("/p/a.wfl", text))
}

/// Runs on a stack that any recursion over the length of its input overflows, which ends the process.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(work).expect("a thread");
    thread.join().expect("the work holds");
}

// 51 deep nesting

#[test]
fn nesting_of_a_hundred_thousand_levels_is_an_error_on_a_small_stack() {
    on_a_small_stack(|| {
        let n = 100_000;
        for (open, close) in [("(", ")"), ("[", "]"), ("f(", ")"), ("not (", ")")] {
            let text = format!("wfl 1\nlet a = {}true{}\n", open.repeat(n), close.repeat(n));
            let all = found_in(text);
            assert!(all.iter().any(|one| one.starts_with("E010@2:")), "{open}: {all:?}");
        }
        let blocks = found_in(format!("wfl 1\n{}{}", "a {\n".repeat(n), "}\n".repeat(n)));
        assert!(blocks.iter().any(|one| one.starts_with("E010@")));
    });
}

/// The longest tree that is accepted is built, copied, compared, checked and dropped.
#[test]
fn the_widest_and_deepest_accepted_tree_is_walked_and_dropped_on_a_small_stack() {
    on_a_small_stack(|| {
        let (n, deep) = (20_000, 60);
        let long = format!("wfl 1\nlet a = 1{}\nlet b = \"x\"{}\n", " + 1".repeat(n), " ?? \"x\"".repeat(n));
        let nested = format!("let c = {}1{}\n", "[".repeat(deep), "]".repeat(deep));
        let text = format!("{long}{nested}");
        let (tree, diagnostics) = parse(FileId(0), &text);
        assert_eq!((diagnostics.len(), tree.statements.len()), (0, 4));
        assert_eq!(tree.clone(), tree);
        drop(tree);
        assert!(!found_in(text).iter().any(|one| one.starts_with("E010")));
    });
}

// 52 exponential grammar: a grammar that tries each level twice needs 2^60 steps here and never comes back.

#[test]
fn nested_alternatives_are_read_in_one_pass() {
    let n = 60;
    let shapes = [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("f(", "1", ")"),
        ("f(a = ", "1", ")"),
        ("x[", "1", "]"),
        ("[", "1", " for x in xs]"),
        ("[x for x in ", "xs", "]"),
        ("if a then ", "1", " else 2"),
        ("not ", "a", ""),
        ("(1 + ", "1", ")"),
        ("(a and ", "b", " or c)"),
        ("(a ?? ", "b", ")"),
        ("(a == ", "b", ")"),
        ("(\"", "1", "\")"),
        ("g(1, [2, ", "3", "], 4)"),
    ];
    for (open, inner, close) in shapes {
        let n = if open.contains("[2") { n / 2 } else { n };
        // Whole, and with a fault in the innermost place, where a backtracking reader tries everything.
        for inner in [inner.to_string(), format!("{inner} %% {inner}"), String::new()] {
            let text = format!("let a = {}{inner}{}\nlet b = 1\n", open.repeat(n), close.repeat(n));
            let (tree, _) = parse(FileId(0), &text);
            assert_eq!(tree.statements.len(), 2, "{open}{inner}{close}");
        }
    }
    let types = format!("param a: {}int{}\nlet b = 1\n", "list<".repeat(n), ">".repeat(n));
    assert_eq!(parse(FileId(0), &types).0.statements.len(), 2);
    let strings = format!("let a = {}1{}\nlet b = 1\n", "f\"{".repeat(n / 2), "}\"".repeat(n / 2));
    assert!(!parse(FileId(0), &strings).0.statements.is_empty());
}

// 53 BOM, CRLF, NUL, huge file

#[test]
fn line_ends_and_a_byte_order_mark_move_no_place() {
    let plain = "wfl 1\n\nstage a {\n  tiemout 5m\n  run \"\"\"\n    echo \"$X\"\n    \"\"\"\n}\n";
    let all = found_in(plain);
    assert!(all.contains(&"E101@4:3".to_string()), "{all:?}");
    assert_eq!(found_in(plain.replace('\n', "\r\n")), all, "CRLF");
    assert_eq!(found_in(format!("\u{feff}{plain}")), all, "a byte order mark");
    // The twin: a mark or a lone carriage return elsewhere is hidden text.
    let inside = found_in(format!("wfl 1\n{}", plain.replace("tiemout", "\u{feff}timeout")));
    assert!(inside.iter().any(|one| one.starts_with("E009@5:3")), "{inside:?}");
    assert!(found_in("wfl 1\rlet a = 1\n").iter().any(|one| one.starts_with("E009@1:6")));
}

#[test]
fn what_is_not_text_is_refused_where_it_stops_being_text() {
    assert_eq!(found_in(b"wfl 1\nlet a = \"\0\"\n".to_vec()), ["E012@2:10"]);
    assert_eq!(found_in(b"wfl 1\nlet a\xff = 1\n".to_vec()), ["E012@2:6"]);
    let utf16: Vec<u8> =
        "\u{feff}wfl 1\nlet a = 1\n".encode_utf16().flat_map(|unit| unit.to_le_bytes()).collect();
    assert!(found_in(utf16)[0].starts_with("E012@1:1"));
    let huge = b"# more\n".repeat((16 << 20) / 7 + 1);
    assert_eq!(found_in(huge), ["E012@1:1"]);
    // The twin: a whole megabyte of comments is a file like any other.
    assert_eq!(found_in([b"wfl 1\n".to_vec(), b"# more\n".repeat(1 << 17)].concat()), Vec::<String>::new());
}

// 54 bidirectional and invisible characters

#[test]
fn hidden_characters_are_refused_wherever_they_stand() {
    let hidden =
        ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}').chain(['\u{200b}', '\u{200e}', '\u{200f}']);
    let places = [
        "wfl 1\n# note ?\nlet a = 1\n",
        "wfl 1\n## doc ?\nlet a = 1\n",
        "wfl 1\nlet a = \"?\"\n",
        "wfl 1\nlet a? = 1\n",
        "wfl 1\nstage a {\n  run \"\"\"\n    echo ?\n    \"\"\"\n}\n",
        "wfl 1\nstage a { exec f\"{1}?\" }\n",
    ];
    for c in hidden {
        for place in places {
            let all = found_in(place.replace('?', &c.to_string()));
            assert!(all.iter().any(|one| one.starts_with("E009@")), "{c:?} in {place:?}: {all:?}");
        }
    }
    // The twin: letters of every script, and pictures joined of pictures, are text.
    for c in ["é", "שלום", "مرحبا", "中文", "👩\u{200d}🚒", "⚠\u{fe0f}"] {
        for place in places.iter().filter(|place| !place.contains("a?")) {
            let all = found_in(place.replace('?', c));
            assert!(!all.iter().any(|one| one.starts_with("E009")), "{c:?} in {place:?}: {all:?}");
        }
    }
}

// 56 import cycle or fan-out

#[test]
fn imports_in_a_circle_or_a_diamond_are_read_once_each() {
    let mut files = Memory::default();
    for level in 0..40 {
        let imports = match level {
            39 => String::new(),
            _ => format!("import \"{0}.wfl\" as one\nimport \"./{0}.wfl\" as two\n", level + 1),
        };
        let name = if level == 0 { "a".to_string() } else { level.to_string() };
        files = files.with(format!("/p/{name}.wfl"), format!("wfl 1\n{imports}"));
    }
    // 2^39 ways lead to the last file. Unused imports are warnings; nothing else is wrong.
    assert!(found(files).iter().all(|one| one.starts_with("W112")));
    let circle = |next: &str| format!("wfl 1\nimport \"{next}.wfl\" as next\n");
    let files = Memory::default()
        .with("/p/a.wfl", circle("b"))
        .with("/p/b.wfl", circle("c"))
        .with("/p/c.wfl", circle("a"));
    assert_eq!(found(files).iter().filter(|one| one.starts_with("E124")).count(), 1);
}

#[test]
fn a_chain_or_a_fan_of_imports_stops_at_the_cap() {
    let caps = |files: Memory| found(files).iter().filter(|one| one.starts_with("E123")).count();
    let chain = |length: usize| {
        let name = |index: usize| if index == 0 { "a".to_string() } else { format!("f{index}") };
        (0..length).fold(Memory::default(), |files, index| {
            let next = if index + 1 == length {
                String::new()
            } else {
                format!("import \"{}.wfl\" as next\n", name(index + 1))
            };
            files.with(format!("/p/{}.wfl", name(index)), format!("wfl 1\n{next}"))
        })
    };
    assert_eq!(caps(chain(1_100)), 1);
    assert_eq!(caps(chain(900)), 0, "the twin: below the cap");
    let fan = |width: usize, size: usize| {
        let all: String = (0..width).map(|index| format!("import \"f{index}.wfl\" as f{index}\n")).collect();
        let filler = format!("wfl 1\n#{}\n", " ".repeat(size));
        (0..width).fold(Memory::default().with("/p/a.wfl", format!("wfl 1\n{all}")), |files, index| {
            files.with(format!("/p/f{index}.wfl"), filler.clone())
        })
    };
    assert_eq!(caps(fan(1_010, 0)), 11);
    assert_eq!(caps(fan(8, 12 << 20)), 2, "six files of 12 MiB reach 64 MiB");
    assert_eq!(caps(fan(4, 12 << 20)), 0, "the twin: below the cap");
}

// 57 regular expressions

#[test]
fn patterns_are_linear_and_bounded() {
    let condition = |pattern: &str| {
        found_in(format!("wfl 1\nparam t: string\nstage a {{ when t matches \"{pattern}\"; exec \"x\" }}\n"))
    };
    for bad in ["a{1000}{1000}{1000}", "(?=x)", "(a)\\\\1", "[", &"x".repeat(5_000)] {
        let all = condition(bad);
        assert!(all.iter().any(|one| one.starts_with("E117@3:")), "{:.40}: {all:?}", bad);
    }
    for good in ["^(a+)+$", "a{100}", "(?i)^release/[0-9]+\\\\.[0-9]+$"] {
        assert!(!condition(good).iter().any(|one| one.starts_with("E117")), "the twin: {good}");
    }
    // A backtracking engine takes 2^50000 steps for this.
    let text = format!("{}b", "a".repeat(50_000));
    assert!(!wfl::expr::pattern::regex("^(a+)+$").expect("a pattern").is_match(&text));
    assert!(wfl::expr::pattern::regex("^(a+)+b$").expect("a pattern").is_match(&text));
}

// 58 SQL

#[test]
fn quotes_in_names_and_values_reach_the_store_as_text() {
    let hostile = "x'); DROP TABLE runs; --";
    let text = "param note: string\nstage a { env { NOTE = note }; run sh \"\"\"\n  printf '%s' \"$NOTE\" >&2\n  exit 1\n  \"\"\" }\n";
    let subject = Subject::with(text);
    subject.commit_all("feat: it's \"quoted\"; --");
    let set = format!("note={hostile}");
    subject.end(&["run", "all.wfl", "--set", &set, "--change-id", hostile]).expect_code(1);
    let run = subject.newest_run().expect("the run is there");
    let shown = subject.json(&["show", &run, "--format", "json"]);
    assert_eq!(shown["stages"][0]["status"], "failed");
    assert_eq!(shown["run"]["params"]["note"], hostile, "{}", shown["run"]);
    // Words that would widen a query find nothing.
    for word in ["' OR '1'='1", "%", "_", "last' --", hostile] {
        subject.end(&["show", word]).expect_code(2);
        subject.end(&["logs", &run, word]).expect_code(2);
        subject.end(&["resume", word]).expect_code(2);
        let none = subject.json(&["runs", "--lane", word, "--format", "json"]);
        assert_eq!(none.as_array().map(Vec::len), Some(0), "{word}");
    }
    assert_eq!(subject.newest_run(), Some(run));
}

/// SQL that is put together: only of the program's own constants, in the places named here.
#[test]
fn no_sql_is_put_together_from_values() {
    // Parts of statements that the program itself wrote, and numbers.
    let own = [
        "{RUN}",
        "{NEW}",
        "{conditions}",
        "{limit}",
        "{table}",
        "{condition}",
        "{clash}",
        "{which}",
        "{number}",
        "{}",
    ];
    let sql = regex::Regex::new(
        r#"format!\(\s*"([^"]*\b(SELECT|INSERT|UPDATE|DELETE|WHERE|PRAGMA)\b[^"]*|\{RUN\}[^"]*)""#,
    )
    .expect("pattern");
    let hole = regex::Regex::new(r"\{[^}]*\}").expect("pattern");
    let strange = |source: &str| -> Vec<String> {
        sql.captures_iter(source)
            .flat_map(|found| {
                hole.find_iter(&found[1]).map(|hole| hole.as_str().to_string()).collect::<Vec<_>>()
            })
            .filter(|hole| !own.contains(&hole.as_str()))
            .collect()
    };
    let mut seen = 0;
    let store = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let files = walkdir::WalkDir::new(store).into_iter().map(|entry| entry.expect("an entry"));
    for entry in files.filter(|entry| entry.file_type().is_file()) {
        let path = entry.path();
        let source = std::fs::read_to_string(path).expect("a source");
        seen += sql.find_iter(&source).count();
        assert_eq!(strange(&source), Vec::<String>::new(), "{}", path.display());
    }
    assert!(seen >= 3, "{seen} statements: the pattern finds too little");
    assert_eq!(strange("format!(\"SELECT a FROM b WHERE id = '{name}'\")"), ["{name}"], "the twin");
}

// 60 cycles and 10,000 stages

fn chain(n: usize, last: &str) -> String {
    let stage = |index: usize| match index {
        0 => format!("stage s0 {{ {last}exec \"true\" }}\n"),
        _ => format!("stage s{index} {{ needs s{}; exec \"true\" }}\n", index - 1),
    };
    let stages: String = (0..n).map(stage).collect();
    format!("wfl 1\n{stages}lane all {{ include s{} }}\n", n - 1)
}

#[test]
fn ten_thousand_stages_in_a_row_or_a_ring_need_no_stack() {
    on_a_small_stack(|| {
        assert_eq!(found_in(chain(10_000, "")), Vec::<String>::new());
        let ring = found_in(chain(10_000, "needs s9999; "));
        assert_eq!(ring.iter().filter(|one| one.starts_with("E201")).count(), 1, "{ring:?}");
        assert!(ring[0].starts_with("E201@2:"), "at its first statement: {ring:?}");
    });
}

/// Planned and drawn too, by the program itself, whose main thread has less stack than recursion would need.
#[test]
fn ten_thousand_stages_in_a_row_are_planned() {
    let subject = Subject::new();
    subject.write("all.wfl", chain(10_000, ""));
    let mut command = std::process::Command::new("bash");
    command
        .args(["-c", "ulimit -s 1024; exec \"$0\" graph all.wfl --format json", env!("CARGO_BIN_EXE_wfl")])
        .current_dir(&subject.root)
        .env("WFL_STATE_DIR", &subject.state);
    let ended = subject.end_of(command).expect_code(0);
    assert!(ended.out.contains("s9999"));
}
