//! What we publish ourselves is clean at the strictest level, remarks included: noise would be ours first.

use std::path::{Path, PathBuf};

use wfl::diag::{Format, render};
use wfl::load::{Disk, Loaded, Request, load};

/// All that is said of these paths below `root`, remarks included.
fn said(root: &Path, paths: &[&str]) -> String {
    let paths = paths.iter().map(PathBuf::from).collect();
    let request = Request { root: root.to_path_buf(), cwd: root.to_path_buf(), paths };
    let Loaded { sources, units, mut diagnostics, .. } = load(&request, &Disk);
    assert!(units.iter().any(|unit| unit.given), "nothing was read below {}", root.display());
    let checked = wfl::model::check(&sources, &units);
    diagnostics.extend(checked.diagnostics);
    let settled = wfl::model::settle(&sources, &units, &checked.model.project.levels, diagnostics);
    render(Format::Short, &sources, &settled, false, 100)
}

#[test]
fn std_the_examples_and_our_own_lanes_say_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let std: Vec<String> =
        wfl::load::std_modules().iter().map(|(name, _)| format!("stdlib/{name}.wfl")).collect();
    let std: Vec<&str> = std.iter().map(String::as_str).collect();
    assert_eq!(said(root, &std), "");
    assert_eq!(said(root, &["examples"]), "");
    // Packages leave our own lanes out.
    if root.join(".wfl").is_dir() {
        assert_eq!(said(root, &[".wfl"]), "");
    }
}
