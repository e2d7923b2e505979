//! The gates of `std.rust`, `std.python` and `std.node` in three repositories made from nothing, with the real tools of
//! each: a lane of them first fails at the gate that a planted defect belongs to, then passes.
//!
//! Where a tool is not installed the test says so and stops, unless `WFL_REAL_TOOLS=1` (as in CI) demands it.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use crate::faults::subject::Subject;

pub(super) fn installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

fn have(programs: &[&str]) -> bool {
    let missing: Vec<&&str> = programs.iter().filter(|program| !installed(program)).collect();
    if !missing.is_empty() {
        assert!(std::env::var("WFL_REAL_TOOLS").is_err(), "not installed: {missing:?}");
        eprintln!("not tried: {missing:?} not installed");
    }
    missing.is_empty()
}

const GATES: &str = "wfl 1

## Every gate of the built-in library, strictly.
lane gates {
  include std.rust.cargo-fmt, std.rust.clippy, std.rust.cargo-check, std.rust.cargo-test
  include std.python.ruff-format, std.python.ruff, std.python.mypy, std.python.pytest
  include std.node.prettier, std.node.eslint, std.node.tsc, std.node.npm-test
  gates   strict
}
";

/// Runs all the gates and returns the exit code and every stage that neither succeeded nor was skipped.
fn judge(subject: &Subject) -> (i32, BTreeMap<String, String>) {
    subject.write("gates.wfl", GATES);
    let ended = subject.end(&["run", "gates"]);
    let run = subject.newest_run().unwrap_or_else(|| panic!("no run:\n{}{}", ended.out, ended.err));
    let bad = subject.statuses(&run);
    let bad =
        bad.into_iter().filter(|(_, status)| !["succeeded", "skipped"].contains(&status.as_str())).collect();
    (ended.code.unwrap_or(-1), bad)
}

#[track_caller]
fn fails_only_at(subject: &Subject, gate: &str) {
    let (code, bad) = judge(subject);
    assert_eq!(code, 3, "{bad:?}");
    let failed: Vec<&str> =
        bad.iter().filter(|(_, status)| *status == "failed").map(|(name, _)| name.as_str()).collect();
    assert_eq!(failed, [gate], "{bad:?}");
}

#[track_caller]
fn passes(subject: &Subject) {
    let (code, bad) = judge(subject);
    assert_eq!((code, bad), (0, BTreeMap::new()));
}

const RUST_GOOD: &str = "//! Counts words.\n\n/// Words in `text`.\npub fn words(text: &str) -> usize {\n    text.split_whitespace().count()\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn counts() {\n        assert_eq!(super::words(\"a b\"), 2);\n    }\n}\n";

#[test]
fn a_rust_crate() {
    if !have(&["cargo", "git"]) {
        return;
    }
    let subject = Subject::new();
    subject.write(
        "Cargo.toml",
        "[package]\nname = \"words\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n\n[lints.clippy]\nall = \"warn\"\n",
    );
    subject.write("rustfmt.toml", "");
    subject.write(".gitignore", "/target\n");
    subject.write(
        "src/lib.rs",
        RUST_GOOD.replace("text.split_whitespace().count()", "return text.split_whitespace().count();"),
    );
    subject.commit_all("feat: count words");
    fails_only_at(&subject, "clippy");
    subject.write("src/lib.rs", RUST_GOOD);
    passes(&subject);
    subject.write("src/lib.rs", RUST_GOOD.replace("    text.split", "  text.split"));
    fails_only_at(&subject, "cargo-fmt");
    subject.write("src/lib.rs", RUST_GOOD.replace(", 2)", ", 3)"));
    fails_only_at(&subject, "cargo-test");
}

const PYTHON_GOOD: &str = "def words(text: str) -> int:\n    return len(text.split())\n";

#[test]
fn a_python_package() {
    if !have(&["python3", "git", "ruff", "mypy", "pytest"]) {
        return;
    }
    let subject = Subject::new();
    subject.write("pyproject.toml", "[project]\nname = \"words\"\nversion = \"0.1.0\"\n\n[tool.ruff.format]\n\n[tool.mypy]\n\n[tool.pytest.ini_options]\n");
    subject.write(".gitignore", "__pycache__\n.mypy_cache\n.ruff_cache\n.pytest_cache\n");
    subject.write(
        "test_words.py",
        "from words import words\n\n\ndef test_words() -> None:\n    assert words(\"a b\") == 2\n",
    );
    subject.write("words.py", format!("import os\n\n\n{PYTHON_GOOD}"));
    subject.commit_all("feat: count words");
    fails_only_at(&subject, "ruff");
    subject.write("words.py", PYTHON_GOOD);
    passes(&subject);
    subject.write(
        "words.py",
        PYTHON_GOOD.replace("len(text.split())", "str(len(text.split()))  # type: ignore"),
    );
    fails_only_at(&subject, "pytest");
    subject.write("words.py", PYTHON_GOOD.replace("-> int", "-> str"));
    fails_only_at(&subject, "mypy");
}

#[test]
fn a_node_package() {
    if !have(&["node", "npm", "git"]) {
        return;
    }
    let subject = Subject::new();
    let package =
        r#"{"name": "words", "version": "0.1.0", "type": "module", "scripts": {"test": "node --test"}}"#;
    let test = "import test from 'node:test';\nimport assert from 'node:assert';\nimport { words } from './words.js';\n\ntest('counts', () => assert.equal(words('a b'), 2));\n";
    let good = "export function words(text) {\n  return text.split(/\\s+/).length;\n}\n";
    subject.write("package.json", package);
    subject.write(".gitignore", "node_modules\n");
    subject.write("words.test.js", test);
    subject.write("words.js", good.replace("length", "size"));
    subject.commit_all("feat: count words");
    fails_only_at(&subject, "npm-test");
    subject.write("words.js", good);
    passes(&subject);
    if std::env::var("WFL_REAL_TOOLS").is_ok() {
        a_typed_node_package(&subject);
    }
}

/// With the TypeScript compiler from the registry: the same change that the tests accept does not type-check.
fn a_typed_node_package(subject: &Subject) {
    let installed = Command::new("npm")
        .args(["install", "--silent", "--no-audit", "--no-fund", "--save-dev", "typescript@5"])
        .current_dir(&subject.root)
        .status();
    assert!(installed.is_ok_and(|status| status.success()), "npm could not install typescript");
    subject.write("tsconfig.json", r#"{"compilerOptions": {"strict": true, "skipLibCheck": true, "types": []}, "include": ["typed.ts"]}"#);
    subject.write("typed.ts", "export const words: number = 'two';\n");
    fails_only_at(subject, "tsc");
    subject.write("typed.ts", "export const words: number = 2;\n");
    passes(subject);
}
