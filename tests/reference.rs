//! `docs/reference.md` is written from the tables the program itself works by; this test fails when it is out of date.
//! `WFL_BLESS=1 cargo test reference` writes it anew.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use wfl::diag::{codes, page};
use wfl::expr::builtin;
use wfl::expr::facts::{self, Argument, Phase};
use wfl::model::schema::{self, Row};

fn keywords(text: &mut String) {
    for context in schema::contexts() {
        let rows: Vec<&Row> = schema::rows().filter(|row| row.contexts.contains(context)).collect();
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n### {}\n", capital(context.place()));
        let _ = writeln!(text, "| written | clauses | repeats | default | |\n|---|---|---|---|---|");
        for row in rows {
            let clauses: Vec<String> =
                row.clauses.iter().map(|clause| format!("`{}` {}", clause.word, clause.ty)).collect();
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} | {} |",
                row.usage().replace('|', "\\|"),
                clauses.join(", "),
                if row.many { "yes" } else { "" },
                row.default.map(|value| format!("`{value}`")).unwrap_or_default(),
                row.doc
            );
        }
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

fn facts_table(text: &mut String) {
    for (phase, title) in [
        (Phase::Start, "Read once, when the run starts; may stand anywhere"),
        (
            Phase::Judge,
            "Read while running; only in `before`, `after`, `require`, `verify` and the `when` of retry and repair",
        ),
        (
            Phase::Attempt,
            "Of the attempt that just ended; the same places, `measure`, and the `when` of `help`",
        ),
        (Phase::Stored, "Of earlier runs, read when the run starts; only in a gate's `require` and `strict`"),
        (Phase::Reader, "Readers; only on the right of `out` and `measure`"),
    ] {
        let _ = writeln!(text, "\n### {title}\n\n| written | type | |\n|---|---|---|");
        for row in facts::TABLE.iter().filter(|row| row.phase == phase) {
            let ty = row.result.map_or("as declared".to_string(), |result| format!("`{}`", result.ty()));
            let _ = writeln!(text, "| `{}` | {ty} | {} |", written(row), row.doc);
        }
    }
}

fn written(row: &facts::Row) -> String {
    let words: Vec<&str> = row
        .arguments
        .iter()
        .map(|argument| match argument {
            Argument::String => "text",
            Argument::Path => "path",
            Argument::Glob => "glob",
            Argument::Pattern => "regex",
            Argument::Size => "size",
            Argument::Measure => "measure",
        })
        .collect();
    let arguments = format!("{}{}", words.join(", "), if row.variadic { ", …" } else { "" });
    match (row.arguments.is_empty(), row.name.split_once('.')) {
        (true, _) => row.name.to_string(),
        (false, Some((reader, field))) if row.phase == Phase::Reader => {
            format!("{reader}({arguments}).{field}")
        }
        (false, _) => format!("{}({arguments})", row.name),
    }
}

fn reference() -> String {
    let mut text = String::from(
        "# Reference\n\nWritten from the program's own tables (`WFL_BLESS=1 cargo test reference`); the rules of the \
         language are in [language.md](language.md).\n\n## Keywords\n",
    );
    keywords(&mut text);
    text.push_str("\n## Facts: what expressions may read from outside\n");
    facts_table(&mut text);
    text.push_str("\n## Functions\n\n| function | |\n|---|---|\n");
    for function in builtin::TABLE {
        let _ = writeln!(text, "| `{}` | {} |", function.name, function.doc);
    }
    text.push_str(
        "\n## Diagnostics\n\n`wfl explain CODE` prints a page.\n\n| code | name | |\n|---|---|---|\n",
    );
    for code in codes::ALL {
        let _ = writeln!(
            text,
            "| [{0}](checks/{0}.md) | {1} | {2} |",
            code.id,
            code.name,
            page::summary(code.page).replace('|', "\\|")
        );
    }
    text
}

#[test]
fn the_reference_is_what_the_tables_say() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let wanted = reference();
    if std::env::var("WFL_BLESS").is_ok() {
        fs::write(&path, &wanted).expect("a document");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/reference.md is out of date: WFL_BLESS=1 cargo test reference");
}
