//! What a repository is made of and how it is built and tested: facts as plain data, read from its files. Changes
//! nothing, and decides nothing about lanes.

mod ci;
mod native;
mod node;
mod others;
mod python;
mod recipes;
mod rust;
mod shell;
pub mod step;
mod tools;
mod tree;

use std::path::Path;

pub use native::{Build, Native};
pub use node::{Manager, Node};
pub use others::Other;
pub use python::{Environment, Python, Tests};
pub use recipes::{Recipes, Runner};
pub use rust::Rust;
pub use shell::Shell;
pub use step::{At, Origin, Purpose, Step};
pub use tools::{Installed, Tools};
pub use tree::Tree;

/// More projects below one root than this are a monorepo with tools of its own.
const MAX_PARTS: usize = 6;

/// A repository, as far as its files tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    /// The root folder's name.
    pub name: String,
    /// It is in a git repository.
    pub git: bool,
    /// The projects in it, those of the root first.
    pub parts: Vec<Part>,
    /// Makefile targets or justfile recipes at the root.
    pub recipes: Vec<Recipes>,
    pub shell: Shell,
    /// Documents other than the README.
    pub documents: Vec<String>,
    /// Files that say what changed between versions.
    pub changelog: Option<String>,
    /// Every command that the repository is known to run, with its place.
    pub steps: Vec<Step>,
}

/// One project: its folder relative to the root (`""` is the root) and what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub folder: String,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Rust(Rust),
    Python(Python),
    Node(Node),
    /// Built by configure and make, CMake or Meson.
    Native(Native),
    /// Any other language, by a row of a table.
    Other(Other),
}

impl What {
    /// The language or the tool, for people.
    pub fn word(&self) -> &'static str {
        match self {
            What::Rust(_) => "Rust",
            What::Python(_) => "Python",
            What::Node(_) => "Node",
            What::Native(native) => native.build.word(),
            What::Other(other) => other.language,
        }
    }
}

impl Survey {
    /// Reads the repository below `root`; `tools` says what this machine has.
    pub fn read(root: &Path, tools: &dyn Tools) -> Survey {
        let tree = Tree::read(root);
        let recipes = recipes::read(&tree, tools);
        let mut steps = ci::steps(&tree);
        steps.extend(python::sessions(&tree));
        let mut parts = parts_in(&tree, "", tools, &recipes, &steps);
        if parts.is_empty() && !recipes.iter().any(|recipes| recipes.installed && recipes.has_any("test")) {
            let below = tree.folders().into_iter();
            parts = below.flat_map(|folder| parts_in(&tree, &folder, tools, &[], &steps)).collect();
            parts.truncate(MAX_PARTS);
        }
        for part in &parts {
            if let What::Node(node) = &part.what {
                steps.extend(node.steps.iter().cloned());
            }
        }
        steps.extend(recipes.iter().flat_map(|recipes| recipes.steps.iter().cloned()));
        Survey {
            name: tree.name(),
            git: root.ancestors().any(|folder| folder.join(".git").exists()),
            parts,
            shell: shell::read(&tree, tools),
            documents: documents(&tree),
            changelog: changelog(&tree),
            recipes,
            steps,
        }
    }

    /// Commands of workflows and sessions that serve a purpose.
    pub fn wanted(&self, purpose: Purpose) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.purpose() == purpose)
    }

    /// The first place that runs a command which begins with these words.
    pub fn runs(&self, words: &[&str]) -> Option<&Step> {
        self.steps.iter().find(|step| {
            let mut canonical = step::canonical(&step.command);
            // A toolchain of its own runs the same program.
            canonical.retain(|word| !word.starts_with('+'));
            canonical.len() >= words.len() && canonical.iter().zip(words).all(|(a, b)| a == b)
        })
    }
}

fn parts_in(tree: &Tree, folder: &str, tools: &dyn Tools, recipes: &[Recipes], steps: &[Step]) -> Vec<Part> {
    let part = |what| Part { folder: folder.to_string(), what };
    let mut parts: Vec<Part> = Vec::new();
    parts.extend(rust::read(tree, folder, tools).map(What::Rust).map(part));
    parts.extend(node::read(tree, folder, tools).map(What::Node).map(part));
    parts.extend(others::read(tree, folder, tools).map(What::Other).map(part));
    if let Some(python) = python::read(tree, folder, tools, steps) {
        // A script or two beside another language are no project of their own.
        if parts.is_empty() || python.is_package {
            parts.push(part(What::Python(python)));
        }
    }
    if parts.is_empty() {
        parts.extend(native::read(tree, folder, tools, recipes).map(What::Native).map(part));
    }
    parts
}

fn documents(tree: &Tree) -> Vec<String> {
    let is_document = |name: &&str| {
        let ending = name.rsplit('.').next().unwrap_or_default();
        let readme = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase().starts_with("readme");
        ["md", "rst", "adoc"].contains(&ending) && (!readme || !name.contains('/'))
    };
    tree.names().filter(is_document).filter(|name| !name.starts_with('.')).map(String::from).collect()
}

fn changelog(tree: &Tree) -> Option<String> {
    let named = |name: &str| {
        let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
        ["changelog", "changes", "history", "news", "release-notes", "releases"].contains(&stem.as_str())
    };
    tree.in_folder("").find(|name| named(name)).map(String::from)
}
