//! A Python project: how its tests are run, and whether the environment at hand can run them. Installs nothing.

use std::collections::BTreeSet;

use super::Purpose;
use super::step::{At, Origin, Step, canonical, simple_commands};
use super::tools::Tools;
use super::tree::{Tree, join, line_of};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tests {
    Pytest,
    Unittest,
    /// No file looks like a test.
    None,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Python {
    pub file: String,
    /// Described by a manifest, not only some scripts.
    pub is_package: bool,
    pub package: Option<String>,
    /// The words that start it: `python3`, `.venv/bin/python`, `uv run`.
    pub start: Vec<String>,
    /// One was found that starts.
    pub installed: bool,
    pub tests: Tests,
    /// Why pytest and not unittest: the place that shows it.
    pub shown_by: Option<At>,
    /// Where unittest starts to look, when that is not where it stands.
    pub unittest_folder: Option<String>,
    /// The sources lie in `src/` and are not installed.
    pub source_path: bool,
    /// What the environment at hand lacks, and how to make one that does not.
    pub environment: Option<Environment>,
    /// A runner of the project's own that brings an environment: `tox run -e py`.
    pub session: Option<Vec<String>>,
    /// Linters that are both configured and there: the tool's name, what runs it, and the file that configures it.
    pub linters: Vec<(&'static str, Vec<String>, String)>,
    /// What compileall looks at when there is nothing to test.
    pub sources: Vec<String>,
}

/// A virtual environment of the lane's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// What is missing, for people.
    pub lacks: Vec<String>,
    /// Operands of `pip install`.
    pub installs: Vec<String>,
}

/// Settings of pytest that only a plugin knows: what stands in a file of settings, its module and its distribution.
const PLUGINS: &[(&str, &str, &str)] = &[
    ("--cov", "pytest_cov", "pytest-cov"),
    ("asyncio_mode", "pytest_asyncio", "pytest-asyncio"),
    ("--timeout", "pytest_timeout", "pytest-timeout"),
    ("--numprocesses", "xdist", "pytest-xdist"),
    ("-n auto", "xdist", "pytest-xdist"),
    ("--mypy", "pytest_mypy", "pytest-mypy"),
    ("--benchmark", "pytest_benchmark", "pytest-benchmark"),
    ("--flake8", "pytest_flake8", "pytest-flake8"),
    ("DJANGO_SETTINGS_MODULE", "pytest_django", "pytest-django"),
];
/// Where pytest reads settings, and the section of each.
const SETTINGS: &[(&str, &str)] = &[
    ("pyproject.toml", "[tool.pytest"),
    ("pytest.ini", "[pytest]"),
    ("setup.cfg", "[tool:pytest]"),
    ("tox.ini", "[pytest]"),
];

const MANIFESTS: &[&str] = &["pyproject.toml", "setup.py", "setup.cfg", "requirements.txt"];
const TEST_REQUIREMENTS: &[&str] = &[
    "requirements/tests.txt",
    "requirements/test.txt",
    "requirements-tests.txt",
    "requirements-test.txt",
    "requirements_test.txt",
    "test-requirements.txt",
    "tests/requirements.txt",
    "requirements/dev.txt",
    "requirements-dev.txt",
    "requirements_dev.txt",
    "dev-requirements.txt",
];
const TEST_EXTRAS: &[&str] = &["test", "tests", "testing", "dev"];

pub fn read(tree: &Tree, folder: &str, tools: &dyn Tools, steps: &[Step]) -> Option<Python> {
    let sources: Vec<&str> = tree.below(folder).filter(|name| name.ends_with(".py")).collect();
    let manifest = MANIFESTS.iter().find(|name| tree.has(&join(folder, name)));
    let loose = tree.in_folder(folder).any(|name| name.ends_with(".py"));
    if sources.is_empty() || manifest.is_none() && !loose {
        return None;
    }
    let facts = Facts::of(tree, folder, &sources);
    let local = [".venv/bin/python", "venv/bin/python"].into_iter().map(|path| join(folder, path));
    let local = local.into_iter().find(|path| tree.executable(path));
    let absolute = local.as_ref().map(|path| tree.root().join(path).display().to_string());
    let known = |program: &str| tools.python(program, &facts.asked());
    let (program, known) = match absolute.as_deref().and_then(known) {
        Some(known) => (local.unwrap_or_default(), Some(known)),
        None => ["python3", "python"]
            .into_iter()
            .find_map(|program| Some((program.to_string(), Some(known(program)?))))
            .unwrap_or_else(|| ("python3".into(), None)),
    };
    let installed = known.is_some();
    let known = known.unwrap_or_default();
    let (tests, shown_by) = facts.tests(tree, &known, steps);
    let lacks = facts.lacks(&known, tests);
    let mut python = Python {
        file: manifest.map_or_else(|| sources[0].to_string(), |name| join(folder, name)),
        is_package: manifest.is_some(),
        package: facts.name.clone(),
        start: vec![program],
        installed,
        tests,
        unittest_folder: facts.unittest_folder(tree).filter(|_| shown_by.is_none()),
        shown_by,
        source_path: facts.needs_source_path(&known),
        environment: None,
        session: None,
        linters: linters(tree, folder, tools, &facts),
        sources: facts.sources.clone(),
    };
    if !lacks.is_empty() && tests != Tests::None {
        python.session = session(tree, folder, tools);
        let can = known.contains("module:venv") && known.contains("module:ensurepip");
        if can && python.session.is_none() {
            python.environment = Some(Environment { lacks, installs: facts.installs(tree, folder) });
        }
    }
    Some(python)
}

/// What the files say, before anything is asked of the machine.
struct Facts {
    folder: String,
    name: Option<String>,
    manifest: toml::Table,
    /// Distributions needed to run, without those for some systems only.
    needs: Vec<String>,
    extra: Option<String>,
    group: Vec<String>,
    /// Modules below `src/`, where they cannot be imported from the root.
    below_src: Vec<String>,
    /// Folders and files with code.
    sources: Vec<String>,
    test_files: Vec<String>,
    /// Plugins that the settings of pytest ask for: module and distribution.
    plugins: Vec<(&'static str, &'static str)>,
    /// What test files import, by module.
    imports: BTreeSet<String>,
    own: BTreeSet<String>,
}

impl Facts {
    fn of(tree: &Tree, folder: &str, sources: &[&str]) -> Facts {
        let text = tree.text(&join(folder, "pyproject.toml")).unwrap_or_default();
        let manifest: toml::Table = text.parse().unwrap_or_default();
        let project =
            manifest.get("project").and_then(|project| project.as_table()).cloned().unwrap_or_default();
        let list = |value: Option<&toml::Value>| -> Vec<String> {
            let items = value.and_then(|value| value.as_array()).into_iter().flatten();
            items
                .filter_map(|item| item.as_str())
                .filter(|item| !item.contains(';'))
                .map(String::from)
                .collect()
        };
        let extras = project.get("optional-dependencies").and_then(|extras| extras.as_table());
        let groups = manifest.get("dependency-groups").and_then(|groups| groups.as_table());
        let extra = TEST_EXTRAS.iter().find(|name| extras.is_some_and(|extras| extras.contains_key(**name)));
        let group = TEST_EXTRAS.iter().find_map(|name| groups?.get(*name));
        let below = |name: &str| {
            name.strip_prefix(folder).map_or(name, |rest| rest.trim_start_matches('/')).to_string()
        };
        let test_files: Vec<String> =
            sources.iter().filter(|name| is_test(&below(name))).map(|name| name.to_string()).collect();
        let below_src =
            children(sources.iter().filter_map(|name| Some(below(name).strip_prefix("src/")?.to_string())));
        Facts {
            folder: folder.into(),
            name: project.get("name").and_then(|name| name.as_str()).map(String::from),
            needs: list(project.get("dependencies")).iter().map(|need| distribution(need)).collect(),
            plugins: plugins(tree, folder),
            extra: extra.map(|name| name.to_string()),
            group: list(group),
            imports: test_files
                .iter()
                .flat_map(|file| imports(&tree.text(file).unwrap_or_default()))
                .collect(),
            sources: code_folders(sources, &below),
            own: sources.iter().flat_map(|name| parts(&below(name))).collect(),
            below_src,
            test_files,
            manifest,
        }
    }

    /// Everything that the machine's Python is asked about.
    fn asked(&self) -> Vec<String> {
        let modules = ["pytest", "venv", "ensurepip"].into_iter().map(String::from);
        let modules = modules.chain(self.plugins.iter().map(|(module, _)| module.to_string()));
        let modules = modules.chain(self.imports.iter().cloned()).chain(self.below_src.iter().cloned());
        let modules = modules.map(|name| format!("module:{name}"));
        modules.chain(self.needs.iter().map(|name| format!("package:{name}"))).collect()
    }

    fn tests(&self, tree: &Tree, known: &BTreeSet<String>, steps: &[Step]) -> (Tests, Option<At>) {
        if self.test_files.is_empty() {
            return (Tests::None, None);
        }
        let unittest =
            steps.iter().find(|step| canonical(&step.command).first().is_some_and(|word| word == "unittest"));
        let pytest = self.wants_pytest(tree, steps);
        match (known.contains("module:pytest"), pytest, unittest) {
            (_, None, Some(step)) => (Tests::Unittest, Some(step.at.clone())),
            (_, Some(at), _) => (Tests::Pytest, Some(at)),
            // pytest runs what unittest runs, and finds more of it.
            (true, None, None) => (Tests::Pytest, None),
            (false, None, None) => (Tests::Unittest, None),
        }
    }

    /// The folder of the tests, unless it is a package that unittest finds by itself.
    fn unittest_folder(&self, tree: &Tree) -> Option<String> {
        let (folder, _) = self.test_files.first()?.rsplit_once('/')?;
        let below = folder.strip_prefix(&self.folder).unwrap_or(folder).trim_start_matches('/');
        (!below.is_empty() && !tree.has(&join(folder, "__init__.py"))).then(|| below.to_string())
    }

    /// The place that shows that the tests are written for pytest.
    fn wants_pytest(&self, tree: &Tree, steps: &[Step]) -> Option<At> {
        for (file, section) in SETTINGS {
            let file = join(&self.folder, file);
            let text = tree.text(&file).filter(|text| text.contains(section));
            if let Some(text) = text {
                return Some(At { line: line_of(&text, section), file });
            }
        }
        let run =
            steps.iter().find(|step| canonical(&step.command).first().is_some_and(|word| word == "pytest"));
        let imported = || {
            self.test_files.iter().find_map(|file| {
                let text = tree.text(file)?;
                let line = text
                    .lines()
                    .position(|line| line.starts_with("import pytest") || line.starts_with("from pytest"))?;
                Some(At { file: file.clone(), line: line + 1 })
            })
        };
        run.map(|step| step.at.clone()).or_else(imported)
    }

    /// What has to be installed before the tests can run.
    fn lacks(&self, known: &BTreeSet<String>, tests: Tests) -> Vec<String> {
        let mut lacks: Vec<String> = Vec::new();
        if tests == Tests::Pytest && !known.contains("module:pytest") {
            lacks.push("pytest".into());
        }
        if tests == Tests::Pytest {
            let absent = |(module, _): &&(&str, &str)| !known.contains(&format!("module:{module}"));
            lacks.extend(self.plugins.iter().filter(absent).map(|(_, plugin)| plugin.to_string()));
        }
        let absent = |kind: &str, name: &String| !known.contains(&format!("{kind}:{name}"));
        lacks.extend(self.needs.iter().filter(|name| absent("package", name)).cloned());
        let foreign = self.imports.iter().filter(|name| !self.own.contains(*name));
        lacks.extend(foreign.filter(|name| absent("module", name)).cloned());
        lacks.sort();
        lacks.dedup();
        lacks
    }

    fn needs_source_path(&self, known: &BTreeSet<String>) -> bool {
        let pytest = self.manifest.get("tool").and_then(|tool| tool.get("pytest"));
        let told = pytest
            .and_then(|pytest| pytest.get("ini_options"))
            .is_some_and(|ini| ini.get("pythonpath").is_some());
        !told && self.below_src.iter().any(|name| !known.contains(&format!("module:{name}")))
    }

    fn installs(&self, tree: &Tree, folder: &str) -> Vec<String> {
        let mut installs = vec!["pytest".to_string()];
        installs.extend(self.plugins.iter().map(|(_, plugin)| plugin.to_string()));
        let can_install = ["pyproject.toml", "setup.py"].iter().any(|name| tree.has(&join(folder, name)))
            && (tree.has(&join(folder, "setup.py"))
                || self.manifest.contains_key("build-system")
                || self.name.is_some());
        if can_install {
            let extra = self.extra.as_ref().map(|extra| format!("[{extra}]")).unwrap_or_default();
            installs.extend(["--editable".into(), format!(".{extra}")]);
        }
        let tests = TEST_REQUIREMENTS.iter().find(|name| tree.has(&join(folder, name)));
        let plain = Some(&"requirements.txt").filter(|name| tree.has(&join(folder, name)));
        for file in [plain.filter(|_| !can_install), tests].into_iter().flatten() {
            installs.extend(["--requirement".into(), file.to_string()]);
        }
        installs.extend(self.group.iter().cloned());
        installs
    }
}

fn plugins(tree: &Tree, folder: &str) -> Vec<(&'static str, &'static str)> {
    let settings: String = SETTINGS
        .iter()
        .filter_map(|(file, section)| {
            let text = tree.text(&join(folder, file))?;
            let (_, rest) = text.split_once(section)?;
            Some(rest.split("\n[").next().unwrap_or(rest).to_string() + "\n")
        })
        .collect();
    let asked = PLUGINS.iter().filter(|(setting, ..)| settings.contains(setting));
    let mut found: Vec<_> = asked.map(|(_, module, plugin)| (*module, *plugin)).collect();
    found.dedup();
    found
}

/// The first parts of paths: packages and modules.
fn children(names: impl Iterator<Item = String>) -> Vec<String> {
    let first = |name: String| name.split('/').next().map(|part| part.trim_end_matches(".py").to_string());
    let found: BTreeSet<String> = names.filter_map(first).filter(|name| !name.contains('.')).collect();
    found.into_iter().collect()
}

/// Every name on the way to a file: what stands beside a test can be imported by it.
fn parts(name: &str) -> Vec<String> {
    name.trim_end_matches(".py").split('/').map(String::from).collect()
}

fn is_test(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let named =
        file.starts_with("test_") || file.ends_with("_test.py") || ["test.py", "tests.py"].contains(&file);
    named && !name.starts_with("docs/")
}

/// Where compileall looks: the first parts of what is no test.
fn code_folders(sources: &[&str], below: &dyn Fn(&str) -> String) -> Vec<String> {
    let plain = sources.iter().map(|name| below(name)).filter(|name| !name.contains(' '));
    let found: BTreeSet<String> =
        plain.map(|name| name.split('/').next().unwrap_or(&name).to_string()).collect();
    found.into_iter().filter(|name| !["docs", "examples", "tests", "test"].contains(&name.as_str())).collect()
}

/// `humanize[x] >= 1.0` is `humanize`.
fn distribution(need: &str) -> String {
    need.chars().take_while(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect()
}

/// Modules that a file cannot do without: its imports at the margin.
fn imports(text: &str) -> Vec<String> {
    let module = |line: &str| {
        let rest = line.strip_prefix("import ").or_else(|| line.strip_prefix("from "))?;
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        Some(name).filter(|name| !name.is_empty())
    };
    text.lines().filter_map(module).collect()
}

/// A runner that brings its own environment, if the project uses it and it is there.
fn session(tree: &Tree, folder: &str, tools: &dyn Tools) -> Option<Vec<String>> {
    let words = |words: &[&str]| Some(words.iter().map(|word| word.to_string()).collect());
    let uses = |file: &str, program: &str| tree.has(&join(folder, file)) && tools.has(program);
    match () {
        () if uses("uv.lock", "uv") => words(&["uv", "run", "python", "-m", "pytest", "-q"]),
        () if uses("poetry.lock", "poetry") => words(&["poetry", "run", "python", "-m", "pytest", "-q"]),
        () if uses("tox.ini", "tox") => words(&["tox", "run", "-e", "py"]),
        () if uses("noxfile.py", "nox") => words(&["nox", "--session", "tests"]),
        () => None,
    }
}

fn linters(
    tree: &Tree,
    folder: &str,
    tools: &dyn Tools,
    facts: &Facts,
) -> Vec<(&'static str, Vec<String>, String)> {
    let pyproject = join(folder, "pyproject.toml");
    let table = |name: &str| {
        let there = facts.manifest.get("tool").is_some_and(|tool| tool.get(name).is_some());
        there.then(|| pyproject.clone())
    };
    let own = |names: &[&str]| names.iter().map(|name| join(folder, name)).find(|name| tree.has(name));
    let words = |words: &[&str]| words.iter().map(|word| word.to_string()).collect::<Vec<String>>();
    let all = [
        ("ruff", words(&["ruff", "check", "."]), own(&["ruff.toml", ".ruff.toml"]).or_else(|| table("ruff"))),
        ("mypy", mypy(facts), own(&["mypy.ini", ".mypy.ini"]).or_else(|| table("mypy"))),
        ("flake8", words(&["flake8"]), own(&[".flake8"])),
    ];
    let there = |(name, command, file): (&'static str, Vec<String>, Option<String>)| {
        Some((name, command, file.filter(|_| tools.has(name))?))
    };
    all.into_iter().filter_map(there).collect()
}

/// mypy needs to be told what to check, unless its settings do.
fn mypy(facts: &Facts) -> Vec<String> {
    let settings = facts.manifest.get("tool").and_then(|tool| tool.get("mypy"));
    let told = settings
        .is_some_and(|mypy| ["files", "packages", "modules"].iter().any(|key| mypy.get(key).is_some()));
    let operand = if told { None } else { Some(".".to_string()) };
    std::iter::once("mypy".to_string()).chain(operand).collect()
}

/// The commands of tox and nox, with their lines.
pub fn sessions(tree: &Tree) -> Vec<Step> {
    let Some(text) = tree.text("tox.ini") else { return Vec::new() };
    let mut found = Vec::new();
    let mut inside = false;
    for (at, line) in text.lines().enumerate() {
        let indented = line.starts_with([' ', '\t']);
        let value = match line.split_once('=') {
            Some((key, value)) if !indented => {
                inside = key.trim() == "commands";
                value
            }
            _ if indented => line,
            _ => {
                inside = false;
                continue;
            }
        };
        if inside {
            let step = |command: String| Step {
                command: command.trim_end_matches('\\').trim().to_string(),
                at: At { file: "tox.ini".into(), line: at + 1 },
                origin: Origin::Session,
                body: Vec::new(),
            };
            found.extend(simple_commands(value).into_iter().map(step));
        }
    }
    found.retain(|step| step.purpose() != Purpose::Other);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_at_the_margin_and_distributions_are_names() {
        let text = "import os.path\nfrom pytest import raises\n    import lazy\nfrom . import own\n";
        assert_eq!(imports(text), ["os", "pytest"]);
        assert_eq!(distribution("ruff >= 0.6.2"), "ruff");
        assert_eq!(distribution("requests[socks]"), "requests");
        assert!(is_test("tests/test_a.py") && is_test("a_test.py") && !is_test("testing/tool.py"));
    }
}
