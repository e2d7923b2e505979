//! What cargo prints with `--message-format json`: errors and warnings of the compiler and of clippy. One finding that
//! several targets report counts once. Knows no threshold.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use super::json;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) errors: i64,
    pub(super) warnings: i64,
}

#[derive(serde::Deserialize)]
struct Line {
    reason: String,
    success: Option<bool>,
    message: Option<Message>,
}

#[derive(serde::Deserialize)]
struct Message {
    message: String,
    level: String,
    rendered: Option<String>,
    #[serde(default)]
    spans: Vec<serde::de::IgnoredAny>,
}

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<Found, String> {
    let mut found = Found::default();
    let (mut seen, mut finished) = (HashSet::new(), None);
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        // Build scripts and macros may print among cargo's own lines, which are all objects.
        if !line.starts_with(b"{") {
            continue;
        }
        let place = format!("line {number} of {path}");
        let line: Line = json::through(&place, line, std::marker::PhantomData)?;
        if line.reason == "build-finished" {
            finished = line.success;
        }
        if let Some(message) = line.message.filter(|_| line.reason == "compiler-message")
            && !message.sums_up()
            && seen.insert(message.mark())
        {
            found.errors += i64::from(message.level.starts_with("error"));
            found.warnings += i64::from(message.level == "warning");
        }
    }
    match finished {
        None => Err(format!("{path} does not say that the build finished")),
        Some(false) if found.errors == 0 => Err(format!("{path}: the build failed and no error is told")),
        Some(_) => Ok(found),
    }
}

impl Message {
    /// "aborting due to 2 previous errors", "3 warnings emitted": no finding of its own.
    fn sums_up(&self) -> bool {
        let text = &self.message;
        self.spans.is_empty()
            && (text.starts_with("aborting due to")
                || text.starts_with("Some errors have detailed explanations")
                || text.starts_with("For more information about")
                || text.ends_with("warning emitted")
                || text.ends_with("warnings emitted"))
    }

    fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.level, self.rendered.as_ref().unwrap_or(&self.message)).hash(&mut hasher);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARNING: &str = r#"{"reason":"compiler-message","message":{"message":"unneeded `return`","level":"warning","rendered":"src/lib.rs:2","spans":[{}],"code":{"code":"clippy::needless_return"}}}"#;
    const SUMMARY: &str = r#"{"reason":"compiler-message","message":{"message":"1 warning emitted","level":"warning","spans":[]}}"#;
    const DONE: &str = r#"{"reason":"build-finished","success":true}"#;

    fn of(lines: &[&str]) -> Result<Found, String> {
        read("r", lines.join("\n").as_bytes())
    }

    #[test]
    fn a_finding_of_two_targets_counts_once_and_summaries_do_not() {
        let artifact = r#"{"reason":"compiler-artifact","fresh":true}"#;
        assert_eq!(
            of(&[artifact, WARNING, "printed by a macro", WARNING, SUMMARY, DONE, ""]),
            Ok(Found { errors: 0, warnings: 1 })
        );
        let error = WARNING.replace("\"warning\"", "\"error\"");
        let failed = DONE.replace("true", "false");
        assert_eq!(of(&[&error, WARNING, &failed]), Ok(Found { errors: 1, warnings: 1 }));
    }

    #[test]
    fn a_build_that_did_not_finish_does_not_pass() {
        for lines in [
            &[][..],
            &[WARNING],
            &[WARNING, "{\"reason\":\"build-fin"],
            &["error: could not find `Cargo.toml`"],
            &[r#"{"reason":"build-finished","success":false}"#],
            &[r#"{"reason":"build-finished"}"#],
        ] {
            assert!(of(lines).is_err(), "{lines:?}");
        }
    }
}
