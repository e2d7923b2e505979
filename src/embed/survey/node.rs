//! An npm package, from its manifest and lock file.

use serde_json::{Map, Value};

use super::Purpose;
use super::step::{At, Origin, Step, purpose_of_name, simple_commands};
use super::tools::Tools;
use super::tree::{Tree, join, line_of};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    Npm,
    Yarn,
    Pnpm,
    Bun,
}

impl Manager {
    pub fn program(self) -> &'static str {
        match self {
            Manager::Npm => "npm",
            Manager::Yarn => "yarn",
            Manager::Pnpm => "pnpm",
            Manager::Bun => "bun",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub name: Option<String>,
    pub version: Option<String>,
    pub at: At,
    /// The scripts and what they run.
    pub steps: Vec<Step>,
    /// There is a test script, and it is not npm's placeholder.
    pub tested: bool,
    pub manager: Manager,
    /// The manager's program is there.
    pub installed: bool,
    pub lock: Option<String>,
    /// There is something to install before the scripts can run.
    pub depends: bool,
    /// A file that is there once everything is installed.
    pub marker: &'static str,
    /// `"private": true` is not set.
    pub published: bool,
    /// Files with tests for node's own runner, where no script names another.
    pub node_tests: Vec<String>,
    pub node: bool,
    /// npm runs scripts whatever installed the packages.
    pub npm: bool,
    /// What `main` or the usual names lead to.
    pub entries: Vec<String>,
}

pub fn read(tree: &Tree, folder: &str, tools: &dyn Tools) -> Option<Node> {
    let file = join(folder, "package.json");
    let text = tree.text(&file)?;
    let manifest: Map<String, Value> = serde_json::from_str(&text).ok()?;
    let string = |key: &str| manifest.get(key).and_then(Value::as_str).map(String::from);
    let (manager, lock) = manager(tree, folder, string("packageManager").as_deref());
    let steps = scripts(&manifest, &file, &text);
    let depends = ["dependencies", "devDependencies", "optionalDependencies"]
        .iter()
        .any(|key| manifest.get(*key).and_then(Value::as_object).is_some_and(|list| !list.is_empty()));
    let test = manifest.get("scripts").and_then(|scripts| scripts.get("test")).and_then(Value::as_str);
    let tested = test.is_some_and(|script| !is_placeholder(script));
    let entries = [string("main"), Some("index.js".into()), Some("index.mjs".into())];
    let mut entries: Vec<String> = entries
        .into_iter()
        .flatten()
        .map(|name| name.trim_start_matches("./").to_string())
        .filter(|name| [".js", ".cjs", ".mjs"].iter().any(|end| name.ends_with(end)))
        .filter(|name| tree.has(&join(folder, name)))
        .collect();
    entries.dedup();
    Some(Node {
        name: string("name"),
        version: string("version"),
        at: At { line: line_of(&text, "\"scripts\""), file },
        tested,
        steps: steps.into_iter().filter(|step| tested || step.command != "npm test").collect(),
        manager,
        installed: tools.has(manager.program()),
        lock,
        depends,
        marker: marker(tree, folder, manager),
        published: manifest.get("private") != Some(&Value::Bool(true)),
        node_tests: node_tests(tree, folder),
        node: tools.has("node"),
        npm: tools.has("npm"),
        entries,
    })
}

/// What `npm init` writes when nobody says how to test.
fn is_placeholder(script: &str) -> bool {
    script.contains("no test specified") || script.trim().is_empty()
}

fn manager(tree: &Tree, folder: &str, named: Option<&str>) -> (Manager, Option<String>) {
    let locks = [
        ("package-lock.json", Manager::Npm),
        ("npm-shrinkwrap.json", Manager::Npm),
        ("yarn.lock", Manager::Yarn),
        ("pnpm-lock.yaml", Manager::Pnpm),
        ("bun.lock", Manager::Bun),
        ("bun.lockb", Manager::Bun),
    ];
    let lock = locks.into_iter().find(|(name, _)| tree.has(&join(folder, name)));
    let all = [Manager::Npm, Manager::Yarn, Manager::Pnpm, Manager::Bun];
    let named = all.into_iter().find(|one| named.is_some_and(|named| named.starts_with(one.program())));
    match lock {
        Some((name, of_lock)) => (named.unwrap_or(of_lock), Some(name.to_string())),
        None => (named.unwrap_or(Manager::Npm), None),
    }
}

/// Old versions leave no mark: then the folder itself has to do.
fn marker(tree: &Tree, folder: &str, manager: Manager) -> &'static str {
    let marker = match manager {
        Manager::Npm => "node_modules/.package-lock.json",
        Manager::Yarn => "node_modules/.yarn-integrity",
        Manager::Pnpm => "node_modules/.modules.yaml",
        Manager::Bun => "node_modules",
    };
    let unmarked = tree.has(&join(folder, "node_modules")) && !tree.has(&join(folder, marker));
    if unmarked { "node_modules" } else { marker }
}

fn scripts(manifest: &Map<String, Value>, file: &str, text: &str) -> Vec<Step> {
    let Some(scripts) = manifest.get("scripts").and_then(Value::as_object) else { return Vec::new() };
    let body = |name: &str| -> Vec<String> {
        let around = [format!("pre{name}"), name.to_string(), format!("post{name}")];
        let text = around.iter().filter_map(|name| scripts.get(name)?.as_str());
        text.flat_map(simple_commands).collect()
    };
    let start = line_of(text, "\"scripts\"");
    let lines: Vec<&str> = text.lines().collect();
    let line = |name: &str| {
        let key = format!("\"{name}\"");
        (start..=lines.len()).find(|&at| lines[at - 1].contains(&key)).unwrap_or(start)
    };
    let hooks = |name: &str| {
        ["pre", "post"].iter().any(|hook| name.strip_prefix(hook).is_some_and(|of| scripts.contains_key(of)))
    };
    scripts
        .keys()
        .filter(|name| !hooks(name))
        .map(|name| Step {
            command: if name == "test" { "npm test".into() } else { format!("npm run {name}") },
            at: At { file: file.into(), line: line(name) },
            origin: Origin::Script,
            body: body(name),
        })
        .collect()
}

fn node_tests(tree: &Tree, folder: &str) -> Vec<String> {
    let is_test = |name: &str| {
        let file = name.rsplit('/').next().unwrap_or(name);
        [".test.js", ".test.mjs", ".test.cjs"].iter().any(|end| file.ends_with(end))
            || name.split('/').any(|part| part == "test")
                && [".js", ".mjs", ".cjs"].iter().any(|end| file.ends_with(end))
    };
    let of_node = |name: &&str| tree.text(name).is_some_and(|text| text.contains("node:test"));
    tree.below(folder).filter(|name| is_test(name)).filter(of_node).map(String::from).collect()
}

impl Node {
    /// A script for a purpose that the test script does not run anyway, in the order of the manifest.
    pub fn script_for(&self, purpose: Purpose) -> Option<&Step> {
        let name = |step: &Step| step.command.rsplit(' ').next().unwrap_or_default().to_string();
        self.steps.iter().find(|step| purpose_of_name(&name(step)) == purpose && !self.test_runs(&name(step)))
    }

    fn test_runs(&self, script: &str) -> bool {
        let mut waiting = vec!["test".to_string()];
        let mut seen: Vec<String> = Vec::new();
        while let Some(name) = waiting.pop() {
            if name == script {
                return true;
            }
            if seen.contains(&name) {
                continue;
            }
            let of = |step: &&Step| step.command.rsplit(' ').next() == Some(&name);
            for line in self.steps.iter().find(of).into_iter().flat_map(|step| &step.body) {
                let words: Vec<String> = super::step::canonical(line);
                match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                    ["npm", "run", called, ..] => waiting.push(called.to_string()),
                    ["npm", "test", ..] => waiting.push("test".into()),
                    _ => {}
                }
            }
            seen.push(name);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(manifest: &str) -> Node {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("package.json"), manifest).unwrap();
        read(&Tree::read(folder.path()), "", &super::super::tools::Installed).unwrap()
    }

    #[test]
    fn a_placeholder_is_no_test_and_hooks_belong_to_their_script() {
        let fresh = node("{\"scripts\": {\"test\": \"echo \\\"Error: no test specified\\\" && exit 1\"}}");
        assert!(!fresh.tested && fresh.steps.is_empty());
        let own = node(
            "{\n\"scripts\": {\n\"pretest\": \"npm run --silent lint\",\n\"test\": \"tape\",\n\"lint\": \"eslint .\",\n\"build\": \"tsc\"\n}\n}",
        );
        assert!(own.tested);
        assert_eq!(own.steps[0].body, ["npm run --silent lint", "tape"]);
        assert_eq!(own.steps[1].at.line, 5);
        assert_eq!(own.script_for(Purpose::Lint), None, "the test script runs it");
        assert_eq!(own.script_for(Purpose::Build).unwrap().command, "npm run build");
    }
}
