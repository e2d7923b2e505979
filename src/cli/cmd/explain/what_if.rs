//! `--what-if`: another change as it is written, and what it would make different, for a person.

use crate::embed::{Change, Error};
use crate::insight::{Advice, Difference};

use super::text::{percent, time, wrapped};

/// A change as it is written: `files=a,b,type=fix,branch=…`. What has no `=` belongs to the list before it.
pub fn parse(text: &str, now: &Change) -> Result<Change, Error> {
    let mut change = now.clone();
    let mut files: Option<Vec<String>> = None;
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some(("files", first)) => {
                let first = Some(first).filter(|first| !first.is_empty()).map(str::to_string);
                files.get_or_insert_default().extend(first);
            }
            Some(("type", kind)) => change.kind = Some(kind.to_string()),
            Some(("added", lines)) => change.added = Some(number(text, lines)?),
            Some(("deleted", lines)) => change.deleted = Some(number(text, lines)?),
            Some((key, _)) if !key.contains('/') && !key.contains('.') => return Err(unknown(text, key)),
            _ => match &mut files {
                Some(files) => files.push(part.to_string()),
                None => return Err(unknown(text, part)),
            },
        }
    }
    change.files = files.or(change.files);
    Ok(change)
}

fn number(text: &str, lines: &str) -> Result<u64, Error> {
    lines.parse().map_err(|_| {
        Error::refused(
            format!("`--what-if {text}`: `{lines}` is no number of lines"),
            "write it as `added=12`",
        )
    })
}

fn unknown(text: &str, part: &str) -> Error {
    Error::refused(
        format!("`--what-if {text}`: `{part}` says nothing of a change"),
        "write it as `--what-if files=src/a.rs,src/b.rs,type=fix`; `added=N` and `deleted=N` count lines",
    )
}

/// What would be different.
pub fn text(asked: &str, then: &Advice, found: &Difference, width: usize) -> String {
    let stage = |name: &String| {
        let chances = found.stages.iter().find(|stage| &stage.name == name);
        match chances {
            Some(moved) => format!(
                "{name} (needed {}, was {})",
                percent(moved.probability[1]),
                percent(moved.probability[0])
            ),
            None => name.clone(),
        }
    };
    let list = |word: &str, names: &[String]| {
        let all: Vec<String> = names.iter().map(stage).collect();
        (!names.is_empty()).then(|| format!("{word} {}", all.join(", ")))
    };
    let mut lines: Vec<String> = found.lane.iter().map(|lane| format!("chooses lane {lane}")).collect();
    lines.extend(list("keeps as well", &found.kept));
    lines.extend(list("leaves out", &found.left));
    let risks = found.stages.iter().filter(|stage| (stage.risk[1] - stage.risk[0]).abs() >= 0.01);
    lines.extend(risks.map(|stage| {
        format!("{} fails {}, was {}", stage.name, percent(stage.risk[1]), percent(stage.risk[0]))
    }));
    lines.extend(found.seconds.filter(|by| by.abs() >= 0.001).map(|by| {
        let word = if by < 0.0 { "less" } else { "more" };
        format!("takes {}, {} {word}", time(then.estimate.seconds.unwrap_or_default()), time(by.abs()))
    }));
    if lines.is_empty() {
        lines.push("nothing would be different".into());
    }
    let lines: String = lines.iter().map(|line| wrapped(line, "  ", "    ", width)).collect();
    format!("what if {asked}:\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_go_on_until_the_next_word() {
        let change = parse("files=docs/a.md,src/b.rs,type=docs", &Change::default()).unwrap();
        assert_eq!(change.files, Some(vec!["docs/a.md".into(), "src/b.rs".into()]));
        assert_eq!(change.kind.as_deref(), Some("docs"));
    }

    #[test]
    fn what_says_nothing_is_refused() {
        assert!(parse("docs/a.md", &Change::default()).is_err());
        assert!(parse("fils=docs/a.md", &Change::default()).is_err());
        assert!(parse("added=many", &Change::default()).is_err());
    }

    #[test]
    fn what_is_not_said_stays_as_it_is() {
        let now = Change { files: Some(vec!["a".into()]), ..Change::default() };
        assert_eq!(parse("type=fix", &now).unwrap().files, Some(vec!["a".into()]));
    }
}
