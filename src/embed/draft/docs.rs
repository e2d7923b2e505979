//! The lane for changes that only touch documents: links lead somewhere, and the book can be built.

use super::super::survey::{Purpose, Survey, What};
use super::text::Stage;
use super::{Kind, Plan, head, lane, written};

pub const KIND: Kind =
    Kind { name: "docs", about: "links between documents lead somewhere, and the documentation builds" };

pub fn write(survey: &Survey, plan: &Plan) -> String {
    let mut stages = vec![links(survey)];
    for part in survey.parts.iter().filter(|part| part.folder.is_empty()) {
        match &part.what {
            What::Rust(rust) if rust.cargo => {
                let stage = Stage::exec("rustdoc", "20m", &["cargo", "doc", "--no-deps"]);
                stages.push(stage.doc("The documentation of the code builds."));
            }
            What::Node(node) if node.npm => {
                let script = node.script_for(Purpose::Docs).and_then(|step| step.command.split(' ').nth(2));
                stages.extend(script.map(|script| {
                    Stage::exec("site", "15m", &["npm", "run", script])
                        .doc("The documentation builds.")
                        .warning()
                }));
            }
            _ => {}
        }
    }
    let all: Vec<&Stage> = stages.iter().collect();
    let mut text = head(survey, plan, "A change to documents only: nothing is compiled but what they quote.");
    text += &written(&all);
    let mut settings = vec!["sla 5m".to_string()];
    if survey.git {
        settings.push(
            "select if change.only(\"**/*.md\", \"*.md\", \"**/*.rst\", \"*.rst\", \"docs/**\")".into(),
        );
    }
    text + &lane(
        "docs",
        "Links and the documentation",
        "Run it for a change that touches documents only.",
        &all,
        &settings,
    )
}

/// Links to other files; the world's links break without anybody's doing.
fn links(survey: &Survey) -> Stage {
    let list = if survey.git { "git ls-files '*.md'" } else { "find . -name '*.md' -type f" };
    let script = format!(
        "{list} | {{\n  lost=0\n  while IFS= read -r page; do\n    [ -f \"$page\" ] || continue\n    targets=$(grep -o ']([^)#? ]*' \"$page\" | cut -c 3- | grep -v -e '^$' -e ':' -e '^/' -e '[<>]' || true)\n    for target in $targets; do\n      if [ ! -e \"$(dirname \"$page\")/$target\" ]; then\n        echo \"$page: the link to $target leads nowhere\" >&2\n        lost=1\n      fi\n    done\n  done\n  exit \"$lost\"\n}}"
    );
    let stage =
        Stage::script("links", "2m", &script).doc("Links from one document to another file lead somewhere.");
    if survey.documents.is_empty() { stage.doc("There are no documents yet.") } else { stage.warning() }
}
