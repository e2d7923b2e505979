//! The book under `docs/` and the cookbook it describes: complete, clean, and told from one source.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use wfl::base::FileId;
use wfl::syntax::ast::{File, Statement};

use crate::faults::subject::Subject;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The cookbook's lane files by name, sorted; what they share and their templates lie in folders beside them.
fn recipes() -> Vec<(String, String)> {
    let folder = fs::read_dir(root().join("examples/cookbook")).expect("a cookbook");
    let mut found: Vec<(String, String)> = folder
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "wfl"))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("a lane file"))
        })
        .collect();
    found.sort();
    found
}

/// A project that holds the cookbook and nothing else.
fn project_of_recipes() -> Subject {
    let subject = Subject::new();
    for folder in ["", "shared", "templates"] {
        for entry in fs::read_dir(root().join("examples/cookbook").join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                let place = Path::new(folder).join(path.file_name().expect("a name"));
                subject.write(&place.to_string_lossy(), fs::read(&path).expect("a file"));
            }
        }
    }
    subject
}

fn tree(text: &str) -> File {
    wfl::syntax::parse(FileId(0), text).0
}

fn statements<'a>(tree: &'a File, keyword: &'a str) -> impl Iterator<Item = &'a Statement> {
    tree.statements.iter().filter(move |statement| statement.head.text == keyword)
}

#[test]
fn the_cookbook_holds_25_numbered_lanes() {
    let recipes = recipes();
    assert_eq!(recipes.len(), 25);
    for (index, (name, text)) in recipes.iter().enumerate() {
        assert!(name.starts_with(&format!("{:02}-", index + 1)), "{name} is not number {}", index + 1);
        let tree = tree(text);
        assert!(statements(&tree, "lane").count() > 0, "{name} has no lane");
        assert!(tree.statements.iter().any(|statement| statement.docs.is_some()), "{name} documents nothing");
    }
    let tested = recipes.iter().filter(|(_, text)| statements(&tree(text), "test").count() > 0).count();
    assert!(tested >= 15, "only {tested} of the cookbook's files test their lanes");
}

/// No finding at all, in a project that holds nothing but the cookbook: neither together nor one by one.
#[test]
fn the_cookbook_gives_no_false_alarm() {
    let subject = project_of_recipes();
    let all = [".".to_string()];
    let names = recipes().into_iter().map(|(name, _)| name);
    for path in names.chain(all) {
        let found = subject.end(&["check", &path, "--format", "json"]).expect_code(0).out;
        let found: serde_json::Value = serde_json::from_str(&found).expect("JSON");
        assert_eq!(found["diagnostics"], serde_json::json!([]), "{path}");
    }
}

/// What stands between `run … """` and its closing quotes, with the interpreter.
fn scripts(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(head) = line.trim().strip_prefix("run ").and_then(|rest| rest.strip_suffix("\"\"\"")) else {
            continue;
        };
        let indent = line.len() - line.trim_start().len() + 2;
        let body: String = lines
            .by_ref()
            .take_while(|line| !line.trim().starts_with("\"\"\""))
            .map(|line| format!("{}\n", line.get(indent..).unwrap_or_default()))
            .collect();
        let interpreter = if head.trim().is_empty() { "bash" } else { head.trim() };
        found.push((interpreter.to_string(), body));
    }
    found
}

/// The scripts are read by the interpreters themselves, which only parse them.
#[test]
fn the_cookbooks_scripts_parse() {
    let mut seen = 0;
    for (name, text) in recipes() {
        for (interpreter, script) in scripts(&text) {
            let (program, arguments): (&str, &[&str]) = match interpreter.as_str() {
                "bash" => ("bash", &["-n", "-c"]),
                "sh" => ("sh", &["-n", "-c"]),
                "python" => ("python3", &["-c", "import ast, sys; ast.parse(sys.argv[1])"]),
                other => panic!("{name} runs {other}"),
            };
            let ended = Command::new(program)
                .args(arguments)
                .arg(&script)
                .stdin(Stdio::null())
                .output()
                .expect("an interpreter");
            let said = String::from_utf8_lossy(&ended.stderr);
            assert!(ended.status.success(), "{name}:\n{script}\n{said}");
            seen += 1;
        }
    }
    assert!(seen > 70, "{seen} scripts");
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name)).unwrap_or_default()
}

/// The cookbook's page shows every recipe from its own file, in order, and nothing that is not there.
#[test]
fn the_cookbook_page_shows_every_recipe() {
    let page = document("cookbook.md");
    let include = regex::Regex::new(r"\{\{#include ([^}]+)\}\}").expect("pattern");
    let shown: Vec<String> = include.captures_iter(&page).map(|found| found[1].to_string()).collect();
    for path in &shown {
        assert!(root().join("docs").join(path).exists(), "{path} is shown and not there");
    }
    let recipes: Vec<String> =
        recipes().into_iter().map(|(name, _)| format!("../examples/cookbook/{name}")).collect();
    assert_eq!(shown[..recipes.len()], recipes);
    assert_eq!(page.matches("\n## ").count(), recipes.len() + 1);
}

/// What the table of contents says below the chapter on checks: one line a code, in the table's order.
fn contents_of_the_checks() -> String {
    let line = |code: &&wfl::diag::codes::Code| format!("  - [{0} {1}](checks/{0}.md)\n", code.id, code.name);
    wfl::diag::codes::ALL.iter().map(line).collect()
}

/// `WFL_BLESS=1` writes the list of checks anew.
#[test]
fn the_table_of_contents_is_complete() {
    let chapter = "- [The checks](checks.md)\n";
    let summary = document("SUMMARY.md");
    let (kept, _) = summary.split_once(chapter).expect("the chapter of the checks, which is the last");
    let wanted = format!("{kept}{chapter}{}", contents_of_the_checks());
    if std::env::var_os("WFL_BLESS").is_some() {
        fs::write(root().join("docs/SUMMARY.md"), &wanted).expect("the table of contents");
    } else {
        assert_eq!(summary, wanted, "WFL_BLESS=1 cargo test book writes it anew");
    }
    for folder in ["docs", "docs/checks"] {
        for entry in fs::read_dir(root().join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(root().join("docs")).expect("a document").display().to_string();
            if name.ends_with(".md") && name != "SUMMARY.md" {
                assert!(wanted.contains(&format!("]({name})")), "{name} is not in the table of contents");
            }
        }
    }
}

/// Every test that the page of faults names is there.
#[test]
fn the_faults_page_names_tests_that_exist() {
    let name = regex::Regex::new(r"`([a-z_]+(?:::[a-z_]+)*)::([a-z0-9_]+)`").expect("pattern");
    let page = document("faults.md");
    let mut seen = 0;
    for found in name.captures_iter(&page) {
        let path = |of: &str| found[1].trim_end_matches(of).replace("::", "/");
        // A unit test stands beside the code it tests, in its file or in one of its own.
        let files = match found[1].ends_with("::tests") {
            true => vec![format!("src/{}.rs", path("::tests")), format!("src/{}.rs", path(""))],
            false => vec![format!("tests/{}.rs", path(""))],
        };
        let read = |file: &String| fs::read_to_string(root().join(file)).unwrap_or_default();
        let source: String = files.iter().map(read).collect();
        assert!(source.contains(&format!("fn {}()", &found[2])), "{} has no {}", files.join(", "), &found[2]);
        seen += 1;
    }
    assert!(seen >= 14, "{seen} tests named");
}
