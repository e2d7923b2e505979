//! Commands that a repository is known to run: where each stands, what it is for, and when two are the same. Pure.

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    pub file: String,
    pub line: usize,
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What kind of place a command stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A step of a CI workflow.
    Ci,
    /// A script of a package manifest.
    Script,
    /// A target of a makefile.
    Target,
    /// A recipe of a justfile.
    Recipe,
    /// A command of tox or nox.
    Session,
}

/// A command, and what it runs in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// As a person would type it: `cargo test`, `npm run lint`, `make check`.
    pub command: String,
    pub at: At,
    pub origin: Origin,
    /// The lines behind a script, target or recipe.
    pub body: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    Test,
    Lint,
    Format,
    Types,
    Build,
    Docs,
    /// Fetching, publishing, cleaning up and the rest: nothing that judges a change.
    Other,
}

impl Purpose {
    pub fn word(self) -> &'static str {
        match self {
            Purpose::Test => "test",
            Purpose::Lint => "lint",
            Purpose::Format => "format",
            Purpose::Types => "types",
            Purpose::Build => "build",
            Purpose::Docs => "docs",
            Purpose::Other => "other",
        }
    }
}

impl Step {
    /// Whether a command line calls this script, target or recipe.
    pub fn is_called_by(&self, command: &str) -> bool {
        self.origin != Origin::Ci && !self.body.is_empty() && covers(command, &self.command)
    }

    pub fn purpose(&self) -> Purpose {
        match self.origin {
            Origin::Ci | Origin::Session => purpose_of_command(&self.command),
            Origin::Script | Origin::Target | Origin::Recipe => {
                purpose_of_name(self.command.rsplit(' ').next().unwrap_or_default())
            }
        }
    }
}

/// What a script, target or recipe of this name does.
pub fn purpose_of_name(name: &str) -> Purpose {
    let name = name.to_ascii_lowercase();
    let is = |names: &[&str]| names.contains(&name.as_str());
    match () {
        () if is(&["test", "tests", "check", "unit", "spec", "ci", "test-all", "test:unit", "unittest"]) => {
            Purpose::Test
        }
        () if is(&["lint", "clippy", "eslint", "shellcheck", "vet", "standard"]) => Purpose::Lint,
        () if is(&[
            "fmt-check",
            "format-check",
            "check-format",
            "format:check",
            "check:format",
            "fmt:check",
        ]) || is(&["prettier:check", "check-fmt"]) =>
        {
            Purpose::Format
        }
        () if is(&["types", "typecheck", "type-check", "check-types", "check:types", "tsc", "mypy"]) => {
            Purpose::Types
        }
        () if is(&["build", "all", "compile"]) => Purpose::Build,
        () if is(&["docs", "doc", "html"]) => Purpose::Docs,
        () => Purpose::Other,
    }
}

/// What a command line of a workflow is for.
pub fn purpose_of_command(command: &str) -> Purpose {
    let mut words = canonical(command);
    words.retain(|word| !word.starts_with('+'));
    let first = words.first().map(String::as_str).unwrap_or_default();
    let second = words.get(1).map(String::as_str).unwrap_or_default();
    let flag = |wanted: &str| words.iter().any(|word| word == wanted);
    match (first, second) {
        ("cargo", "test" | "nextest" | "miri") => Purpose::Test,
        ("cargo", "clippy" | "deny" | "audit" | "semver-checks" | "outdated") => Purpose::Lint,
        ("cargo", "fmt") | ("rustfmt" | "black" | "isort", _) => Purpose::Format,
        ("cargo", "build" | "check" | "hack") => Purpose::Build,
        ("cargo", "doc" | "docs-rs" | "rustdoc") | ("sphinx-build" | "mkdocs" | "mdbook", _) => Purpose::Docs,
        ("pytest" | "unittest" | "tox" | "nox" | "nose2" | "bats" | "ctest" | "mocha" | "jest", _)
        | ("vitest" | "ava" | "tape" | "tap" | "nyc" | "c8", _) => Purpose::Test,
        ("node", _) if flag("--test") => Purpose::Test,
        ("ruff", "format") | ("prettier" | "clang-format" | "shfmt" | "gofmt", _) => Purpose::Format,
        (
            "ruff" | "flake8" | "pylint" | "eslint" | "shellcheck" | "pre-commit" | "bandit" | "standard",
            _,
        ) => Purpose::Lint,
        ("mypy" | "pyright" | "tsc", _) => Purpose::Types,
        ("go", "test") | ("mix" | "dotnet" | "swift" | "dart" | "deno" | "zig", "test") => Purpose::Test,
        ("go", "vet") | ("golangci-lint" | "staticcheck", _) => Purpose::Lint,
        ("go" | "cmake" | "meson" | "ninja" | "./configure", _) => Purpose::Build,
        ("npm", "run") => purpose_of_name(words.get(2).map(String::as_str).unwrap_or_default()),
        ("npm", "audit") => Purpose::Lint,
        ("npm", "test") => Purpose::Test,
        ("make", "") => Purpose::Build,
        ("make" | "just", name) => purpose_of_name(name),
        (script, _) if script.starts_with("./") || script.contains("/test") => {
            purpose_of_name(script.rsplit('/').next().unwrap_or_default().trim_end_matches(".sh"))
        }
        _ => Purpose::Other,
    }
}

/// Words that only start the command that follows them.
const BEFORE: &[&str] =
    &["sudo", "time", "exec", "env", "command", "npx", "xvfb-run", "nice", "bash", "sh", "--no-install"];
/// Two words that do.
const BEFORE_TWO: &[(&str, &str)] = &[
    ("uv", "run"),
    ("poetry", "run"),
    ("pdm", "run"),
    ("pipenv", "run"),
    ("pnpm", "exec"),
    ("yarn", "exec"),
];
/// How much is said, or where it is read from: nothing that changes what is judged.
const QUIET: &[&str] = &[
    "-v",
    "-vv",
    "--verbose",
    "-q",
    "--quiet",
    "-s",
    "--silent",
    "--no-fail-fast",
    "--locked",
    "--frozen",
    "--if-present",
];

/// The words of a simple command without what does not change what it judges.
pub fn canonical(command: &str) -> Vec<String> {
    let words = words(command);
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    loop {
        let one = words.first().is_some_and(|word| is_assignment(word))
            || words.len() > 1 && BEFORE.contains(&words[0]) && words[1] != "-c";
        let two = words.len() > 2
            && (BEFORE_TWO.contains(&(words[0], words[1])) || is_python(words[0]) && words[1] == "-m");
        match (one, two) {
            (true, _) => words.drain(..1),
            (_, true) => words.drain(..2),
            _ => break,
        };
    }
    without_placeholders(&mut words);
    words.retain(|word| !QUIET.contains(word) && !word.starts_with("--color"));
    managers(words).into_iter().map(String::from).collect()
}

fn is_python(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    name == "{envpython}"
        || name
            .strip_prefix("python")
            .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// `--features "${{ matrix.features }}"` says nothing that could be compared.
fn without_placeholders(words: &mut Vec<&str>) {
    while let Some(at) = words.iter().position(|word| word.contains("${{") || word.contains("{posargs")) {
        let value = !words[at].starts_with('-') && at > 0 && words[at - 1].starts_with("--");
        words.drain(if value { at - 1 } else { at }..=at);
    }
}

/// The command as a person could type it here: without what only the workflow's service fills in.
pub fn typed(command: &str) -> String {
    if !command.contains("${{") {
        return command.to_string();
    }
    let words = words(command);
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    without_placeholders(&mut words);
    words.join(" ")
}

/// All managers of packages in the words of one, and `npm run test` as `npm test`.
fn managers(words: Vec<&str>) -> Vec<&str> {
    let manager = |word: &str| ["npm", "yarn", "pnpm", "bun"].contains(&word);
    match words.as_slice() {
        [first, "run" | "run-script", "test", rest @ ..] if manager(first) => {
            [&["npm", "test"], rest].concat()
        }
        [first, "run" | "run-script", rest @ ..] if manager(first) => [&["npm", "run"], rest].concat(),
        [first, "test" | "t", rest @ ..] if manager(first) => [&["npm", "test"], rest].concat(),
        [first @ ("yarn" | "pnpm"), name, rest @ ..] if purpose_of_name(name) != Purpose::Other => {
            let _ = first;
            [&["npm", "run", name], rest].concat()
        }
        ["py.test", rest @ ..] => [&["pytest"], rest].concat(),
        ["coverage", "run", "-m", rest @ ..] => rest.to_vec(),
        ["gmake", rest @ ..] => [&["make"], rest].concat(),
        _ => words,
    }
}

/// Whether running `by` also does what `asked` would do.
pub fn covers(by: &str, asked: &str) -> bool {
    let (by, asked) = (canonical(by), canonical(asked));
    let head = |words: &[String]| words.first().cloned().unwrap_or_default();
    if asked.is_empty() || head(&by) != head(&asked) {
        return false;
    }
    match head(&asked).as_str() {
        "cargo" => cargo_covers(&by, &asked),
        "make" | "just" | "npm" | "node" | "tox" | "nox" | "go" | "mix" | "dotnet" => {
            let named = |words: &[String]| -> Vec<String> {
                words
                    .iter()
                    .skip(1)
                    .filter(|word| !word.starts_with("-j") && !word.contains('='))
                    .cloned()
                    .collect()
            };
            named(&asked).iter().all(|word| named(&by).contains(word))
                && (named(&by).is_empty() == named(&asked).is_empty())
        }
        "ruff" => by.get(1) == asked.get(1),
        _ => true,
    }
}

/// Switches of cargo that make another program of the same sources.
const OTHER_PROGRAM: &[&str] = &[
    "--features",
    "-F",
    "--no-default-features",
    "--all-features",
    "--release",
    "-r",
    "--target",
    "--doc",
    "--examples",
    "--manifest-path",
    "-Z",
];

fn cargo_covers(by: &[String], asked: &[String]) -> bool {
    let verb = |words: &[String]| words.iter().skip(1).find(|word| !word.starts_with('+')).cloned();
    let special = |words: &[String]| -> Vec<String> {
        let before_dashes = words.iter().take_while(|word| *word != "--");
        let mut found: Vec<String> = Vec::new();
        let mut takes = false;
        for word in before_dashes {
            let name = word.split('=').next().unwrap_or(word);
            if takes || word.starts_with('+') || OTHER_PROGRAM.contains(&name) {
                found.push(word.clone());
            }
            takes = ["--features", "-F", "--target", "--manifest-path"].contains(&word.as_str());
        }
        found.sort();
        found
    };
    let (done, wanted) = (verb(by).unwrap_or_default(), verb(asked).unwrap_or_default());
    // Tests are compiled before they run.
    let same = done == wanted
        || wanted == "check" && ["test", "build", "clippy", "nextest"].contains(&done.as_str())
        || wanted == "build" && ["test", "nextest"].contains(&done.as_str())
        || wanted == "test" && done == "nextest";
    // What a linter says hardly depends on how the program is built.
    same && (["clippy", "fmt"].contains(&wanted.as_str()) || special(by) == special(asked))
}

/// The simple commands of a script, one after another: lines, and what `&&`, `||`, `;` and `|` part. Words of the shell's
/// own grammar are no commands.
pub fn simple_commands(script: &str) -> Vec<String> {
    let joined = script.replace("\\\r\n", " ").replace("\\\n", " ");
    joined.lines().flat_map(parts).map(opened).filter(|part| !is_grammar(part)).collect()
}

/// `then make` runs make.
fn opened(part: String) -> String {
    let rest = ["then ", "do ", "else ", "{ ", "! "].iter().find_map(|word| part.strip_prefix(word));
    rest.map(|rest| rest.trim().to_string()).unwrap_or(part)
}

const GRAMMAR: &[&str] = &[
    "if", "then", "else", "elif", "fi", "for", "while", "do", "done", "case", "esac", "{", "}", "set", "cd",
    "export", "echo", "printf", "exit", "return", "true", "false", "[", "[[", "test", "mkdir", "source", ".",
    "local", "shift",
];

fn is_grammar(part: &str) -> bool {
    let first = part.split_whitespace().next().unwrap_or("#");
    first.starts_with('#') || GRAMMAR.contains(&first) || is_assignment(first) && !part.contains(' ')
}

fn parts(line: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quote = None;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, ';' | '|' | '&') => {
                // `2>&1` joins streams, it parts nothing.
                let redirects = parts.last().is_some_and(|part| part.ends_with('>'));
                if !redirects {
                    letters.next_if_eq(&letter);
                    parts.push(String::new());
                    continue;
                }
            }
            (None, '#') if parts.last().is_none_or(|part| part.is_empty() || part.ends_with(' ')) => break,
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(letter);
        }
    }
    parts.iter().map(|part| part.trim().to_string()).filter(|part| !part.is_empty()).collect()
}

/// Whether a text is a script that the system can start.
pub fn is_script(text: &str) -> bool {
    text.starts_with("#!")
}

/// The words of one simple command, quotes taken off.
pub fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quote, mut open) = (None, false);
    for letter in command.chars() {
        match (quote, letter) {
            (Some(mark), _) if letter == mark => quote = None,
            (Some(_), _) => word.push(letter),
            (None, '\'' | '"') => (quote, open) = (Some(letter), true),
            (None, _) if letter.is_whitespace() && word.ends_with("${{") => {}
            (None, _) if letter.is_whitespace() => {
                if open || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            _ => word.push(letter),
        }
    }
    if open || !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_compared_without_what_does_not_matter() {
        for (by, asked) in [
            ("cargo test", "cargo test --verbose --all"),
            ("cargo test --workspace", "RUST_BACKTRACE=1 cargo test"),
            ("cargo test", "cargo build"),
            ("cargo test", "cargo test --features \"${{ matrix.features }}\""),
            ("python3 -m pytest -q", "pytest -v --tb=short tests"),
            ("npm test", "npm run test"),
            ("npm run lint", "yarn lint"),
            ("make test", "make -j4 test"),
            ("uv run mypy", "mypy src"),
            ("cargo clippy", "cargo +nightly clippy --all-features"),
        ] {
            assert!(covers(by, asked), "{by} does not cover {asked}");
        }
        for (by, asked) in [
            ("cargo test", "cargo test --no-default-features"),
            ("cargo test", "cargo test --features serde"),
            ("cargo test", "cargo +nightly test"),
            ("cargo test", "cargo clippy"),
            ("npm test", "npm run lint"),
            ("make test", "make lint"),
            ("ruff check .", "ruff format --check ."),
            ("make", "make test"),
        ] {
            assert!(!covers(by, asked), "{by} covers {asked}");
        }
    }

    #[test]
    fn purposes_are_read_from_commands() {
        for (command, purpose) in [
            ("cargo test --workspace", Purpose::Test),
            ("cargo fmt --all -- --check", Purpose::Format),
            ("python -m unittest", Purpose::Test),
            ("npx eslint .", Purpose::Lint),
            ("pnpm typecheck", Purpose::Types),
            ("./scripts/test.sh", Purpose::Test),
            ("make", Purpose::Build),
            ("npm install", Purpose::Other),
            ("docker push app", Purpose::Other),
        ] {
            assert_eq!(purpose_of_command(command), purpose, "{command}");
        }
    }

    #[test]
    fn scripts_fall_into_simple_commands() {
        let script = "set -e\ncargo build && cargo test \\\n  --all # all\nif [ -f x ]; then make 2>&1 | tee log; fi\necho 'a && b'";
        assert_eq!(simple_commands(script), ["cargo build", "cargo test    --all", "make 2>&1", "tee log"]);
        assert_eq!(words("a 'b c' \"\" d"), ["a", "b c", "", "d"]);
    }
}
