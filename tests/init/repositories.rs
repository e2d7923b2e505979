//! Repositories of many kinds, made in a temporary folder, and machines that have some tools and not others.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use wfl::embed::survey::{Survey, Tools};

/// A machine with these programs; with a Python, what that can import.
pub struct Machine {
    pub programs: &'static [&'static str],
    pub python: Option<&'static [&'static str]>,
}

impl Tools for Machine {
    fn has(&self, program: &str) -> bool {
        self.programs.contains(&program)
    }

    fn python(&self, program: &str, asked: &[String]) -> Option<BTreeSet<String>> {
        let known = self.python.filter(|_| program == "python3")?;
        Some(asked.iter().filter(|name| known.contains(&name.as_str())).cloned().collect())
    }
}

pub const BARE: Machine = Machine { programs: &[], python: None };
pub const ALL: Machine = Machine {
    programs: &[
        "cargo",
        "cargo-fmt",
        "cargo-clippy",
        "npm",
        "node",
        "pnpm",
        "make",
        "cc",
        "cmake",
        "just",
        "go",
        "bats",
        "bash",
        "shellcheck",
        "ruff",
        "mypy",
    ],
    python: Some(&[
        "module:pytest",
        "module:venv",
        "module:ensurepip",
        "module:unittest",
        "module:os",
        "package:attrs",
    ]),
};
pub const NO_PYTEST: Machine =
    Machine { programs: &["tox"], python: Some(&["module:venv", "module:ensurepip", "module:unittest"]) };

type Files = &'static [(&'static str, &'static str)];

/// A repository: its name, whether it is in git, the machine and its files.
pub struct Repository {
    pub name: &'static str,
    pub git: bool,
    pub machine: &'static Machine,
    pub files: Files,
}

pub struct Made {
    _folder: tempfile::TempDir,
    pub root: PathBuf,
}

impl Repository {
    pub fn make(&self) -> Made {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().join(self.name);
        fs::create_dir_all(&root).expect("a folder");
        if self.git {
            fs::create_dir(root.join(".git")).expect("a folder");
        }
        for (path, text) in self.files {
            write(&root.join(path), text);
        }
        Made { _folder: folder, root }
    }

    pub fn survey(&self) -> Survey {
        Survey::read(&self.make().root, self.machine)
    }
}

/// A text that begins with `#!` may be started.
fn write(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
    if text.starts_with("#!") {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
}

const CARGO: &str = "[package]\nname = \"words\"\nversion = \"0.3.1\"\nedition = \"2021\"\n\n[features]\ndefault = []\nserde = []\n";
const RUST_CI: &str = "jobs:\n  test:\n    steps:\n      - uses: actions/checkout@v4\n      - run: cargo test --verbose --workspace\n      - run: cargo test --no-default-features\n      - run: cargo fmt --all -- --check\n      - run: cargo +nightly clippy --all-targets -- -D warnings\n      - run: cargo publish\n";
const PYPROJECT: &str = "[project]\nname = \"words\"\nversion = \"1.0\"\ndependencies = [\"attrs >= 23\", \"tomli; python_version < '3.11'\"]\n\n[project.optional-dependencies]\ntests = [\"pytest\", \"hypothesis\"]\n\n[tool.pytest.ini_options]\ntestpaths = [\"tests\"]\n\n[tool.ruff]\nline-length = 100\n";

const fn git(name: &'static str, machine: &'static Machine, files: Files) -> Repository {
    Repository { name, git: true, machine, files }
}

pub static ALL_KINDS: &[Repository] = &[
    git("rust-plain", &ALL, &[("Cargo.toml", CARGO), ("src/lib.rs", "")]),
    git(
        "rust-workspace",
        &ALL,
        &[
            ("Cargo.toml", "[workspace]\nmembers = [\"a\"]\n"),
            ("a/Cargo.toml", CARGO),
            ("a/src/lib.rs", ""),
            ("rustfmt.toml", ""),
            (".github/workflows/ci.yml", RUST_CI),
        ],
    ),
    git("rust-without-cargo", &BARE, &[("Cargo.toml", CARGO), ("src/lib.rs", "")]),
    git(
        "python-pytest",
        &ALL,
        &[
            ("pyproject.toml", PYPROJECT),
            ("src/words/__init__.py", ""),
            ("tests/test_words.py", "import pytest\nfrom words import count\n"),
        ],
    ),
    git(
        "python-unittest",
        &NO_PYTEST,
        &[
            ("setup.py", "from setuptools import setup\nsetup()\n"),
            ("words.py", ""),
            ("tests/test_words.py", "import unittest\nimport words\n"),
        ],
    ),
    git(
        "python-lacking",
        &Machine { programs: &[], ..NO_PYTEST },
        &[
            ("pyproject.toml", PYPROJECT),
            ("words/__init__.py", ""),
            ("tests/test_words.py", "import hypothesis\nimport pytest\nimport words\n"),
        ],
    ),
    git(
        "python-tox",
        &NO_PYTEST,
        &[
            ("setup.cfg", "[metadata]\nname = words\n"),
            (
                "tox.ini",
                "[testenv]\ndeps = pytest\ncommands =\n    pytest {posargs}\n[testenv:lint]\ncommands = flake8 words\n",
            ),
            ("words/__init__.py", ""),
            ("test_words.py", "import words\n"),
        ],
    ),
    git(
        "python-untested",
        &ALL,
        &[("pyproject.toml", "[project]\nname = \"words\"\n"), ("words/__init__.py", "")],
    ),
    git(
        "npm-scripts",
        &ALL,
        &[
            (
                "package.json",
                "{\n  \"name\": \"words\",\n  \"version\": \"2.0.0\",\n  \"scripts\": {\n    \"lint\": \"eslint .\",\n    \"build\": \"tsc -p .\",\n    \"typecheck\": \"tsc --noEmit\",\n    \"pretest\": \"npm run lint\",\n    \"test\": \"tape test/*.js\",\n    \"release\": \"npm publish\"\n  },\n  \"devDependencies\": { \"tape\": \"^5\" }\n}\n",
            ),
            ("package-lock.json", "{}"),
        ],
    ),
    git(
        "npm-placeholder",
        &ALL,
        &[
            (
                "package.json",
                "{ \"name\": \"words\", \"scripts\": { \"test\": \"echo \\\"Error: no test specified\\\" && exit 1\" } }\n",
            ),
            ("test/words.js", "const test = require('node:test');\n"),
        ],
    ),
    git(
        "npm-untested",
        &ALL,
        &[("package.json", "{ \"name\": \"words\", \"main\": \"./lib/words.js\" }\n"), ("lib/words.js", "")],
    ),
    git(
        "pnpm",
        &ALL,
        &[
            (
                "package.json",
                "{ \"scripts\": { \"test\": \"vitest run\" }, \"devDependencies\": { \"vitest\": \"1\" } }\n",
            ),
            ("pnpm-lock.yaml", "lockfileVersion: 9\n"),
        ],
    ),
    git(
        "c-make",
        &ALL,
        &[
            (
                "Makefile",
                "CC = cc\nall: words\nwords: words.c\n\t$(CC) -o words words.c\ncheck test: words\n\t./words --self-test\ninstall:\n\tcp words /usr/bin\n",
            ),
            ("words.c", "int main(void) { return 0; }\n"),
        ],
    ),
    git(
        "c-configure",
        &ALL,
        &[
            ("configure", "#!/bin/sh\n# Generated by GNU Autoconf 2.71\n# FORCE_UNSAFE_CONFIGURE\n"),
            ("Makefile.in", "all: words\ncheck: all\n\t./words\n"),
            ("words.c", ""),
        ],
    ),
    git("c-cmake", &ALL, &[("CMakeLists.txt", "project(words C)\n"), ("src/words.c", "")]),
    git(
        "just",
        &ALL,
        &[
            ("justfile", "default: test\ntest *ARGS:\n    ./run {{ARGS}}\nlint:\n    ./lint\n"),
            ("words.lua", ""),
        ],
    ),
    git("just-missing", &BARE, &[("justfile", "test:\n    ./run\n"), ("words.lua", "")]),
    git("go", &ALL, &[("go.mod", "module words\n"), ("words.go", "package words\n")]),
    git(
        "shell",
        &ALL,
        &[
            ("scripts/test.sh", "#!/bin/sh\nexit 0\n"),
            ("words.sh", "#!/bin/bash\necho \"$1\" | wc -w\n"),
            (".shellcheckrc", ""),
        ],
    ),
    git(
        "mixed",
        &ALL,
        &[("Cargo.toml", CARGO), ("package.json", "{ \"scripts\": { \"test\": \"node --test\" } }\n")],
    ),
    git(
        "folders",
        &ALL,
        &[
            ("backend/go.mod", "module words\n"),
            (
                "frontend/package.json",
                "{ \"scripts\": { \"test\": \"vitest\" }, \"dependencies\": { \"vue\": \"3\" } }\n",
            ),
        ],
    ),
    git("empty", &ALL, &[("README.md", "# Words\n")]),
    Repository { name: "no-git", git: false, machine: &ALL, files: &[("notes.txt", "one\n")] },
];

pub fn named(name: &str) -> &'static Repository {
    ALL_KINDS.iter().find(|repository| repository.name == name).expect("a repository of this name")
}
