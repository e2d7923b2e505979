//! What a word in a column of outcomes means. Knows the usual words, and asks for the others.

const FAILED: &[&str] = &[
    "failed",
    "failure",
    "fail",
    "error",
    "errored",
    "broken",
    "unsuccessful",
    "timeout",
    "timed-out",
    "timed out",
    "red",
    "gate-failed",
    "ko",
    "nok",
    "rejected",
    "aborted",
    "unstable",
];
const WELL: &[&str] = &[
    "succeeded",
    "success",
    "successful",
    "passed",
    "pass",
    "ok",
    "completed",
    "complete",
    "fixed",
    "green",
    "done",
    "approved",
    "accepted",
];
/// Names of columns in which yes means that it went well.
const GOOD: &[&str] = &["success", "succeeded", "passed", "ok", "good", "complete"];

/// How words of one column are read.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdicts {
    failed_when: Option<String>,
    yes_is_good: bool,
}

/// One word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Failed,
    Well,
    /// Nothing is said.
    Open,
    Unknown,
}

impl Verdicts {
    pub fn of(column: &str, failed_when: Option<&str>) -> Verdicts {
        let name = column.to_lowercase();
        Verdicts {
            failed_when: failed_when.map(str::to_lowercase),
            yes_is_good: GOOD.iter().any(|good| name.contains(good)),
        }
    }

    pub fn read(&self, text: &str) -> Verdict {
        let word = text.trim().to_lowercase();
        if word.is_empty() {
            return Verdict::Open;
        }
        if let Some(failed) = &self.failed_when {
            return if &word == failed { Verdict::Failed } else { Verdict::Well };
        }
        let yes = match word.as_str() {
            "1" | "true" | "yes" | "y" | "1.0" | "t" => Some(true),
            "0" | "false" | "no" | "n" | "0.0" | "f" => Some(false),
            _ => None,
        };
        // `failed@7`: the stage stands behind.
        let first = word.split(['@', ':', ' ']).next().unwrap_or_default();
        match yes {
            Some(yes) if yes != self.yes_is_good => Verdict::Failed,
            Some(_) => Verdict::Well,
            None if FAILED.contains(&word.as_str()) || FAILED.contains(&first) => Verdict::Failed,
            None if WELL.contains(&word.as_str()) => Verdict::Well,
            None => Verdict::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_bits() {
        let of = |column: &str, word: &str| Verdicts::of(column, None).read(word);
        assert_eq!((of("build_Failed", "1"), of("success", "1")), (Verdict::Failed, Verdict::Well));
        assert_eq!((of("outcome", "failed@7"), of("outcome", "Completed")), (Verdict::Failed, Verdict::Well));
        assert_eq!((of("outcome", ""), of("outcome", "maybe")), (Verdict::Open, Verdict::Unknown));
        assert_eq!(Verdicts::of("grade", Some("D")).read("d"), Verdict::Failed);
        assert_eq!(Verdicts::of("grade", Some("D")).read("A"), Verdict::Well);
    }
}
