//! The commands of CI workflow files, each with its line. YAML is read as a stream of events, so that neither depth nor
//! aliases of a hostile file cost anything. Knows where each service writes its commands, and no more of it.

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::step::{At, Origin, Step, simple_commands};
use super::tree::Tree;

/// Deeper than any workflow; what is below is not looked at.
const MAX_DEPTH: usize = 64;

/// A scalar of a document: the keys that lead to it (`-` for an entry of a list), its text and first line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Scalar {
    path: Vec<String>,
    text: String,
    line: usize,
    block: bool,
}

/// All commands of the workflow files that services are known to read.
pub fn steps(tree: &Tree) -> Vec<Step> {
    let mut found = Vec::new();
    for file in tree.names() {
        if let Some(is_command) = service(file)
            && let Some(text) = tree.text(file)
        {
            for scalar in scalars(&text).into_iter().filter(|scalar| is_command(&scalar.path)) {
                found.extend(of_scalar(file, &text, &scalar));
            }
        }
    }
    found
}

type IsCommand = fn(&[String]) -> bool;

/// Which scalars of a file are commands; none when it is no workflow.
fn service(file: &str) -> Option<IsCommand> {
    let yaml = file.ends_with(".yml") || file.ends_with(".yaml");
    let github = file.starts_with(".github/workflows/") || file.starts_with(".forgejo/workflows/");
    match file {
        _ if yaml && (github || file.starts_with(".gitea/workflows/")) => {
            Some(|path| path.len() == 5 && path[0] == "jobs" && path[2] == "steps" && path[4] == "run")
        }
        ".gitlab-ci.yml" => Some(|path| path.len() >= 2 && path[1] == "script" && !path[0].starts_with('.')),
        ".travis.yml" => Some(|path| path[0] == "script"),
        ".circleci/config.yml" => Some(|path| {
            path[0] == "jobs" && path.iter().any(|key| key == "steps") && {
                let last = &path[path.len() - 1];
                last == "run" || last == "command" && path.len() > 1 && path[path.len() - 2] == "run"
            }
        }),
        "azure-pipelines.yml" => Some(|path| path[path.len() - 1] == "script"),
        ".woodpecker.yml" | ".drone.yml" => Some(|path| path.iter().any(|key| key == "commands")),
        _ => None,
    }
}

/// The commands of one scalar; in a block each on its own line.
fn of_scalar(file: &str, text: &str, scalar: &Scalar) -> Vec<Step> {
    let lines: Vec<&str> = text.lines().collect();
    let mut from = scalar.line;
    let mut found = Vec::new();
    for command in simple_commands(&scalar.text) {
        let start = command.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        // The line is looked for below the one before, since blocks fold and continue lines as they like.
        let at = (from..=lines.len()).find(|&at| lines[at - 1].contains(&start));
        let line = at.filter(|_| scalar.block).unwrap_or(scalar.line);
        from = line;
        let command = command.split_whitespace().collect::<Vec<_>>().join(" ");
        found.push(Step {
            command,
            at: At { file: file.into(), line },
            origin: Origin::Ci,
            body: Vec::new(),
        });
    }
    found
}

/// Every scalar value of the documents up to the first error.
fn scalars(text: &str) -> Vec<Scalar> {
    let mut found = Vec::new();
    let mut stack: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { break };
        match event {
            Event::MappingStart(..) => open(&mut stack, Open::Mapping { key: None }),
            Event::SequenceStart(..) => open(&mut stack, Open::Sequence),
            Event::MappingEnd | Event::SequenceEnd => close(&mut stack),
            Event::Scalar(value, style, ..) => {
                if let Some(Open::Mapping { key }) = stack.last_mut()
                    && key.is_none()
                {
                    *key = Some(value.into_owned());
                    continue;
                }
                if stack.len() <= MAX_DEPTH {
                    let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                    let path: Vec<String> = stack.iter().map(Open::key).collect();
                    let scalar = Scalar { path, text: value.into_owned(), line: span.start.line(), block };
                    found.extend(Some(scalar).filter(|scalar| !scalar.path.is_empty()));
                }
                value_ended(&mut stack);
            }
            Event::Alias(_) => match stack.last_mut() {
                Some(Open::Mapping { key: key @ None }) => *key = Some("*".into()),
                _ => value_ended(&mut stack),
            },
            _ => {}
        }
    }
    found
}

enum Open {
    Mapping { key: Option<String> },
    Sequence,
}

impl Open {
    fn key(&self) -> String {
        match self {
            Open::Mapping { key } => key.clone().unwrap_or_default(),
            Open::Sequence => "-".into(),
        }
    }
}

fn open(stack: &mut Vec<Open>, new: Open) {
    // A mapping as a key has no name that a path could hold.
    if let Some(Open::Mapping { key: key @ None }) = stack.last_mut() {
        *key = Some("?".into());
    }
    stack.push(new);
}

fn close(stack: &mut Vec<Open>) {
    stack.pop();
    value_ended(stack);
}

fn value_ended(stack: &mut [Open]) {
    if let Some(Open::Mapping { key }) = stack.last_mut() {
        *key = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(file: &str, text: &str) -> Vec<(String, usize)> {
        let is_command = service(file).unwrap();
        let scalars = scalars(text).into_iter().filter(|scalar| is_command(&scalar.path));
        let steps = scalars.flat_map(|scalar| of_scalar(file, text, &scalar));
        steps.map(|step| (step.command, step.at.line)).collect()
    }

    #[test]
    fn github_steps_have_the_line_of_each_command() {
        let text = "on: push\njobs:\n  test:\n    runs-on: x\n    steps:\n      - uses: actions/checkout@v4\n      - run: cargo test --all # all\n      - name: two\n        run: |\n          set -e\n          cargo fmt --all -- --check\n          cargo clippy \\\n            -- -D warnings\n      - run: >-\n          npm ci &&\n          npm test\n";
        assert_eq!(
            commands(".github/workflows/ci.yml", text),
            [
                ("cargo test --all".into(), 7),
                ("cargo fmt --all -- --check".into(), 11),
                ("cargo clippy -- -D warnings".into(), 12),
                ("npm ci".into(), 15),
                ("npm test".into(), 16),
            ]
        );
    }

    #[test]
    fn other_services_and_torn_files() {
        let gitlab = "test:\n  script:\n    - make\n    - make check\n.hidden:\n  script: [ no ]\n";
        assert_eq!(commands(".gitlab-ci.yml", gitlab), [("make".into(), 3), ("make check".into(), 4)]);
        assert_eq!(commands(".travis.yml", "script: npm test\n"), [("npm test".into(), 1)]);
        let circle = "jobs:\n  a:\n    steps:\n      - checkout\n      - run:\n          command: make test\n      - run: make lint\n";
        assert_eq!(
            commands(".circleci/config.yml", circle),
            [("make test".into(), 6), ("make lint".into(), 7)]
        );
        assert!(scalars("a: [b, {c: }\n: : -").len() < 4);
        assert!(scalars(&"[".repeat(100_000)).is_empty());
        assert_eq!(commands(".travis.yml", "- script\n").len(), 0);
    }
}
