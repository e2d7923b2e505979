//! One planted defect for each gate of std, with the real tools: it fails exactly that gate.
//!
//! Git, make and the shell are always there. The rest is tried where `.ci/tools` has installed it and says so in
//! `WFL_TOOLS`, the folder that holds it; without that the tests say what they left out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::faults::subject::Subject;

/// A project with one lane of these gates, which goes on after a failure.
struct Planted {
    subject: Subject,
    path: String,
}

/// What `.ci/tools` has installed, if anything.
fn tools() -> Option<PathBuf> {
    let tools = std::env::var_os("WFL_TOOLS").map(PathBuf::from);
    if tools.is_none() {
        eprintln!("not tried: WFL_TOOLS is not set; `.ci/tools` installs the tools and sets it");
    }
    tools
}

impl Planted {
    fn new(gates: &str, files: &[(&str, &str)]) -> Planted {
        let subject = Subject::with(&format!(
            "## All.\nlane all {{\n  include {gates}\n  gates strict\n  on-failure keep-going\n}}\n"
        ));
        files.iter().for_each(|(path, text)| subject.write(path, text));
        subject.commit_all("feat: start");
        let path = std::env::var("PATH").unwrap_or_default();
        let path = match std::env::var("WFL_TOOLS") {
            Ok(tools) => format!("{tools}/python/bin:{tools}/cargo/bin:{path}"),
            Err(_) => path,
        };
        Planted { subject, path }
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        self.subject.write(path, text);
    }

    fn run(&self) -> (i32, BTreeMap<String, String>, String) {
        let mut command = self.subject.wfl(&["run", "all"]);
        command.env("PATH", &self.path);
        let ended = self.subject.end_of(command);
        let said = format!("{}{}", ended.out, ended.err);
        let run = self.subject.newest_run().unwrap_or_else(|| panic!("no run: {said}"));
        (ended.code.unwrap_or(-1), self.subject.statuses(&run), said)
    }

    /// Everything is judged, and good.
    #[track_caller]
    fn passes(&self) -> &Self {
        let (code, statuses, said) = self.run();
        assert!(code == 0 && statuses.values().all(|status| status == "succeeded"), "{statuses:?}\n{said}");
        self
    }

    /// The defect in `path` fails `gate` and nothing else; then it is mended.
    #[track_caller]
    fn fails_exactly(&self, gate: &str, path: &str, defect: &str) -> String {
        let before = self.subject.read(path);
        self.write(path, defect);
        let (code, statuses, said) = self.run();
        let bad: Vec<&str> = statuses
            .iter()
            .filter(|(_, status)| *status != "succeeded")
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!((code, bad), (3, vec![gate]), "{said}");
        match before.is_empty() {
            true => std::fs::remove_file(self.subject.root.join(path)).expect("the defect's file"),
            false => self.write(path, before),
        }
        said
    }
}

fn have(program: &str, arguments: &[&str]) -> bool {
    let found = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let there = found.is_ok_and(|status| status.success());
    if !there {
        eprintln!("not tried: `{program} {}` does not work here", arguments.join(" "));
    }
    there
}

#[test]
fn a_change() {
    let all = "std.change.secrets, std.change.large-files, std.change.duplicates, std.change.conventional";
    let planted =
        Planted::new(all, &[("cz.toml", ""), ("a.py", "x = 1\n"), ("words.txt", &"many words\n".repeat(80))]);
    planted.subject.git(&["checkout", "-qb", "feat/x"]);
    planted.passes();
    let token = format!("TOKEN = \"ghp_{}\"\n", "Zx81kQp92LmN7vTb".repeat(3));
    let said = planted.fails_exactly("secrets", "a.py", &token);
    assert!(said.contains("a.py:1: a GitHub token") && !said.contains("Zx81kQp92LmN7vTb"), "{said}");
    planted.fails_exactly("large-files", "dump.sql", &"x".repeat(1_100_000));
    let said = planted.fails_exactly("duplicates", "copy.txt", &"many words\n".repeat(80));
    assert!(said.contains("copy.txt is words.txt"), "{said}");
    // Allowed with a word on the line; what git ignores is no part of the change.
    planted.write(".gitignore", "local.env\n");
    planted.write("local.env", &token);
    planted.write("a.py", token.replace('\n', "  # wfl: allow(secret) revoked in 2024\n"));
    planted.passes();
    planted.subject.commit_all("Did something");
    let (code, statuses, said) = planted.run();
    assert_eq!((code, statuses["conventional"].as_str()), (3, "failed"), "{said}");
}

#[test]
fn shell_scripts_that_do_not_parse() {
    let planted = Planted::new(
        "std.shell.syntax",
        &[("a.sh", "#!/bin/sh\necho a\n"), ("b.sh", "#!/usr/bin/env bash\nx=(1 2)\necho \"${x[@]}\"\n")],
    );
    planted.passes().fails_exactly("syntax", "a.sh", "#!/bin/sh\nif true; then echo a\n");
    planted.fails_exactly("syntax", "deep/new.bash", "for x in; do\n");
    std::fs::remove_dir_all(planted.subject.root.join(".git")).expect("the repository");
    planted.passes().fails_exactly("syntax", "deep/new.bash", "for x in; do\n");
}

#[test]
fn targets_of_make() {
    if !have("make", &["--version"]) {
        return;
    }
    let good = ".PHONY: test check lint\ntest:\n\ttrue\ncheck: test\n\t@true\nlint:\n\ttrue\n";
    let planted =
        Planted::new("std.make.make-test, std.make.make-check, std.make.make-lint", &[("Makefile", good)]);
    planted.passes().fails_exactly("make-lint", "Makefile", &good.replace("lint:\n\ttrue", "lint:\n\tfalse"));
    planted.fails_exactly("make-check", "Makefile", &good.replace("@true", "@absent-program"));
    // A folder of the target's name: make has nothing to do, and that is no pass.
    planted.write("test/README", "tests\n");
    let said = planted.fails_exactly(
        "make-test",
        "Makefile",
        &good.replace(": test check lint", ": check lint").replace("check: test", "check:"),
    );
    assert!(said.contains("nothing to do for `test`"), "{said}");
    planted.write("Makefile", "all:\n\ttrue\n");
    let (code, statuses, _) = planted.run();
    assert!(code == 0 && statuses.values().all(|status| status == "skipped"), "{statuses:?}");
}

#[test]
fn recipes_of_just() {
    if tools().is_none() {
        return;
    }
    let good = "test:\n    true\n\ncheck: test\n    @true\n\nlint pattern=\"*\":\n    true\n";
    let planted =
        Planted::new("std.just.just-test, std.just.just-check, std.just.just-lint", &[("justfile", good)]);
    planted.passes().fails_exactly(
        "just-lint",
        "justfile",
        &good.replace("\"*\":\n    true", "\"*\":\n    exit 17"),
    );
    planted.fails_exactly("just-check", "justfile", &good.replace("@true", "@absent-program"));
    planted.fails_exactly(
        "just-test",
        "justfile",
        &good.replacen("    true\n", "", 1).replace("check: test", "check:"),
    );
}

#[test]
fn scripts_under_shellcheck() {
    if tools().is_none() {
        return;
    }
    let planted = Planted::new(
        "std.shell.shellcheck, std.shell.syntax",
        &[("a.sh", "#!/bin/sh\necho \"$1\"\n"), (".shellcheckrc", "")],
    );
    planted.passes().fails_exactly("shellcheck", "a.sh", "#!/bin/sh\ncd \"$1\"\nrm -rf \"$2/\"*\n");
}

const WORDS: &str = "def words(text: str) -> int:\n    return len(text.split())\n";
const WORDS_TEST: &str =
    "from words import words\n\n\ndef test_words() -> None:\n    assert words(\"a b\") == 2\n";

#[test]
fn python() {
    if tools().is_none() {
        return;
    }
    let settings = "[project]\nname = \"words\"\nversion = \"0.1.0\"\n\n[tool.ruff.format]\n\n[tool.mypy]\n\n[tool.bandit]\nskips = [\"B101\"]\n\n[tool.pytest.ini_options]\n\n[tool.coverage.run]\nbranch = true\n";
    let planted = Planted::new(
        "std.python.ruff-format, std.python.ruff, std.python.mypy, std.python.pytest, std.python.coverage, std.python.bandit",
        &[
            ("pyproject.toml", settings),
            ("words.py", WORDS),
            ("test_words.py", WORDS_TEST),
            (".gitignore", ".*_cache\n"),
        ],
    );
    planted.passes();
    planted.fails_exactly("ruff-format", "words.py", &WORDS.replace("(text.split())", "( text.split() )"));
    planted.fails_exactly("ruff", "words.py", &format!("import os\n\n\n{WORDS}"));
    planted.fails_exactly("mypy", "words.py", &WORDS.replace("-> int", "-> str"));
    planted.fails_exactly("pytest", "test_words.py", &WORDS_TEST.replace("== 2", "== 3"));
    let untested = "\n\ndef longest(text: str) -> str:\n    found = \"\"\n    for word in text.split():\n        if len(word) > len(found):\n            found = word\n    return found\n";
    planted.fails_exactly("coverage", "words.py", &format!("{WORDS}{untested}"));
    planted.fails_exactly(
        "bandit",
        "words.py",
        &format!(
            "import hashlib\n\n\n{}",
            WORDS.replace("text.split()", "hashlib.md5(text.encode()).hexdigest()[:2]")
        ),
    );
    let status =
        Command::new("git").args(["status", "--porcelain"]).current_dir(&planted.subject.root).output();
    assert_eq!(String::from_utf8_lossy(&status.expect("git").stdout), "", "the gates leave nothing behind");
}

#[test]
fn python_without_pytest() {
    if !have("python3", &["--version"]) {
        return;
    }
    let test = "import unittest\n\nfrom words import words\n\n\nclass Words(unittest.TestCase):\n    def test_words(self) -> None:\n        self.assertEqual(words(\"a b\"), 2)\n";
    let planted = Planted::new(
        "std.python.unittest",
        &[("setup.py", ""), ("src/words.py", WORDS), ("tests/test_words.py", test)],
    );
    planted.passes().fails_exactly("unittest", "src/words.py", &WORDS.replace("len(", "1 + len("));
    planted.fails_exactly(
        "unittest",
        "tests/test_words.py",
        &test.replace("def test_words", "def words_test"),
    );
}

#[test]
fn node() {
    let Some(tools) = tools() else { return };
    let test = "import test from 'node:test';\nimport assert from 'node:assert';\nimport { words } from './words.js';\n\ntest('counts', () => assert.equal(words('a b'), 2));\n";
    let good = "export function words(text) {\n  return text.split(/\\s+/).length;\n}\n";
    let files = [
        (
            "package.json",
            "{ \"name\": \"words\", \"version\": \"0.1.0\", \"type\": \"module\", \"scripts\": { \"test\": \"node --test\" } }\n",
        ),
        (".gitignore", "node_modules\n*.tsbuildinfo\n"),
        (".prettierrc", "{ \"singleQuote\": true }\n"),
        (".prettierignore", "package.json\n"),
        (
            "eslint.config.js",
            "export default [{ files: ['**/*.js'], rules: { 'no-unused-vars': 'error' } }];\n",
        ),
        (
            "tsconfig.json",
            "{ \"compilerOptions\": { \"strict\": true, \"types\": [] }, \"include\": [\"typed.ts\"] }\n",
        ),
        ("typed.ts", "export const words: number = 2;\n"),
        ("words.js", good),
        ("words.test.js", test),
    ];
    let link = |planted: &Planted| {
        let modules = tools.join("node/node_modules");
        std::os::unix::fs::symlink(modules, planted.subject.root.join("node_modules")).expect("a link");
    };
    let planted = Planted::new("std.node.prettier, std.node.eslint, std.node.tsc, std.node.npm-test", &files);
    link(&planted);
    planted.passes().fails_exactly("prettier", "words.js", &good.replace("  return", " return"));
    planted.fails_exactly("eslint", "words.js", &format!("const unused = 1;\n{good}"));
    planted.fails_exactly("tsc", "typed.ts", "export const words: number = 'two';\n");
    // A solution has no file of its own; its projects are what is checked.
    planted.write(
        "tsconfig.json",
        "{ \"files\": [], \"references\": [{ \"path\": \"./tsconfig.app.json\" }] }\n",
    );
    planted.write("tsconfig.app.json", "{\n  \"compilerOptions\": { \"composite\": true, \"types\": [] },\n  \"include\": [\"typed.ts\"]\n}\n");
    planted.fails_exactly("tsc", "typed.ts", "export const words: number = 'two';\n");
    planted.fails_exactly("npm-test", "words.js", &good.replace("length", "size"));
    let planted = Planted::new("std.node.node-test", &files);
    planted.passes().fails_exactly("node-test", "words.js", &good.replace("length", "size"));
}

const CRATE: &str = "//! Counts words.\n\n/// Words in `text`.\npub fn words(text: &str) -> usize {\n    text.split_whitespace().count()\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn counts() {\n        assert_eq!(super::words(\"a b\"), 2);\n    }\n}\n";

fn a_crate(gates: &str) -> Planted {
    let manifest = "[package]\nname = \"words\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n\n[lints.clippy]\nall = \"warn\"\n";
    let files = [
        ("Cargo.toml", manifest),
        ("src/lib.rs", CRATE),
        (".gitignore", "/target\nCargo.lock\n"),
        ("rustfmt.toml", ""),
        (".config/nextest.toml", ""),
        (".github/workflows/ci.yml", "steps: [run: cargo llvm-cov]\n"),
    ];
    Planted::new(gates, &files)
}

#[test]
fn rust() {
    if tools().is_none() {
        return;
    }
    let planted = a_crate("std.rust.cargo-fmt, std.rust.clippy, std.rust.cargo-test");
    planted.passes().fails_exactly(
        "cargo-fmt",
        "src/lib.rs",
        &CRATE.replace("    text.split", "  text.split"),
    );
    let returned =
        CRATE.replace("text.split_whitespace().count()", "return text.split_whitespace().count();");
    planted.fails_exactly("clippy", "src/lib.rs", &returned);
    planted.fails_exactly("cargo-test", "src/lib.rs", &CRATE.replace(", 2)", ", 3)"));
    // A bench for a nightly compiler does no harm.
    planted.write("benches/words.rs", "#![feature(test)]\nextern crate test;\n");
    planted.passes();
    a_crate("std.rust.cargo-check").passes().fails_exactly(
        "cargo-check",
        "examples/new.rs",
        "fn main() -> u8 {}\n",
    );
}

#[test]
fn rust_with_more_tools() {
    let Some(tools) = tools() else { return };
    if have("cargo", &["nextest", "--version"]) {
        let planted = a_crate("std.rust.nextest");
        planted.passes().fails_exactly("nextest", "src/lib.rs", &CRATE.replace(", 2)", ", 3)"));
    }
    if installed_in(&tools, "cargo-llvm-cov") {
        let untested = "/// Letters.\npub fn letters(text: &str) -> usize {\n    let mut count = 0;\n    for letter in text.chars() {\n        if letter.is_alphabetic() {\n            count += 1;\n        }\n    }\n    count\n}\n\n#[cfg(test)]";
        let planted = a_crate("std.rust.llvm-cov");
        planted.passes().fails_exactly("llvm-cov", "src/lib.rs", &CRATE.replace("#[cfg(test)]", untested));
    }
}

fn installed_in(tools: &Path, program: &str) -> bool {
    let there = tools.join("cargo/bin").join(program).exists();
    if !there {
        eprintln!("not tried: {program} is not installed");
    }
    there
}
