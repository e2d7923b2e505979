//! What the fuzz targets found or were given is replayed on the stable compiler, through the same laws
//! (`fuzz/laws.rs`), together with every lane file of the repository and texts too large to keep.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

#[path = "../../fuzz/laws.rs"]
mod laws;

use laws::{LAWS, Law};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Targets whose input is no lane file.
const OF_A_VALUE: [&str; 2] = ["expression", "template"];

/// Every file below the folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The law's complaint about the bytes, if it has one.
fn complaint(law: Law, bytes: &[u8]) -> Option<String> {
    let ended = catch_unwind(AssertUnwindSafe(|| law(bytes)));
    ended.err().map(|panic| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().unwrap_or(&"a panic").to_string(),
    })
}

/// The inputs of one target; lane files that anything may be done to lie in `lane`, for all that read such files.
fn inputs(target: &str) -> Vec<PathBuf> {
    let folder = root().join("fuzz/corpus");
    let shared = if OF_A_VALUE.contains(&target) { Vec::new() } else { files(&folder.join("lane")) };
    files(&folder.join(target)).into_iter().chain(shared).collect()
}

#[test]
fn the_corpus_breaks_no_law() {
    let mut broken = String::new();
    for (target, law) in LAWS {
        let inputs = inputs(target);
        assert!(inputs.len() >= 30, "{target} has {} inputs", inputs.len());
        for path in inputs {
            if let Some(why) = complaint(*law, &fs::read(&path).expect("an input")) {
                broken.push_str(&format!("{target}: {}: {why}\n", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken}");
}

#[test]
fn every_lane_file_of_the_repository_breaks_no_law() {
    let mut seen = 0;
    for folder in ["stdlib", "examples", ".wfl", "tests/lang"] {
        let lanes = files(&root().join(folder)).into_iter();
        for path in lanes.filter(|path| path.extension().is_some_and(|end| end == "wfl")) {
            let bytes = fs::read(&path).expect("a lane file");
            for (target, law) in LAWS.iter().filter(|(target, _)| !OF_A_VALUE.contains(target)) {
                assert_eq!(complaint(*law, &bytes), None, "{target} of {}", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 120, "{seen} lane files");
}

/// Too large, or too regular, to keep as files.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let n = 2_000;
    let text = |text: String| text.into_bytes();
    vec![
        ("a line of a megabyte", text(format!("wfl 1\nlet a = \"{}\"\n", "x".repeat(1 << 20)))),
        ("a comment of a megabyte", text(format!("# {}\nwfl 1\n", "é".repeat(1 << 19)))),
        ("a name of a megabyte", text(format!("wfl 1\nstage {} {{ exec \"x\" }}\n", "a".repeat(1 << 20)))),
        ("blocks in blocks", text(format!("{}{}", "a {\n".repeat(n), "}\n".repeat(n)))),
        ("brackets in brackets", text(format!("let a = {}1{}\n", "([".repeat(n), "])".repeat(n)))),
        ("unclosed brackets", text("let a = (\n".repeat(n))),
        ("closing brackets", text("}\n".repeat(n))),
        ("f-strings in f-strings", text(format!("let a = {}\n", "f\"{".repeat(n)))),
        ("a chain of not", text(format!("let a = {}true\n", "not ".repeat(n)))),
        ("a chain of if", text(format!("let a = {}1\n", "if x then 1 else ".repeat(n)))),
        ("a chain of calls", text(format!("let a = x{}\n", ".f(1)[0]".repeat(n)))),
        ("a sum", text(format!("let a = 1{}\n", " + 1".repeat(n)))),
        ("half-open scripts", text("run \"\"\"\n".repeat(n))),
        ("nothing but quotes", text("\"".repeat(n))),
        ("NUL bytes", vec![0; n]),
        ("no UTF-8", vec![0xff; n]),
        ("byte order marks", text("\u{feff}".repeat(n))),
        ("overrides of direction", text(format!("wfl 1\n# {}\n", "\u{202e}a".repeat(n)))),
        ("empty tags", text("{% %}".repeat(n))),
        ("open tags", text("{% for a in files %}".repeat(n))),
        (
            "loops in loops",
            text(format!("{}x{}", "{% for a in range(99) %}".repeat(9), "{% endfor %}".repeat(9))),
        ),
        (
            "a doubling template",
            text(format!("{{% set x = 'ab' %}}{}{{{{ x }}}}", "{% set x = x ~ x %}".repeat(64))),
        ),
    ]
}

#[test]
fn hostile_texts_break_no_law() {
    for (name, bytes) in hostile() {
        for (target, law) in LAWS {
            assert_eq!(complaint(*law, &bytes), None, "{target}: {name}");
        }
    }
}

/// The laws can be broken: a place that ends outside the text is found.
#[test]
fn a_broken_law_is_noticed() {
    let panics: Law = |bytes| assert!(bytes.is_empty(), "not empty");
    assert_eq!(complaint(panics, b""), None);
    assert_eq!(complaint(panics, b"x"), Some("not empty".into()));
}

#[test]
fn the_corpus_stays_small() {
    let all = files(&root().join("fuzz/corpus"));
    let bytes: u64 = all.iter().map(|path| fs::metadata(path).expect("a file").len()).sum();
    assert!(all.len() < 300 && bytes < 1 << 20, "{} files, {bytes} bytes", all.len());
}
