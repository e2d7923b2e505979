//! The lane that ends in a tag: everything that can be known before, then a question, then one effect.

use super::super::survey::{Node, Part, Python, Rust, Survey, What};
use super::text::{Stage, quoted};
use super::{Kind, Plan, head, lane, written};

pub const KIND: Kind = Kind {
    name: "release",
    about: "tests, a clean tree, agreeing versions, the package, then a tag behind a question",
};

/// A version to show in the next command: the one that the manifest holds.
pub fn example(survey: &Survey) -> String {
    let of = |part: &Part| match &part.what {
        What::Rust(rust) => rust.version.clone(),
        What::Node(node) => node.version.clone(),
        _ => None,
    };
    survey.parts.iter().find_map(of).unwrap_or_else(|| "1.0.0".into())
}

pub fn write(survey: &Survey, plan: &Plan) -> String {
    let mut stages: Vec<Stage> = plan.sure();
    let leads_on = |name: &str| {
        stages.iter().flat_map(|stage| &stage.needs).any(|needed| needed.trim_end_matches('?') == name)
    };
    let last = stages.iter().filter(|stage| !leads_on(&stage.name));
    let mut before: Vec<String> = last.map(needed).collect();
    for stage in guards(survey) {
        before.push(stage.name.clone());
        stages.push(stage);
    }
    let mut packages: Vec<String> = Vec::new();
    for part in survey.parts.iter().filter(|part| part.folder.is_empty()) {
        if let Some(mut stage) = package(part) {
            if !packages.is_empty() {
                stage.name = format!("package-{}", super::text::name(part.what.word()));
            }
            packages.push(stage.name.clone());
            stages.push(stage.needing(&before));
        }
    }
    if survey.git {
        stages.push(tag(if packages.is_empty() { &before } else { &packages }));
    }
    let mut text = head(survey, plan, "A release, up to its tag. Nothing leaves this machine.");
    // Without git there may be nothing that asks for it.
    let versioned = stages.iter().any(|stage| stage.env.iter().any(|(name, _)| name == "VERSION"));
    if versioned {
        text += "## The version to release, without a `v`: `--set version=1.2.3`.\n";
        text += "param version: string { pattern \"[0-9]+\\\\.[0-9]+\\\\.[0-9]+[-+.0-9A-Za-z]*\" }\n\n";
    }
    let all: Vec<&Stage> = stages.iter().collect();
    text += &written(&all);
    text += &publishing(survey);
    let (doc, settings) = ("Run it to release.", ["timeout 2h".to_string()]);
    let lane = lane("release", "From a clean tree to a tag", doc, &all, &settings);
    text + &if versioned { with_version(lane) } else { lane }
}

/// A test has to give the version too.
fn with_version(text: String) -> String {
    text.replace("  lane release\n  mock", "  lane release\n  given { version = \"1.2.3\" }\n  mock")
}

fn needed(stage: &Stage) -> String {
    let optional = if stage.when.is_some() { "?" } else { "" };
    format!("{}{optional}", stage.name)
}

fn guards(survey: &Survey) -> Vec<Stage> {
    let mut guards = Vec::new();
    if survey.git {
        let script = "if [ -n \"$(git status --porcelain --untracked-files=no)\" ]; then\n  echo \"commit or stash these changes first:\" >&2\n  git status --short --untracked-files=no >&2\n  exit 1\nfi";
        guards.push(Stage::script("clean", "1m", script).doc("What is released is what was committed."));
    }
    let files =
        survey.parts.iter().filter(|part| part.folder.is_empty()).filter_map(|part| match &part.what {
            What::Rust(Rust { version: Some(_), at, .. }) | What::Node(Node { version: Some(_), at, .. }) => {
                Some(at.file.clone())
            }
            _ => None,
        });
    let files: Vec<String> = files.chain(survey.changelog.clone()).collect();
    if !files.is_empty() {
        let script = "for file in $FILES; do\n  grep -qF \"$VERSION\" \"$file\" || { echo \"$file does not name version $VERSION\" >&2; exit 1; }\ndone";
        let mut stage = Stage::script("versions", "1m", script)
            .doc(format!("The version stands in {}.", files.join(" and ")));
        stage.env = vec![("VERSION".into(), "version".into()), ("FILES".into(), quoted(&files.join(" ")))];
        guards.push(stage);
    }
    guards
}

/// What the registry would get, made and looked at, not sent.
fn package(part: &Part) -> Option<Stage> {
    let stage = |command: &[&str]| Stage::exec("package", "30m", command);
    match &part.what {
        What::Rust(rust) if rust.cargo && rust.published => Some(
            stage(&["cargo", "package", "--allow-dirty"])
                .doc("The archive that the registry would get, built once from itself."),
        ),
        What::Node(node) if node.npm && node.published => {
            Some(stage(&["npm", "pack", "--dry-run"]).doc("What the registry would get, listed."))
        }
        _ => None,
    }
}

fn tag(needs: &[String]) -> Stage {
    let script = "git rev-parse -q --verify \"refs/tags/v$VERSION\" >/dev/null || git tag -a \"v$VERSION\" -m \"Release $VERSION\"\ngit --no-pager log -1 --format='%h %s' \"v$VERSION\"";
    let mut stage = Stage::script("tag", "2m", script)
        .doc("The tag, here and not yet anywhere else. `wfl run release --yes` answers the question.")
        .needing(needs)
        .setting("confirm \"Tag this commit?\"")
        .setting("idempotent by version")
        .setting("undo { exec \"git\", \"tag\", \"--delete\", f\"v{version}\" }");
    stage.env = vec![("VERSION".into(), "version".into())];
    stage
}

/// What a person adds who has the rights, as a comment: nobody publishes by accident.
fn publishing(survey: &Survey) -> String {
    let root = survey.parts.iter().find(|part| part.folder.is_empty()).map(|part| &part.what);
    let command = match root {
        Some(What::Rust(rust)) if rust.published => "\"cargo\", \"publish\"",
        Some(What::Node(node)) if node.published => "\"npm\", \"publish\"",
        Some(What::Python(Python { is_package: true, .. })) => {
            "\"twine\", \"upload\", \"dist/app-1.2.3.tar.gz\""
        }
        _ => return String::new(),
    };
    format!(
        "\n# Publishing happens once, and a crash in the middle of it is asked about, never repeated:\n#   stage publish {{ needs tag; once; timeout 15m; exec {command} }}\n"
    )
}
