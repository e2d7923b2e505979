//! Scripts of the shell, and those among them that test the project.

use super::step::is_script;
use super::tools::Tools;
use super::tree::Tree;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shell {
    /// Scripts by their ending, sorted.
    pub scripts: Vec<String>,
    /// The script that runs the tests, when it may be started.
    pub test: Option<String>,
    /// The folder that holds tests for bats, when that is installed.
    pub bats: Option<String>,
    pub bats_installed: bool,
    /// `.shellcheckrc`.
    pub shellcheck_file: Option<String>,
    pub shellcheck: bool,
    pub bash: bool,
}

const TESTS: &[&str] = &[
    "test",
    "test.sh",
    "tests.sh",
    "run-tests",
    "run-tests.sh",
    "run_tests.sh",
    "runtests.sh",
    "script/test",
    "scripts/test",
    "scripts/test.sh",
    "bin/test",
    "ci/test.sh",
    "test/run",
    "test/run.sh",
    "test/test.sh",
    "tests/run",
    "tests/run.sh",
    "tests/test.sh",
    "tests/run-tests.sh",
    "tests/run_tests.sh",
    "test/run-tests.sh",
];

pub fn read(tree: &Tree, tools: &dyn Tools) -> Shell {
    let ends = |name: &&str| [".sh", ".bash"].iter().any(|end| name.ends_with(end));
    let bats = tree.names().find(|name| name.ends_with(".bats"));
    let folder = |name: &str| name.rsplit_once('/').map_or(".", |(folder, _)| folder).to_string();
    let test = TESTS
        .iter()
        .find(|name| tree.executable(name) && tree.text(name).is_some_and(|text| is_script(&text)));
    Shell {
        scripts: tree.names().filter(ends).map(String::from).collect(),
        test: test.map(|name| format!("./{name}")),
        bats: bats.map(folder),
        bats_installed: tools.has("bats"),
        shellcheck_file: tree.first(&[".shellcheckrc"]).map(String::from),
        shellcheck: tools.has("shellcheck"),
        bash: tools.has("bash"),
    }
}
