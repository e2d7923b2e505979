//! What this machine can start: programs on the PATH, and what a Python can import. The only part of a survey that looks
//! outside of the repository.

use std::collections::BTreeSet;
use std::path::Path;

use crate::facts::program;

/// What a survey asks about the machine.
pub trait Tools {
    /// There is such a program on the PATH.
    fn has(&self, program: &str) -> bool;

    /// Which of these a Python knows: `module:pytest`, `package:requests`. None when it does not start.
    fn python(&self, program: &str, asked: &[String]) -> Option<BTreeSet<String>>;
}

/// Prints those of its arguments that are there. It starts in the root folder, so that nothing of the project is found.
const ASK: &str = "
import importlib.metadata, importlib.util, sys
for asked in sys.argv[1:]:
    kind, name = asked.split(':', 1)
    try:
        if kind == 'module':
            there = importlib.util.find_spec(name) is not None
        else:
            there = importlib.metadata.distribution(name) is not None
    except Exception:
        there = False
    if there:
        print(asked)
print('end')
";

/// This machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Installed;

impl Tools for Installed {
    fn has(&self, program: &str) -> bool {
        program::find(program).is_some()
    }

    fn python(&self, program: &str, asked: &[String]) -> Option<BTreeSet<String>> {
        let arguments: Vec<&str> = ["-c", ASK].into_iter().chain(asked.iter().map(String::as_str)).collect();
        let said = program::answer(program, &arguments, Path::new("/"))?;
        let mut known: BTreeSet<String> = said.lines().map(String::from).collect();
        known.remove("end").then_some(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_says_what_it_knows_and_nobody_else_does() {
        assert!(Installed.has("sh") && !Installed.has("no-such-program-anywhere"));
        assert_eq!(Installed.python("no-such-python", &[]), None);
        if Installed.has("python3") {
            let asked = ["module:json".to_string(), "module:no_such_module".into(), "package:no-such".into()];
            let known = Installed.python("python3", &asked).unwrap();
            assert_eq!(known.into_iter().collect::<Vec<_>>(), ["module:json"]);
        }
    }
}
