//! Languages that need no more than a row: the file that marks a project, and the command that tests it.

use super::tools::Tools;
use super::tree::{Tree, join};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    pub language: &'static str,
    /// The file that says so.
    pub file: String,
    pub test: Vec<String>,
    /// What only tells more, with its stage's name.
    pub besides: Vec<(&'static str, Vec<String>)>,
    pub installed: bool,
}

struct Row {
    language: &'static str,
    /// A name, or an ending when it begins with `*`.
    marker: &'static str,
    /// The file must hold this as well.
    holds: &'static str,
    program: &'static str,
    test: &'static [&'static str],
    besides: &'static [(&'static str, &'static [&'static str])],
}

const fn row(
    language: &'static str,
    marker: &'static str,
    program: &'static str,
    test: &'static [&'static str],
) -> Row {
    Row { language, marker, holds: "", program, test, besides: &[] }
}

/// The first that matches counts.
static ROWS: &[Row] = &[
    Row {
        besides: &[("vet", &["go", "vet", "./..."])],
        ..row("Go", "go.mod", "go", &["go", "test", "./..."])
    },
    row("Gradle", "gradlew", "java", &["./gradlew", "test"]),
    row("Maven", "mvnw", "java", &["./mvnw", "--batch-mode", "--quiet", "test"]),
    row("Maven", "pom.xml", "mvn", &["mvn", "--batch-mode", "--quiet", "test"]),
    row("Elixir", "mix.exs", "mix", &["mix", "test"]),
    row("Deno", "deno.json", "deno", &["deno", "test"]),
    row("Deno", "deno.jsonc", "deno", &["deno", "test"]),
    row("Dart", "pubspec.yaml", "dart", &["dart", "test"]),
    row("Swift", "Package.swift", "swift", &["swift", "test"]),
    row("Zig", "build.zig", "zig", &["zig", "build", "test"]),
    row("OCaml", "dune-project", "dune", &["dune", "runtest"]),
    row("Haskell", "stack.yaml", "stack", &["stack", "test"]),
    row("Haskell", "*.cabal", "cabal", &["cabal", "test"]),
    row(".NET", "*.sln", "dotnet", &["dotnet", "test"]),
    row(".NET", "*.csproj", "dotnet", &["dotnet", "test"]),
    Row { holds: "\"test\"", ..row("PHP", "composer.json", "composer", &["composer", "run", "test"]) },
    Row { holds: "rspec", ..row("Ruby", "Gemfile", "bundle", &["bundle", "exec", "rspec"]) },
    row("Ruby", "Rakefile", "rake", &["rake", "test"]),
];

pub fn read(tree: &Tree, folder: &str, tools: &dyn Tools) -> Option<Other> {
    ROWS.iter().find_map(|row| {
        let file = marked(tree, folder, row.marker)?;
        let holds = row.holds.is_empty() || tree.text(&file).is_some_and(|text| text.contains(row.holds));
        let words = |words: &[&str]| words.iter().map(|word| word.to_string()).collect();
        holds.then(|| Other {
            language: row.language,
            file,
            test: words(row.test),
            besides: row.besides.iter().map(|(name, command)| (*name, words(command))).collect(),
            installed: tools.has(row.program),
        })
    })
}

fn marked(tree: &Tree, folder: &str, marker: &str) -> Option<String> {
    match marker.strip_prefix('*') {
        Some(ending) => tree.in_folder(folder).find(|name| name.ends_with(ending)).map(String::from),
        None => Some(join(folder, marker)).filter(|name| tree.has(name)),
    }
}
