//! Which source files of a change have a touched test, and how the project's tests are run: by the naming conventions of
//! Rust, Python, JavaScript, TypeScript and Go. Starts nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{Details, State, lines};
use crate::workspace::kind::{self, Kind};

/// Languages whose tests are found by name.
const LANGUAGES: &[&str] = &["rs", "py", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "go"];
/// Beyond this a file is not looked into for tests of its own.
const LARGEST: u64 = 1 << 20;

pub(super) fn look(
    details: &mut Details,
    root: &Path,
    collected: &lines::Collected,
    tracked: &dyn Fn() -> Vec<String>,
) {
    let tests = |removed: bool| {
        let wanted =
            move |file: &&super::File| file.kind == Kind::Test && (file.state == State::Removed) == removed;
        details.files.iter().filter(wanted).map(|file| file.path.as_str())
    };
    let touched: BTreeSet<String> = tests(false).map(subject).collect();
    let tested = |path: &str| {
        touched.contains(&subject(path))
            || collected.last.get(path).is_some_and(|last| inside(root, path, *last))
    };
    let by_name = |path: &&str| path.rsplit_once('.').is_some_and(|(_, end)| LANGUAGES.contains(&end));
    let product = |path: &&str| by_name(path) && !kind::is_aside(path);
    let untested = details.present(&[Kind::Code]).filter(product).filter(|path| !tested(path));
    let untested = untested.map(str::to_owned).collect();
    let gone: Vec<&str> = tests(true).filter(by_name).collect();
    let abandoned = if gone.is_empty() { Vec::new() } else { abandoned(&gone, &touched, root, &tracked()) };
    details.untested = untested;
    details.abandoned = abandoned;
    details.test_commands = commands(root);
}

/// Tests that went while their source stays and no other test of it is touched or there.
fn abandoned(
    gone: &[&str],
    touched: &BTreeSet<String>,
    root: &Path,
    tracked: &[String],
) -> Vec<(String, String)> {
    let there: Vec<&String> = tracked.iter().filter(|path| root.join(path).is_file()).collect();
    let found = gone.iter().filter_map(|test| {
        let name = subject(test);
        let same = |path: &&&String| subject(path) == name && ending(path) == ending(test);
        let kind = |wanted: Kind| there.iter().filter(same).find(|path| kind::of(path) == wanted);
        let source = kind(Kind::Code)?;
        let other = touched.contains(&name) || kind(Kind::Test).is_some();
        (!other).then(|| ((*test).to_owned(), (*source).clone()))
    });
    found.collect()
}

/// `ts` and `tsx`, `js` and `mjs` are one language.
fn ending(path: &str) -> &str {
    match path.rsplit_once('.').map_or("", |(_, end)| end) {
        "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" => "js",
        end => end,
    }
}

/// What a test tests, and what a source file is tested as: the name without the marks of a test; of a file that stands
/// for its folder, the folder's.
fn subject(path: &str) -> String {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let folder = folders.rsplit('/').next().unwrap_or_default();
    let stem = match stem.as_str() {
        "mod" | "index" | "__init__" if !folder.is_empty() => folder.to_ascii_lowercase(),
        _ => stem,
    };
    let bare = stem.strip_prefix("test_").or_else(|| stem.strip_suffix("_test"));
    bare.or_else(|| stem.strip_suffix("_spec")).unwrap_or(&stem).replace('-', "_")
}

/// Whether the file tests itself, as Rust's do, and the change reaches into these tests.
fn inside(root: &Path, path: &str, last: u32) -> bool {
    let full = root.join(path);
    let small = fs::symlink_metadata(&full).is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST);
    if !path.ends_with(".rs") || !small {
        return false;
    }
    let text = fs::read(&full).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let first = text.lines().position(|line| line.trim() == "#[cfg(test)]");
    first.is_some_and(|first| last as usize > first)
}

/// The commands that run the project's tests, as its files name them.
fn commands(root: &Path) -> Vec<String> {
    let there = |name: &str| root.join(name).exists();
    let text = |name: &str| fs::read_to_string(root.join(name)).unwrap_or_default();
    let mut found = Vec::new();
    if there("Cargo.toml") {
        found.push("cargo test");
    }
    let python = ["pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "pytest.ini"];
    if python.iter().any(|name| there(name)) {
        found.push("python3 -m pytest");
    }
    let package: serde_json::Value = serde_json::from_str(&text("package.json")).unwrap_or_default();
    if package.pointer("/scripts/test").is_some() {
        found.push("npm test");
    }
    if there("go.mod") {
        found.push("go test ./...");
    }
    let target = |name: &str, word: &str| text(name).lines().any(|line| line.starts_with(word));
    if target("Makefile", "test:") {
        found.push("make test");
    }
    if target("justfile", "test") {
        found.push("just test");
    }
    found.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_named_for_what_it_tests() {
        for (source, test) in [
            ("src/cart.py", "tests/test_cart.py"),
            ("src/cart/__init__.py", "tests/test_cart.py"),
            ("lib/cart.ts", "lib/cart.test.ts"),
            ("lib/price-list.js", "test/price_list.spec.js"),
            ("src/cart/mod.rs", "tests/cart.rs"),
            ("cart.go", "cart_test.go"),
        ] {
            assert_eq!(subject(source), subject(test), "{source}");
        }
        assert_ne!(subject("src/a.py"), subject("tests/test_b.py"));
    }

    #[test]
    fn a_test_that_went_is_missed_only_while_its_source_stays() {
        let dir = tempfile::tempdir().unwrap();
        let tracked: Vec<String> = ["cart.py", "gone.py", "tests/test_other.py"].map(String::from).to_vec();
        for path in ["cart.py", "tests/test_other.py"] {
            fs::create_dir_all(dir.path().join("tests")).unwrap();
            fs::write(dir.path().join(path), "").unwrap();
        }
        let missed = |gone: &str, touched: &[&str]| {
            let touched = touched.iter().map(|name| (*name).to_owned()).collect();
            abandoned(&[gone], &touched, dir.path(), &tracked)
        };
        assert_eq!(missed("tests/test_cart.py", &[]), [("tests/test_cart.py".into(), "cart.py".into())]);
        assert_eq!(missed("tests/test_cart.py", &["cart"]), []);
        assert_eq!(missed("tests/test_gone.py", &[]), []);
        assert_eq!(missed("tests/test_cart.js", &[]), []);
    }
}
