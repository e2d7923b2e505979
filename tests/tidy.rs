//! House rules as tests: the import table of ARCHITECTURE.md, sizes, and words that must not be there.
//! Reads the source as text; knows nothing of what the program does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

const MAX_FILE: usize = 500;
const MAX_FUNCTION: usize = 60;

struct Source {
    path: String,
    /// The text before `#[cfg(test)]`, which is where the rules for product code end.
    product: String,
    whole: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(root().join(folder)).sort_by_file_name() {
        let entry = entry.expect("readable tree");
        if entry.path().extension().is_some_and(|ending| ending == "rs") {
            found.push(source(entry.path()));
        }
    }
    assert!(!found.is_empty(), "no Rust files under {folder}");
    found
}

fn source(path: &Path) -> Source {
    let whole = fs::read_to_string(path).expect("readable file");
    let path = path.strip_prefix(root()).expect("inside the tree").display().to_string();
    let is_test = path.starts_with("src/") && (path.ends_with("/tests.rs") || path.contains("/tests/"));
    let product =
        if is_test { "" } else { whole.split("#[cfg(test)]\nmod ").next().unwrap_or("") }.to_string();
    Source { path, product, whole }
}

/// The table under "## Layers": layer → what it may import; `None` means everything.
fn layers() -> BTreeMap<String, Option<Vec<String>>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let table = text.split("## Layers").nth(1).expect("a section Layers");
    table
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let allowed = (cells[1] != "everything").then(|| {
                cells[1].split(',').map(|name| name.trim().to_string()).filter(|name| name != "–").collect()
            });
            (cells[0].to_string(), allowed)
        })
        .collect()
}

fn layer_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("src/")?;
    let first = rest.split('/').next()?;
    (!matches!(first, "lib.rs" | "main.rs")).then(|| first.trim_end_matches(".rs"))
}

fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(at, line)| (at + 1, line))
}

#[test]
fn layers_import_only_what_the_architecture_allows() {
    let layers = layers();
    let import = Regex::new(r"crate::\{?([a-z_]+)").expect("pattern");
    let mut wrong = Vec::new();
    for file in rust_files("src") {
        let Some(layer) = layer_of(&file.path) else { continue };
        let Some(allowed) = layers.get(layer) else {
            wrong.push(format!("{}: layer `{layer}` is not in ARCHITECTURE.md", file.path));
            continue;
        };
        let Some(allowed) = allowed else { continue };
        for (line, text) in code_lines(&file.product) {
            for found in import.captures_iter(text) {
                let used = &found[1];
                if used != layer && layers.contains_key(used) && !allowed.iter().any(|name| name == used) {
                    wrong.push(format!("{}:{line}: `{layer}` may not import `{used}`", file.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn some_crates_are_named_in_one_place_only() {
    let homes: [(&str, &[&str]); 4] = [
        ("rusqlite", &["src/store/"]),
        ("minijinja", &["src/insight/", "src/exec/"]),
        ("miette", &["src/diag/"]),
        ("unicode_width", &["src/observe/"]),
    ];
    for file in rust_files("src") {
        for (name, homes) in homes {
            let used = code_lines(&file.product).any(|(_, line)| line.contains(&format!("{name}::")));
            assert!(
                !used || homes.iter().any(|home| file.path.starts_with(home)),
                "{} names {name}",
                file.path
            );
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for folder in ["src", "tests", "examples", "benches"] {
        for file in rust_files(folder) {
            assert!(file.whole.starts_with("//! "), "{} must open with `//!`", file.path);
        }
    }
}

#[test]
fn files_and_functions_keep_to_their_size() {
    let mut wrong = Vec::new();
    for file in rust_files("src") {
        let lines = file.product.lines().count();
        if lines > MAX_FILE && !file.product.contains("// tidy: long file,") {
            wrong.push(format!("{}: {lines} lines", file.path));
        }
        wrong.extend(long_functions(&file));
    }
    assert!(
        wrong.is_empty(),
        "too long, and no `// tidy: long …, because` at the spot:\n{}",
        wrong.join("\n")
    );
}

/// rustfmt puts a function's closing brace at the indentation of its `fn`, which is all that is needed here.
fn long_functions(file: &Source) -> Vec<String> {
    let start =
        Regex::new(r"^( *)(pub(\([a-z: ]+\))? )?(const |unsafe |async )*fn ([a-z_0-9]+)").expect("pattern");
    let lines: Vec<&str> = file.product.lines().collect();
    let mut long = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(found) = start.captures(line) else { continue };
        let close = format!("{}}}", &found[1]);
        if line.ends_with(';') {
            continue; // a trait's method without a body
        }
        let Some(length) = lines[at..].iter().position(|line| *line == close) else { continue };
        let ends = format!("{})", &found[1]);
        if lines[at..at + length].iter().any(|line| line.starts_with(&ends) && line.ends_with(';')) {
            continue; // the same over several lines
        }
        let excused =
            lines[at.saturating_sub(6)..at].iter().any(|line| line.contains("// tidy: long function,"));
        if length > MAX_FUNCTION && !excused {
            long.push(format!("{}:{}: fn {} has {length} lines", file.path, at + 1, &found[5]));
        }
    }
    long
}

#[test]
fn product_code_has_no_unfinished_or_panicking_words() {
    let banned = ["todo!(", "unimplemented!(", "dbg!(", ".unwrap()", ".expect(", "panic!("];
    let mut wrong = Vec::new();
    for file in rust_files("src") {
        for (line, text) in code_lines(&file.product) {
            for word in banned.iter().filter(|word| text.contains(**word)) {
                wrong.push(format!("{}:{line}: {word}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_glob_imports_no_unsafe_no_vague_names() {
    let mut wrong = Vec::new();
    for file in rust_files("src") {
        for (line, text) in code_lines(&file.product) {
            if text.trim_start().starts_with("use ") && text.contains("::*") {
                wrong.push(format!("{}:{line}: glob import", file.path));
            }
            if text.contains("unsafe ") && file.path != "src/exec/os.rs" {
                wrong.push(format!("{}:{line}: unsafe", file.path));
            }
        }
        for vague in ["util", "helper", "common", "misc"] {
            if file.path.contains(vague) {
                wrong.push(format!("{}: a name that says nothing", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_median_function_is_short() {
    let start = Regex::new(r"^( *)(pub(\([a-z: ]+\))? )?(const )*fn ").expect("pattern");
    let mut lengths = Vec::new();
    for file in rust_files("src") {
        let lines: Vec<&str> = file.product.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            if let Some(found) = start.captures(line) {
                let close = format!("{}}}", &found[1]);
                lengths.extend(lines[at..].iter().position(|line| *line == close).map(|length| length + 1));
            }
        }
    }
    lengths.sort();
    let median = lengths[lengths.len() / 2];
    assert!(median <= 14, "median function has {median} lines");
}
