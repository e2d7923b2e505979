//! A Cargo package or workspace, from its manifest.

use super::step::At;
use super::tools::Tools;
use super::tree::{Tree, join, line_of};

#[derive(Clone, Debug, PartialEq)]
pub struct Rust {
    /// The name of the root package; a workspace may have none.
    pub package: Option<String>,
    pub version: Option<String>,
    pub at: At,
    pub workspace: bool,
    /// Other than `default`.
    pub features: Vec<String>,
    /// `publish = false` is not set.
    pub published: bool,
    pub cargo: bool,
    pub rustfmt: bool,
    pub clippy: bool,
    /// rustfmt.toml or clippy.toml: somebody cares.
    pub fmt_file: Option<String>,
    pub clippy_file: Option<String>,
}

pub fn read(tree: &Tree, folder: &str, tools: &dyn Tools) -> Option<Rust> {
    let file = join(folder, "Cargo.toml");
    let text = tree.text(&file)?;
    let manifest: toml::Table = text.parse().unwrap_or_default();
    let package = manifest.get("package").and_then(|package| package.as_table());
    let string = |key: &str| Some(package?.get(key)?.as_str()?.to_string());
    let features = manifest.get("features").and_then(|features| features.as_table());
    let features = features.into_iter().flat_map(|table| table.keys()).filter(|name| *name != "default");
    let beside = |names: [&str; 2]| {
        let found = names.into_iter().map(|name| join(folder, name)).find(|name| tree.has(name));
        found.or_else(|| names.into_iter().find(|name| tree.has(name)).map(String::from))
    };
    let published = package.and_then(|package| package.get("publish")).and_then(|publish| publish.as_bool());
    Some(Rust {
        package: string("name"),
        version: string("version"),
        at: At { line: line_of(&text, "[package]"), file },
        workspace: manifest.contains_key("workspace"),
        features: features.cloned().collect(),
        published: package.is_some() && published != Some(false),
        cargo: tools.has("cargo"),
        rustfmt: tools.has("cargo-fmt"),
        clippy: tools.has("cargo-clippy"),
        fmt_file: beside(["rustfmt.toml", ".rustfmt.toml"]),
        clippy_file: beside(["clippy.toml", ".clippy.toml"]),
    })
}
