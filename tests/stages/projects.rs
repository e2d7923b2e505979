//! Small repositories of each kind that the built-in lanes know, their own tests passing.

use crate::faults::subject::{Ended, Subject};

/// What a project is made of: its files, and one whose change is a change of code.
pub struct Kind {
    pub name: &'static str,
    /// The programs that its tests and the gates for it need.
    pub needs: &'static [&'static str],
    pub files: &'static [(&'static str, &'static str)],
    pub code: &'static str,
    /// What is written behind `code`: a harmless change.
    pub more: &'static str,
}

pub const RUST: Kind = Kind {
    name: "rust",
    needs: &["cargo", "git"],
    files: &[
        (
            "Cargo.toml",
            "[package]\nname = \"words\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n",
        ),
        (".gitignore", "/target\nCargo.lock\n"),
        (
            "src/lib.rs",
            "//! Counts words.\n\n/// Words in `text`.\npub fn words(text: &str) -> usize {\n    text.split_whitespace().count()\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn counts() {\n        assert_eq!(super::words(\"a b\"), 2);\n    }\n}\n",
        ),
    ],
    code: "src/lib.rs",
    more: "// More to come.\n",
};

pub const PYTHON: Kind = Kind {
    name: "python",
    needs: &["python3", "pytest", "ruff", "git"],
    files: &[
        ("pyproject.toml", "[project]\nname = \"words\"\nversion = \"0.1.0\"\n"),
        (".gitignore", "__pycache__\n.pytest_cache\n.ruff_cache\n"),
        ("words.py", "def words(text):\n    return len(text.split())\n"),
        ("test_words.py", "from words import words\n\n\ndef test_words():\n    assert words(\"a b\") == 2\n"),
    ],
    code: "words.py",
    more: "\n\n# More to come.\n",
};

pub const NODE: Kind = Kind {
    name: "node",
    needs: &["node", "npm", "git"],
    files: &[
        ("package.json", r#"{"name": "words", "version": "0.1.0", "scripts": {"test": "node --test"}}"#),
        (".gitignore", "node_modules\n"),
        ("words.js", "module.exports = (text) => text.split(' ').length;\n"),
        (
            "words.test.js",
            "const test = require('node:test');\nconst assert = require('node:assert');\nconst words = require('./words.js');\n\ntest('counts', () => assert.equal(words('a b'), 2));\n",
        ),
    ],
    code: "words.js",
    more: "// More to come.\n",
};

pub const MAKE: Kind = Kind {
    name: "make",
    needs: &["make", "git"],
    files: &[("Makefile", "all:\n\ttrue\n\ntest:\n\tsh check.sh\n"), ("check.sh", "test 1 = 1\n")],
    code: "check.sh",
    more: "# More to come.\n",
};

pub const JUST: Kind = Kind {
    name: "just",
    needs: &["just", "git"],
    files: &[("justfile", "test:\n  sh check.sh\n"), ("check.sh", "test 1 = 1\n")],
    code: "check.sh",
    more: "# More to come.\n",
};

pub const SCRIPT: Kind = Kind {
    name: "script",
    needs: &["git"],
    files: &[("scripts/test.sh", "test 1 = 1\n")],
    code: "scripts/test.sh",
    more: "# More to come.\n",
};

pub static ALL: [Kind; 6] = [RUST, PYTHON, NODE, MAKE, JUST, SCRIPT];

/// The project, committed on `main`, with `branch` checked out.
pub fn project(kind: &Kind, branch: &str) -> Subject {
    let subject = Subject::new();
    for (path, text) in kind.files {
        subject.write(path, text);
    }
    subject.write("README.md", "# Words\n");
    subject.commit_all("chore: start");
    subject.git(&["checkout", "-q", "-b", branch]);
    subject
}

/// With a change of its code on top, committed under `message`.
pub fn changed(kind: &Kind, branch: &str, message: &str) -> Subject {
    let subject = project(kind, branch);
    subject.write(kind.code, format!("{}{}", subject.read(kind.code), kind.more));
    subject.commit_all(message);
    subject
}

/// Runs the lane and returns what it printed and the stages that failed.
pub fn run(subject: &Subject, arguments: &[&str]) -> (Ended, Vec<String>) {
    let ended = subject.end(&[&["run"], arguments].concat());
    let run = subject.newest_run().unwrap_or_else(|| panic!("no run:\n{}{}", ended.out, ended.err));
    let failed = subject.statuses(&run).into_iter().filter(|(_, status)| status == "failed");
    let failed = failed.map(|(stage, _)| stage).collect();
    (ended, failed)
}

/// The lane fails at this stage, at no other, and says so.
#[track_caller]
pub fn fails_only_at(subject: &Subject, arguments: &[&str], stage: &str, word: &str) {
    let (ended, failed) = run(subject, arguments);
    assert_eq!(failed, [stage], "{}{}", ended.out, ended.err);
    let gate = ["secrets", "documents-only", "types"].contains(&stage);
    ended.expect_code(if gate { 3 } else { 1 }).says(word);
}

/// Whether this machine can run the project's own tests; says so where it cannot.
pub fn ready(kind: &Kind) -> bool {
    let missing: Vec<_> = kind.needs.iter().filter(|program| !super::kinds::installed(program)).collect();
    if !missing.is_empty() {
        eprintln!("{}: not tried, {missing:?} not installed", kind.name);
    }
    missing.is_empty()
}
