//! What configure and make, CMake or Meson build: which of them, and what has to come first.

use super::recipes::{Recipes, Runner};
use super::tools::Tools;
use super::tree::{Tree, join};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    Make,
    Cmake,
    Meson,
}

impl Build {
    pub fn word(self) -> &'static str {
        match self {
            Build::Make => "make",
            Build::Cmake => "CMake",
            Build::Meson => "Meson",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Native {
    pub build: Build,
    /// The file that says so.
    pub file: String,
    pub installed: bool,
    pub configure: Option<Configure>,
    /// The target that builds, none when building is no matter of its own.
    pub target: Option<String>,
    /// The target that tests.
    pub test: Option<String>,
}

/// A script that writes the makefiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configure {
    /// What makes the script itself, in a checkout without it.
    pub made_by: Option<Vec<String>>,
    /// A file that is there once it has run; none when it is quick and leaves none.
    pub marker: Option<String>,
    /// It refuses to run as root unless told otherwise.
    pub refuses_root: bool,
}

pub fn read(tree: &Tree, folder: &str, tools: &dyn Tools, recipes: &[Recipes]) -> Option<Native> {
    let make = recipes.iter().find(|recipes| recipes.runner == Runner::Make);
    let test = make.and_then(|make| make.first(&["test", "check", "tests"]));
    let configure = configure(tree, folder, tools);
    let compiles = tree.below(folder).any(is_source);
    if test.is_some() || make.is_some() && compiles || configure.is_some() {
        let named = |step: &super::Step| step.command.split(' ').nth(1).map(String::from);
        let target = make.and_then(|make| make.first(&["all", "build"])).and_then(named);
        let file = make.map_or_else(|| "configure.ac".to_string(), |make| make.file.clone());
        let automatic = tree.has(&join(folder, "Makefile.am"));
        return Some(Native {
            build: Build::Make,
            file,
            installed: tools.has("make") && (!compiles || has_compiler(tools)),
            // Automake writes both.
            target: target.or_else(|| automatic.then(|| "all".to_string())).filter(|_| compiles),
            test: test.and_then(named).or_else(|| automatic.then(|| "check".to_string())),
            configure,
        });
    }
    let other = [("CMakeLists.txt", Build::Cmake, "cmake"), ("meson.build", Build::Meson, "meson")];
    let (file, build, program) = other.into_iter().find(|(file, ..)| tree.has(&join(folder, file)))?;
    let installed =
        tools.has(program) && has_compiler(tools) && (build == Build::Cmake || tools.has("ninja"));
    Some(Native { build, file: join(folder, file), installed, configure: None, target: None, test: None })
}

fn has_compiler(tools: &dyn Tools) -> bool {
    ["cc", "gcc", "clang"].iter().any(|name| tools.has(name))
}

fn is_source(name: &str) -> bool {
    [".c", ".cc", ".cpp", ".cxx", ".f90", ".s", ".S"].iter().any(|end| name.ends_with(end))
}

fn configure(tree: &Tree, folder: &str, tools: &dyn Tools) -> Option<Configure> {
    if let Some(script) = tree.text(&join(folder, "configure")) {
        let autoconf = script.contains("Autoconf");
        let template = tree.text(&join(folder, "configure.ac")).unwrap_or_default();
        return Some(Configure {
            made_by: None,
            marker: autoconf.then(|| join(folder, "config.status")),
            refuses_root: script.contains("FORCE_UNSAFE_CONFIGURE") || template.contains("AC_FUNC_MKNOD"),
        });
    }
    if !tree.has(&join(folder, "configure.ac")) {
        return None;
    }
    let own = ["autogen.sh", "bootstrap", "bootstrap.sh"]
        .into_iter()
        .find(|name| tree.executable(&join(folder, name)));
    let needs_autoconf = |own: &str| {
        let script = tree.text(&join(folder, own)).unwrap_or_default();
        script.contains("autoreconf") || script.contains("autoconf") || script.contains("aclocal")
    };
    let made_by = match own {
        Some(own) if needs_autoconf(own) && !tools.has("autoreconf") => return None,
        Some(own) => vec![format!("./{own}")],
        None if tools.has("autoreconf") => vec!["autoreconf".into(), "--install".into()],
        None => return None,
    };
    let marker = Some(join(folder, "config.status"));
    Some(Configure { made_by: Some(made_by), marker, refuses_root: false })
}
