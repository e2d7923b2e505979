//! What kind of file a path names, by its name alone. Reads no file.

/// Kinds of files, as `change.kinds` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Code,
    Test,
    Docs,
    Config,
    Infra,
    Script,
    Generated,
    Other,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Code => "code",
            Kind::Test => "test",
            Kind::Docs => "docs",
            Kind::Config => "config",
            Kind::Infra => "infra",
            Kind::Script => "script",
            Kind::Generated => "generated",
            Kind::Other => "other",
        }
    }
}

const LOCKS: &[&str] = &[
    "cargo.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "pipfile.lock",
    "go.sum",
    "composer.lock",
    "gemfile.lock",
];
const GENERATED_ENDS: &[&str] = &[".min.js", ".min.css", ".map", ".pb.go", "_pb2.py", ".snap"];
const GENERATED_FOLDERS: &[&str] = &["node_modules", "vendor", "dist", "target", "__pycache__"];
const INFRA_FOLDERS: &[&str] = &[".github", ".circleci", ".gitlab", "terraform", "k8s", "helm", "ansible"];
const MAKES: &[&str] = &["makefile", "gnumakefile", "justfile", ".justfile"];
const CODE: &[&str] = &[
    "rs", "py", "pyi", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "go", "java", "kt", "scala",
    "c", "h", "cc", "cpp", "cxx", "hpp", "cs", "rb", "php", "swift", "lua", "pl", "sql", "vue", "svelte",
    "css", "scss", "html", "dart", "ex", "exs", "erl", "hs", "ml", "zig", "jinja", "pest", "proto",
];
const CONFIG: &[&str] =
    &["toml", "json", "jsonc", "yaml", "yml", "ini", "cfg", "conf", "env", "properties", "xml", "wfl"];

/// The kind of the file; the first that fits.
pub fn of(path: &str) -> Kind {
    let lower = path.to_ascii_lowercase();
    let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    let within = |known: &[&str]| folders.split('/').any(|folder| known.contains(&folder));
    if LOCKS.contains(&name)
        || GENERATED_ENDS.iter().any(|end| name.ends_with(end))
        || within(GENERATED_FOLDERS)
    {
        Kind::Generated
    } else if is_script(name) {
        Kind::Script
    } else if is_test(path) {
        Kind::Test
    } else if is_infra(name, end) || within(INFRA_FOLDERS) {
        Kind::Infra
    } else if is_docs(path) {
        Kind::Docs
    } else if CODE.contains(&end) {
        Kind::Code
    } else if CONFIG.contains(&end) || name.starts_with('.') || name.starts_with("requirements") {
        Kind::Config
    } else {
        Kind::Other
    }
}

/// A shell script by its ending, or a file of targets.
fn is_script(name: &str) -> bool {
    MAKES.contains(&name) || [".sh", ".bash", ".ksh", ".zsh", ".mk"].iter().any(|end| name.ends_with(end))
}

fn is_infra(name: &str, end: &str) -> bool {
    let by_name = name.starts_with("dockerfile")
        || name.starts_with("docker-compose")
        || matches!(name, "compose.yml" | "compose.yaml" | "jenkinsfile" | ".gitlab-ci.yml" | "procfile");
    by_name || matches!(end, "tf" | "tfvars" | "dockerfile")
}

/// Documentation: by its ending, its folder, or as a licence.
pub fn is_docs(file: &str) -> bool {
    let lower = file.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let by_end = [".md", ".rst", ".adoc", ".txt"].iter().any(|end| name.ends_with(end));
    let code = name.starts_with("requirements") || name == "cmakelists.txt";
    (by_end && !code)
        || lower.starts_with("docs/")
        || lower.starts_with("doc/")
        || name.starts_with("license")
}

/// A test: by the folder it is in, or by its name.
pub fn is_test(file: &str) -> bool {
    let lower = file.to_ascii_lowercase();
    let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let in_folder =
        folders.split('/').any(|folder| matches!(folder, "test" | "tests" | "__tests__" | "spec"));
    let stem = name.split('.').next().unwrap_or(name);
    let by_name = stem.starts_with("test_")
        || stem.ends_with("_test")
        || name.contains(".test.")
        || name.contains(".spec.");
    in_folder || by_name
}

/// Code beside the product: examples, benchmarks, tools, what builds it.
pub fn is_aside(file: &str) -> bool {
    let (folders, name) = file.rsplit_once('/').unwrap_or(("", file));
    let aside =
        ["examples", "example", "benches", "bench", "benchmarks", "fuzz", "scripts", "tools", "migrations"];
    folders.split('/').any(|folder| aside.contains(&folder))
        || matches!(name, "build.rs" | "setup.py" | "conftest.py" | "noxfile.py" | "conf.py")
        || name.contains(".config.")
        || name.ends_with(".d.ts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_kind() {
        for (path, kind) in [
            ("src/main.rs", Kind::Code),
            ("src/a.test.ts", Kind::Test),
            ("tests/data/x.json", Kind::Test),
            ("docs/guide.html", Kind::Docs),
            ("README.md", Kind::Docs),
            ("Cargo.lock", Kind::Generated),
            ("web/dist/app.js", Kind::Generated),
            (".github/workflows/ci.yml", Kind::Infra),
            ("Dockerfile.dev", Kind::Infra),
            ("tools/run.sh", Kind::Script),
            ("Makefile", Kind::Script),
            ("package.json", Kind::Config),
            (".editorconfig", Kind::Config),
            ("requirements-dev.txt", Kind::Config),
            ("logo.png", Kind::Other),
        ] {
            assert_eq!(of(path), kind, "{path}");
        }
    }
}
